//! Flips and crops of training images.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::ImageShape;
use crate::random::{Purpose, generator};

/// How training images are varied, each time they are seen. Evaluation never augments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Mirror left and right. Default: `none`.
    pub flip: Flip,
    /// Shift by up to this many pixels each way: the image is padded by its own reflection and cropped to its
    /// size again. Default: 0.
    pub crop: usize,
}

/// Which images are mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flip {
    /// None.
    #[default]
    None,
    /// Each with probability ½ each time.
    Random,
    /// About half of them, drawn once, in one epoch and the others in the next: any two epochs in a row see each image both
    /// ways (Jordan, *94% on CIFAR-10 in 3.29 Seconds on a Single GPU*, 2024).
    Alternating,
}

/// What happens to one image: its column order and its offset into the padded image.
#[derive(Clone, Copy)]
pub(crate) struct Transform {
    mirrored: bool,
    down: i32,
    right: i32,
}

/// Draws what happens to the images of one epoch.
#[derive(Debug)]
pub(crate) struct Augmentation {
    augment: Augment,
    random: ChaCha8Rng,
    /// Which images an alternating flip mirrors in this epoch.
    mirrored: Vec<bool>,
}

impl Augmentation {
    /// For epoch number `epoch` over `images` images.
    pub(crate) fn new(augment: Augment, images: usize, (seed, epoch): (u64, usize)) -> Self {
        let mut mirrored = Vec::new();
        if augment.flip == Flip::Alternating {
            let mut random = generator(seed, Purpose::Flip, 0);
            let odd = !epoch.is_multiple_of(2);
            mirrored.extend((0..images).map(|_| random.random_bool(0.5) != odd));
        }
        Self { augment, random: generator(seed, Purpose::Augment, epoch as u64), mirrored }
    }

    /// Draws what happens to the next image, which stands at `position`.
    pub(crate) fn draw(&mut self, position: usize) -> Transform {
        let reach = self.augment.crop as i32;
        let mut shift = || if reach == 0 { 0 } else { self.random.random_range(-reach..=reach) };
        let (down, right) = (shift(), shift());
        let mirrored = match self.augment.flip {
            Flip::None => false,
            Flip::Random => self.random.random_bool(0.5),
            Flip::Alternating => self.mirrored[position],
        };
        Transform { mirrored, down, right }
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
        let mut augmentation = Augmentation::new(Augment { flip: Flip::Random, crop: 2 }, 1000, (1, 0));
        let draws: Vec<_> = (0..1000).map(|position| augmentation.draw(position)).collect();
        for offset in -2..=2 {
            assert!(
                draws.iter().any(|draw| draw.down == offset) && draws.iter().any(|draw| draw.right == offset)
            );
        }
        let mirrored = draws.iter().filter(|draw| draw.mirrored).count();
        assert!((400..600).contains(&mirrored), "{mirrored}");
    }

    #[test]
    fn alternating_flips_show_the_other_side_in_the_next_epoch() {
        let mirrored = |seed, epoch| -> Vec<bool> {
            let augment = Augment { flip: Flip::Alternating, crop: 1 };
            let mut augmentation = Augmentation::new(augment, 1000, (seed, epoch));
            // In whichever order images come.
            let mut draws: Vec<_> =
                (0..1000).rev().map(|position| augmentation.draw(position).mirrored).collect();
            draws.reverse();
            draws
        };
        let first = mirrored(1, 0);
        assert!((400..600).contains(&first.iter().filter(|&&mirrored| mirrored).count()));
        assert_eq!(mirrored(1, 1), first.iter().map(|mirrored| !mirrored).collect::<Vec<_>>());
        assert_eq!(mirrored(1, 2), first);
        assert_ne!(mirrored(2, 0), first);
    }
}
