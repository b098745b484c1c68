//! The windows of convolutions and of pooling.

/// The places of a window on the plane of pixels: that of a convolution, or of pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub size: [usize; 2],
    /// Rows and columns from one place to the next.
    pub stride: [usize; 2],
    /// Rows added above and below, columns added left and right: zeros to a convolution, nothing to max-pooling.
    pub padding: [usize; 2],
}

impl Window {
    /// A square window that moves by `stride`, without padding.
    #[must_use]
    pub const fn square(size: usize, stride: usize) -> Self {
        Self { size: [size; 2], stride: [stride; 2], padding: [0; 2] }
    }

    /// The same with `padding` on every side.
    #[must_use]
    pub const fn with_padding(self, padding: usize) -> Self {
        Self { padding: [padding; 2], ..self }
    }

    /// The number of places down and across a plane of `height` × `width`: ⌊(side + 2 · padding − size) / stride⌋ + 1.
    ///
    /// # Panics
    /// If the window doesn't fit, or a size or stride is 0.
    #[must_use]
    pub fn places(&self, plane: [usize; 2]) -> [usize; 2] {
        std::array::from_fn(|axis| {
            let (size, padded) = (self.size[axis], plane[axis] + 2 * self.padding[axis]);
            assert!(size > 0 && self.stride[axis] > 0, "{self:?} has a size and a stride");
            assert!(size <= padded, "{self:?} fits into {plane:?}");
            (padded - size) / self.stride[axis] + 1
        })
    }
}

/// Where a convolution with BatchNorm and an activation behind it is max-pooled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Right behind the convolution: all that follows has less to do.
    First(Window),
    /// Behind the activation, as VGG does.
    Last(Window),
}

impl Pooling {
    /// The windows.
    #[must_use]
    pub const fn window(self) -> Window {
        match self {
            Self::First(window) | Self::Last(window) => window,
        }
    }
}
