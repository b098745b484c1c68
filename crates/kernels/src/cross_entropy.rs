//! The cross-entropy of scores and its slopes in one pass over each row, in place of two dozen steps over the batch.

use pulp::{Simd, WithSimd};

use crate::simd::ARCH;
use crate::slopes::exp_negative;

/// Σ l over the images, and its slopes by the scores.
///
/// With c_k = (ε / classes) w_k, and (1 − ε) w_y more for the image's own class y, an image's loss is l = −Σ_k c_k ln p_k; its
/// slope by score j is p_j Σ_k c_k − c_j.
pub(crate) fn forward(
    scores: &[f32],
    labels: &[usize],
    weights: &[f32],
    label_smoothing: f64,
) -> (f32, Vec<f32>) {
    assert_eq!(scores.len(), labels.len() * weights.len(), "a score for each image and class");
    let mut slopes = vec![0.0; scores.len()];
    let (own, spread) = (1.0 - label_smoothing, label_smoothing / weights.len() as f64);
    let spread: Vec<f32> = weights.iter().map(|&weight| (spread * f64::from(weight)) as f32).collect();
    let sum = ARCH.dispatch(Rows {
        scores,
        labels,
        weights,
        own: own as f32,
        spread: &spread,
        slopes: &mut slopes,
    });
    (sum as f32, slopes)
}

struct Rows<'a> {
    scores: &'a [f32],
    labels: &'a [usize],
    weights: &'a [f32],
    own: f32,
    spread: &'a [f32],
    slopes: &'a mut [f32],
}

impl WithSimd for Rows<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let Self { scores, labels, weights, own, spread, slopes } = self;
        let classes = weights.len();
        let all: f32 = spread.iter().sum();
        let mut sum = 0.0;
        for ((scores, slopes), &label) in
            scores.chunks_exact(classes).zip(slopes.chunks_exact_mut(classes)).zip(labels)
        {
            let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            for (slope, &score) in slopes.iter_mut().zip(scores) {
                *slope = exp_negative(largest - score);
            }
            let powers: f32 = slopes.iter().sum();
            let logarithm = powers.ln();
            let surprise = |score: f32| largest - score + logarithm;
            let own = own * weights[label];
            let mut loss = own * surprise(scores[label]);
            let factor = (own + all) / powers;
            for ((slope, &score), &spread) in slopes.iter_mut().zip(scores).zip(spread) {
                *slope = *slope * factor - spread;
                // Nothing of it: a score of −∞ may be infinitely surprising.
                if spread != 0.0 {
                    loss += spread * surprise(score);
                }
            }
            slopes[label] -= own;
            sum += f64::from(loss);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `torch.nn.functional.cross_entropy`; made by `scripts/golden/losses.py`.
    #[test]
    fn equals_pytorch() {
        let scores = [1.0, -2.0, 0.5, 3.0, 1.0, -1.0];
        let half = [0.5; 3];
        assert!((forward(&scores, &[2, 0], &half, 0.0).0 - 0.573_764).abs() < 1e-5);
        assert!((forward(&scores, &[2, 0], &half, 0.1).0 - 0.707_098).abs() < 1e-5);
    }

    #[test]
    fn far_apart_and_no_number() {
        let (sum, slopes) = forward(&[1e30, 0.0, -1e30], &[1], &[1.0; 3], 0.0);
        assert_eq!(sum, 1e30);
        assert_eq!((slopes[0], slopes[1]), (1.0, -1.0));
        assert!(slopes[2].abs() < 1e-30);
        for score in [f32::NAN, f32::INFINITY] {
            let (sum, slopes) = forward(&[0.0, score, 0.0], &[1], &[1.0; 3], 0.0);
            assert!(sum.is_nan() && slopes[0].is_nan(), "{score}: {sum}, {slopes:?}");
        }
        assert_eq!(forward(&[], &[], &[1.0; 3], 0.0), (0.0, Vec::new()));
    }

    #[test]
    #[should_panic(expected = "index out of bounds")]
    fn a_label_that_is_no_class() {
        let _ = forward(&[0.0; 3], &[3], &[1.0; 3], 0.0);
    }
}
