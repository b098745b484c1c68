//! Entropy, cross-entropy and the Kullback–Leibler divergence of distributions over classes, in nats.
//!
//! H(p, q) = H(p) + D_KL(p ‖ q) (tutorial 4.5): the target's entropy doesn't depend on the model, so minimising the
//! cross-entropy minimises the divergence; for one-hot targets the entropy is 0 and the two are one.
//!
//! 0 · ln 0 counts as 0. All three panic if `p` and `q` differ in length.

/// H(p) = −Σ_k p_k ln p_k.
#[must_use]
pub fn entropy(p: &[f64]) -> f64 {
    cross_entropy(p, p)
}

/// H(p, q) = −Σ_k p_k ln q_k: infinite where q rules out what p allows.
#[must_use]
pub fn cross_entropy(p: &[f64], q: &[f64]) -> f64 {
    sum(p, q, |p, q| -p * q.ln())
}

/// D_KL(p ‖ q) = Σ_k p_k ln (p_k / q_k): never negative, 0 only where p = q.
#[must_use]
pub fn kl_divergence(p: &[f64], q: &[f64]) -> f64 {
    sum(p, q, |p, q| p * (p / q).ln())
}

fn sum(p: &[f64], q: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    assert_eq!(p.len(), q.len(), "two distributions over the same classes");
    p.iter().zip(q).map(|(&p, &q)| if p == 0.0 { 0.0 } else { term(p, q) }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        assert!((entropy(&[0.25; 4]) - 4f64.ln()).abs() < 1e-12);
        assert_eq!(entropy(&[0.0, 1.0]), 0.0);
        assert_eq!(cross_entropy(&[0.5, 0.5], &[0.0, 1.0]), f64::INFINITY);
        assert_eq!(kl_divergence(&[0.3, 0.7], &[0.3, 0.7]), 0.0);
    }

    fn distribution() -> impl Strategy<Value = Vec<f64>> {
        proptest::collection::vec(0.001..1.0f64, 10).prop_map(|weights| {
            let sum: f64 = weights.iter().sum();
            weights.into_iter().map(|weight| weight / sum).collect()
        })
    }

    proptest! {
        #[test]
        fn cross_entropy_is_entropy_plus_divergence(p in distribution(), q in distribution()) {
            prop_assert!((cross_entropy(&p, &q) - entropy(&p) - kl_divergence(&p, &q)).abs() < 1e-9);
            prop_assert!(kl_divergence(&p, &q) >= -1e-12);
        }
    }
}
