//! The gradients of our operations.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{DType, TensorData};
use burn_flex::FlexTensor;

use super::{bytes, contiguous, dims, line, tensor, values};
use crate::activation::Activation;
use crate::attention::Sizes;
use crate::border::Source;
use crate::geometry::Geometry;
use crate::window::Window;
use crate::{affine, attention, batch_norm, convolution, layer_norm, linear, pool, sum};

/// What the gradients of [`Kernels::conv2d`] and [`Kernels::conv2d_max_pool2d`] need.
#[derive(Clone, Debug)]
pub(super) struct Conv2dState {
    pub(super) features: FlexTensor,
    pub(super) weight: FlexTensor,
    pub(super) window: Window,
    /// Which pixels won, and the window of the pooling.
    pub(super) pooled: Option<(Arc<Vec<u8>>, Window)>,
}

#[derive(Debug)]
pub(super) struct Conv2dBackward;

impl Backward<Flex, 2> for Conv2dBackward {
    type State = Conv2dState;

    fn backward(self, ops: Ops<Conv2dState, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let Conv2dState { features, weight, window, pooled } = ops.state;
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let gradient = match &pooled {
            None => Source::Plain(values(&gradient)),
            Some((winners, window)) => {
                Source::Pooled { gradient: values(&gradient), winners, window: *window }
            }
        };
        let geometry = Geometry::new(dims(&features), dims(&weight), window);
        let [by_features, by_weight] = ops.parents;
        if let Some(node) = by_features {
            let result = convolution::input_gradient(geometry, gradient, values(&weight));
            gradients.register::<Flex>(node.id, tensor(result, dims::<4>(&features)));
        }
        if let Some(node) = by_weight {
            let result = convolution::weight_gradient(geometry, values(&features), gradient);
            gradients.register::<Flex>(node.id, tensor(result, dims::<4>(&weight)));
        }
    }
}

/// What the gradient of [`Kernels::batch_norm`] needs.
#[derive(Clone, Debug)]
pub(super) struct BatchNormState {
    pub(super) features: FlexTensor,
    pub(super) gamma: FlexTensor,
    pub(super) beta: FlexTensor,
    pub(super) mean: FlexTensor,
    pub(super) variance: FlexTensor,
    pub(super) epsilon: f64,
    pub(super) activation: Activation,
}

#[derive(Debug)]
pub(super) struct BatchNormBackward;

impl Backward<Flex, 3> for BatchNormBackward {
    type State = BatchNormState;

    fn backward(self, ops: Ops<BatchNormState, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let state = ops.state;
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let results = batch_norm::backward(
            values(&state.features),
            values(&gradient),
            values(&state.gamma),
            values(&state.beta),
            [values(&state.mean), values(&state.variance)],
            state.epsilon,
            state.activation,
        );
        let shapes = [&state.features, &state.gamma, &state.beta].map(TensorMetadata::shape);
        for ((node, result), shape) in ops.parents.into_iter().zip(results).zip(shapes) {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, FlexTensor::from_data(TensorData::new(result, shape)));
            }
        }
    }
}

/// Gradient of [`Kernels::affine`] by all but the center; its state is features, the three numbers per channel and activation.
#[derive(Debug)]
pub(super) struct AffineBackward;

impl Backward<Flex, 3> for AffineBackward {
    type State = (FlexTensor, [FlexTensor; 3], Activation);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (features, channels, activation) = ops.state;
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let (x, g, line) = (values(&features), values(&gradient), line(&channels));
        let [by_features, by_scale, by_shift] = ops.parents;
        if let Some(node) = by_features {
            let zeros = vec![0.0; line.scale.len()];
            let result = affine::input_gradient(x, g, line, [line.scale, &zeros, &zeros], activation);
            gradients.register::<Flex>(node.id, tensor(result, dims::<4>(&features)));
        }
        if by_scale.is_some() || by_shift.is_some() {
            let sums = affine::sums(x, g, line, activation);
            for (node, sums) in [by_shift, by_scale].into_iter().zip(sums) {
                if let Some(node) = node {
                    let result = sums.into_iter().map(|sum| sum as f32).collect();
                    gradients.register::<Flex>(node.id, tensor(result, [line.scale.len()]));
                }
            }
        }
    }
}

