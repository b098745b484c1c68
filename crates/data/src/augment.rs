//! Flips and crops of training images.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::ImageShape;

/// How training images are varied, each time they are seen. Evaluation never augments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Mirror left and right with probability ½. Default: false.
    pub flip: bool,
    /// Shift by up to this many pixels each way: the image is padded by its own reflection and cropped to its
    /// size again. Default: 0.
    pub crop: usize,
}

/// What happens to one image: its column order and its offset into the padded image.
#[derive(Clone, Copy)]
pub(crate) struct Transform {
    mirrored: bool,
    down: i32,
    right: i32,
}

impl Augment {
    /// Draws what happens to the next image.
    pub(crate) fn draw(self, random: &mut ChaCha8Rng) -> Transform {
        let reach = self.crop as i32;
        let mut shift = || if reach == 0 { 0 } else { random.random_range(-reach..=reach) };
        let (down, right) = (shift(), shift());
        Transform { mirrored: self.flip && random.random_bool(0.5), down, right }
    }
}

impl Transform {
    /// Leaves the image as it is.
    pub(crate) const IDENTITY: Self = Self { mirrored: false, down: 0, right: 0 };

    /// Writes the transformed image as `f32`, still 0 to 255: both steps in one pass.
    pub(crate) fn apply(self, shape: ImageShape, pixels: &[u8], into: &mut [f32]) {
        let (height, width) = (shape.height, shape.width);
        for (plane, target) in pixels.chunks_exact(height * width).zip(into.chunks_exact_mut(height * width))
        {
            for (row, target) in target.chunks_exact_mut(width).enumerate() {
                let source = reflect(row as i32 + self.down, height) * width;
                let source = &plane[source..source + width];
                if self.right == 0 && !self.mirrored {
                    for (value, &pixel) in target.iter_mut().zip(source) {
                        *value = f32::from(pixel);
                    }
                } else {
                    for (column, value) in target.iter_mut().enumerate() {
                        let column = if self.mirrored { width - 1 - column } else { column };
                        *value = f32::from(source[reflect(column as i32 + self.right, width)]);
                    }
                }
            }
        }
    }
}

/// Index `at` of a line of `length` that continues as its own mirror image, the edge not repeated
/// (`… 2 1 | 0 1 2 …`), however far.
fn reflect(at: i32, length: usize) -> usize {
    let last = length as i32 - 1;
    if last == 0 {
        return 0;
    }
    let folded = at.rem_euclid(2 * last);
    if folded <= last { folded as usize } else { (2 * last - folded) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, generator};

    const LINE: ImageShape = ImageShape { channels: 1, height: 1, width: 4 };

    fn apply(transform: Transform) -> Vec<f32> {
        let mut into = vec![0.0; 4];
        transform.apply(LINE, &[1, 2, 3, 4], &mut into);
        into
    }

    #[test]
    fn identity_mirror_and_reflected_shift() {
        assert_eq!(apply(Transform::IDENTITY), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(apply(Transform { mirrored: true, ..Transform::IDENTITY }), [4.0, 3.0, 2.0, 1.0]);
        assert_eq!(apply(Transform { right: 2, ..Transform::IDENTITY }), [3.0, 4.0, 3.0, 2.0]);
        assert_eq!(apply(Transform { right: -2, ..Transform::IDENTITY }), [3.0, 2.0, 1.0, 2.0]);
        assert_eq!(apply(Transform { right: -9, down: 7, mirrored: true }).len(), 4);
    }

    #[test]
    fn rows_move_as_columns_do() {
        let shape = ImageShape { channels: 2, height: 3, width: 1 };
        let mut into = vec![0.0; 6];
        Transform { down: 1, ..Transform::IDENTITY }.apply(shape, &[1, 2, 3, 4, 5, 6], &mut into);
        assert_eq!(into, [2.0, 3.0, 2.0, 5.0, 6.0, 5.0]);
    }

    #[test]
    fn draws_every_offset_and_both_directions() {
        let augment = Augment { flip: true, crop: 2 };
        let mut random = generator(1, Purpose::Augment, 0);
        let draws: Vec<_> = (0..1000).map(|_| augment.draw(&mut random)).collect();
        for offset in -2..=2 {
            assert!(
                draws.iter().any(|draw| draw.down == offset) && draws.iter().any(|draw| draw.right == offset)
            );
        }
        let mirrored = draws.iter().filter(|draw| draw.mirrored).count();
        assert!((400..600).contains(&mirrored), "{mirrored}");
    }
}
