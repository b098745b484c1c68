//! The multi-layer perceptron: fully connected layers with an activation between them (tutorial 3.1; CS231n,
//! *neural-networks-1*).
//!
//! a⁰ is the image as one vector, zˡ = Wˡ aˡ⁻¹ + bˡ and aˡ = σ(zˡ) for each hidden layer, and a last linear layer gives the
//! scores. One hidden layer of 50 outputs is the two-layer network of CS231n's first assignment: `hidden = [50]`.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use zoo_core::{Architecture, Classifier, InputSpec};
//! use zoo_mlp::MlpConfig;
//!
//! let device = Device::flex();
//! let input = InputSpec::without_statistics([3, 32, 32], 10);
//! let config = MlpConfig { hidden: vec![50], ..MlpConfig::default() };
//! let model = config.draw(&input, &device, 42);
//! assert_eq!(zoo_core::parameters(&model), (3072 + 1) * 50 + (50 + 1) * 10);
//! let scores = model.forward(Tensor::zeros([4, 3, 32, 32], &device));
//! assert_eq!(scores.dims(), [4, 10]);
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read tensors as they like"))]

use burn::module::{Initializer, Module};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::{
    Architecture, Classifier, Features, InputSpec, InvalidConfig, Loss, Normalizer, kaiming, linear_layer,
};
use zoo_kernels::Activation;

/// The `[architecture]` of a multi-layer perceptron.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MlpConfig {
    /// What a⁰ is. Default: `pixels`.
    pub features: Features,
    /// What pixels are divided by, the mean image being subtracted; 0 for each channel's own mean and standard deviation.
    /// Default: 0.
    pub scale: f64,
    /// Outputs of each hidden layer. Default: `[512]`.
    pub hidden: Vec<usize>,
    /// σ. Default: `relu`.
    pub activation: Activation,
    /// The standard deviation that all weights start with; 0 for one that suits each layer (see [`kaiming`]). Default: 0.
    pub deviation: f64,
    /// The share of each hidden layer's outputs that training drops (Srivastava et al., 2014). Default: 0.
    pub dropout: f64,
}

impl Default for MlpConfig {
    fn default() -> Self {
        Self {
            features: Features::Pixels,
            scale: 0.0,
            hidden: vec![512],
            activation: Activation::Relu,
            deviation: 0.0,
            dropout: 0.0,
        }
    }
}

// ANCHOR: struct
/// A multi-layer perceptron.
#[derive(Module, Debug)]
pub struct Mlp {
    normalizer: Normalizer,
    hidden: Vec<Linear>,
    dropout: Dropout,
    linear: Linear,
    #[module(skip)]
    activation: Activation,
}
// ANCHOR_END: struct

impl Architecture for MlpConfig {
    type Model = Mlp;

    fn features(&self) -> Features {
        self.features.clone()
    }

    /// Hidden layers start from Kaiming's normal distribution and biases 0, the last layer as PyTorch draws it, unless there is
    /// a `deviation` for all.
    fn init(&self, input: &InputSpec, device: &Device) -> Mlp {
        let small = (self.deviation > 0.0).then_some(Initializer::Normal { mean: 0.0, std: self.deviation });
        let mut inputs = input.values();
        let next = |&outputs: &usize| {
            let inputs = std::mem::replace(&mut inputs, outputs);
            let initializer = small.clone().unwrap_or_else(|| kaiming(self.activation));
            linear_layer(inputs, outputs, initializer, device)
        };
        let hidden = self.hidden.iter().map(next).collect();
        let linear = match small {
            Some(small) => linear_layer(inputs, input.classes, small, device),
            None => LinearConfig::new(inputs, input.classes).init(device),
        };
        let normalizer = match self.features {
            Features::Pixels if self.scale > 0.0 => Normalizer::mean_image(input, self.scale as f32, device),
            _ => Normalizer::channels(input, device),
        };
        Mlp {
            normalizer,
            hidden,
            dropout: DropoutConfig::new(self.dropout).init(),
            linear,
            activation: self.activation,
        }
    }

