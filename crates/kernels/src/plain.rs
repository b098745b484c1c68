//! The operations as plain tensor operations, for any backend: what the names mean, and what our own code is tested against.

use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Int, Tensor, activation, module};

use crate::activation::Activation;
use crate::window::Window;

/// What [`batch_norm`] returns.
#[derive(Clone, Debug)]
pub struct Normalized {
    /// `[batch, height, width, channels]`.
    pub output: Tensor<4>,
    /// Mean of each channel over batch and plane, `[channels]`, without gradient.
    pub mean: Tensor<1>,
    /// Biased variance of each channel, `[channels]`, without gradient.
    pub variance: Tensor<1>,
}

/// How parameters θ follow their gradient g: v ← μ v + g + λ θ; θ ← θ − η v, or θ − η (g + λ θ + μ v) with Nesterov's look ahead
/// (Polyak, 1964; Sutskever et al., 2013).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Descent {
    /// η.
    pub learning_rate: f64,
    /// μ.
    pub momentum: f64,
    /// Whether the step looks ahead.
    pub nesterov: bool,
    /// λ.
    pub weight_decay: f64,
}

/// `[batch, height, width, channels]` to Burn's `[batch, channels, height, width]`; no value moves.
fn channels_first(features: Tensor<4>) -> Tensor<4> {
    features.permute([0, 3, 1, 2])
}

fn channels_last(features: Tensor<4>) -> Tensor<4> {
    features.permute([0, 2, 3, 1])
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

// ANCHOR: affine
/// [`crate::affine`].
#[must_use]
pub fn affine(features: Tensor<4>, channels: [Tensor<1>; 3], activation: Activation) -> Tensor<4> {
    let [center, scale, shift] = channels.map(|values| values.reshape([1, 1, 1, -1]));
    activation.forward((features - center) * scale + shift)
}
// ANCHOR_END: affine

// ANCHOR: linear
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
// ANCHOR_END: linear

/// [`crate::max_pool2d`].
#[must_use]
pub fn max_pool2d(features: Tensor<4>, window: Window) -> Tensor<4> {
    let options = MaxPoolOptions::new(window.size).with_stride(window.stride).with_padding(window.padding);
    channels_last(module::max_pool2d(channels_first(features), options))
}

// ANCHOR: layer_norm
/// [`crate::layer_norm`].
#[must_use]
pub fn layer_norm(features: Tensor<4>, epsilon: f64) -> Tensor<4> {
    let centred = features.clone() - features.mean_dim(3);
    let variance = centred.clone().square().mean_dim(3);
    centred * (variance + epsilon).sqrt().recip()
}
// ANCHOR_END: layer_norm

// ANCHOR: attention
/// [`crate::attention`].
#[must_use]
pub fn attention(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>, heads: usize) -> Tensor<4> {
    let [batch, height, width, channels] = query.dims();
    let split = |features: Tensor<4>| {
        features.reshape([batch, height * width, heads, channels / heads]).swap_dims(1, 2)
    };
    let [query, key, value] = [query, key, value].map(split);
    let scores = query.matmul(key.transpose()) / ((channels / heads) as f64).sqrt();
    let mixed = activation::softmax(scores, 3).matmul(value);
    mixed.swap_dims(1, 2).reshape([batch, height, width, channels])
}
// ANCHOR_END: attention

// ANCHOR: cross_entropy
/// [`crate::cross_entropy`].
#[must_use]
pub fn cross_entropy(
    scores: Tensor<2>,
    labels: Tensor<1, Int>,
    weights: Tensor<1>,
    label_smoothing: f64,
) -> Tensor<1> {
    let [batch, classes] = scores.dims();
    let log_probabilities = activation::log_softmax(scores, 1);
    let right = log_probabilities.clone().gather(1, labels.clone().reshape([batch, 1])).reshape([batch]);
    let surprise = -(right * weights.clone().select(0, labels)).sum();
    if label_smoothing == 0.0 {
        return surprise;
    }
    let spread = (log_probabilities * weights.reshape([1, classes])).sum() / classes as f64;
    surprise * (1.0 - label_smoothing) - spread * label_smoothing
}
// ANCHOR_END: cross_entropy

/// [`crate::descend`].
#[must_use]
pub fn descend<const D: usize>(
    descent: Descent,
    parameters: Tensor<D>,
    gradient: Tensor<D>,
    velocity: Tensor<D>,
) -> [Tensor<D>; 2] {
    // ANCHOR: descend
    let Descent { learning_rate, momentum, nesterov, weight_decay } = descent;
    let gradient = if weight_decay == 0.0 { gradient } else { parameters.clone() * weight_decay + gradient };
    let velocity = velocity * momentum + gradient.clone();
    let step = if nesterov { velocity.clone() * momentum + gradient } else { velocity.clone() };
    [parameters - step * learning_rate, velocity]
    // ANCHOR_END: descend
}
