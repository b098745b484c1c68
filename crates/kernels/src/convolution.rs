//! Convolution of channels-last features: which of the two algorithms takes it.

use crate::memory::written;
use crate::{Window, unrolled, winograd};

/// The sizes of one convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) batch: usize,
    /// Height and width of the features that come in.
    pub(crate) plane: [usize; 2],
    pub(crate) channels_in: usize,
    pub(crate) channels_out: usize,
    pub(crate) window: Window,
}

/// Fewest channels, in and out, that fill the vectors of Winograd's transforms well.
const WINOGRAD_CHANNELS: usize = 12;

impl Geometry {
    /// Height and width of the features that come out.
    pub(crate) fn output(&self) -> [usize; 2] {
        self.window.places(self.plane)
    }

    /// Values of one image that comes in.
    pub(crate) fn image_in(&self) -> usize {
        self.plane[0] * self.plane[1] * self.channels_in
    }

    /// Values of one image that comes out.
    pub(crate) fn image_out(&self) -> usize {
        let [height, width] = self.output();
        height * width * self.channels_out
    }

    /// Values under the window at one place.
    pub(crate) fn patch(&self) -> usize {
        self.window.size[0] * self.window.size[1] * self.channels_in
    }

    fn is_empty(&self) -> bool {
        self.batch == 0 || self.channels_in == 0 || self.channels_out == 0
    }

    fn suits_winograd(&self) -> bool {
        let Window { size, stride, padding } = self.window;
        size == [3, 3]
            && stride == [1, 1]
            && padding.iter().all(|&padding| padding <= 2)
            && self.channels_in.min(self.channels_out) >= WINOGRAD_CHANNELS
    }
}

/// Features `[batch, height, width, channels in]`, weight `[channels out, channels in, down, across]`.
pub(crate) fn forward(geometry: Geometry, features: &[f32], weight: &[f32]) -> Vec<f32> {
    let size = geometry.batch * geometry.image_out();
    if geometry.is_empty() {
        return vec![0.0; size];
    }
    let convolve = if geometry.suits_winograd() { winograd::forward } else { unrolled::forward };
    // SAFETY: both algorithms write every place and channel of every image.
    unsafe { written(size, |output| convolve(geometry, features, weight, output)) }
}

/// The gradient by the features.
pub(crate) fn input_gradient(geometry: Geometry, gradient: &[f32], weight: &[f32]) -> Vec<f32> {
    let size = geometry.batch * geometry.image_in();
    if !geometry.is_empty() && geometry.suits_winograd() {
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
            if geometry.suits_winograd() { winograd::weight_gradient } else { unrolled::weight_gradient };
        add(geometry, features, gradient, &mut output);
    }
    output
}
