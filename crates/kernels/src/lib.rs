//! The operations that networks and nearest neighbours spend their time in.
//!
//! Models call the functions here on Burn tensors and stay generic over the backend. On Burn's CPU backend, Flex, with `f32`,
//! our own code answers: all cores, vector instructions chosen when the program starts, features **channels-last** in memory,
//! several steps of a network in one pass. Everywhere else the same functions are plain tensor operations ([`plain`]), which
//! are the specification that our own code is tested against, gradients included.
//!
//! All features are `[batch, height, width, channels]`; weights of convolutions are `[channels out, channels in, height,
//! width]` as Burn and PyTorch store them.
//!
//! | operation | on the CPU |
//! |---|---|
//! | [`conv2d`] | 3×3 of stride 1: Winograd F(4×4, 3×3), a quarter of the multiplications; other sizes: the product of patches and weights, with patches read where they lie in the image |
//! | [`batch_norm`], [`normalize`] | statistics in one pass, normalization and activation in another; likewise for the gradient |
//! | [`affine`], [`add_bias`] | a center, a scale, a shift and the activation in one pass: BatchNorm of a trained network; a bias |
//! | [`linear`], [`linear_bytes`] | standardise images on the way |
//! | [`max_pool2d`] | keeps which pixel won as one byte |
//! | [`conv2d_max_pool2d`], [`conv2d_normalize`] | pool what a convolution gives, and apply a trained network's BatchNorm, while it is in the cache |
//! | [`add`] | the sum and the activation at the end of a residual block in one pass |
//! | [`layer_norm`], [`attention`] | each in one pass; the scores of patches for each other stay in the cache |
//! | [`cross_entropy`] | the loss and its gradient in one pass over the scores |
//! | [`descend`] | a step of gradient descent with momentum and weight decay in one pass on all cores |
//! | [`Index`] | nearest neighbours from bytes, the k best kept while distances are computed |
//!
//! Tensors get their values from memory by [`upload`], and give them back by [`read`], which count what goes to and from GPUs
//! ([`Traffic`]).
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use zoo_kernels::{Activation, Window, add_bias, conv2d, max_pool2d};
//!
//! let device = Device::flex();
//! let images = Tensor::<4>::ones([2, 32, 32, 3], &device);
//! let weight = Tensor::<4>::ones([8, 3, 3, 3], &device);
//! let features = conv2d(images, weight, Window::square(3, 1).with_padding(1));
//! let bias = Tensor::<1>::zeros([8], &device);
//! let features = add_bias(features, bias, Activation::Relu);
//! let pooled = max_pool2d(features, Window::square(2, 2));
//! assert_eq!(pooled.dims(), [2, 16, 16, 8]);
//! // 3×3 pixels of three channels.
//! assert_eq!(pooled.max().into_scalar::<f32>(), 27.0);
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read tensors as they like"))]

mod activation;
#[cfg(feature = "flex")]
mod affine;
#[cfg(feature = "flex")]
mod attention;
#[cfg(feature = "flex")]
mod batch_norm;
#[cfg(feature = "flex")]
mod border;
#[cfg(feature = "flex")]
mod convolution;
#[cfg(feature = "flex")]
mod cross_entropy;
#[cfg(feature = "flex")]
mod descent;
#[cfg(feature = "flex")]
mod direct;
#[cfg(feature = "flex")]
mod extension;
#[cfg(feature = "flex")]
mod geometry;
#[cfg(feature = "flex")]
mod layer_norm;
#[cfg(feature = "flex")]
mod linear;
mod memory;
mod neighbours;
mod operations;
pub mod plain;
#[cfg(feature = "flex")]
mod pool;
#[cfg(feature = "flex")]
mod simd;
#[cfg(feature = "flex")]
mod slopes;
#[cfg(feature = "flex")]
mod sum;
mod transfer;
mod window;
#[cfg(feature = "flex")]
mod winograd;

pub use activation::Activation;
#[cfg(feature = "mimalloc")]
pub use memory::keep_freed_memory;
pub use memory::rows;
pub use neighbours::{Index, Metric, Neighbour};
pub use operations::{
    add, add_bias, affine, attention, batch_norm, conv2d, conv2d_max_pool2d, conv2d_normalize, conv2d_pooled,
    cross_entropy, descend, is_accelerated, layer_norm, linear, linear_bytes, max_pool2d, normalize,
};
pub use plain::{Descent, Normalized};
pub use transfer::{Traffic, is_gpu, read, upload, wait};
pub use window::{Pooling, Window};
