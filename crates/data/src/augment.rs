//! Flips, crops and holes.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::images::ImageShape;
use crate::random::{Purpose, generator};

/// How training images are varied, each time they are seen. Evaluation never augments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Mirror left and right. Default: `none`.
    pub flip: Flip,
    /// Shift by up to this many pixels each way: the image is padded by its own reflection and cropped to its
    /// size again. Along a side of fewer than 32 pixels it is less in proportion, rounded down. Default: 0.
    pub crop: usize,
    /// Height and width of a square around a random pixel that is hidden (DeVries and Taylor, *Improved Regularization of
    /// Convolutional Neural Networks with Cutout*, 2017): each of its channels becomes the mean of the image's own.
    /// Default: 0.
    pub cutout: usize,
}

/// Which images are mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// `alternating` where mirrored images keep their class (see [`Images::mirrorable`](crate::Images::mirrorable)), as those of
    /// CIFAR-10 and shapes10 do; `none` where they may not, as in a folder of images.
    Auto,
    /// Likewise `random` or `none`.
    AutoRandom,
}

impl Flip {
    /// What it comes to for images that are [mirrorable](crate::Images::mirrorable) or not; none of the automatic ones.
    #[must_use]
    pub const fn resolve(self, mirrorable: bool) -> Self {
        match self {
            Self::Auto if mirrorable => Self::Alternating,
            Self::AutoRandom if mirrorable => Self::Random,
            Self::Auto | Self::AutoRandom => Self::None,
            Self::None | Self::Random | Self::Alternating => self,
        }
    }
}

/// A way to look at an image: from where, in which direction, and how much of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Whether left and right change places.
    mirrored: bool,
    /// How many pixels further down the view begins; beyond its edge an image is continued by its reflection.
    down: i32,
    /// How many pixels further right it begins.
    right: i32,
    /// What is hidden.
    hole: Option<Hole>,
}

/// What a pixel becomes in a batch: a number that models compute with, or the byte that it is.
pub(crate) trait Pixel: Copy + Default + Send + From<u8> {
    /// sum / count.
    fn mean(sum: u32, count: usize) -> Self;

    /// Writes pixels in their order.
    fn copy(pixels: &[u8], into: &mut [Self]);
}

impl Pixel for f32 {
    fn mean(sum: u32, count: usize) -> Self {
        sum as Self / count as Self
    }

    fn copy(pixels: &[u8], into: &mut [Self]) {
        for (value, &pixel) in into.iter_mut().zip(pixels) {
            *value = pixel.into();
        }
    }
}

impl Pixel for u8 {
    /// Rounded down.
    fn mean(sum: u32, count: usize) -> Self {
        (sum as usize / count) as Self
    }

    fn copy(pixels: &[u8], into: &mut [Self]) {
        into.copy_from_slice(pixels);
    }
}

/// A square that is hidden; parts of it may lie outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hole {
    top: i32,
    left: i32,
    side: i32,
}

/// The shortest side that is moved by all of [`Augment::crop`]: CIFAR-10's.
const WHOLE: usize = 32;

/// Draws what happens to the images of one epoch.
#[derive(Debug)]
pub(crate) struct Augmentation {
    augment: Augment,
    random: ChaCha8Rng,
    /// Which images an alternating flip mirrors in this epoch.
    mirrored: Vec<bool>,
}

impl Augmentation {
    /// For epoch number `epoch` over `images` images; `augment` has a [resolved](Flip::resolve) flip.
    pub(crate) fn new(augment: Augment, images: usize, (seed, epoch): (u64, usize)) -> Self {
        let mut mirrored = Vec::new();
        if augment.flip == Flip::Alternating {
            let mut random = generator(seed, Purpose::Flip, 0);
            let odd = !epoch.is_multiple_of(2);
            mirrored.extend((0..images).map(|_| random.random_bool(0.5) != odd));
        }
        Self { augment, random: generator(seed, Purpose::Augment, epoch as u64), mirrored }
    }

