//! A loss in which classes count differently.

use burn::tensor::{Device, Int, Tensor};

use crate::loss::Loss;

/// A loss, and the weight of each class if they differ: Σ w_y l / Σ w_y over the images of a batch, y being an image's class and l its
/// loss. That is PyTorch's `CrossEntropyLoss(weight=…)` for cross-entropy, with and without `label_smoothing`, and the same mean for the
/// other losses. As each batch is divided by its own Σ w_y, scores of 0 lose what they lose without weights (label smoothing aside).
#[derive(Clone, Debug)]
pub struct WeightedLoss {
    loss: Loss,
    weights: Option<Weights>,
}

#[derive(Clone, Debug)]
struct Weights {
    /// `[classes]`.
    of_classes: Tensor<1>,
    /// The smallest that is above 0.
    smallest: f32,
}

impl WeightedLoss {
    /// `loss` with `weights`, one per class, for scores on `device`; without weights it is `loss` itself, to the bit.
    #[must_use]
    pub fn new(loss: Loss, weights: Option<&[f64]>, device: &Device) -> Self {
        let weights = weights.map(|weights| {
            let weights: Vec<f32> = weights.iter().map(|&weight| weight as f32).collect();
            let smallest = weights.iter().copied().filter(|&weight| weight > 0.0).fold(f32::MAX, f32::min);
            Weights { of_classes: zoo_kernels::upload(&weights[..], device), smallest }
        });
        Self { loss, weights }
    }

    /// The weighted mean loss of a batch. A batch of which no image counts loses nothing but what label smoothing spreads.
    ///
    /// # Shapes
    /// - `scores`: `[batch, classes]`.
    /// - `labels`: `[batch]`, class numbers.
    /// - returns: `[1]`.
    #[must_use]
    pub fn forward(&self, scores: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
        let Some(Weights { smallest, .. }) = self.weights else { return self.loss.forward(scores, labels) };
        let [loss, weight] = self.sums(scores, labels);
        // A sum of weights is 0 or at least the smallest of them.
        loss / weight.clamp_min(smallest)
    }

    /// What a part of a batch adds to the weighted mean loss of the whole.
    ///
    /// # Shapes
    /// - `scores`: `[part, classes]`.
    /// - `labels`: `[part]`, class numbers; `all`: `[batch]`, those of the whole batch.
    /// - returns: `[1]`.
    #[must_use]
    pub fn of_part(&self, scores: Tensor<2>, labels: Tensor<1, Int>, all: &Tensor<1, Int>) -> Tensor<1> {
        let ([part], [batch]) = (labels.dims(), all.dims());
        let Some(Weights { of_classes, smallest }) = &self.weights else {
            return self.loss.forward(scores, labels) * (part as f64 / batch as f64);
        };
        let weight = of_classes.clone().cast(scores.dtype()).select(0, all.clone()).sum();
        let [loss, _] = self.sums(scores, labels);
        loss / weight.clamp_min(*smallest)
    }

    /// Σ w_y l and Σ w_y: the mean over several batches is the sum of their losses divided by the sum of their weights.
    ///
    /// # Shapes
    /// - `scores`: `[batch, classes]`.
    /// - `labels`: `[batch]`, class numbers.
    /// - returns: `[1]` each.
    #[must_use]
    pub fn sums(&self, scores: Tensor<2>, labels: Tensor<1, Int>) -> [Tensor<1>; 2] {
        let Some(Weights { of_classes, .. }) = &self.weights else {
            let images = scores.dims()[0] as f64;
            let loss = self.loss.forward(scores, labels) * images;
            return [loss.clone(), loss.full_like(images)];
        };
        let weights = of_classes.clone().cast(scores.dtype());
        let weight = weights.clone().select(0, labels.clone()).sum();
        [self.loss.weighted_sum(scores, labels, weights), weight]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOSSES: [Loss; 4] = [
        Loss::CrossEntropy { label_smoothing: 0.0 },
        Loss::CrossEntropy { label_smoothing: 0.1 },
        Loss::Hinge { margin: 1.5 },
        Loss::MeanSquaredError,
    ];
    const SCORES: [[f32; 3]; 4] = [[1.0, -2.0, 0.5], [3.0, 1.0, -1.0], [0.5, 0.25, 0.0], [-1.0, 2.0, 1.5]];
    const LABELS: [i32; 4] = [2, 0, 0, 1];
    const WEIGHTS: [f64; 3] = [0.5, 2.0, 3.5];

    fn loss(loss: Loss, weights: Option<&[f64]>, scores: [[f32; 3]; 4], labels: [i32; 4]) -> f32 {
        let device = Device::flex();
        let (scores, labels) = (Tensor::from_data(scores, &device), Tensor::from_data(labels, &device));
        WeightedLoss::new(loss, weights, &device).forward(scores, labels).into_scalar()
    }

    fn close(found: f32, expected: f32) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }

