//! Convolutional networks: the first ([`LenetConfig`]), a small one after VGG ([`VggConfig`]), a residual one
//! ([`ResnetConfig`]), and that of Jordan's airbench ([`AirbenchConfig`]), which is made to be trained fast.
//!
//! Features are `[batch, height, width, channels]` throughout, as [`zoo_kernels`] wants them.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use zoo_cnn::{CnnConfig, ResnetConfig};
//! use zoo_core::{Architecture, Classifier, InputSpec};
//!
//! let device = Device::flex();
//! let input = InputSpec::without_statistics([3, 32, 32], 10);
//! let resnet20 = CnnConfig::Resnet(ResnetConfig::default());
//! let model = resnet20.draw(&input, &device, 42);
//! // 0.27 million, as in the paper.
//! assert_eq!(zoo_core::parameters(&model), 272_474);
//! let scores = model.forward(Tensor::zeros([4, 3, 32, 32], &device));
//! assert_eq!(scores.dims(), [4, 10]);
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read tensors as they like"))]

mod airbench;
mod eigen;
mod front;
mod layer;
mod lenet;
mod resnet;
mod resnet18;
mod stochastic_depth;
mod vgg;
mod whitening;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::{Architecture, Classifier, InputSpec, InvalidConfig, Loss};

pub use airbench::{Airbench, AirbenchConfig};
pub use lenet::{Lenet, LenetConfig};
pub use resnet::{Resnet, ResnetConfig};
pub use resnet18::Resnet18;
pub use vgg::{Pool, Vgg, VggConfig};

/// The `[architecture]` of a CNN's recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CnnConfig {
    /// Blocks of 3×3 convolutions after VGG.
    Vgg(VggConfig),
    /// The network of airbench.
    Airbench(AirbenchConfig),
    /// LeNet-5.
    Lenet(LenetConfig),
    /// A residual network.
    Resnet(ResnetConfig),
}

/// A convolutional network.
#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a program has few of them, and a kilobyte is little for a network"
)]
pub enum Cnn {
    /// See [`VggConfig`].
    Vgg(Vgg),
    /// See [`AirbenchConfig`].
    Airbench(Airbench),
    /// See [`LenetConfig`].
    Lenet(Lenet),
    /// See [`ResnetConfig`].
    Resnet(Resnet),
}

impl Architecture for CnnConfig {
    type Model = Cnn;

    fn init(&self, input: &InputSpec, device: &Device) -> Cnn {
        match self {
            Self::Vgg(config) => Cnn::Vgg(config.init(input, device)),
            Self::Airbench(config) => Cnn::Airbench(config.init(input, device)),
            Self::Lenet(config) => Cnn::Lenet(config.init(input, device)),
            Self::Resnet(config) => Cnn::Resnet(config.init(input, device)),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Vgg(config) => config.name(),
            Self::Airbench(config) => config.name(),
            Self::Lenet(config) => config.name(),
            Self::Resnet(config) => config.name(),
        }
    }

    fn whitens(&self) -> bool {
        matches!(self, Self::Airbench(_))
    }

    fn kept(&self, input: &InputSpec) -> Vec<usize> {
        match self {
            Self::Vgg(config) => config.kept(input),
            Self::Airbench(config) => config.kept(input),
            Self::Lenet(config) => config.kept(input),
            Self::Resnet(config) => config.kept(input),
        }
    }

    fn smooth(&self) -> Option<Self> {
        match self {
            Self::Vgg(config) => config.smooth().map(Self::Vgg),
            Self::Airbench(config) => config.smooth().map(Self::Airbench),
            Self::Lenet(config) => config.smooth().map(Self::Lenet),
            Self::Resnet(config) => config.smooth().map(Self::Resnet),
        }
    }

    fn without_noise(&self) -> Self {
        match self {
            Self::Vgg(config) => Self::Vgg(config.without_noise()),
            Self::Airbench(config) => Self::Airbench(config.without_noise()),
            Self::Lenet(config) => Self::Lenet(config.without_noise()),
            Self::Resnet(config) => Self::Resnet(config.without_noise()),
        }
    }

    fn before_epoch(&self, model: Cnn, epoch: usize) -> Cnn {
        match (self, model) {
            (Self::Airbench(config), Cnn::Airbench(model)) => {
                Cnn::Airbench(config.before_epoch(model, epoch))
            }
            (_, model) => model,
        }
    }

    fn kinks(&self) -> Vec<&'static str> {
        let max_pooling = "max_pool2d";
        match self {
            Self::Vgg(VggConfig { activation, .. }) | Self::Lenet(LenetConfig { activation, .. }) => {
                activation.kink().into_iter().chain([max_pooling]).collect()
            }
            Self::Resnet(ResnetConfig { activation, .. }) => activation.kink().into_iter().collect(),
            Self::Airbench(_) => vec![max_pooling],
        }
    }

    fn validate(&self, input: &InputSpec, loss: &Loss) -> Result<(), InvalidConfig> {
        match self {
            Self::Vgg(config) => config.validate(input, loss),
            Self::Airbench(config) => config.validate(input, loss),
            Self::Lenet(config) => config.validate(input, loss),
            Self::Resnet(config) => config.validate(input, loss),
        }
    }
}

