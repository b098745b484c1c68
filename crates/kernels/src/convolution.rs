//! Convolution of channels-last features: which of the two algorithms takes it.

use std::mem::MaybeUninit;

use crate::affine::Finish;
use crate::border::Source;
use crate::direct;
use crate::geometry::Geometry;
use crate::memory::{written, written_both};
use crate::window::{Pooling, Window};
use crate::winograd;

/// Fewest channels, in and out, that fill the vectors of Winograd's transforms well.
const WINOGRAD_CHANNELS: usize = 12;

/// Whether [`winograd`] takes a convolution; [`direct`] takes the others.
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
    let convolve = if suits_winograd(&geometry) { winograd::forward } else { direct::forward };
    // SAFETY: both algorithms write every place and channel of every image.
    unsafe { written(size, |output| convolve(geometry, features, weight, finish, output)) }
}

/// Max-pooling behind a convolution, and which pixels won; where pooling comes last, behind `finish`.
pub(crate) fn forward_pooled(
    geometry: Geometry,
    features: &[f32],
    weight: &[f32],
    pool: Pooling,
    finish: Option<Finish<'_>>,
) -> (Vec<f32>, Vec<u8>) {
    let [down, across] = pool.window().places(geometry.output());
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
            direct::input_gradient(geometry, gradient, weight, output);
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
            direct::weight_gradient(geometry, features, gradient, &mut output);
        }
        _ => winograd::weight_gradient(geometry, features, gradient, &mut output),
    }
    output
}

/// The definition, in f64, for tests.
#[cfg(test)]
pub(crate) fn definition(geometry: Geometry, features: &[f32], weight: &[f32]) -> Vec<f64> {
    let Geometry { batch, plane: [height, width], channels_in, channels_out, window } = geometry;
    let ([rows, columns], [down, across]) = (window.size, geometry.output());
    let mut output = Vec::new();
    for place in 0..batch * down * across * channels_out {
        let (channel, x) = (place % channels_out, place / channels_out % across);
        let (y, image) = (place / channels_out / across % down, place / channels_out / across / down);
        let mut sum = 0.0;
        for position in 0..rows * columns {
            let row = (y * window.stride[0] + position / columns).wrapping_sub(window.padding[0]);
            let column = (x * window.stride[1] + position % columns).wrapping_sub(window.padding[1]);
            if row < height && column < width {
                for input in 0..channels_in {
                    let pixel = ((image * height + row) * width + column) * channels_in + input;
                    let weight = weight[(channel * channels_in + input) * rows * columns + position];
                    sum += f64::from(features[pixel]) * f64::from(weight);
                }
            }
        }
        output.push(sum);
    }
    output
}
