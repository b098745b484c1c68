//! Images in a GPU's memory, as the bytes that they are.

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};
use rayon::prelude::*;

use crate::augment::{Pixel, View};
use crate::images::{ImageShape, Subset};

/// The images of a [`Subset`] in a GPU's memory. To make a batch of them it needs their places and how each is seen, and does the rest: a few
/// bytes go over where else all pixels would.
///
/// Not every GPU has bytes, so four go into a word.
#[derive(Clone, Debug)]
pub struct Resident {
    /// Of one or several channels each, `[images, channels · words]`: bytes from the lowest to the highest of a word, the last word of a
    /// channel filled up with 0.
    parts: Vec<Tensor<2, Int>>,
    shape: ImageShape,
}

/// The most bytes of images that stay in a GPU's memory.
const MOST: usize = 512 << 20;
/// The most bytes of a channel of all images: even small GPUs let a shader see as much.
const MOST_OF_CHANNEL: usize = 128 << 20;
/// Bytes of a word.
const WORD: usize = 4;

impl Resident {
    /// All images of `subset`, if `device` is a GPU and they are 512 MiB at most, and 128 MiB per channel.
    #[must_use]
    pub fn of(subset: &Subset, device: &Device) -> Option<Self> {
        let shape = subset.shape();
        let channel = subset.len() * words(shape) * WORD;
        let fits = channel <= MOST_OF_CHANNEL && channel * shape.channels <= MOST;
        (zoo_kernels::is_gpu(device) && fits && !subset.is_empty()).then(|| Self::whole(subset, device))
    }

    /// All images of `subset`, on any device.
    fn whole(subset: &Subset, device: &Device) -> Self {
        let (shape, all) = (subset.shape(), (0..subset.len()).collect::<Vec<_>>());
        let parts = (0..shape.channels).map(|channel| load(subset, &all, channel..channel + 1, device));
        Self { parts: parts.collect(), shape }
    }

    /// The images at `positions`, on any device.
    pub(crate) fn some(subset: &Subset, positions: &[usize], device: &Device) -> Self {
        let shape = subset.shape();
        Self { parts: vec![load(subset, positions, 0..shape.channels, device)], shape }
    }

    /// A batch of images of `subset`, all of which are here, each seen in its way: the same numbers as memory has.
    ///
    /// # Shapes
    /// - returns: `[batch, channels, height, width]`.
    pub(crate) fn seen(&self, subset: &Subset, items: &[(usize, View)]) -> Tensor<4> {
        let places: Vec<i32> = items.iter().map(|&(place, _)| place as i32).collect();
        let data = TensorData::new(places, [items.len()]);
        let places: Tensor<1, Int> = zoo_kernels::upload(data, &self.parts[0].device());
        let parts = self.parts.iter().map(|part| part.clone().select(0, places.clone()));
        Self { parts: parts.collect(), shape: self.shape }.seen_in_order(subset, items)
    }

    /// These images, each seen in its way. `items` names them in `subset`.
    pub(crate) fn seen_in_order(&self, subset: &Subset, items: &[(usize, View)]) -> Tensor<4> {
        let ImageShape { channels, height, width } = self.shape;
        let (images, device) = (items.len(), self.parts[0].device());
        let words = Tensor::cat(self.parts.clone(), 1).reshape([images * channels, words(self.shape)]);
        let pixels = bytes(&words).slice([0..images * channels, 0..height * width]);
        let mut pixels = pixels.reshape([images, channels, height * width]);
        let moves: Vec<[i32; 3]> = items.iter().map(|(_, view)| view.moves(self.shape)).collect();
        if moves.iter().any(|moves| *moves != [0; 3]) {
            let moves = zoo_kernels::upload(TensorData::new(moves.concat(), [images, 3]), &device);
            let sources = sources(&moves, self.shape).unsqueeze_dim::<3>(1).repeat_dim(1, channels);
            pixels = pixels.gather(2, sources);
        }
        let pixels = pixels.float().reshape([images, channels, height, width]);
        let holes: Vec<[i32; 3]> = items.iter().map(|(_, view)| view.hidden()).collect();
        if holes.iter().all(|[.., side]| *side == 0) {
            return pixels;
        }
        let holes = zoo_kernels::upload(TensorData::new(holes.concat(), [images, 3]), &device);
        let hidden = hidden(&holes, self.shape);
        let data = TensorData::new(means(subset, items), [images, channels, 1, 1]);
        let means: Tensor<4> = zoo_kernels::upload(data, &device);
        // Of the two numbers that are added one is 0, so nothing is rounded.
        pixels * (hidden.clone().neg() + 1) + means * hidden
    }
}