    fn kept(&self, input: &InputSpec) -> Vec<usize> {
        std::iter::once(input.values()).chain(self.hidden.iter().copied()).map(|values| 2 * values).collect()
    }

    fn smooth(&self) -> Option<Self> {
        self.activation.kink().map(|_| Self { activation: Activation::Gelu, ..self.clone() })
    }

    fn without_noise(&self) -> Self {
        Self { dropout: 0.0, ..self.clone() }
    }

    fn kinks(&self) -> Vec<&'static str> {
        self.activation.kink().into_iter().collect()
    }

    fn validate(&self, _input: &InputSpec, _loss: &Loss) -> Result<(), InvalidConfig> {
        let Self { features: _, scale, hidden, activation: _, deviation, dropout } = self;
        InvalidConfig::not_negative("architecture.scale", *scale)?;
        InvalidConfig::not_negative("architecture.deviation", *deviation)?;
        let valid =
            (1..=16).contains(&hidden.len()) && hidden.iter().all(|outputs| (1..=16_384).contains(outputs));
        let expected = "1 to 16 layers, each of 1 to 16384 outputs";
        InvalidConfig::check(valid, "architecture.hidden", format!("{hidden:?}"), expected)?;
        InvalidConfig::share("architecture.dropout", *dropout)
    }
}

