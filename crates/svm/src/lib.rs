//! The linear SVM: linear scores that should keep a distance (tutorial 4.6; CS231n, *linear-classify*).
//!
//! s = W x + b, and the loss is Σ_{j≠y} max(0, s_j − s_y + Δ), the multiclass hinge of Weston and Watkins (1999).
//! Regularization is the optimizer's `weight_decay`. Scores are margins; their softmax is not a calibrated probability, only a
//! way to compare them.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use zoo_core::{Architecture, Classifier, InputSpec, Loss};
//! use zoo_svm::SvmConfig;
//!
//! let device = Device::flex();
//! let input = InputSpec::without_statistics([3, 32, 32], 10);
//! let model = SvmConfig::default().draw(&input, &device, 42);
//! let scores = model.forward(Tensor::zeros([4, 3, 32, 32], &device));
//! let labels = Tensor::from_data([0, 1, 2, 3], &device);
//! let loss: f32 = Loss::Hinge { margin: 1.0 }.forward(scores, labels).into_scalar();
//! assert!((loss - 9.0).abs() < 0.1);
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read tensors as they like"))]

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::{
    Architecture, Classifier, Features, InputSpec, InvalidConfig, LinearConfig, LinearScores, Loss,
};

/// The `[architecture]` of an SVM's recipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SvmConfig(pub LinearConfig);

/// W x + b under the multiclass hinge.
#[derive(Module, Debug)]
pub struct Svm {
    scores: LinearScores,
}

impl Architecture for SvmConfig {
    type Model = Svm;

    fn features(&self) -> Features {
        self.0.features.clone()
    }

    fn init(&self, input: &InputSpec, device: &Device) -> Svm {
        Svm { scores: LinearScores::new(&self.0, input, device) }
    }

    fn validate(&self, _input: &InputSpec, loss: &Loss) -> Result<(), InvalidConfig> {
        self.0.validate()?;
        let fits = matches!(loss, Loss::Hinge { .. });
        let expected = "hinge, which makes this a support vector machine";
        InvalidConfig::check(fits, "loss.kind", loss.name(), expected)
    }
}

impl Classifier for Svm {
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
    fn a_fresh_model_loses_about_one_a_wrong_class() {
        let device = Device::flex();
        device.seed(1);
        let input = InputSpec::without_statistics([3, 32, 32], 10);
        let scores = SvmConfig::default()
            .init(&input, &device)
            .forward(Tensor::<4>::ones([4, 3, 32, 32], &device) * 200.0);
        let loss: f32 = Loss::Hinge { margin: 1.0 }
            .forward(scores, Tensor::from_data([0, 1, 2, 3], &device))
            .into_scalar();
        assert!((loss - 9.0).abs() < 0.5, "{loss}");
    }

    #[test]
    fn takes_the_hinge_alone() {
        let input = InputSpec::without_statistics([3, 32, 32], 10);
        assert!(SvmConfig::default().validate(&input, &Loss::Hinge { margin: 1.0 }).is_ok());
        let error = SvmConfig::default().validate(&input, &Loss::MeanSquaredError).unwrap_err();
        assert_eq!(error.key, "loss.kind");
    }
}
