//! The operations as plain tensor operations, for any backend: what the names mean, and what our own code is tested against.

use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, activation, module};

use crate::{Activation, Normalized, Window};

/// The slope of [`Activation::LeakyRelu`] below zero.
pub(crate) const LEAK: f32 = 0.01;

/// `[batch, height, width, channels]` to Burn's `[batch, channels, height, width]`; no value moves.
fn channels_first(features: Tensor<4>) -> Tensor<4> {
    features.permute([0, 3, 1, 2])
}

fn channels_last(features: Tensor<4>) -> Tensor<4> {
    features.permute([0, 2, 3, 1])
}

impl Activation {
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
}

/// [`crate::conv2d`].
#[must_use]
pub fn conv2d(features: Tensor<4>, weight: Tensor<4>, window: Window) -> Tensor<4> {
    let options = ConvOptions::new(window.stride, window.padding, [1, 1], 1);
    channels_last(module::conv2d(channels_first(features), weight, None, options))
}

/// [`crate::batch_norm`].
#[must_use]
pub fn batch_norm(
    features: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    activation: Activation,
) -> Normalized {
    let result = module::batch_norm_train(channels_first(features), gamma, beta, epsilon);
    Normalized {
        output: activation.forward(channels_last(result.output)),
        mean: result.mean.detach(),
        variance: result.variance.detach(),
    }
}

/// [`crate::affine`].
#[must_use]
pub fn affine(features: Tensor<4>, scale: Tensor<1>, shift: Tensor<1>, activation: Activation) -> Tensor<4> {
    let channel = |values: Tensor<1>| values.reshape([1, 1, 1, -1]);
    activation.forward(features * channel(scale) + channel(shift))
}

/// [`crate::linear`].
#[must_use]
pub fn linear(
    images: Tensor<2>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    weight: Tensor<2>,
    bias: Tensor<1>,
) -> Tensor<2> {
    (images * scale.unsqueeze() + shift.unsqueeze()).matmul(weight) + bias.unsqueeze()
}

/// [`crate::max_pool2d`].
#[must_use]
pub fn max_pool2d(features: Tensor<4>, window: Window) -> Tensor<4> {
    let options = MaxPoolOptions::new(window.size).with_stride(window.stride).with_padding(window.padding);
    channels_last(module::max_pool2d(channels_first(features), options))
}