impl Classifier for Mlp {
    // ANCHOR: forward
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let features = self.normalizer.forward(images);
        let features = self.hidden.iter().fold(features.flatten(1, 3), |features, hidden| {
            self.dropout.forward(self.activation.forward(hidden.forward(features)))
        });
        self.linear.forward(features)
    }
    // ANCHOR_END: forward
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot};
    use burn::tensor::Distribution;

    use super::*;

    fn input() -> InputSpec {
        InputSpec::without_statistics([3, 8, 6], 10)
    }

    fn images(device: &Device) -> Tensor<4> {
        Tensor::random([4, 3, 8, 6], Distribution::Uniform(-1.0, 1.0), device)
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn has_the_parameters_that_the_formula_gives() {
        let config = MlpConfig { hidden: vec![50, 20], ..MlpConfig::default() };
        let model = config.init(&input(), &Device::flex());
        let layers = (144 + 1) * 50 + (50 + 1) * 20 + (20 + 1) * 10;
        assert_eq!(model.num_params(), layers + 2 * 3);
        assert_eq!(model.forward(images(&Device::flex())).dims(), [4, 10]);
        let names = model.collect(None, Some(Box::new(BurnToPyTorchAdapter)), true);
        let names: Vec<String> = names.into_iter().map(|tensor| tensor.name).collect();
        let layers = [
            "hidden.0.weight",
            "hidden.0.bias",
            "hidden.1.weight",
            "hidden.1.bias",
            "linear.weight",
            "linear.bias",
        ];
        assert!(names.iter().filter(|name| !name.starts_with("normalizer")).eq(layers), "{names:?}");
    }

    #[test]
    fn two_layers_by_hand() {
        let device = Device::flex();
        let input = InputSpec {
            channel_mean: vec![1.0],
            channel_deviation: vec![2.0],
            ..InputSpec::without_statistics([1, 1, 2], 2)
        };
        let config = MlpConfig { hidden: vec![2], activation: Activation::Sigmoid, ..MlpConfig::default() };
        let mut model = config.init(&input, &device);
        let layer = |weight: [[f32; 2]; 2], bias: [f32; 2]| Linear {
            weight: Param::from_tensor(Tensor::from_data(weight, &device)),
            bias: Some(Param::from_tensor(Tensor::from_data(bias, &device))),
        };
        model.hidden = vec![layer([[1.0, -1.0], [0.5, 2.0]], [0.0, -3.0])];
        model.linear = layer([[1.0, 0.0], [1.0, 10.0]], [0.5, 0.0]);
        // Normalised: 1 and 2; z = (2, 0); a = (σ(2), ½).
        let image = Tensor::<1>::from_data([3.0, 5.0], &device).reshape([1, 1, 1, 2]);
        let sigmoid = 1.0 / (1.0 + (-2f32).exp());
        let scores = values(model.forward(image));
        let expected = [sigmoid + 1.0, 5.0];
        assert!(scores.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{scores:?}");
    }

    #[test]
    fn all_layers_learn() {
        let device = Device::flex().autodiff();
        let config = MlpConfig {
            hidden: vec![8, 7],
            activation: Activation::Tanh,
            dropout: 0.2,
            ..MlpConfig::default()
        };
        let model = config.init(&input(), &device);
        let gradients = model.forward(images(&device)).powi_scalar(2).sum().backward();
        for linear in model.hidden.iter().chain([&model.linear]) {
            let weight = values(linear.weight.val().grad(&gradients).unwrap());
            let bias = values(linear.bias.as_ref().unwrap().val().grad(&gradients).unwrap());
            assert!(weight.iter().any(|&slope| slope != 0.0) && bias.iter().any(|&slope| slope != 0.0));
        }
    }

    #[test]
    fn evaluation_neither_drops_nor_depends_on_the_batch() {
        let training = Device::flex().autodiff();
        training.seed(4);
        let model = MlpConfig { dropout: 0.5, ..MlpConfig::default() }.init(&input(), &training);
        let batch = images(&training);
        assert_ne!(values(model.forward(batch.clone())), values(model.forward(batch.clone())));
        let (model, batch) = (model.valid(), batch.inner());
        let together = values(model.forward(batch.clone()));
        let alone = values(model.forward(batch.slice(0..1)));
        assert!(together.iter().zip(&alone).all(|(a, b)| (a - b).abs() < 1e-4), "{together:?} {alone:?}");
    }

    #[test]
    fn may_start_small_on_centred_pixels() {
        let config = MlpConfig { hidden: vec![50], scale: 1.0, deviation: 1e-4, ..MlpConfig::default() };
        let model = config.init(&input(), &Device::flex());
        for linear in model.hidden.iter().chain([&model.linear]) {
            let weights = values(linear.weight.val());
            let square = weights.iter().map(|weight| weight * weight).sum::<f32>() / weights.len() as f32;
            assert!((square.sqrt() / 1e-4 - 1.0).abs() < 0.15, "{square}");
            assert!(values(linear.bias.as_ref().unwrap().val()).iter().all(|&bias| bias == 0.0));
        }
        let error = MlpConfig { scale: -1.0, ..config }.validate(&input(), &Loss::MeanSquaredError);
        assert_eq!(error.unwrap_err().key, "architecture.scale");
    }

    #[test]
    fn smooth_and_without_noise() {
        let config = MlpConfig { dropout: 0.5, activation: Activation::LeakyRelu, ..MlpConfig::default() };
        let smooth = config.smooth().unwrap();
        assert_eq!(smooth, MlpConfig { activation: Activation::Gelu, ..config.clone() });
        assert!(smooth.kinks().is_empty() && smooth.smooth().is_none());
        assert_eq!(config.without_noise(), MlpConfig { dropout: 0.0, ..config });
    }

    #[test]
    fn out_of_range() {
        let check = |hidden: &[usize], dropout| {
            let config = MlpConfig { hidden: hidden.into(), dropout, ..MlpConfig::default() };
            config.validate(&input(), &Loss::Hinge { margin: 1.0 }).map_err(|error| error.to_string())
        };
        assert!(check(&[50], 0.0).is_ok() && check(&[16_384; 16], 0.9).is_ok());
        let error = check(&[], 0.0).unwrap_err();
        assert_eq!(error, "architecture.hidden = []: must be 1 to 16 layers, each of 1 to 16384 outputs");
        assert!(check(&[0], 0.0).is_err() && check(&[16_385], 0.0).is_err() && check(&[1; 17], 0.0).is_err());
        assert!(check(&[50], 1.0).unwrap_err().starts_with("architecture.dropout"));
        assert!(check(&[50], f64::NAN).is_err());
    }
}
