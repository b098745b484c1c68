//! Entropy, cross-entropy and the Kullback–Leibler divergence of distributions over classes, in nats.
//!
//! H(q, p) = H(q) + D_KL(q ‖ p) (tutorial 4.5), q being the target and p what a model says: the target's entropy doesn't
//! depend on the model, so minimising the cross-entropy minimises the divergence; for one-hot targets the entropy is 0 and the
//! two are one. (The tutorial writes P for the model in 4.4 and for the target in 4.5; here q is the target throughout, as
//! in [`Loss`](crate::Loss).)
//!
//! A model's distribution is given by its logarithms, as [`log_softmax`] has them: scores far apart make probabilities that
//! no float can hold, but their logarithms are plain numbers. A class that q rules out counts 0. All functions
//! of two distributions panic if they differ in length.

// ANCHOR: divergence
/// H(q) = −Σ_k q_k ln q_k.
#[must_use]
pub fn entropy(q: &[f64]) -> f64 {
    let term = |&q: &f64| if q == 0.0 { 0.0 } else { -q * q.ln() };
    q.iter().map(term).sum()
}

/// H(q, p) = −Σ_k q_k ln p_k: infinite where p rules out what q allows.
#[must_use]
pub fn cross_entropy(q: &[f64], log_p: &[f64]) -> f64 {
    sum(q, log_p, |q, log_p| -q * log_p)
}

/// D_KL(q ‖ p) = Σ_k q_k (ln q_k − ln p_k): never negative, 0 only where q = p.
#[must_use]
pub fn kl_divergence(q: &[f64], log_p: &[f64]) -> f64 {
    sum(q, log_p, |q, log_p| q * (q.ln() - log_p))
}
// ANCHOR_END: divergence

fn sum(q: &[f64], log_p: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    assert_eq!(q.len(), log_p.len(), "two distributions over the same classes");
    q.iter().zip(log_p).map(|(&q, &log_p)| if q == 0.0 { 0.0 } else { term(q, log_p) }).sum()
}

// ANCHOR: log_softmax
/// ln p_k = s_k − ln Σ_j e^{s_j} (tutorial 4.4).
///
/// The largest score m is taken out of the sum, m + ln(1 + Σ_{others} e^{s_j − m}): nothing overflows, and a probability close
/// to 1 keeps its digits.
#[must_use]
pub fn log_softmax(scores: &[f32]) -> Vec<f64> {
    let scores: Vec<f64> = scores.iter().copied().map(f64::from).collect();
    let first =
        (1..scores.len()).fold(0, |best, class| if scores[class] > scores[best] { class } else { best });
    let others = scores.iter().enumerate().filter(|&(class, _)| class != first);
    let others: f64 = others.map(|(_, score)| (score - scores[first]).exp()).sum();
    scores.iter().map(|score| score - scores[first] - others.ln_1p()).collect()
}
// ANCHOR_END: log_softmax

/// The target (1 − ε) · one-hot + ε / classes, ε being `label_smoothing`; one-hot where that is 0.
///
/// # Panics
/// If `label` is not below `classes`.
#[must_use]
pub fn target(label: usize, classes: usize, label_smoothing: f64) -> Vec<f64> {
    let mut q = vec![label_smoothing / classes as f64; classes];
    q[label] += 1.0 - label_smoothing;
    q
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn logarithms(p: &[f64]) -> Vec<f64> {
        p.iter().map(|p| p.ln()).collect()
    }

    #[test]
    fn known_values() {
        assert!((entropy(&[0.25; 4]) - 4f64.ln()).abs() < 1e-12);
        assert_eq!(entropy(&[0.0, 1.0]), 0.0);
        assert_eq!(cross_entropy(&[0.5, 0.5], &logarithms(&[0.0, 1.0])), f64::INFINITY);
        assert_eq!(kl_divergence(&[0.3, 0.7], &logarithms(&[0.3, 0.7])), 0.0);
        // A tenth spread over ten classes: 0.91 for the right one, 0.01 for each other.
        let smoothed = target(3, 10, 0.1);
        assert!((entropy(&smoothed) - 0.500_288).abs() < 1e-6, "{}", entropy(&smoothed));
        assert_eq!(target(1, 3, 0.0), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn scores_far_apart_have_logarithms() {
        let log_p = log_softmax(&[2000.0, -2000.0]);
        assert_eq!(log_p, [0.0, -4000.0]);
        assert_eq!(cross_entropy(&target(1, 2, 0.0), &log_p), 4000.0);
        // 1 − p is far below what a float next to 1 can hold.
        assert!((log_softmax(&[50.0, 0.0])[0] / -(-50f64).exp() - 1.0).abs() < 1e-9);
    }

    fn distribution() -> impl Strategy<Value = Vec<f64>> {
        proptest::collection::vec(0.001..1.0f64, 10).prop_map(|weights| {
            let sum: f64 = weights.iter().sum();
            weights.into_iter().map(|weight| weight / sum).collect()
        })
    }

    proptest! {
        #[test]
        fn cross_entropy_is_entropy_plus_divergence(
            q in distribution(), scores in proptest::collection::vec(-9.0..9.0f32, 10),
        ) {
            let log_p = log_softmax(&scores);
            prop_assert!((log_p.iter().map(|log_p| log_p.exp()).sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!((cross_entropy(&q, &log_p) - entropy(&q) - kl_divergence(&q, &log_p)).abs() < 1e-9);
            prop_assert!(kl_divergence(&q, &log_p) >= -1e-12);
        }
    }
}
