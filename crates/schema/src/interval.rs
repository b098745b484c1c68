//! How far a share can be from the truth, having been seen in some images only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The 97.5 % quantile of the normal distribution: 95 % lie within this many standard deviations on either side.
const NORMAL_QUANTILE: f64 = 1.959_963_984_540_054;

/// An interval of shares, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Its lower end, 0 or more.
    pub low: f64,
    /// Its upper end, 1 or less.
    pub high: f64,
}

impl Interval {
    /// The 95 % interval of a share of which `right` of `images` were seen: Wilson's score interval (1927, "Probable inference, the
    /// law of succession, and statistical inference"). With k of n images right and z the normal distribution's 97.5 % quantile its
    /// ends are
    ///
    /// (k + z²/2 ± z · √(k · (n − k) / n + z²/4)) / (n + z²).
    ///
    /// Unlike k/n ± z · √(…), it never leaves [0, 1] and keeps its promise for few images and for shares near 0 and 1. For no
    /// images it is [0, 1]; its lower end is exactly 0 where nothing is right, and its upper end exactly 1 where everything is.
    ///
    /// # Panics
    /// If more are right than there are images.
    #[must_use]
    pub fn wilson(right: usize, images: usize) -> Self {
        assert!(right <= images, "{right} of {images} images right");
        // What is not right has the same interval, the other way round.
        Self { low: 1.0 - upper_end(images - right, images), high: upper_end(right, images) }
    }
}

fn upper_end(count: usize, images: usize) -> f64 {
    if count == images {
        return 1.0;
    }
    let squared = NORMAL_QUANTILE * NORMAL_QUANTILE;
    let (count, images) = (count as f64, images as f64);
    let deviation = (count * (images - count) / images + squared / 4.0).sqrt();
    (count + squared / 2.0 + NORMAL_QUANTILE * deviation) / (images + squared)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends_are_exact_where_all_or_nothing_is_right() {
        assert_eq!(Interval::wilson(0, 0), Interval { low: 0.0, high: 1.0 });
        for images in [1, 2, 7, 1000, 60_000] {
            assert_eq!(Interval::wilson(0, images).low, 0.0);
            assert_eq!(Interval::wilson(images, images).high, 1.0);
        }
    }

    proptest! {
        #[test]
        fn the_share_is_within(images in 1usize..100_000, share in 0.0..=1.0) {
            let right = (share * images as f64) as usize;
            let Interval { low, high } = Interval::wilson(right, images);
            let seen = right as f64 / images as f64;
            prop_assert!(0.0 <= low && low <= seen && seen <= high && high <= 1.0, "{low} {seen} {high}");
        }
    }
}
