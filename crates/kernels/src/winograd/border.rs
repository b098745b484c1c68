//! Images with zeros around them, as the transforms of tiles want them.

use std::ops::Range;

use super::padded;
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
pub(super) struct Border {
    /// Rows above and columns to the left.
    pub(super) padding: [usize; 2],
    /// Height and width in all, out to whole tiles.
    pub(super) bordered: [usize; 2],
    /// Height and width of the images.
    pub(super) plane: [usize; 2],
    /// Channels of a pixel, which are filled up to whole vectors.
    pub(super) channels: usize,
}

/// Images with a border, in memory that is used again.
#[derive(Default)]
pub(super) struct Bordered {
    /// How the last ones lay, and the pooling that they came from. What is never written in such images is zero.
    last: Option<(Border, Option<Window>)>,
    values: Vec<f32>,
}

impl Bordered {
    /// Copies images of a group.
    #[inline(always)]
    pub(super) fn read(&mut self, border: Border, source: Source<'_>, group: Range<usize>) -> &[f32] {
        let Border { bordered, plane, channels, .. } = border;
        let (size, wide) = (plane[0] * plane[1] * channels, padded(channels));
        let whole = bordered[0] * bordered[1] * wide;
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
        let Self { padding, bordered, channels, .. } = self;
        let [rows, columns] = self.reached();
        (y < rows && x < columns)
            .then(|| ((y + padding[0]) * bordered[1] + x + padding[1]) * padded(channels))
    }

    #[inline(always)]
    fn copy(self, image: &[f32], target: &mut [f32]) {
        let Self { padding, bordered, plane, channels } = self;
        let wide = padded(channels);
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
