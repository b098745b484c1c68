//! The softmax classifier: linear scores read as log-probabilities (tutorial 4.3 and 4.4; CS231n, *linear-classify*).
//!
//! s = W x + b, P(y = k | x) = e^{s_k} / Σ_j e^{s_j}, and the loss is −ln P(y = y_true | x). Regularization is the
//! optimizer's `weight_decay`.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use zoo_core::{Architecture, Classifier, InputSpec, Loss};
//! use zoo_softmax::SoftmaxConfig;
//!
//! let device = Device::flex();
//! let input = InputSpec::without_statistics([3, 32, 32], 10);
//! let model = SoftmaxConfig::default().draw(&input, &device, 42);
//! let scores = model.forward(Tensor::zeros([4, 3, 32, 32], &device));
//! let labels = Tensor::from_data([0, 1, 2, 3], &device);
//! let loss: f32 = Loss::CrossEntropy { label_smoothing: 0.0 }.forward(scores, labels).into_scalar();
//! assert!((loss - 10f32.ln()).abs() < 0.1);
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read tensors as they like"))]

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::{
    Architecture, Classifier, Features, InputSpec, InvalidConfig, LinearConfig, LinearScores, Loss,
};

/// The `[architecture]` of a softmax recipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SoftmaxConfig(pub LinearConfig);

/// W x + b under cross-entropy.
#[derive(Module, Debug)]
pub struct Softmax {
    scores: LinearScores,
}

impl Architecture for SoftmaxConfig {
    type Model = Softmax;

    fn features(&self) -> Features {
        self.0.features.clone()
    }

    fn init(&self, input: &InputSpec, device: &Device) -> Softmax {
        Softmax { scores: LinearScores::new(&self.0, input, device) }
    }

    fn validate(&self, _input: &InputSpec, loss: &Loss) -> Result<(), InvalidConfig> {
        self.0.validate()?;
        let fits = matches!(loss, Loss::CrossEntropy { .. });
        let expected = "cross_entropy, which makes this the softmax classifier";
        InvalidConfig::check(fits, "loss.kind", loss.name(), expected)
    }
}

impl Classifier for Softmax {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.scores.forward(images)
    }

    fn prefers_bytes(&self) -> bool {
        self.scores.prefers_bytes()
    }

    fn forward_bytes(&self, images: Tensor<4, Int>) -> Tensor<2> {
        self.scores.forward_bytes(images)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_model_loses_about_the_logarithm_of_the_classes() {
        let device = Device::flex();
        device.seed(1);
        let input = InputSpec::without_statistics([3, 32, 32], 10);
        let model = SoftmaxConfig::default().init(&input, &device);
        let images = Tensor::<4>::ones([4, 3, 32, 32], &device) * 200.0;
        let scores = model.forward(images);
        assert_eq!(scores.dims(), [4, 10]);
        let loss: f32 = Loss::CrossEntropy { label_smoothing: 0.0 }
            .forward(scores.clone(), Tensor::from_data([0, 1, 2, 3], &device))
            .into_scalar();
        assert!((loss - 10f32.ln()).abs() < 0.1, "{loss}");
        let sums: Vec<f32> = model.probabilities(scores).sum_dim(1).into_data().try_to_vec().unwrap();
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5), "{sums:?}");
    }

    #[test]
    fn takes_cross_entropy_alone() {
        let input = InputSpec::without_statistics([3, 32, 32], 10);
        assert!(
            SoftmaxConfig::default().validate(&input, &Loss::CrossEntropy { label_smoothing: 0.1 }).is_ok()
        );
        assert!(SoftmaxConfig::default().validate(&input, &Loss::Hinge { margin: 1.0 }).is_err());
    }
}
