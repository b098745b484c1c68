//! What follows a layer of a network.

use burn::tensor::{Tensor, activation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The slope of [`Activation::LeakyRelu`] below zero.
pub(crate) const LEAK: f32 = 0.01;

/// The non-linear function that follows a layer (tutorial 3.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// x: no activation at all, which leaves a network of linear layers linear.
    #[default]
    Identity,
    /// max(x, 0) (Nair and Hinton, 2010).
    Relu,
    /// x, or 0.01 x below zero, so that some gradient is left there (Maas et al., 2013).
    LeakyRelu,
    /// 1 / (1 + e^−x), between 0 and 1.
    Sigmoid,
    /// (e^x − e^−x) / (e^x + e^−x), between −1 and 1.
    Tanh,
    /// x Φ(x), Φ being the normal distribution's, without approximation by tanh (Hendrycks and Gimpel, 2016).
    Gelu,
}

impl Activation {
    /// Its name in a recipe if it has a kink, where its slope jumps.
    #[must_use]
    pub const fn kink(self) -> Option<&'static str> {
        match self {
            Self::Relu => Some("relu"),
            Self::LeakyRelu => Some("leaky_relu"),
            Self::Identity | Self::Sigmoid | Self::Tanh | Self::Gelu => None,
        }
    }

    // ANCHOR: forward
    /// Applies the function to each value.
    #[must_use]
    pub fn forward<const D: usize>(self, values: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Identity => values,
            Self::Relu => activation::relu(values),
            Self::LeakyRelu => activation::leaky_relu(values, f64::from(LEAK)),
            Self::Sigmoid => activation::sigmoid(values),
            Self::Tanh => activation::tanh(values),
            Self::Gelu => activation::gelu(values),
        }
    }
    // ANCHOR_END: forward
}