/// Words `[images, channels · words]` of the images at `positions`.
fn load(subset: &Subset, positions: &[usize], channels: Range<usize>, device: &Device) -> Tensor<2, Int> {
    let shape = subset.shape();
    let (plane, row) = (shape.height * shape.width, channels.len() * words(shape));
    let mut values = vec![0i32; positions.len() * row];
    values.par_chunks_exact_mut(row.max(1)).zip(positions).for_each(|(row, &position)| {
        let pixels = subset.pixels(position);
        let planes = pixels.chunks_exact(plane).take(channels.end).skip(channels.start);
        for (row, plane) in row.chunks_exact_mut(words(shape)).zip(planes) {
            for (word, bytes) in row.iter_mut().zip(plane.chunks(WORD)) {
                let mut whole = [0; WORD];
                whole[..bytes.len()].copy_from_slice(bytes);
                *word = i32::from_le_bytes(whole);
            }
        }
    });
    zoo_kernels::upload(TensorData::new(values, [positions.len(), row]), device)
}

/// The mean of each channel of images, `[image, channel]`.
fn means(subset: &Subset, items: &[(usize, View)]) -> Vec<f32> {
    let shape = subset.shape();
    let of_image = |&(position, _): &(usize, View)| -> Vec<f32> {
        let pixels = subset.pixels(position);
        let planes = pixels.chunks_exact(shape.height * shape.width);
        planes
            .map(|plane| f32::mean(plane.iter().map(|&pixel| u32::from(pixel)).sum(), plane.len()))
            .collect()
    };
    items.par_iter().flat_map_iter(of_image).collect()
}

/// Words of a channel of an image.
const fn words(shape: ImageShape) -> usize {
    (shape.height * shape.width).div_ceil(WORD)
}

/// The bytes `[rows, 4 · words]` of `words`.
fn bytes(words: &Tensor<2, Int>) -> Tensor<2, Int> {
    let [rows, count] = words.dims();
    let byte = |shift: i32| words.clone().bitwise_right_shift_scalar(shift).bitwise_and_scalar(255);
    Tensor::stack::<3>([0, 8, 16, 24].map(byte).into(), 2).reshape([rows, WORD * count])
}

/// 0, 1, … below `length`, `[1, length]`.
fn line(length: usize, device: &Device) -> Tensor<2, Int> {
    Tensor::<1, Int>::arange(0..length as i64, device).unsqueeze_dim(0)
}

/// Column `at` of `[images, 3]`, `[images, 1]`.
fn column(of: &Tensor<2, Int>, at: usize) -> Tensor<2, Int> {
    let [images, _] = of.dims();
    of.clone().slice([0..images, at..at + 1])
}

/// Which pixel of its image each pixel of a batch is, `[images, height · width]`, of `moves` `[images, 3]`: down, right, and whether left and
/// right change places.
fn sources(moves: &Tensor<2, Int>, ImageShape { height, width, .. }: ImageShape) -> Tensor<2, Int> {
    let (images, device) = (moves.dims()[0], moves.device());
    let rows = reflect(line(height, &device) + column(moves, 0), height);
    let across = line(width, &device);
    // c, or width − 1 − c.
    let turned = column(moves, 2) * (across.clone() * -2 + (width as i32 - 1)) + across;
    let columns = reflect(turned + column(moves, 1), width);
    let places = rows.unsqueeze_dim::<3>(2) * width as i32 + columns.unsqueeze_dim::<3>(1);
    places.reshape([images, height * width])
}

