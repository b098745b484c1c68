//! Two models, each trained once, on the same images.

/// The p-value of McNemar's exact test (1947, "Note on the sampling error of the difference between correlated proportions or
/// percentages"), two-sided. Images that both models get right, or neither, say nothing about which is better. Of the n others `only_a`
/// are right for one model, and `only_b` for the other; if the two were equally good, each such image would be either's with
/// probability ½. The p-value is the probability of a split as uneven as this one or more so:
///
/// p = min(1, 2 · P(X ≤ min(`only_a`, `only_b`))), X ~ Binomial(n, ½).
///
/// It is 1 if there are no such images, and 0 only where it is below the smallest positive number. It takes time linear in n.
#[must_use]
pub fn mcnemar(only_a: usize, only_b: usize) -> f64 {
    let (few, many) = (only_a.min(only_b) as u64, only_a.max(only_b) as u64);
    if few == many {
        return 1.0;
    }
    // P(X ≤ k) / P(X = k) = 1 + k / (n − k + 1) + k · (k − 1) / ((n − k + 1) · (n − k + 2)) + …
    let (mut term, mut sum) = (1.0, 1.0);
    for (step, count) in (1..=few).rev().enumerate() {
        term *= count as f64 / (many + 1 + step as u64) as f64;
        sum += term;
        if term < 1e-18 * sum {
            break;
        }
    }
    (2.0 * probability(few, many) * sum).min(1.0)
}

/// P(X = `few`) for X ~ Binomial(`few` + `many`, ½): the number of ways to draw `few` of all, halved once for each of all. Halving is
/// exact, and is done along the way, so that nothing becomes too large or too small before the end.
fn probability(few: u64, many: u64) -> f64 {
    let mut ways = 1.0;
    let mut halvings = few + many;
    for count in 1..=few {
        ways *= (many + count) as f64 / count as f64;
        while ways >= 1.0 && halvings > 0 {
            ways *= 0.5;
            halvings -= 1;
        }
    }
    ways * (-(halvings as f64)).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        for (only_a, only_b, expected) in [
            (0, 0, 1.0),
            (1, 0, 1.0),
            (5, 5, 1.0),
            (4, 5, 1.0),
            // 2 · (1 + 10) / 2¹⁰.
            (9, 1, 22.0 / 1024.0),
            (0, 20, 2.0 / 1_048_576.0),
        ] {
            assert!((mcnemar(only_a, only_b) - expected).abs() < 1e-15, "{only_a} {only_b}");
        }
    }

    #[test]
    fn extremes() {
        assert_eq!(mcnemar(0, 1000), 2.0_f64.powi(-999));
        assert_eq!(mcnemar(0, 5_000_000), 0.0);
        assert_eq!(mcnemar(2_500_000, 2_500_000), 1.0);
        assert!((mcnemar(2_500_000, 2_500_001) - 1.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn the_order_is_nothing_and_more_uneven_is_less_likely(few in 0_usize..3000, more in 0_usize..3000) {
            let many = few + more;
            let p = mcnemar(few, many);
            prop_assert!((0.0..=1.0).contains(&p), "{p}");
            prop_assert_eq!(p, mcnemar(many, few));
            prop_assert!(mcnemar(few, many + 1) <= p);
        }
    }
}