/// Gradient of [`Kernels::linear`] by weight and bias; its state is images, scale and shift.
#[derive(Debug)]
pub(super) struct LinearBackward;

impl Backward<Flex, 2> for LinearBackward {
    type State = [FlexTensor; 3];

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [images, scale, shift] = ops.state;
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let [features] = dims(&scale);
        let [_, outputs] = dims(&gradient);
        let standard = [values(&scale), values(&shift)];
        let gradient = values(&gradient);
        let [weight, bias] = match images.dtype() {
            DType::U8 => linear::backward(bytes(&images), standard, gradient, outputs),
            _ => linear::backward(values(&images), standard, gradient, outputs),
        };
        let results = [tensor(weight, [features, outputs]), tensor(bias, [outputs])];
        for (node, result) in ops.parents.into_iter().zip(results) {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, result);
            }
        }
    }
}

/// Gradient of [`Kernels::add`]; its state is both features and the activation.
#[derive(Debug)]
pub(super) struct AddBackward;

impl Backward<Flex, 2> for AddBackward {
    type State = (FlexTensor, FlexTensor, Activation);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (left, right, activation) = ops.state;
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let result = sum::backward(values(&left), values(&right), values(&gradient), activation);
        let result = tensor(result, dims::<4>(&left));
        for node in ops.parents.into_iter().flatten() {
            gradients.register::<Flex>(node.id, result.clone());
        }
    }
}

/// Gradient of [`Kernels::max_pool2d`]; its state is the winners, the shape of the features and the window.
#[derive(Debug)]
pub(super) struct MaxPool2dBackward;

impl Backward<Flex, 1> for MaxPool2dBackward {
    type State = (Arc<Vec<u8>>, [usize; 4], Window);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (winners, shape, window) = ops.state;
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        if let [Some(node)] = ops.parents {
            let result = pool::backward(values(&gradient), &winners, shape, window);
            gradients.register::<Flex>(node.id, tensor(result, shape));
        }
    }
}

/// Gradient of [`Kernels::layer_norm`]; its state is the output and the reciprocal of the deviation of each place.
#[derive(Debug)]
pub(super) struct LayerNormBackward;

impl Backward<Flex, 1> for LayerNormBackward {
    type State = (FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (output, scales) = ops.state;
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        if let [Some(node)] = ops.parents {
            let shape @ [.., channels] = dims::<4>(&output);
            let result = layer_norm::backward(values(&output), values(&scales), values(&gradient), channels);
            gradients.register::<Flex>(node.id, tensor(result, shape));
        }
    }
}

/// Gradient of [`Kernels::attention`]; its state is query, key, value and how many heads there are.
#[derive(Debug)]
pub(super) struct AttentionBackward;

impl Backward<Flex, 3> for AttentionBackward {
    type State = ([FlexTensor; 3], usize);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let ([query, key, value], heads) = ops.state;
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let shape = dims(&query);
        let inputs = [values(&query), values(&key), values(&value)];
        let results = attention::backward(Sizes::new(shape, heads), inputs, values(&gradient));
        for (node, result) in ops.parents.into_iter().zip(results) {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, tensor(result, shape));
            }
        }
    }
}

/// Gradient of [`Kernels::cross_entropy`]; its state is the slopes.
#[derive(Debug)]
pub(super) struct CrossEntropyBackward;

impl Backward<Flex, 1> for CrossEntropyBackward {
    type State = FlexTensor;

    fn backward(self, ops: Ops<FlexTensor, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let slopes = ops.state;
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        if let [Some(node)] = ops.parents {
            let factor = values(&gradient)[0];
            let result = values(&slopes).iter().map(|slope| slope * factor).collect();
            gradients.register::<Flex>(node.id, tensor(result, dims::<2>(&slopes)));
        }
    }
}