    /// Draws how the next image, the one at `position`, is seen.
    pub(crate) fn draw(&mut self, position: usize, shape: ImageShape) -> View {
        let Augment { flip, crop, cutout } = self.augment;
        let mut shift = |side: usize| match (crop * side.min(WHOLE) / WHOLE) as i32 {
            0 => 0,
            reach => self.random.random_range(-reach..=reach),
        };
        let (down, right) = (shift(shape.height), shift(shape.width));
        let mirrored = match flip {
            Flip::None | Flip::Auto | Flip::AutoRandom => false,
            Flip::Random => self.random.random_bool(0.5),
            Flip::Alternating => self.mirrored[position],
        };
        let side = cutout as i32;
        let mut edge = |length: usize| self.random.random_range(0..length as i32) - side / 2;
        let hole = (side > 0).then(|| Hole { top: edge(shape.height), left: edge(shape.width), side });
        View { mirrored, down, right, hole }
    }
}

impl View {
    /// The image as it is.
    pub const PLAIN: Self = Self::new(false, 0, 0);

    /// A whole image, perhaps mirrored, that begins this many pixels further down and right.
    #[must_use]
    pub const fn new(mirrored: bool, down: i32, right: i32) -> Self {
        Self { mirrored, down, right, hole: None }
    }

    /// How far an image of `shape` is moved down and right, and 1 if left and right change places. An image that is continued by its reflection
    /// is the same again after twice its length less one, so it is never moved by more than its length less one.
    pub(crate) fn moves(self, shape: ImageShape) -> [i32; 3] {
        let within = |by: i32, length: usize| match length as i32 - 1 {
            0 => 0,
            last => (by + last).rem_euclid(2 * last) - last,
        };
        [within(self.down, shape.height), within(self.right, shape.width), i32::from(self.mirrored)]
    }

    /// Top, left and side of what is hidden; the side is 0 if nothing is.
    pub(crate) fn hidden(self) -> [i32; 3] {
        self.hole.map_or([0; 3], |hole| [hole.top, hole.left, hole.side])
    }

    /// The column of the image that is seen in `column`.
    fn column(self, column: usize, width: usize) -> usize {
        let column = if self.mirrored { width - 1 - column } else { column };
        reflect(column as i32 + self.right, width)
    }

    /// Writes the image as it is seen, still 0 to 255: all steps in one pass.
    pub(crate) fn apply<P: Pixel>(self, shape: ImageShape, pixels: &[u8], into: &mut [P]) {
        if self == Self::PLAIN {
            return P::copy(pixels, into);
        }
        let (height, width) = (shape.height, shape.width);
        let columns: Vec<usize> = (0..width).map(|column| self.column(column, width)).collect();
        for (plane, target) in pixels.chunks_exact(height * width).zip(into.chunks_exact_mut(height * width))
        {
            for (row, target) in target.chunks_exact_mut(width).enumerate() {
                let source = reflect(row as i32 + self.down, height) * width;
                let source = &plane[source..source + width];
                for (value, &column) in target.iter_mut().zip(&columns) {
                    *value = P::from(source[column]);
                }
            }
            if let Some(hole) = self.hole {
                let sum: u32 = plane.iter().map(|&pixel| u32::from(pixel)).sum();
                hole.fill(P::mean(sum, plane.len()), target, width);
            }
        }
    }
}

