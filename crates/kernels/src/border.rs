//! Images with zeros around them, as convolutions want them.

use std::ops::Range;

use crate::pool;
use crate::window::Window;

/// Where a convolution gets images from.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// `[batch, height, width, channels]`.
    Plain(&'a [f32]),
    /// The gradient by pooled features: each value goes to the pixel that won, as the images are read. Windows don't overlap.
    Pooled { gradient: &'a [f32], winners: &'a [u8], window: Window },
}

/// How images lie with zeros around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Border {
    /// Rows above and columns to the left.
    pub(crate) padding: [usize; 2],
    /// Height and width in all.
    pub(crate) bordered: [usize; 2],
    /// Height and width of the images.
    pub(crate) plane: [usize; 2],
    /// Channels of a pixel.
    pub(crate) channels: usize,
    /// Values of a pixel: channels, and zeros that fill them up to whole vectors if need be.
    pub(crate) wide: usize,
}

/// Images with a border, in memory that is used again.
#[derive(Default)]
pub(crate) struct Bordered {
    /// How the last ones lay, and the pooling that they came from. What is never written in such images is zero.
    last: Option<(Border, Option<Window>)>,
    values: Vec<f32>,
}

impl Bordered {
    /// Copies images of a group, unless they need no border.
    #[inline(always)]
    pub(crate) fn read<'a>(
        &'a mut self,
        border: Border,
        source: Source<'a>,
        group: Range<usize>,
    ) -> &'a [f32] {
        let Border { bordered, plane, channels, wide, .. } = border;
        let size = plane[0] * plane[1] * channels;
        let whole = bordered[0] * bordered[1] * wide;
        if let Source::Plain(features) = source
            && (bordered, wide) == (plane, channels)
        {
            return &features[group.start * size..group.end * size];
        }
        let pooling = match source {
            Source::Plain(_) => None,
            Source::Pooled { window, .. } => Some(window),
        };
        if self.last != Some((border, pooling)) {
            self.values.clear();
            self.last = Some((border, pooling));
        }
        if self.values.len() < group.len() * whole {
            self.values.resize(group.len() * whole, 0.0);
        }
        let values = &mut self.values[..group.len() * whole];
        for (image, target) in group.zip(values.chunks_exact_mut(whole)) {
            match source {
                Source::Plain(features) => border.copy(&features[image * size..][..size], target),
                Source::Pooled { gradient, winners, window } => {
                    let [down, across] = window.places(plane);
                    let pooled = down * across * channels;
                    let gradient = &gradient[image * pooled..][..pooled];
                    let winners = &winners[image * pooled..][..pooled];
                    let at = |y, x| border.at(y, x);
                    pool::unpool(gradient, winners, (window, across, channels), at, target);
                }
            }
        }
        values
    }
}

impl Border {
    /// Rows and columns of an image that tiles reach: of one that is larger, the last pixels meet no window.
    fn reached(self) -> [usize; 2] {
        std::array::from_fn(|axis| self.plane[axis].min(self.bordered[axis] - self.padding[axis]))
    }

    /// Where a pixel lies, if tiles reach it.
    #[inline(always)]
    fn at(self, y: usize, x: usize) -> Option<usize> {
        let Self { padding, bordered, wide, .. } = self;
        let [rows, columns] = self.reached();
        (y < rows && x < columns).then(|| ((y + padding[0]) * bordered[1] + x + padding[1]) * wide)
    }

    #[inline(always)]
    fn copy(self, image: &[f32], target: &mut [f32]) {
        let Self { padding, bordered, plane, channels, wide } = self;
        let [rows, columns] = self.reached();
        for (y, row) in image.chunks_exact(plane[1] * channels).take(rows).enumerate() {
            let target = &mut target[((y + padding[0]) * bordered[1] + padding[1]) * wide..];
            if wide == channels {
                target[..columns * channels].copy_from_slice(&row[..columns * channels]);
            } else {
                let pixels = row.chunks_exact(channels).zip(target.chunks_exact_mut(wide));
                for (pixel, target) in pixels.take(columns) {
                    // A loop rather than a copy, whose call would take longer.
                    for (target, &value) in target.iter_mut().zip(pixel) {
                        *target = value;
                    }
                }
            }
        }
    }
}
