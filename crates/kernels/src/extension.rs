//! Our own code as operations of Burn's CPU backend, with their gradients.

mod autodiff;
mod backward;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Flex, TensorMetadata, backend_extension};
use burn::tensor::{DType, TensorData};
use burn_flex::FlexTensor;

use crate::activation::Activation;
use crate::affine::{Finish, Line};
use crate::attention::Sizes;
use crate::geometry::Geometry;
use crate::plain::Descent;
use crate::window::{Pooling, Window};
use crate::{
    affine, attention, batch_norm, convolution, cross_entropy, descent, layer_norm, linear, pool, sum,
};

/// What [`crate::operations`] asks for; shapes as there.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait Kernels: Backend {
    fn conv2d(features: FloatTensor<Self>, weight: FloatTensor<Self>, window: Window) -> FloatTensor<Self>;

    /// Output, mean and variance.
    fn batch_norm(
        features: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    fn affine(
        features: FloatTensor<Self>,
        center: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;

    fn linear(
        images: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// The same of `u8` images.
    fn linear_bytes(
        images: IntTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    fn max_pool2d(features: FloatTensor<Self>, window: Window) -> FloatTensor<Self>;

    /// [`Kernels::affine`] behind a convolution, with pooling before or behind it for sizes that suit ([`suits_pooling`]). Without a gradient.
    fn conv2d_affine(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        windows: (Window, Option<Pooling>),
        center: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;

    /// f(left + right).
    fn add(left: FloatTensor<Self>, right: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;

    fn layer_norm(features: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self>;

    fn attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        heads: usize,
    ) -> FloatTensor<Self>;

    fn cross_entropy(
        scores: FloatTensor<Self>,
        labels: IntTensor<Self>,
        weights: FloatTensor<Self>,
        label_smoothing: f64,
    ) -> FloatTensor<Self>;

    /// Parameters and velocity. Without a gradient.
    fn descend(
        parameters: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        descent: Descent,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// For sizes that suit: see [`suits_pooling`].
    fn conv2d_max_pool2d(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        window: Window,
        pool: Window,
    ) -> FloatTensor<Self>;
}

/// Whether [`Kernels::conv2d_max_pool2d`] takes features and weight of such shapes.
pub(crate) fn suits_pooling(features: [usize; 4], weight: [usize; 4], window: Window, pool: Window) -> bool {
    convolution::suits_pooling(&Geometry::new(features, weight, window), pool)
}

/// The values of a tensor in the order of its shape; copied if they don't lie so.
fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("contiguous and f32")
}

fn bytes(tensor: &FlexTensor) -> &[u8] {
    tensor.as_slice().expect("contiguous and u8")
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

fn line([center, scale, shift]: &[FlexTensor; 3]) -> Line<'_> {
    Line { center: values(center), scale: values(scale), shift: values(shift) }
}

fn dims<const D: usize>(tensor: &FlexTensor) -> [usize; D] {
    tensor.shape().dims()
}

impl Geometry {
    fn new(features: [usize; 4], weight: [usize; 4], window: Window) -> Self {
        let [batch, height, width, channels_in] = features;
        let [channels_out, ..] = weight;
        Self { batch, plane: [height, width], channels_in, channels_out, window }
    }
}

impl Kernels for Flex {
    fn conv2d(features: FlexTensor, weight: FlexTensor, window: Window) -> FlexTensor {
        let (features, weight) = (contiguous(features), contiguous(weight));
        let geometry = Geometry::new(dims(&features), dims(&weight), window);
        let output = convolution::forward(geometry, values(&features), values(&weight), None);
        let [height, width] = geometry.output();
        tensor(output, [geometry.batch, height, width, geometry.channels_out])
    }

    fn batch_norm(
        features: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        epsilon: f64,
        activation: Activation,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (features, gamma, beta) = (contiguous(features), contiguous(gamma), contiguous(beta));
        let shape: [usize; 4] = dims(&features);
        let [mean, variance] = batch_norm::statistics(values(&features), shape[3]);
        let statistics = [mean.as_slice(), variance.as_slice()];
        let output = batch_norm::forward(
            values(&features),
            values(&gamma),
            values(&beta),
            statistics,
            epsilon,
            activation,
        );
        (tensor(output, shape), tensor(mean, [shape[3]]), tensor(variance, [shape[3]]))
    }

    fn affine(
        features: FlexTensor,
        center: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        activation: Activation,
    ) -> FlexTensor {
        let features = contiguous(features);
        let channels = [center, scale, shift].map(contiguous);
        let output = affine::forward(values(&features), line(&channels), activation);
        tensor(output, dims::<4>(&features))
    }

    fn linear(
        images: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
    ) -> FlexTensor {
        let [images, scale, shift, weight, bias] = [images, scale, shift, weight, bias].map(contiguous);
        let (standard, weight, bias_values) =
            ([values(&scale), values(&shift)], values(&weight), values(&bias));
        let scores = match images.dtype() {
            DType::U8 => linear::forward(bytes(&images), standard, weight, bias_values),
            _ => linear::forward(values(&images), standard, weight, bias_values),
        };
        tensor(scores, [dims::<2>(&images)[0], dims::<1>(&bias)[0]])
    }

    fn linear_bytes(
        images: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
    ) -> FlexTensor {
        Self::linear(images, scale, shift, weight, bias)
    }

    fn max_pool2d(features: FlexTensor, window: Window) -> FlexTensor {
        pool_with_winners(features, window).0
    }

    fn conv2d_max_pool2d(
        features: FlexTensor,
        weight: FlexTensor,
        window: Window,
        pool: Window,
    ) -> FlexTensor {
        convolve_and_pool(&contiguous(features), &contiguous(weight), (window, Pooling::First(pool)), None).0
    }

    fn conv2d_affine(
        features: FlexTensor,
        weight: FlexTensor,
        (window, pool): (Window, Option<Pooling>),
        center: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        activation: Activation,
    ) -> FlexTensor {
        let (features, weight) = (contiguous(features), contiguous(weight));
        let channels = [center, scale, shift].map(contiguous);
        let finish = Some(Finish { line: line(&channels), activation });
        if let Some(pool) = pool {
            return convolve_and_pool(&features, &weight, (window, pool), finish).0;
        }
        let geometry = Geometry::new(dims(&features), dims(&weight), window);
        let output = convolution::forward(geometry, values(&features), values(&weight), finish);
        let [height, width] = geometry.output();
        tensor(output, [geometry.batch, height, width, geometry.channels_out])
    }

    fn add(left: FlexTensor, right: FlexTensor, activation: Activation) -> FlexTensor {
        let (left, right) = (contiguous(left), contiguous(right));
        tensor(sum::forward(values(&left), values(&right), activation), dims::<4>(&left))
    }

    fn layer_norm(features: FlexTensor, epsilon: f64) -> FlexTensor {
        layer_norm_with_scales(features, epsilon).0
    }

    fn attention(query: FlexTensor, key: FlexTensor, value: FlexTensor, heads: usize) -> FlexTensor {
        let inputs = [query, key, value].map(contiguous);
        let [query, key, value] = &inputs;
        let heads = Sizes::new(dims(query), heads);
        let output = attention::forward(heads, [values(query), values(key), values(value)]);
        tensor(output, dims::<4>(query))
    }

    fn cross_entropy(
        scores: FlexTensor,
        labels: FlexTensor,
        weights: FlexTensor,
        label_smoothing: f64,
    ) -> FlexTensor {
        cross_entropy_with_slopes(scores, labels, weights, label_smoothing).0
    }

    fn descend(
        parameters: FlexTensor,
        gradient: FlexTensor,
        velocity: FlexTensor,
        descent: Descent,
    ) -> (FlexTensor, FlexTensor) {
        let [parameters, gradient, velocity] = [parameters, gradient, velocity].map(contiguous);
        let (after, moved) =
            descent::descend(descent, values(&parameters), values(&gradient), values(&velocity));
        let like = |values| FlexTensor::from_data(TensorData::new(values, parameters.shape().clone()));
        (like(after), like(moved))
    }
}

/// A convolution with pooling before or behind `finish`, and which pixels won.
fn convolve_and_pool(
    features: &FlexTensor,
    weight: &FlexTensor,
    (window, pool): (Window, Pooling),
    finish: Option<Finish<'_>>,
) -> (FlexTensor, Vec<u8>) {
    let geometry = Geometry::new(dims(features), dims(weight), window);
    let (output, winners) =
        convolution::forward_pooled(geometry, values(features), values(weight), pool, finish);
    let [height, width] = pool.window().places(geometry.output());
    (tensor(output, [geometry.batch, height, width, geometry.channels_out]), winners)
}

fn pool_with_winners(features: FlexTensor, window: Window) -> (FlexTensor, Vec<u8>) {
    let features = contiguous(features);
    let shape = dims(&features);
    let (output, winners) = pool::forward(values(&features), shape, window);
    let [height, width] = window.places([shape[1], shape[2]]);
    (tensor(output, [shape[0], height, width, shape[3]]), winners)
}

/// With the reciprocal of the deviation of each place.
fn layer_norm_with_scales(features: FlexTensor, epsilon: f64) -> (FlexTensor, FlexTensor) {
    let features = contiguous(features);
    let shape @ [batch, height, width, channels] = dims(&features);
    let (output, scales) = layer_norm::forward(values(&features), channels, epsilon);
    (tensor(output, shape), tensor(scales, [batch * height * width]))
}

/// With the slopes of the sum by the scores.
fn cross_entropy_with_slopes(
    scores: FlexTensor,
    labels: FlexTensor,
    weights: FlexTensor,
    label_smoothing: f64,
) -> (FlexTensor, FlexTensor) {
    let (scores, weights) = (contiguous(scores), contiguous(weights));
    let labels: Vec<usize> =
        contiguous(labels).into_data().iter::<i64>().map(|label| label as usize).collect();
    let (sum, slopes) = cross_entropy::forward(values(&scores), &labels, values(&weights), label_smoothing);
    (tensor(vec![sum], [1]), tensor(slopes, dims::<2>(&scores)))
}
