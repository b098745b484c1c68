//! What models call.

use burn::nn::BatchNorm;
#[cfg(feature = "flex")]
use burn::tensor::DType;
use burn::tensor::{Device, Int, Tensor};

use crate::activation::Activation;
use crate::plain::{self, Descent, Normalized};
use crate::window::{Pooling, Window};

#[cfg(feature = "flex")]
use crate::extension::{Kernels, suits_pooling};
#[cfg(feature = "flex")]
use burn::backend::{Dispatch, DispatchDevice};

/// Whether tensors on `device` get our own code rather than plain tensor operations.
#[must_use]
pub fn is_accelerated(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    return matches!(device.clone().inner().as_dispatch(), DispatchDevice::Flex(_));
    #[cfg(not(feature = "flex"))]
    {
        let _ = device;
        false
    }
}

#[cfg(feature = "flex")]
fn accelerates<const D: usize>(features: &Tensor<D>) -> bool {
    features.dtype() == DType::F32 && is_accelerated(&features.device())
}

/// Convolution without bias, as networks define it: out(y, x, o) = Σ in(y · stride + i − padding, x · stride + j − padding, c)
/// · weight(o, c, i, j), summed over i, j and c.
///
/// # Shapes
/// - `features`: `[batch, height, width, channels in]`.
/// - `weight`: `[channels out, channels in, window height, window width]`.
/// - returns: `[batch, places down, places across, channels out]`.
///
/// # Panics
/// If the shapes don't belong together.
#[must_use]
pub fn conv2d(features: Tensor<4>, weight: Tensor<4>, window: Window) -> Tensor<4> {
    let [_, height, width, channels] = features.dims();
    let [_, channels_in, down, across] = weight.dims();
    assert_eq!((channels, [down, across]), (channels_in, window.size), "features, weight and window agree");
    let _ = window.places([height, width]);
    #[cfg(feature = "flex")]
    if accelerates(&features) {
        let output = <Dispatch as Kernels>::conv2d(features.into_dispatch(), weight.into_dispatch(), window);
        return Tensor::from_dispatch(output);
    }
    plain::conv2d(features, weight, window)
}

/// [`max_pool2d`] behind [`conv2d`], in one pass where the CPU has our own code for it: what isn't kept is never written to memory.
///
/// # Shapes
/// - `features`, `weight`: those of [`conv2d`].
/// - returns: `[batch, places of pool down, places across, channels out]`.
///
/// # Panics
/// If either of the two would.
#[must_use]
pub fn conv2d_max_pool2d(features: Tensor<4>, weight: Tensor<4>, window: Window, pool: Window) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if accelerates(&features) && suits_pooling(features.dims(), weight.dims(), window, pool) {
        let (features, weight) = (features.into_dispatch(), weight.into_dispatch());
        let output = <Dispatch as Kernels>::conv2d_max_pool2d(features, weight, window, pool);
        return Tensor::from_dispatch(output);
    }
    max_pool2d(conv2d(features, weight, window), pool)
}

/// Normalises each channel over batch and plane (Ioffe and Szegedy, *Batch Normalization*, 2015) and applies the activation:
/// f(γ (x − mean) / √(variance + ε) + β).
///
/// # Shapes
/// - `features`: `[batch, height, width, channels]`; `gamma`, `beta`: `[channels]`.
#[must_use]
pub fn batch_norm(
    features: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    activation: Activation,
) -> Normalized {
    #[cfg(feature = "flex")]
    if accelerates(&features) {
        let (output, mean, variance) = <Dispatch as Kernels>::batch_norm(
            features.into_dispatch(),
            gamma.into_dispatch(),
            beta.into_dispatch(),
            epsilon,
            activation,
        );
        return Normalized {
            output: Tensor::from_dispatch(output),
            mean: Tensor::from_dispatch(mean),
            variance: Tensor::from_dispatch(variance),
        };
    }
    plain::batch_norm(features, gamma, beta, epsilon, activation)
}