impl Classifier for Cnn {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        match self {
            Self::Vgg(model) => model.forward(images),
            Self::Airbench(model) => model.forward(images),
            Self::Lenet(model) => model.forward(images),
            Self::Resnet(model) => model.forward(images),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot};
    use zoo_kernels::Activation;

    use super::*;

    #[test]
    fn every_kind_has_a_name() {
        let configs = [
            CnnConfig::Vgg(VggConfig::default()),
            CnnConfig::Airbench(AirbenchConfig::default()),
            CnnConfig::Lenet(LenetConfig::default()),
            CnnConfig::Resnet(ResnetConfig::default()),
        ];
        assert_eq!(configs.map(|config| config.name()), ["vgg", "airbench", "lenet", "resnet"]);
    }

    #[test]
    fn smooth_and_without_noise() {
        let vgg = VggConfig { dropout: 0.5, ..VggConfig::default() };
        let lenet = LenetConfig { dropout: 0.5, activation: Activation::LeakyRelu, ..LenetConfig::default() };
        let resnet = ResnetConfig { stochastic_depth: 0.5, ..ResnetConfig::default() };
        let activation = Activation::Gelu;
        for (config, smooth, quiet) in [
            (
                CnnConfig::Vgg(vgg.clone()),
                CnnConfig::Vgg(VggConfig { activation, ..vgg.clone() }),
                CnnConfig::Vgg(VggConfig { dropout: 0.0, ..vgg }),
            ),
            (
                CnnConfig::Lenet(lenet.clone()),
                CnnConfig::Lenet(LenetConfig { activation, ..lenet.clone() }),
                CnnConfig::Lenet(LenetConfig { dropout: 0.0, ..lenet }),
            ),
            (
                CnnConfig::Resnet(resnet.clone()),
                CnnConfig::Resnet(ResnetConfig { activation, ..resnet.clone() }),
                CnnConfig::Resnet(ResnetConfig { stochastic_depth: 0.0, ..resnet }),
            ),
        ] {
            assert_eq!(config.without_noise(), quiet);
            assert_eq!(smooth.smooth(), None);
            assert_eq!(config.smooth(), Some(smooth));
        }
        // What has its kinks in pooling keeps them.
        assert_eq!(CnnConfig::Airbench(AirbenchConfig::default()).smooth(), None);
    }

    /// The path of each module that has parameters, followed by their names, as a file of weights has them.
    fn names(config: &CnnConfig) -> Vec<String> {
        let model = config.init(&InputSpec::without_statistics([3, 32, 32], 10), &Device::flex());
        let tensors = model.collect(None, Some(Box::new(BurnToPyTorchAdapter)), true);
        let mut modules: Vec<(String, String)> = Vec::new();
        for tensor in tensors {
            let (path, name) = tensor.name.rsplit_once('.').unwrap();
            match modules.last_mut() {
                Some((last, names)) if last == path => *names = format!("{names} {name}"),
                _ => modules.push((path.into(), name.into())),
            }
        }
        assert_eq!(modules.remove(0), ("normalizer".into(), "mean scale".into()));
        modules.into_iter().map(|(path, names)| format!("{path}: {names}")).collect()
    }

    #[test]
    fn parameters_are_named_for_the_fields() {
        let vgg = VggConfig { widths: vec![4], depths: vec![1], ..VggConfig::default() };
        let expected = [
            "blocks.0.layers.0.convolution: weight",
            "blocks.0.layers.0.norm: weight bias running_mean running_var",
            "linear: weight bias",
        ];
        assert_eq!(names(&CnnConfig::Vgg(vgg.clone())), expected);
        let expected = ["blocks.0.layers.0.convolution: weight bias", "linear: weight bias"];
        assert_eq!(names(&CnnConfig::Vgg(VggConfig { batch_norm: false, ..vgg })), expected);

        let lenet = LenetConfig { widths: vec![4], hidden: vec![5], ..LenetConfig::default() };
        let expected = ["layers.0.convolution: weight bias", "hidden.0: weight bias", "linear: weight bias"];
        assert_eq!(names(&CnnConfig::Lenet(lenet)), expected);

        let resnet = ResnetConfig { depth: 8, ..ResnetConfig::default() };
        let first = ["stem", "blocks.0.first", "blocks.0.second"];
        let second = ["blocks.1.first", "blocks.1.second", "blocks.1.shortcut"];
        let third = ["blocks.2.first", "blocks.2.second", "blocks.2.shortcut"];
        let parts = [".convolution: weight", ".norm: weight bias running_mean running_var"];
        let layers = [first, second, third].concat();
        let layers = layers.iter().flat_map(|layer| parts.map(|part| format!("{layer}{part}")));
        let expected: Vec<String> = layers.chain(["linear: weight bias".into()]).collect();
        assert_eq!(names(&CnnConfig::Resnet(resnet)), expected);
    }
}
