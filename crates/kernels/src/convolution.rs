//! Convolution of channels-last features: which of the two algorithms takes it.

use crate::geometry::Geometry;
use crate::memory::written;
use crate::window::Window;
use crate::{unrolled, winograd};

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

/// Features `[batch, height, width, channels in]`, weight `[channels out, channels in, down, across]`.
pub(crate) fn forward(geometry: Geometry, features: &[f32], weight: &[f32]) -> Vec<f32> {
    let size = geometry.batch * geometry.image_out();
    if geometry.is_empty() {
        return vec![0.0; size];
    }
    let convolve = if suits_winograd(&geometry) { winograd::forward } else { unrolled::forward };
    // SAFETY: both algorithms write every place and channel of every image.
    unsafe { written(size, |output| convolve(geometry, features, weight, output)) }
}

/// The gradient by the features.
pub(crate) fn input_gradient(geometry: Geometry, gradient: &[f32], weight: &[f32]) -> Vec<f32> {
    let size = geometry.batch * geometry.image_in();
    if !geometry.is_empty() && suits_winograd(&geometry) {
        // SAFETY: every pixel and channel of every image is written.
        return unsafe {
            written(size, |output| winograd::input_gradient(geometry, gradient, weight, output))
        };
    }
    let mut output = vec![0.0; size];
    if !geometry.is_empty() {
        unrolled::input_gradient(geometry, gradient, weight, &mut output);
    }
    output
}

/// The gradient by the weight.
pub(crate) fn weight_gradient(geometry: Geometry, features: &[f32], gradient: &[f32]) -> Vec<f32> {
    let mut output = vec![0.0; geometry.channels_out * geometry.patch()];
    if !geometry.is_empty() {
        let add =
            if suits_winograd(&geometry) { winograd::weight_gradient } else { unrolled::weight_gradient };
        add(geometry, features, gradient, &mut output);
    }
    output
}
