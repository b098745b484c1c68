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
    /// Places that come out of the images of a part, where there are enough.
    const PLACES: usize = 1 << 13;
    /// The most parts, for memory.
    const PARTS: usize = 32;

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

    /// Images whose share of a sum over the batch is added up by itself, by one thread. Only the sizes decide, so that rounding is the same
    /// however many threads there are: enough places that adding a part to the others is little work, at most [`PARTS`](Self::PARTS).
    pub(crate) fn part(&self) -> usize {
        let [height, width] = self.output();
        let parts = (self.batch * height * width / Self::PLACES).clamp(2, Self::PARTS);
        self.batch.div_ceil(parts)
    }

    /// Whether there is nothing to compute.
    pub(crate) fn is_empty(&self) -> bool {
        self.batch == 0 || self.channels_in == 0 || self.channels_out == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_from_the_sizes() {
        let part = |batch, side| {
            let window = Window::square(3, 1).with_padding(1);
            Geometry { batch, plane: [side; 2], channels_in: 8, channels_out: 8, window }.part()
        };
        assert_eq!([part(1, 4), part(2, 4), part(7, 4)], [1, 1, 4]);
        assert_eq!([part(128, 8), part(128, 32), part(1024, 32)], [64, 8, 32]);
    }
}