    /// Values of `torch.nn.functional.cross_entropy(…, weight=…)` and of its gradient; made by `scripts/golden/losses.py`.
    #[test]
    fn cross_entropy_and_its_slopes_equal_pytorch() {
        let plain = [
            0.325_096, 0.016_186, -0.341_281, -0.010_245, 0.009_024, 0.001_221, -0.044_675, 0.025_115,
            0.019_560, 0.009_249, -0.121_923, 0.112_675,
        ];
        let smoothed = [
            0.308_599, 0.005_235, -0.313_834, 0.014_886, 0.001_475, -0.016_361, -0.029_872, 0.022_393,
            0.007_479, 0.006_685, -0.101_411, 0.094_726,
        ];
        for (label_smoothing, value, slopes) in [(0.0, 0.774_064, plain), (0.1, 0.919_113, smoothed)] {
            let kind = Loss::CrossEntropy { label_smoothing };
            close(loss(kind, Some(&WEIGHTS), SCORES, LABELS), value);
            let device = Device::flex().autodiff();
            let scores = Tensor::<2>::from_data(SCORES, &device).require_grad();
            let weighted = WeightedLoss::new(kind, Some(&WEIGHTS), &device);
            let gradients = weighted.forward(scores.clone(), Tensor::from_data(LABELS, &device)).backward();
            let found: Vec<f32> = scores.grad(&gradients).unwrap().into_data().try_to_vec().unwrap();
            found.into_iter().zip(slopes).for_each(|(found, slope)| close(found, slope));
        }
    }

    #[test]
    fn hinge_and_squared_error_by_hand() {
        // The hinges of the images at Δ = 1.5 are 2, 0, 2.25 and 1; their weights 3.5, ½, ½ and 2.
        let hinge = (3.5 * 2.0 + 0.5 * 0.0 + 0.5 * 2.25 + 2.0 * 1.0) / 6.5;
        close(loss(Loss::Hinge { margin: 1.5 }, Some(&WEIGHTS), SCORES, LABELS), hinge);
        // Half the squares: 1 + 4 + ¼, 4 + 1 + 1, ¼ + 1/16, 1 + 1 + 2¼.
        let squares = (3.5 * 5.25 + 0.5 * 6.0 + 0.5 * 0.3125 + 2.0 * 4.25) / 2.0 / 6.5;
        close(loss(Loss::MeanSquaredError, Some(&WEIGHTS), SCORES, LABELS), squares);
    }

    #[test]
    fn equal_weights_change_nothing_and_only_proportions_matter() {
        for kind in LOSSES {
            let plain = loss(kind, None, SCORES, LABELS);
            close(loss(kind, Some(&[2.5; 3]), SCORES, LABELS), plain);
            let doubled = WEIGHTS.map(|weight| 2.0 * weight);
            let weighted = loss(kind, Some(&WEIGHTS), SCORES, LABELS);
            close(loss(kind, Some(&doubled), SCORES, LABELS), weighted);
            assert!((weighted - plain).abs() > 0.01, "{kind:?}: {weighted}");
        }
    }

    #[test]
    fn scores_of_zero_lose_what_they_lose_without_weights() {
        for kind in [LOSSES[0], LOSSES[2], LOSSES[3]] {
            close(loss(kind, Some(&WEIGHTS), [[0.0; 3]; 4], LABELS), kind.of_zeros(3) as f32);
        }
    }

    #[test]
    fn batches_add_up() {
        let device = Device::flex();
        let sums = |weighted: &WeightedLoss, images: std::ops::Range<usize>| -> [f32; 2] {
            let scores = Tensor::<2>::from_data(SCORES, &device).slice(images.clone());
            let labels = Tensor::<1, Int>::from_data(LABELS, &device).slice(images);
            weighted.sums(scores, labels).map(Tensor::into_scalar)
        };
        for (kind, weights) in LOSSES.into_iter().flat_map(|kind| [(kind, None), (kind, Some(&WEIGHTS[..]))])
        {
            let weighted = WeightedLoss::new(kind, weights, &device);
            let [(loss_a, weight_a), (loss_b, weight_b)] =
                [sums(&weighted, 0..1), sums(&weighted, 1..4)].map(|[loss, weight]| (loss, weight));
            close((loss_a + loss_b) / (weight_a + weight_b), loss(kind, weights, SCORES, LABELS));
        }
    }

    #[test]
    fn a_batch_of_which_no_image_counts_is_no_accident() {
        for kind in LOSSES {
            let found = loss(kind, Some(&[0.0, 1.0, 1.0]), SCORES, [0; 4]);
            let is_smoothed = kind == LOSSES[1];
            assert!(found.is_finite() && (found != 0.0) == is_smoothed, "{kind:?}: {found}");
        }
    }
}
