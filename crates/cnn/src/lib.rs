//! Convolutional networks: the first ([`LenetConfig`]), a small one after VGG ([`VggConfig`]), and that of Jordan's airbench
//! ([`AirbenchConfig`]), which is made to be trained fast.
//!
//! Features are `[batch, height, width, channels]` throughout, as [`zoo_kernels`] wants them.

mod airbench;
mod eigen;
mod layer;
mod lenet;
mod vgg;
mod whitening;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use zoo_core::{Architecture, Classifier, InputSpec, InvalidConfig, Loss};

pub use airbench::{Airbench, AirbenchConfig};
pub use lenet::{Lenet, LenetConfig};
pub use vgg::{Pool, Vgg, VggConfig};

/// The `[architecture]` of a CNN's recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CnnConfig {
    /// Blocks of 3×3 convolutions after VGG.
    Vgg(VggConfig),
    /// The network of airbench.
    Airbench(AirbenchConfig),
    /// LeNet-5.
    Lenet(LenetConfig),
}

/// A convolutional network.
#[derive(Module, Debug)]
pub enum Cnn {
    /// See [`VggConfig`].
    Vgg(Vgg),
    /// See [`AirbenchConfig`].
    Airbench(Airbench),
    /// See [`LenetConfig`].
    Lenet(Lenet),
}

impl Architecture for CnnConfig {
    type Model = Cnn;

    fn init(&self, input: &InputSpec, device: &Device) -> Cnn {
        match self {
            Self::Vgg(config) => Cnn::Vgg(config.init(input, device)),
            Self::Airbench(config) => Cnn::Airbench(config.init(input, device)),
            Self::Lenet(config) => Cnn::Lenet(config.init(input, device)),
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

    fn validate(&self, input: &InputSpec, loss: &Loss) -> Result<(), InvalidConfig> {
        match self {
            Self::Vgg(config) => config.validate(input, loss),
            Self::Airbench(config) => config.validate(input, loss),
            Self::Lenet(config) => config.validate(input, loss),
        }
    }
}

impl Classifier for Cnn {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        match self {
            Self::Vgg(model) => model.forward(images),
            Self::Airbench(model) => model.forward(images),
            Self::Lenet(model) => model.forward(images),
        }
    }
}
