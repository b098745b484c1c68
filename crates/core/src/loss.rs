//! What training minimises. Each is the textbook's loss, a mean over the images of the batch.

use burn::tensor::{Int, Tensor, activation};

use crate::invalid_config::InvalidConfig;

/// What training minimises; [`LossConfig`](crate::LossConfig) is how a recipe says it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// −Σ_k q_k ln p_k, p being the softmax of the scores and q the target (tutorial 4.4). Scores 0 on ten classes give ln 10.
    CrossEntropy {
        /// The share ε of the target that is spread over all classes: q = (1 − ε) · one-hot + ε / classes (Szegedy et al.,
        /// 2016). Default: 0.
        label_smoothing: f64,
    },
    /// Σ_{j≠y} max(0, s_j − s_y + Δ), the multiclass SVM's loss (Weston and Watkins, 1999; CS231n, *linear-classify*). A sum over
    /// the wrong classes, so scores 0 on ten classes give 9 Δ.
    Hinge {
        /// Δ, how much the right score must exceed each other. Default: 1.
        margin: f64,
    },
    /// ½ ‖s − q‖², q being the one-hot target (tutorial 3.3).
    MeanSquaredError,
}

impl Loss {
    /// The mean loss of a batch.
    ///
    /// # Shapes
    /// - `scores`: `[batch, classes]`.
    /// - `labels`: `[batch]`, class numbers.
    /// - returns: `[1]`.
    #[must_use]
    pub fn forward(&self, scores: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
        let [batch, classes] = scores.dims();
        let label_of = |values: Tensor<2>| values.gather(1, labels.clone().reshape([batch, 1]));
        match *self {
            // The sum is a mean if each class weighs an image's share of the batch.
            Self::CrossEntropy { label_smoothing } => {
                let shares = Tensor::full([classes], 1.0 / batch as f64, (&scores.device(), scores.dtype()));
                zoo_kernels::cross_entropy(scores, labels, shares, label_smoothing)
            }
            // ANCHOR: hinge
            Self::Hinge { margin } => {
                let right = label_of(scores.clone());
                // The right class violates its own margin by Δ exactly, which is taken off again.
                let violations = activation::relu(scores - right + margin);
                violations.sum() / batch as f64 - margin
            }
            // ANCHOR_END: hinge
            Self::MeanSquaredError => {
                // ANCHOR: squared_error
                let target = labels.one_hot::<2>(classes).float().cast(scores.dtype());
                let error = scores - target;
                (error.clone() * error).sum() / (2 * batch) as f64
                // ANCHOR_END: squared_error
            }
        }
    }

    /// Σ w_y l over the images of a batch, w_y being the weight of an image's class and l its loss.
    ///
    /// Label smoothing spreads its share by the weights, as PyTorch's `CrossEntropyLoss` does: w_y l is then
    /// −(1 − ε) w_y ln p_y − (ε / classes) Σ_k w_k ln p_k.
    ///
    /// # Shapes
    /// - `scores`: `[batch, classes]`.
    /// - `labels`: `[batch]`, class numbers.
    /// - `weights`: `[classes]`, of the precision of the scores.
    /// - returns: `[1]`.
    pub(crate) fn weighted_sum(
        &self,
        scores: Tensor<2>,
        labels: Tensor<1, Int>,
        weights: Tensor<1>,
    ) -> Tensor<1> {
        let [batch, classes] = scores.dims();
        let weigh = |losses: Tensor<1>| (losses * weights.clone().select(0, labels.clone())).sum();
        let label_of = |values: Tensor<2>| values.gather(1, labels.clone().reshape([batch, 1]));
        match *self {
            Self::CrossEntropy { label_smoothing } => {
                zoo_kernels::cross_entropy(scores, labels, weights, label_smoothing)
            }
            Self::Hinge { margin } => {
                let right = label_of(scores.clone());
                let violations = activation::relu(scores - right + margin).sum_dim(1).reshape([batch]);
                weigh(violations - margin)
            }
            Self::MeanSquaredError => {
                let target = labels.clone().one_hot::<2>(classes).float().cast(scores.dtype());
                let error = scores - target;
                let squares = (error.clone() * error).sum_dim(1).reshape([batch]);
                weigh(squares) / 2.0
            }
        }
    }

    /// The loss of scores that are all 0.
    #[must_use]
    pub fn of_zeros(&self, classes: usize) -> f64 {
        match *self {
            Self::CrossEntropy { .. } => (classes as f64).ln(),
            Self::Hinge { margin } => (classes as f64 - 1.0) * margin,
            Self::MeanSquaredError => 0.5,
        }
    }

    /// The same loss without label smoothing: models are judged by it, so that the figures of different recipes compare.
    #[must_use]
    pub const fn without_smoothing(self) -> Self {
        match self {
            Self::CrossEntropy { .. } => Self::CrossEntropy { label_smoothing: 0.0 },
            other => other,
        }
    }

