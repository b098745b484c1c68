//! Convolution of channels-last features: which of the two algorithms takes it.

use std::mem::MaybeUninit;

use crate::affine::Finish;
use crate::geometry::Geometry;
use crate::memory::{written, written_both};
use crate::unrolled;
use crate::window::Window;
use crate::winograd::{self, Source};

/// Fewest channels, in and out, that fill the vectors of Winograd's transforms well.
const WINOGRAD_CHANNELS: usize = 12;

/// Whether [`winograd`] takes a convolution; [`unrolled`] takes the others.
fn suits_winograd(geometry: &Geometry) -> bool {
    let Window { size, stride, padding } = geometry.window;
    size == [3, 3]
        && stride == [1, 1]
        && padding.iter().all(|&padding| padding <= 2)
        && geometry.channels_in.min(geometry.channels_out) >= WINOGRAD_CHANNELS
}

/// Whether [`forward_pooled`] takes a convolution with pooling behind it.
pub(crate) fn suits_pooling(geometry: &Geometry, pool: Window) -> bool {
    !geometry.is_empty()
        && suits_winograd(geometry)
        && pool.padding == [0; 2]
        && (0..2).all(|axis| pool.stride[axis] >= pool.size[axis])
        && pool.size[0] * pool.size[1] <= 256
}

/// Features `[batch, height, width, channels in]`, weight `[channels out, channels in, down, across]`. What isn't pooled gets its `finish` as
/// it is.
pub(crate) fn forward(
    geometry: Geometry,
    features: &[f32],
    weight: &[f32],
    finish: Option<Finish<'_>>,
) -> Vec<f32> {
    let size = geometry.batch * geometry.image_out();
    if geometry.is_empty() {
        return vec![0.0; size];
    }
    let convolve = if suits_winograd(&geometry) { winograd::forward } else { unrolled::forward };
    // SAFETY: both algorithms write every place and channel of every image.
    unsafe { written(size, |output| convolve(geometry, features, weight, finish, output)) }
}

/// Max-pooling behind a convolution, and which pixels won.
pub(crate) fn forward_pooled(
    geometry: Geometry,
    features: &[f32],
    weight: &[f32],
    pool: Window,
    finish: Option<Finish<'_>>,
) -> (Vec<f32>, Vec<u8>) {
    let [down, across] = pool.places(geometry.output());
    let size = geometry.batch * down * across * geometry.channels_out;
    let write = |output: &mut [MaybeUninit<f32>], winners: &mut [MaybeUninit<u8>]| {
        winograd::forward_pooled(geometry, features, weight, (pool, finish), output, winners);
    };
    // SAFETY: every place and channel of every image is written.
    unsafe { written_both(size, write) }
}

/// The gradient by the features.
pub(crate) fn input_gradient(geometry: Geometry, gradient: Source<'_>, weight: &[f32]) -> Vec<f32> {
    let size = geometry.batch * geometry.image_in();
    if geometry.is_empty() {
        return vec![0.0; size];
    }
    let write = |output: &mut [MaybeUninit<f32>]| match gradient {
        Source::Plain(gradient) if !suits_winograd(&geometry) => {
            unrolled::input_gradient(geometry, gradient, weight, output);
        }
        _ => winograd::input_gradient(geometry, gradient, weight, output),
    };
    // SAFETY: every pixel and channel of every image is written.
    unsafe { written(size, write) }
}

/// The gradient by the weight.
pub(crate) fn weight_gradient(geometry: Geometry, features: &[f32], gradient: Source<'_>) -> Vec<f32> {
    let mut output = vec![0.0; geometry.channels_out * geometry.patch()];
    if geometry.is_empty() {
        return output;
    }
    match gradient {
        Source::Plain(gradient) if !suits_winograd(&geometry) => {
            unrolled::weight_gradient(geometry, features, gradient, &mut output);
        }
        _ => winograd::weight_gradient(geometry, features, gradient, &mut output),
    }
    output
}
