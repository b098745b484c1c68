//! The linear score function that the softmax classifier and the SVM share.

use burn::module::{Initializer, Module};
use burn::nn::{self, Linear};
use burn::tensor::{Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::classifier::InputSpec;
use crate::features::Features;
use crate::invalid_config::InvalidConfig;
use crate::normalizer::Normalizer;

/// The `[architecture]` of a linear model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LinearConfig {
    /// What x is. Default: `pixels`.
    pub features: Features,
    /// What pixels are divided by, the mean image being subtracted: 255 gives values within ±1, 1 leaves them as the course's
    /// assignments do. Other features are divided by their standard deviations instead. Default: 255.
    pub scale: f64,
    /// The standard deviation that weights start with; small, so that first scores are close to 0: softmax then loses
    /// ln(classes), the hinge classes − 1. Default: 0.001.
    pub deviation: f64,
}

impl Default for LinearConfig {
    fn default() -> Self {
        Self { features: Features::Pixels, scale: 255.0, deviation: 1e-3 }
    }
}

impl LinearConfig {
    /// Checks that all values are in range.
    ///
    /// # Errors
    /// The first value that is not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let Self { features: _, scale, deviation } = self;
        InvalidConfig::positive("architecture.scale", *scale)?;
        InvalidConfig::not_negative("architecture.deviation", *deviation)
    }
}

/// s = W x + b, x being the image as one vector from which the mean image is subtracted, or its features, standardised
/// (tutorial 4.3).
///
/// W is `[features, classes]` as Burn stores it; column k is the template of class k. Weights start at N(0, deviation²).
#[derive(Module, Debug)]
pub struct LinearScores {
    normalizer: Normalizer,
    linear: Linear,
}

impl LinearScores {
    /// Makes W and b for what `input` describes: images, or their features.
    #[must_use]
    pub fn new(config: &LinearConfig, input: &InputSpec, device: &Device) -> Self {
        let linear = nn::LinearConfig::new(input.values(), input.classes)
            .with_initializer(Initializer::Normal { mean: 0.0, std: config.deviation })
            .init(device);
        let normalizer = match config.features {
            Features::Pixels => Normalizer::mean_image(input, config.scale as f32, device),
            _ => Normalizer::channels(input, device),
        };
        Self { normalizer, linear }
    }

    /// Scores images, or their features.
    ///
    /// # Shapes
    /// - `features`: `[batch, channels, height, width]`, pixel values 0 to 255; or `[batch, features, 1, 1]`.
    /// - returns: `[batch, classes]`.
    #[must_use]
    pub fn forward(&self, features: Tensor<4>) -> Tensor<2> {
        let [scale, shift] = self.scale_and_shift(features.dims());
        zoo_kernels::linear(features.flatten(1, 3), scale, shift, self.weight(), self.bias())
    }

    /// Whether there is code for [bytes](Self::forward_bytes) on its device.
    #[must_use]
    pub fn prefers_bytes(&self) -> bool {
        zoo_kernels::is_accelerated(&self.weight().device())
    }

    /// [`forward`](Self::forward) of `u8` pixels.
    #[must_use]
    pub fn forward_bytes(&self, images: Tensor<4, Int>) -> Tensor<2> {
        let [scale, shift] = self.scale_and_shift(images.dims());
        zoo_kernels::linear_bytes(images.flatten(1, 3), scale, shift, self.weight(), self.bias())
    }

    /// The normalization as scale · x + shift, both `[channels · height · width]`, of images of a shape.
    fn scale_and_shift(&self, [_, channels, height, width]: [usize; 4]) -> [Tensor<1>; 2] {
        let [center, scale] = self.normalizer.center_and_scale([channels, height, width]);
        let shift = center.neg() * scale.clone();
        [scale, shift]
    }

    /// W, `[features, classes]`.
    #[must_use]
    pub fn weight(&self) -> Tensor<2> {
        self.linear.weight.val()
    }

