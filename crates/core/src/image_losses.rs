//! What the two losses say of one image (tutorial 4.6), in numbers that can be read rather than tensors.

use zoo_schema::ImageLosses;

use crate::information::log_softmax;

/// What both losses say of the `scores` of an image of class `label`; `delta` is the hinge's Δ.
///
/// # Panics
/// If `label` is not a class.
#[must_use]
pub fn image_losses(scores: &[f32], label: usize, delta: f64) -> ImageLosses {
    let log_p = log_softmax(scores);
    let probabilities: Vec<f64> = log_p.iter().map(|log_p| log_p.exp()).collect();
    // ANCHOR: hinge
    let right = f64::from(scores[label]);
    let margins: Vec<f64> = scores.iter().map(|&score| right - f64::from(score)).collect();
    let mut violations: Vec<f64> = margins.iter().map(|margin| (delta - margin).max(0.0)).collect();
    violations[label] = 0.0;
    let mut hinge_gradient: Vec<f64> =
        violations.iter().map(|&violation| if violation > 0.0 { 1.0 } else { 0.0 }).collect();
    hinge_gradient[label] = -hinge_gradient.iter().sum::<f64>();
    // ANCHOR_END: hinge
    // ANCHOR: cross_entropy_gradient
    // p_y − 1 by way of the others: where p_y is close to 1 the difference would lose its digits.
    let mut cross_entropy_gradient = probabilities.clone();
    cross_entropy_gradient[label] = 0.0;
    cross_entropy_gradient[label] = -cross_entropy_gradient.iter().sum::<f64>();
    // ANCHOR_END: cross_entropy_gradient
    ImageLosses {
        scores: scores.into(),
        cross_entropy: -log_p[label],
        hinge: violations.iter().sum(),
        cross_entropy_gradient,
        hinge_gradient,
        probabilities,
        margins,
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};
    use proptest::prelude::*;

    use super::*;
    use crate::loss::Loss;

    #[test]
    fn by_hand() {
        // Scores 2, 1.5 and −1, the first class right: class 1 is half a margin short, class 2 is far enough behind.
        let image = image_losses(&[2.0, 1.5, -1.0], 0, 1.0);
        assert_eq!(image.margins, [0.0, 0.5, 3.0]);
        assert_eq!(image.hinge, 0.5);
        assert_eq!(image.hinge_gradient, [-1.0, 1.0, 0.0]);
        assert_eq!(image.margin(0), 0.5);
        let sum = 1.0 + (-0.5f64).exp() + (-3.0f64).exp();
        assert!((image.cross_entropy - sum.ln()).abs() < 1e-12);
        assert!((image.cross_entropy_gradient[0] - (1.0 / sum - 1.0)).abs() < 1e-12);
    }

    #[test]
    fn the_hinge_is_content_and_cross_entropy_never() {
        let far = image_losses(&[60.0, 0.0, -3.0], 0, 1.0);
        assert_eq!((far.hinge, &far.hinge_gradient), (0.0, &vec![0.0; 3]));
        assert!(far.cross_entropy > 0.0 && far.cross_entropy_gradient[0] < 0.0, "{far:?}");
    }

    proptest! {
        #[test]
        fn agrees_with_the_losses_of_training_and_their_slopes(
            scores in proptest::collection::vec(-4.0..4.0f32, 6), label in 0usize..6,
        ) {
            let device = Device::flex();
            let image = image_losses(&scores, label, 1.0);
            let of = |loss: Loss, scores: &[f32]| -> f64 {
                let scores = Tensor::<1>::from_floats(scores, &device).reshape([1, 6]);
                f64::from(loss.forward(scores, Tensor::from_data([label as i32], &device)).into_scalar::<f32>())
            };
            let (entropy, hinge) = (Loss::CrossEntropy { label_smoothing: 0.0 }, Loss::Hinge { margin: 1.0 });
            prop_assert!((of(entropy, &scores) - image.cross_entropy).abs() < 1e-4);
            prop_assert!((of(hinge, &scores) - image.hinge).abs() < 1e-4);
            for class in 0..6 {
                let moved = |by: f32| {
                    let mut scores = scores.clone();
                    scores[class] += by;
                    image_losses(&scores, label, 1.0)
                };
                let (less, more) = (moved(-1.0 / 1024.0), moved(1.0 / 1024.0));
                let width = f64::from(more.scores[class]) - f64::from(less.scores[class]);
                let slope = (more.cross_entropy - less.cross_entropy) / width;
                prop_assert!((slope - image.cross_entropy_gradient[class]).abs() < 1e-5);
                // The hinge has kinks, where no slope is the gradient.
                if less.hinge_gradient == more.hinge_gradient {
                    let slope = (more.hinge - less.hinge) / width;
                    prop_assert!((slope - image.hinge_gradient[class]).abs() < 1e-6);
                }
            }
        }
    }
}