/// Burn's BatchNorm and the activation behind it: [`batch_norm`] while training, which also moves the running statistics, and
/// [`affine`] with the running statistics otherwise.
///
/// # Shapes
/// - `features`, returns: `[batch, height, width, channels]`.
#[must_use]
pub fn normalize(norm: &BatchNorm, features: Tensor<4>, activation: Activation) -> Tensor<4> {
    if !features.device().is_autodiff() || !norm.training.is_enabled() {
        return affine(features, fixed(norm), activation);
    }
    let (gamma, beta) = (norm.gamma.val(), norm.beta.val());
    let Normalized { output, mean, variance } = batch_norm(features, gamma, beta, norm.epsilon, activation);
    // PyTorch's running variance is the unbiased one.
    let values = output.shape().num_elements() / norm.gamma.dims()[0];
    let variance = variance * (values as f64 / (values as f64 - 1.0).max(1.0));
    let moved = |running: Tensor<1>, now: Tensor<1>| {
        (running * (1.0 - norm.momentum) + now.detach() * norm.momentum).detach()
    };
    norm.running_mean.update(moved(norm.running_mean.value_sync(), mean));
    norm.running_var.update(moved(norm.running_var.value_sync(), variance));
    output
}

/// [`normalize`] behind a convolution, with max-pooling before or behind it. A network that isn't training does all on the CPU while the features
/// are in the cache.
///
/// # Shapes
/// - `features`, `weight`: those of [`conv2d`].
/// - returns: `[batch, places down, places across, channels out]`; the places of `pool`, if any.
///
/// # Panics
/// If [`conv2d`] or [`max_pool2d`] would.
#[must_use]
pub fn conv2d_normalize(
    features: Tensor<4>,
    weight: Tensor<4>,
    (window, pool): (Window, Option<Pooling>),
    norm: &BatchNorm,
    activation: Activation,
) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if accelerates(&features)
        && !features.device().is_autodiff()
        && pool.is_none_or(|pool| suits_pooling(features.dims(), weight.dims(), window, pool.window()))
    {
        let [center, scale, shift] = fixed(norm).map(Tensor::into_dispatch);
        let (features, weight) = (features.into_dispatch(), weight.into_dispatch());
        let windows = (window, pool);
        let output =
            <Dispatch as Kernels>::conv2d_affine(features, weight, windows, center, scale, shift, activation);
        return Tensor::from_dispatch(output);
    }
    conv2d_pooled(features, weight, (window, pool), |features| normalize(norm, features, activation))
}

/// A convolution and what `behind` makes of it, with max-pooling before or after that.
///
/// # Shapes
/// - `features`, `weight`: those of [`conv2d`].
/// - returns: `[batch, places down, places across, channels out]`; the places of `pool`, if any.
///
/// # Panics
/// If [`conv2d`] or [`max_pool2d`] would.
#[must_use]
pub fn conv2d_pooled(
    features: Tensor<4>,
    weight: Tensor<4>,
    (window, pool): (Window, Option<Pooling>),
    behind: impl FnOnce(Tensor<4>) -> Tensor<4>,
) -> Tensor<4> {
    match pool {
        None => behind(conv2d(features, weight, window)),
        Some(Pooling::First(pool)) => behind(conv2d_max_pool2d(features, weight, window, pool)),
        Some(Pooling::Last(pool)) => max_pool2d(behind(conv2d(features, weight, window)), pool),
    }
}

/// Center, scale and shift of a BatchNorm with its running statistics.
fn fixed(norm: &BatchNorm) -> [Tensor<1>; 3] {
    let scale = norm.gamma.val() / (norm.running_var.value() + norm.epsilon).sqrt();
    [norm.running_mean.value(), scale, norm.beta.val()]
}