impl Hole {
    /// Writes `value` into the part of the hole that lies on the plane.
    fn fill<P: Pixel>(self, value: P, plane: &mut [P], width: usize) {
        let part = |from: i32, length: usize| {
            let inside = |at: i32| at.clamp(0, length as i32) as usize;
            inside(from)..inside(from + self.side)
        };
        let rows = part(self.top, plane.len() / width);
        for row in plane.chunks_exact_mut(width).take(rows.end).skip(rows.start) {
            row[part(self.left, width)].fill(value);
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

    fn apply(view: View) -> Vec<f32> {
        let mut into = vec![0.0; 4];
        view.apply(LINE, &[1, 2, 3, 4], &mut into);
        into
    }

    #[test]
    fn identity_mirror_and_reflected_shift() {
        assert_eq!(apply(View::PLAIN), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(apply(View { mirrored: true, ..View::PLAIN }), [4.0, 3.0, 2.0, 1.0]);
        assert_eq!(apply(View { right: 2, ..View::PLAIN }), [3.0, 4.0, 3.0, 2.0]);
        assert_eq!(apply(View { right: -2, ..View::PLAIN }), [3.0, 2.0, 1.0, 2.0]);
        assert_eq!(apply(View::new(true, 7, -9)).len(), 4);
    }

    #[test]
    fn rows_move_as_columns_do() {
        let shape = ImageShape { channels: 2, height: 3, width: 1 };
        let mut into = vec![0.0; 6];
        View { down: 1, ..View::PLAIN }.apply(shape, &[1, 2, 3, 4, 5, 6], &mut into);
        assert_eq!(into, [2.0, 3.0, 2.0, 5.0, 6.0, 5.0]);
    }

    #[test]
    fn a_hole_takes_the_mean_and_may_lie_over_the_edge() {
        let shape = ImageShape { channels: 2, height: 3, width: 3 };
        let pixels: Vec<u8> = (0..9).chain([90; 9]).collect();
        let look = |top, left, side| {
            let mut into = vec![0.0; 18];
            View { hole: Some(Hole { top, left, side }), ..View::PLAIN }.apply(shape, &pixels, &mut into);
            assert_eq!(into[9..], [90.0; 9], "a flat channel has its own value for mean");
            into[..9].to_vec()
        };
        assert_eq!(look(1, 0, 2), [0.0, 1.0, 2.0, 4.0, 4.0, 5.0, 4.0, 4.0, 8.0]);
        assert_eq!(look(-1, 2, 2), [0.0, 1.0, 4.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        assert_eq!(look(-5, -5, 20), [4.0; 9]);
    }

    #[test]
    fn holes_are_around_every_pixel() {
        let augment = Augment { cutout: 2, ..Augment::default() };
        let mut augmentation = Augmentation::new(augment, 500, (1, 0));
        let holes: Vec<Hole> =
            (0..500).filter_map(|position| augmentation.draw(position, LINE).hole).collect();
        assert_eq!(holes.len(), 500);
        assert!(holes.iter().all(|hole| (hole.top, hole.side) == (-1, 2)));
        assert!((-1..3).all(|left| holes.iter().any(|hole| hole.left == left)));
    }

    #[test]
    fn draws_every_offset_and_both_directions() {
        let mut augmentation =
            Augmentation::new(Augment { flip: Flip::Random, crop: 2, cutout: 0 }, 1000, (1, 0));
        let shape = ImageShape::CIFAR10;
        let draws: Vec<_> = (0..1000).map(|position| augmentation.draw(position, shape)).collect();
        for offset in -2..=2 {
            assert!(
                draws.iter().any(|draw| draw.down == offset) && draws.iter().any(|draw| draw.right == offset)
            );
        }
        let mirrored = draws.iter().filter(|draw| draw.mirrored).count();
        assert!((400..600).contains(&mirrored), "{mirrored}");
    }

    #[test]
    fn short_sides_are_moved_less() {
        let shape = ImageShape { channels: 1, height: 8, width: 24 };
        let mut augmentation = Augmentation::new(Augment { crop: 2, ..Augment::default() }, 100, (1, 0));
        let draws: Vec<_> = (0..100).map(|position| augmentation.draw(position, shape)).collect();
        assert!(draws.iter().all(|draw| draw.down == 0 && draw.right.abs() <= 1));
        assert!((-1..=1).all(|right| draws.iter().any(|draw| draw.right == right)));
    }

    #[test]
    fn automatic_flips_mirror_only_what_keeps_its_class() {
        use Flip::{Alternating, Auto, AutoRandom, None, Random};
        let resolved =
            |mirrorable| [Auto, AutoRandom, None, Random, Alternating].map(|flip| flip.resolve(mirrorable));
        assert_eq!(resolved(true), [Alternating, Random, None, Random, Alternating]);
        assert_eq!(resolved(false), [None, None, None, Random, Alternating]);
    }

    #[test]
    fn alternating_flips_show_the_other_side_in_the_next_epoch() {
        let mirrored = |seed, epoch| -> Vec<bool> {
            let augment = Augment { flip: Flip::Alternating, crop: 1, cutout: 0 };
            let mut augmentation = Augmentation::new(augment, 1000, (seed, epoch));
            // In whichever order images come.
            let mut draws: Vec<_> =
                (0..1000).rev().map(|position| augmentation.draw(position, LINE).mirrored).collect();
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
