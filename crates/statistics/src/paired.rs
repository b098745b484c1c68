//! How far a difference can be from the truth.

/// The 97.5 % quantile of the normal distribution: 95 % lie within this many standard deviations on either side.
const NORMAL_QUANTILE: f64 = 1.959_963_984_540_054;

/// The 95 % interval of the difference of two accuracies on the same `images`, of which only the first model gets `only_a` right and
/// only the second `only_b`: the adjusted interval of Bonett and Price (2012, "Adjusted Wald confidence interval for a difference of
/// binomial proportions based on paired data"). With n images, p = (`only_a` + 1) / (n + 2), q = (`only_b` + 1) / (n + 2) and z the normal
/// distribution's 97.5 % quantile its ends are
///
/// p − q ± z · √((p + q − (p − q)²) / (n + 2)),
///
/// within −1 to 1. It keeps its promise for few images, too, and where the models never disagree.
///
/// # Panics
/// If just one model is right on more images than there are.
#[must_use]
pub fn paired_interval(only_a: usize, only_b: usize, images: usize) -> (f64, f64) {
    assert!(only_a + only_b <= images, "{only_a} and {only_b} of {images} images");
    let all = images as f64 + 2.0;
    let (p, q) = ((only_a as f64 + 1.0) / all, (only_b as f64 + 1.0) / all);
    let width = NORMAL_QUANTILE * ((p + q - (p - q).powi(2)) / all).sqrt();
    ((p - q - width).max(-1.0), (p - q + width).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        // p = 16/102, q = 6/102: 0.098039 ± 1.959964 · √((0.215686 − 0.009612) / 102) = 0.098039 ± 0.088096.
        let (low, high) = paired_interval(15, 5, 100);
        assert!((low - 0.009_943).abs() < 1e-5 && (high - 0.186_135).abs() < 1e-5, "{low} {high}");
    }

    /// n over k.
    fn choose(n: usize, k: usize) -> f64 {
        (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product()
    }

    #[test]
    fn the_truth_is_within_as_often_as_promised() {
        let images = 40;
        for (p, q) in [(0.1, 0.1), (0.3, 0.1), (0.05, 0.02), (0.5, 0.0), (0.02, 0.3)] {
            let mut covered = 0.0;
            for only_a in 0..=images {
                for only_b in 0..=images - only_a {
                    let (low, high) = paired_interval(only_a, only_b, images);
                    let ways = choose(images, only_a) * choose(images - only_a, only_b);
                    let share = |share: f64, count: usize| share.powi(count as i32);
                    let others = share(1.0 - p - q, images - only_a - only_b);
                    let probability = ways * share(p, only_a) * share(q, only_b) * others;
                    covered += if (low..=high).contains(&(p - q)) { probability } else { 0.0 };
                }
            }
            assert!((0.935..=1.0).contains(&covered), "{covered} for {p} and {q}");
        }
    }

    proptest! {
        #[test]
        fn the_other_way_round_is_the_negative(only_a in 0_usize..50, only_b in 0_usize..50, more in 0_usize..900) {
            let images = only_a + only_b + more;
            let ((low, high), (other_low, other_high)) =
                (paired_interval(only_a, only_b, images), paired_interval(only_b, only_a, images));
            prop_assert!(-1.0 <= low && low < high && high <= 1.0);
            prop_assert!((low + other_high).abs() < 1e-12 && (high + other_low).abs() < 1e-12);
        }
    }
}
