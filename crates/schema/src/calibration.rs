//! Whether a model is right as often as it claims to be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bins of equal width from 0 to 1, as many as Guo et al. take.
const BINS: usize = 15;

/// How confident a model is next to how often it is right (Guo et al., 2017, "On calibration of modern neural networks").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// Σ images of the bin / all images · |accuracy − confidence|, over the bins: 0 if of the images that the model is 80 % sure of,
    /// 80 % are right, and so on.
    pub expected_calibration_error: f64,
    /// The bins that have images, in ascending order.
    pub bins: Vec<CalibrationBin>,
}

/// The images that a model is about equally sure of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationBin {
    /// Where it begins; a confidence of exactly this belongs to the bin below, if there is one.
    pub low: f64,
    /// Where it ends, that included.
    pub high: f64,
    /// How many images are in it, 1 or more.
    pub images: usize,
    /// The mean of their confidences.
    pub confidence: f64,
    /// The share of them that is right.
    pub accuracy: f64,
}

/// What has come into a bin so far.
#[derive(Clone, Copy, Default)]
struct Sums {
    images: usize,
    confidence: f64,
    right: usize,
}

impl Calibration {
    /// Sorts images into 15 bins of equal width by how confident the model is of its answer, and compares the mean confidence of each
    /// bin with its accuracy. `answers` has for each image the largest probability, from 0 to 1, and whether that class is the right
    /// one. Rounding may take a probability a little out of that range: it belongs to the outermost bin then. A value on an edge
    /// belongs to the lower bin, as in scikit-learn's `calibration_curve`.
    ///
    /// `None` without images, or if a confidence is infinite or NaN.
    #[must_use]
    pub fn new(answers: impl IntoIterator<Item = (f32, bool)>) -> Option<Self> {
        let mut sums = [Sums::default(); BINS];
        let mut images = 0_usize;
        for (confidence, right) in answers {
            let confidence = confidence.is_finite().then_some(f64::from(confidence))?;
            let sum = &mut sums[(1..BINS).take_while(|&bin| edge(bin) < confidence).count()];
            sum.images += 1;
            sum.confidence += confidence;
            sum.right += usize::from(right);
            images += 1;
        }
        let bins = sums.iter().enumerate().filter_map(|(bin, sum)| sum.bin(edge(bin), edge(bin + 1)));
        let bins: Vec<_> = bins.collect();
        let gaps = bins.iter().map(|bin| bin.images as f64 * (bin.accuracy - bin.confidence).abs());
        let expected_calibration_error = gaps.sum::<f64>() / images as f64;
        (images > 0).then_some(Self { expected_calibration_error, bins })
    }
}

impl Sums {
    /// The means; `None` without images.
    fn bin(&self, low: f64, high: f64) -> Option<CalibrationBin> {
        let images = self.images as f64;
        let (confidence, accuracy) = (self.confidence / images, self.right as f64 / images);
        (self.images > 0).then_some(CalibrationBin { low, high, images: self.images, confidence, accuracy })
    }
}

/// Where bin number `bin` begins.
fn edge(bin: usize) -> f64 {
    bin as f64 / BINS as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        let calibration = Calibration::new([(0.5, true), (0.5, false), (0.75, true), (1.0, true)]).unwrap();
        let [half, three_quarters, sure] = calibration.bins[..] else { panic!("{calibration:?}") };
        assert_eq!((half.images, half.confidence, half.accuracy), (2, 0.5, 0.5));
        assert_eq!((three_quarters.low, three_quarters.high), (11.0 / 15.0, 12.0 / 15.0));
        assert_eq!((sure.high, sure.confidence, sure.accuracy), (1.0, 1.0, 1.0));
        assert_eq!(calibration.expected_calibration_error, 0.25 / 4.0);
        let json = serde_json::to_value(&calibration).unwrap();
        assert_eq!(json["bins"][0]["images"], 2);
        assert_eq!(serde_json::from_value::<Calibration>(json).unwrap(), calibration);
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(Calibration::new([]), None);
        assert_eq!(Calibration::new([(0.5, true), (f32::NAN, true)]), None);
        assert_eq!(Calibration::new([(f32::INFINITY, true)]), None);
    }

    #[test]
    fn what_rounding_takes_out_of_range_is_in_the_outermost_bins() {
        let calibration =
            Calibration::new([(-1e-9, false), (0.0, false), (1.0, true), (1.000_001, true)]).unwrap();
        let images: Vec<_> = calibration.bins.iter().map(|bin| (bin.low, bin.high, bin.images)).collect();
        assert_eq!(images, [(0.0, 1.0 / 15.0, 2), (14.0 / 15.0, 1.0, 2)]);
    }

    proptest! {
        #[test]
        fn figures_are_consistent(answers in proptest::collection::vec((0.0f32..=1.0, any::<bool>()), 1..80)) {
            let calibration = Calibration::new(answers.clone()).unwrap();
            prop_assert_eq!(calibration.bins.iter().map(|bin| bin.images).sum::<usize>(), answers.len());
            prop_assert!((0.0..=1.0).contains(&calibration.expected_calibration_error));
            for bin in calibration.bins {
                prop_assert!(bin.low - 1e-12 <= bin.confidence && bin.confidence <= bin.high + 1e-12, "{bin:?}");
            }
        }
    }
}