    /// A loss without kinks in place of one that has them: cross-entropy for the hinge; `None` for the others.
    #[must_use]
    pub const fn smooth(&self) -> Option<Self> {
        match self {
            Self::Hinge { .. } => Some(Self::CrossEntropy { label_smoothing: 0.0 }),
            Self::CrossEntropy { .. } | Self::MeanSquaredError => None,
        }
    }

    /// Δ, how much the right score must exceed each other, for a loss of margins; `None` for the others.
    #[must_use]
    pub const fn margin(&self) -> Option<f64> {
        match *self {
            Self::Hinge { margin } => Some(margin),
            Self::CrossEntropy { .. } | Self::MeanSquaredError => None,
        }
    }

    /// Whether a model that was trained with it means the softmax of its scores as probabilities: cross-entropy is least where
    /// they are the true ones, which neither margins nor squares ask for.
    #[must_use]
    pub const fn claims_probabilities(&self) -> bool {
        match self {
            Self::CrossEntropy { .. } => true,
            Self::Hinge { .. } | Self::MeanSquaredError => false,
        }
    }

    /// Its `kind` in a recipe.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CrossEntropy { .. } => "cross_entropy",
            Self::Hinge { .. } => "hinge",
            Self::MeanSquaredError => "mean_squared_error",
        }
    }

    /// Checks that all values are in range.
    ///
    /// # Errors
    /// If the smoothing is not at least 0 and below 1, or the margin is not above 0.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        match *self {
            Self::CrossEntropy { label_smoothing } => {
                InvalidConfig::share("loss.label_smoothing", label_smoothing)
            }
            Self::Hinge { margin } => InvalidConfig::positive("loss.margin", margin),
            Self::MeanSquaredError => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn loss(loss: Loss, scores: [[f32; 3]; 2]) -> f32 {
        let device = Device::flex();
        loss.forward(Tensor::from_data(scores, &device), Tensor::from_data([2, 0], &device)).into_scalar()
    }

    fn close(found: f32, expected: f32) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }

    #[test]
    fn scores_of_zero() {
        let device = Device::flex();
        let zero = |loss: Loss| -> f32 {
            let found = loss
                .forward(Tensor::zeros([4, 10], &device), Tensor::from_data([0, 3, 9, 9], &device))
                .into_scalar();
            close(found, loss.of_zeros(10) as f32);
            found
        };
        close(zero(Loss::CrossEntropy { label_smoothing: 0.0 }), 10f32.ln());
        close(zero(Loss::CrossEntropy { label_smoothing: 0.2 }), 10f32.ln());
        close(zero(Loss::Hinge { margin: 1.0 }), 9.0);
        close(zero(Loss::MeanSquaredError), 0.5);
    }

    /// Values of `torch.nn.functional.cross_entropy`; made by `scripts/golden/losses.py`.
    #[test]
    fn cross_entropy_equals_pytorch() {
        let scores = [[1.0, -2.0, 0.5], [3.0, 1.0, -1.0]];
        close(loss(Loss::CrossEntropy { label_smoothing: 0.0 }, scores), 0.573_764);
        close(loss(Loss::CrossEntropy { label_smoothing: 0.1 }, scores), 0.707_098);
    }

    #[test]
    fn hinge_by_hand() {
        // CS231n's example: scores 13, −7, 11 with the first class right lose max(0, −20 + 10) + max(0, −2 + 10) = 8 at Δ = 10.
        let device = Device::flex();
        let scores = Tensor::from_data([[13.0, -7.0, 11.0]], &device);
        let found =
            Loss::Hinge { margin: 10.0 }.forward(scores, Tensor::from_data([0], &device)).into_scalar();
        close(found, 8.0);
    }

    #[test]
    fn squared_error_by_hand() {
        // ½ (1 + 4 + ¼) and ½ (4 + 1 + 1), averaged.
        close(loss(Loss::MeanSquaredError, [[1.0, -2.0, 0.5], [3.0, 1.0, -1.0]]), f32::midpoint(2.625, 3.0));
    }

    #[test]
    fn the_hinge_alone_has_a_smooth_substitute() {
        let cross_entropy = Loss::CrossEntropy { label_smoothing: 0.0 };
        assert_eq!(Loss::Hinge { margin: 2.0 }.smooth(), Some(cross_entropy));
        assert_eq!((cross_entropy.smooth(), Loss::MeanSquaredError.smooth()), (None, None));
    }

    #[test]
    fn cross_entropy_alone_claims_probabilities() {
        assert!(Loss::CrossEntropy { label_smoothing: 0.1 }.claims_probabilities());
        assert!(!Loss::Hinge { margin: 1.0 }.claims_probabilities());
        assert!(!Loss::MeanSquaredError.claims_probabilities());
    }

    #[test]
    fn out_of_range() {
        assert!(Loss::CrossEntropy { label_smoothing: 1.0 }.validate().is_err());
        assert!(Loss::Hinge { margin: 0.0 }.validate().is_err());
        let error = Loss::Hinge { margin: -1.0 }.validate().unwrap_err();
        assert_eq!(error.to_string(), "loss.margin = -1: must be above 0");
    }
}