/// Index `at` of a line of `length` that continues as its own mirror image, at most its own length less one beyond either end.
fn reflect(at: Tensor<2, Int>, length: usize) -> Tensor<2, Int> {
    let last = length as i32 - 1;
    ((at.abs() - last).abs() - last).neg()
}

/// 1 where a pixel is in its image's hole and 0 elsewhere, `[images, 1, height, width]`, of `holes` `[images, 3]`: top, left and side.
fn hidden(holes: &Tensor<2, Int>, ImageShape { height, width, .. }: ImageShape) -> Tensor<4> {
    let (images, device, side) = (holes.dims()[0], holes.device(), column(holes, 2));
    let inside = |length: usize, from: usize| {
        let at = line(length, &device) - column(holes, from);
        let beyond = at.clone() - side.clone();
        (at.greater_equal_elem(0).int() * beyond.lower_elem(0).int()).float()
    };
    let rows = inside(height, 0).reshape([images, 1, height, 1]);
    rows * inside(width, 1).reshape([images, 1, 1, width])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::augment::{Augment, Flip};
    use crate::batch::Epoch;
    use crate::images::Images;

    fn subset(shape: ImageShape, count: usize) -> Subset {
        let pixels = (0..count * shape.values()).map(|at| ((at * 40_503) >> 5) as u8).collect();
        Subset::all(Arc::new(Images::new(shape, pixels, vec![0; count]).unwrap()))
    }

    fn values(images: Tensor<4>) -> Vec<f32> {
        images.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn bytes_come_out_of_words_as_they_went_in() {
        let device = Device::flex();
        for (height, width) in [(4, 4), (3, 3), (1, 1), (2, 5)] {
            let subset = subset(ImageShape { channels: 3, height, width }, 7);
            let items = [6, 0, 3].map(|position| (position, View::PLAIN));
            let expected = subset.numbers([6, 0, 3]);
            let found = Resident::some(&subset, &[6, 0, 3], &device).seen_in_order(&subset, &items);
            assert_eq!(found.dims(), [3, 3, height, width]);
            assert_eq!(values(found), expected);
            assert_eq!(values(Resident::whole(&subset, &device).seen(&subset, &items)), expected);
        }
    }

    #[test]
    fn a_batch_has_the_numbers_that_memory_has() {
        let device = Device::flex();
        for (height, width, crop, cutout) in
            [(32, 32, 0, 0), (32, 32, 2, 0), (9, 6, 32, 3), (8, 5, 4, 1), (1, 4, 8, 9)]
        {
            let subset = subset(ImageShape { channels: 3, height, width }, 40);
            let resident = Resident::whole(&subset, &device);
            for flip in [Flip::None, Flip::Random, Flip::Alternating] {
                let augment = Augment { flip, crop, cutout };
                let epoch = || Epoch::new(&subset, 16, augment, (3, 1), &device);
                let mut batches = 0;
                for (batch, expected) in epoch().resident(Some(&resident)).zip(epoch()) {
                    assert_eq!(values(batch.images), values(expected.images), "{augment:?}");
                    assert_eq!(batch.labels.into_data(), expected.labels.into_data());
                    batches += 1;
                }
                assert_eq!(batches, 3);
            }
        }
    }

    #[test]
    fn views_may_begin_far_away() {
        let device = Device::flex();
        let subset = subset(ImageShape { channels: 1, height: 3, width: 4 }, 1);
        let loaded = Resident::some(&subset, &[0], &device);
        for (down, right) in [(7, -9), (-1, 1), (2, 3), (-2, -3), (100, -100)] {
            let view = View::new(true, down, right);
            let mut expected = vec![0.0; 12];
            view.apply(subset.shape(), &subset.pixels(0), &mut expected);
            assert_eq!(values(loaded.seen_in_order(&subset, &[(0, view)])), expected, "{down} {right}");
        }
    }

    #[test]
    fn only_a_gpu_keeps_images() {
        assert!(Resident::of(&subset(ImageShape::CIFAR10, 2), &Device::flex()).is_none());
    }
}
