//! How many images it takes.

/// The 97.5 % quantile of the normal distribution: 5 % lie further out, on both sides together.
const LEVEL_QUANTILE: f64 = 1.959_963_984_540_054;
/// The 80 % quantile of the normal distribution.
const POWER_QUANTILE: f64 = 0.841_621_233_572_914_3;

/// How many test images it takes [`mcnemar`](crate::mcnemar) to find a difference at the 5 % level in four of five such comparisons, if
/// the shares of images on which only one of the two models is right stay what they are here: `only_a` and `only_b` of `images`. With ψ
/// the sum of the two shares, δ their difference, and z quantiles of the normal distribution (Connor, 1987, "Sample size for testing
/// differences in proportions for the paired-sample design"):
///
/// n = (z₀.₉₇₅ · √ψ + z₀.₈ · √(ψ − δ²))² / δ², rounded up.
///
/// `None` for δ = 0, which no number of images finds. It is a normal approximation: the exact test needs up to a tenth more where n is
/// small. And it takes shares for granted that are themselves estimated: it is an order of magnitude.
///
/// # Panics
/// If just one model is right on more images than there are.
#[must_use]
pub fn images_needed(only_a: usize, only_b: usize, images: usize) -> Option<usize> {
    let (a, b, all) = (only_a as f64, only_b as f64, images as f64);
    assert!(a + b <= all, "{only_a} and {only_b} of {images} images");
    let (discordant, difference) = ((a + b) / all, (a - b) / all);
    // Where only one model has all, the square is at most the share itself except for rounding.
    let deviation = (discordant - difference * difference).max(0.0).sqrt();
    let root = (LEVEL_QUANTILE * discordant.sqrt() + POWER_QUANTILE * deviation) / difference;
    (only_a != only_b).then(|| (root * root).ceil() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_difference_is_never_found() {
        assert_eq!(images_needed(0, 0, 0), None);
        assert_eq!(images_needed(7, 7, 100), None);
    }

    #[test]
    fn by_hand() {
        // ψ = δ = 1: 1.96² = 3.84.
        assert_eq!(images_needed(5, 0, 5), Some(4));
        // ψ = 0.2, δ = 0.1: (1.959964 · 0.4472136 + 0.8416212 · 0.4358899)² / 0.01 = 154.4.
        assert_eq!(images_needed(15, 5, 100), Some(155));
        assert_eq!(images_needed(5, 15, 100), Some(155));
    }

    proptest! {
        #[test]
        fn a_larger_difference_takes_fewer_images(only_b in 0_usize..50, more in 1_usize..50) {
            let needed = |more| images_needed(only_b + more, only_b, 1000).unwrap();
            prop_assert!(needed(more + 1) <= needed(more));
        }
    }
}
