//! The operations for tensors that keep track of their gradients.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::ops::{Backward, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Flex, TensorMetadata};
use burn_flex::FlexTensor;

use super::backward::{
    AddBackward, AffineBackward, AttentionBackward, BatchNormBackward, BatchNormState, Conv2dBackward,
    Conv2dState, CrossEntropyBackward, LayerNormBackward, LinearBackward, MaxPool2dBackward,
};
use super::{
    Kernels, contiguous, convolve_and_pool, cross_entropy_with_slopes, layer_norm_with_scales,
    pool_with_winners,
};
use crate::activation::Activation;
use crate::plain::Descent;
use crate::window::{Pooling, Window};

impl<C: CheckpointStrategy> Kernels for Autodiff<Flex, C> {
    fn conv2d(features: FloatTensor<Self>, weight: FloatTensor<Self>, window: Window) -> FloatTensor<Self> {
        let nodes = [features.node(), weight.node()];
        let (features, weight) = (contiguous(features.into_primitive()), contiguous(weight.into_primitive()));
        let output = Flex::conv2d(features.clone(), weight.clone(), window);
        match Conv2dBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => {
                operation.finish(Conv2dState { features, weight, window, pooled: None }, output)
            }
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }

    fn batch_norm(
        features: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [features.node(), gamma.node(), beta.node()];
        let features = contiguous(features.into_primitive());
        let (gamma, beta) = (contiguous(gamma.into_primitive()), contiguous(beta.into_primitive()));
        let (output, mean, variance) =
            Flex::batch_norm(features.clone(), gamma.clone(), beta.clone(), epsilon, activation);
        let constant = |tensor: &FlexTensor| <Self as AutodiffBackend>::from_inner(tensor.clone());
        let statistics = (constant(&mean), constant(&variance));
        let output = match BatchNormBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => {
                let state = BatchNormState { features, gamma, beta, mean, variance, epsilon, activation };
                operation.finish(state, output)
            }
            OpsKind::UnTracked(operation) => operation.finish(output),
        };
        (output, statistics.0, statistics.1)
    }

    fn affine(
        features: FloatTensor<Self>,
        center: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let nodes = [features.node(), scale.node(), shift.node()];
        let features = contiguous(features.into_primitive());
        let channels = [center, scale, shift].map(|tensor| contiguous(tensor.into_primitive()));
        let [center, scale, shift] = channels.clone();
        let output = Flex::affine(features.clone(), center, scale, shift, activation);
        match AffineBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish((features, channels, activation), output),
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }

    fn linear(
        images: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::linear_bytes(images.into_primitive(), scale, shift, weight, bias)
    }

    fn linear_bytes(
        images: FlexTensor,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [weight.node(), bias.node()];
        let data = [images, scale.into_primitive(), shift.into_primitive()].map(contiguous);
        let [images, scale, shift] = data.clone();
        let output = Flex::linear(images, scale, shift, weight.into_primitive(), bias.into_primitive());
        match LinearBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish(data, output),
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }

    fn max_pool2d(features: FloatTensor<Self>, window: Window) -> FloatTensor<Self> {
        let nodes = [features.node()];
        let shape = features.shape().dims();
        let (output, winners) = pool_with_winners(features.into_primitive(), window);
        match MaxPool2dBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish((Arc::new(winners), shape, window), output),
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }

    fn conv2d_max_pool2d(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        window: Window,
        pool: Window,
    ) -> FloatTensor<Self> {
        let nodes = [features.node(), weight.node()];
        let (features, weight) = (contiguous(features.into_primitive()), contiguous(weight.into_primitive()));
        let (output, winners) = convolve_and_pool(&features, &weight, (window, Pooling::First(pool)), None);
        match Conv2dBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => {
                let pooled = Some((Arc::new(winners), pool));
                operation.finish(Conv2dState { features, weight, window, pooled }, output)
            }
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }

    fn conv2d_affine(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        windows: (Window, Option<Pooling>),
        center: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let [features, weight, center, scale, shift] =
            [features, weight, center, scale, shift].map(FloatTensor::<Self>::into_primitive);
        let output = Flex::conv2d_affine(features, weight, windows, center, scale, shift, activation);
        <Self as AutodiffBackend>::from_inner(output)
    }

    fn add(left: FloatTensor<Self>, right: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        let nodes = [left.node(), right.node()];
        let (left, right) = (contiguous(left.into_primitive()), contiguous(right.into_primitive()));
        let output = Flex::add(left.clone(), right.clone(), activation);
        match AddBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish((left, right, activation), output),
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }

    fn layer_norm(features: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self> {
        let nodes = [features.node()];
        let (output, scales) = layer_norm_with_scales(features.into_primitive(), epsilon);
        match LayerNormBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish((output.clone(), scales), output),
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }

    fn attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        heads: usize,
    ) -> FloatTensor<Self> {
        let nodes = [query.node(), key.node(), value.node()];
        let inputs = [query, key, value].map(|tensor| contiguous(tensor.into_primitive()));
        let [query, key, value] = inputs.clone();
        let output = Flex::attention(query, key, value, heads);
        match AttentionBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish((inputs, heads), output),
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }

    fn cross_entropy(
        scores: FloatTensor<Self>,
        labels: FlexTensor,
        weights: FloatTensor<Self>,
        label_smoothing: f64,
    ) -> FloatTensor<Self> {
        let nodes = [scores.node()];
        let (scores, weights) = (scores.into_primitive(), weights.into_primitive());
        let (sum, slopes) = cross_entropy_with_slopes(scores, labels, weights, label_smoothing);
        match CrossEntropyBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish(slopes, sum),
            OpsKind::UnTracked(operation) => operation.finish(sum),
        }
    }

    fn descend(
        parameters: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        descent: Descent,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [parameters, gradient, velocity] =
            [parameters, gradient, velocity].map(FloatTensor::<Self>::into_primitive);
        let (parameters, velocity) = Flex::descend(parameters, gradient, velocity, descent);
        let constant = <Self as AutodiffBackend>::from_inner;
        (constant(parameters), constant(velocity))
    }
}