    fn bias(&self) -> Tensor<1> {
        self.linear.bias.as_ref().expect("a linear layer is made with a bias").val()
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::TensorData;

    use super::*;

    /// Scores of images by fixed weights, times `size`.
    fn forward(architecture: &LinearConfig, size: f32, images: &Tensor<4>) -> Tensor<2> {
        let device = images.device();
        let [_, channels, height, width] = images.dims();
        let input = InputSpec::without_statistics([channels, height, width], 4);
        let mut model = LinearScores::new(architecture, &input, &device);
        let values: Vec<f32> = (0..4 * input.values()).map(|at| size * (at as f32 * 0.7).sin()).collect();
        let weight = Tensor::from_data(TensorData::new(values, [input.values(), 4]), &device);
        let bias = Tensor::from_data([1.0, 2.0, 3.0, 4.0], &device);
        model.linear = Linear { weight: Param::from_tensor(weight), bias: Some(Param::from_tensor(bias)) };
        model.forward(images.clone())
    }

    fn images() -> Tensor<4> {
        let values: Vec<f32> = (0..5 * 768).map(|at| (at * 37 % 256) as f32).collect();
        Tensor::from_data(TensorData::new(values, [5, 3, 16, 16]), &Device::flex())
    }

    #[test]
    fn pixels_are_divided_by_the_scale() {
        let unit = forward(&LinearConfig::default(), 1.0, &images());
        let raw = LinearConfig { scale: 1.0, ..LinearConfig::default() };
        let difference: f32 = (unit - forward(&raw, 1.0 / 255.0, &images())).abs().max().into_scalar();
        assert!(difference < 1e-4, "{difference}");
    }

    #[test]
    fn bytes_get_the_same_scores() {
        let input = InputSpec {
            mean_image: (0..768).map(|at| (at % 200) as f32).collect(),
            ..InputSpec::without_statistics([3, 16, 16], 4)
        };
        let model = LinearScores::new(&LinearConfig::default(), &input, &Device::flex());
        let difference: f32 =
            (model.forward_bytes(images().int()) - model.forward(images())).abs().max().into_scalar();
        assert!(model.prefers_bytes() && difference < 1e-6, "{difference}");
    }

    #[test]
    fn weights_start_with_the_deviation() {
        let input = InputSpec::without_statistics([3, 32, 32], 10);
        let architecture = LinearConfig { deviation: 0.25, ..LinearConfig::default() };
        let weight = LinearScores::new(&architecture, &input, &Device::flex()).weight();
        let square: f32 = weight.powi_scalar(2).mean().into_scalar();
        assert!((square.sqrt() - 0.25).abs() < 0.01, "{square}");
    }

    #[test]
    fn features_are_divided_by_their_own_deviation() {
        let input = InputSpec {
            channel_mean: vec![1.0, 2.0],
            channel_deviation: vec![0.5, 0.25],
            ..InputSpec::without_statistics([2, 1, 1], 2)
        };
        let config = LinearConfig { features: Features::HogHueColour, ..LinearConfig::default() };
        let device = Device::flex();
        let mut model = LinearScores::new(&config, &input, &device);
        let weight = Tensor::from_data([[1.0, 0.0], [0.0, 1.0]], &device);
        model.linear = Linear { weight: Param::from_tensor(weight), ..model.linear };
        let features = Tensor::<1>::from_data([2.0, 1.0], &device).reshape([1, 2, 1, 1]);
        let scores: Vec<f32> = model.forward(features).into_data().try_to_vec().unwrap();
        assert!((scores[0] - 2.0).abs() < 1e-2 && (scores[1] + 4.0).abs() < 1e-2, "{scores:?}");
    }

    #[test]
    fn out_of_range() {
        let check = |scale, deviation| {
            let architecture = LinearConfig { scale, deviation, ..LinearConfig::default() };
            architecture.validate().map_err(|error| error.key)
        };
        assert_eq!(check(1.0, 0.0), Ok(()));
        assert_eq!(check(0.0, 1.0), Err("architecture.scale".into()));
        assert_eq!(check(1.0, f64::NAN), Err("architecture.deviation".into()));
    }
}