/// f(x + y).
///
/// # Shapes
/// - `left`, `right`, returns: `[batch, height, width, channels]`.
///
/// # Panics
/// If the shapes differ.
#[must_use]
pub fn add(left: Tensor<4>, right: Tensor<4>, activation: Activation) -> Tensor<4> {
    assert_eq!(left.dims(), right.dims(), "two features of one shape");
    #[cfg(feature = "flex")]
    if accelerates(&left) {
        let (left, right) = (left.into_dispatch(), right.into_dispatch());
        return Tensor::from_dispatch(<Dispatch as Kernels>::add(left, right, activation));
    }
    activation.forward(left + right)
}

/// f(scale · (x − center) + shift), channel by channel: BatchNorm with fixed statistics, or standardised images.
///
/// The center is data: no gradient reaches it.
///
/// # Shapes
/// - `features`, returns: `[batch, height, width, channels]`; `center`, `scale`, `shift`: `[channels]`.
#[must_use]
pub fn affine(
    features: Tensor<4>,
    [center, scale, shift]: [Tensor<1>; 3],
    activation: Activation,
) -> Tensor<4> {
    let center = center.detach();
    #[cfg(feature = "flex")]
    if accelerates(&features) {
        let [center, scale, shift] = [center, scale, shift].map(Tensor::into_dispatch);
        let output =
            <Dispatch as Kernels>::affine(features.into_dispatch(), center, scale, shift, activation);
        return Tensor::from_dispatch(output);
    }
    plain::affine(features, [center, scale, shift], activation)
}

/// f(x + bias), channel by channel.
///
/// # Shapes
/// - `features`, returns: `[batch, height, width, channels]`; `bias`: `[channels]`.
#[must_use]
pub fn add_bias(features: Tensor<4>, bias: Tensor<1>, activation: Activation) -> Tensor<4> {
    affine(features, [bias.zeros_like(), bias.ones_like(), bias], activation)
}

/// A linear layer on images that are standardised first: (scale · x + shift) W + b.
///
/// Images, scale and shift are data: no gradient reaches them.
///
/// # Shapes
/// - `images`: `[batch, features]`; `scale`, `shift`: `[features]`.
/// - `weight`: `[features, outputs]`; `bias`: `[outputs]`.
/// - returns: `[batch, outputs]`.
#[must_use]
pub fn linear(
    images: Tensor<2>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    weight: Tensor<2>,
    bias: Tensor<1>,
) -> Tensor<2> {
    let (images, scale, shift) = (images.detach(), scale.detach(), shift.detach());
    #[cfg(feature = "flex")]
    if accelerates(&images) {
        let output = <Dispatch as Kernels>::linear(
            images.into_dispatch(),
            scale.into_dispatch(),
            shift.into_dispatch(),
            weight.into_dispatch(),
            bias.into_dispatch(),
        );
        return Tensor::from_dispatch(output);
    }
    plain::linear(images, scale, shift, weight, bias)
}

/// [`linear`] of `u8` images, a quarter of the memory to read.
///
/// # Shapes
/// - those of [`linear`].
#[must_use]
pub fn linear_bytes(
    images: Tensor<2, Int>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    weight: Tensor<2>,
    bias: Tensor<1>,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if images.dtype() == DType::U8 && accelerates(&weight) {
        let (scale, shift) = (scale.detach(), shift.detach());
        let output = <Dispatch as Kernels>::linear_bytes(
            images.into_dispatch(),
            scale.into_dispatch(),
            shift.into_dispatch(),
            weight.into_dispatch(),
            bias.into_dispatch(),
        );
        return Tensor::from_dispatch(output);
    }
    linear(images.float(), scale, shift, weight, bias)
}

/// The largest value under the window, channel by channel.
///
/// # Shapes
/// - `features`: `[batch, height, width, channels]`.
/// - returns: `[batch, places down, places across, channels]`.
///
/// # Panics
/// If the window doesn't fit, or is padded by more than half its size.
#[must_use]
pub fn max_pool2d(features: Tensor<4>, window: Window) -> Tensor<4> {
    let [_, height, width, _] = features.dims();
    let _ = window.places([height, width]);
    assert!(
        (0..2).all(|axis| 2 * window.padding[axis] <= window.size[axis]),
        "{window:?} covers a pixel everywhere"
    );
    #[cfg(feature = "flex")]
    if accelerates(&features) && window.size[0] * window.size[1] <= 256 {
        return Tensor::from_dispatch(<Dispatch as Kernels>::max_pool2d(features.into_dispatch(), window));
    }
    plain::max_pool2d(features, window)
}

