//! The sizes of a convolution.

use crate::window::Window;

/// The sizes of one convolution of channels-last features.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) batch: usize,
    /// Height and width of the features that come in.
    pub(crate) plane: [usize; 2],
    pub(crate) channels_in: usize,
    pub(crate) channels_out: usize,
    pub(crate) window: Window,
}

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

    /// Whether there is nothing to compute.
    pub(crate) fn is_empty(&self) -> bool {
        self.batch == 0 || self.channels_in == 0 || self.channels_out == 0
    }
}