/// Layer normalization (Ba, Kiros and Hinton, 2016): the channels of each place get mean 0 and deviation 1,
/// (x − mean) / √(variance + ε).
///
/// # Shapes
/// - `features`, returns: `[batch, height, width, channels]`.
#[must_use]
pub fn layer_norm(features: Tensor<4>, epsilon: f64) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if accelerates(&features) {
        return Tensor::from_dispatch(<Dispatch as Kernels>::layer_norm(features.into_dispatch(), epsilon));
    }
    plain::layer_norm(features, epsilon)
}

/// Attention (Vaswani et al., *Attention Is All You Need*, 2017): softmax(Q Kᵀ / √d) V over the places of an image, for each of the
/// `heads`, which have d of the channels each.
///
/// # Shapes
/// - `query`, `key`, `value`, returns: `[batch, height, width, channels]`.
///
/// # Panics
/// If the shapes differ, or the heads can't share the channels.
#[must_use]
pub fn attention(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>, heads: usize) -> Tensor<4> {
    let shape @ [.., channels] = query.dims();
    assert_eq!((shape, shape), (key.dims(), value.dims()), "query, key and value of one shape");
    assert!(heads > 0 && channels.is_multiple_of(heads), "{heads} heads share {channels} channels");
    #[cfg(feature = "flex")]
    if accelerates(&query) {
        let [query, key, value] = [query, key, value].map(Tensor::into_dispatch);
        return Tensor::from_dispatch(<Dispatch as Kernels>::attention(query, key, value, heads));
    }
    plain::attention(query, key, value, heads)
}

/// Σ w_y l over the images of a batch, l being the cross-entropy of an image's scores, and w_y the weight of its class.
///
/// Label smoothing ε spreads its share by the weights, as PyTorch's `CrossEntropyLoss` does: with p = softmax(scores), w_y l is
/// −(1 − ε) w_y ln p_y − (ε / classes) Σ_k w_k ln p_k. Labels and weights are data: no gradient reaches them.
///
/// # Shapes
/// - `scores`: `[batch, classes]`; `labels`: `[batch]`, class numbers; `weights`: `[classes]`.
/// - returns: `[1]`.
#[must_use]
pub fn cross_entropy(
    scores: Tensor<2>,
    labels: Tensor<1, Int>,
    weights: Tensor<1>,
    label_smoothing: f64,
) -> Tensor<1> {
    let weights = weights.detach();
    #[cfg(feature = "flex")]
    if accelerates(&scores) {
        let (scores, labels, weights) =
            (scores.into_dispatch(), labels.into_dispatch(), weights.into_dispatch());
        let sum = <Dispatch as Kernels>::cross_entropy(scores, labels, weights, label_smoothing);
        return Tensor::from_dispatch(sum);
    }
    plain::cross_entropy(scores, labels, weights, label_smoothing)
}

/// Parameters and velocity after a step of `descent`. The velocity is zeros at first.
///
/// # Shapes
/// - all alike.
///
/// # Panics
/// If the shapes differ.
#[must_use]
pub fn descend<const D: usize>(
    descent: Descent,
    parameters: Tensor<D>,
    gradient: Tensor<D>,
    velocity: Tensor<D>,
) -> [Tensor<D>; 2] {
    #[cfg(feature = "flex")]
    if accelerates(&parameters) {
        let [parameters, gradient, velocity] = [parameters, gradient, velocity].map(Tensor::into_dispatch);
        let (parameters, velocity) = <Dispatch as Kernels>::descend(parameters, gradient, velocity, descent);
        return [parameters, velocity].map(Tensor::from_dispatch);
    }
    plain::descend(descent, parameters, gradient, velocity)
}
