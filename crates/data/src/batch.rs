//! From `u8` images to tensors on a device.

use std::ops::Range;

use burn::tensor::{DType, Device, Element, Int, Tensor, TensorData};
use rand::seq::SliceRandom;

use crate::augment::{Augment, Augmentation, Pixel, View};
use crate::images::Subset;
use crate::random::{Purpose, generator};
use crate::resident::Resident;

/// Images and their labels, on a device.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[batch, channel, row, column]`, pixel values 0 to 255 as `f32`; models normalise for themselves.
    pub images: Tensor<4>,
    /// `[batch]`, class numbers.
    pub labels: Tensor<1, Int>,
}

/// Images as the bytes that they are, a quarter of the memory, and their labels; for models that read [bytes](ByteBatch::images) and devices
/// that have them.
#[derive(Clone, Debug)]
pub struct ByteBatch {
    /// `[batch, channel, row, column]`, `u8`.
    pub images: Tensor<4, Int>,
    /// `[batch]`, class numbers.
    pub labels: Tensor<1, Int>,
}

impl Subset {
    /// The images at `positions`, as they are.
    ///
    /// # Panics
    /// If a position is not below [`len`](Self::len).
    #[must_use]
    pub fn batch(&self, positions: impl IntoIterator<Item = usize>, device: &Device) -> Batch {
        let items: Vec<_> = positions.into_iter().map(|position| (position, View::PLAIN)).collect();
        self.gather(&items, device)
    }

    /// All images in order, as they are, `size` at a time; the last batch holds what is left.
    ///
    /// # Panics
    /// If `size` is 0.
    #[must_use]
    pub fn batches(&self, size: usize, device: &Device) -> impl ExactSizeIterator<Item = Batch> {
        assert!(size > 0, "a batch holds at least one image");
        (0..self.len()).step_by(size).map(move |first| {
            let last = (first + size).min(self.len());
            self.batch(first..last, device)
        })
    }

    /// The images at `positions` in each of `views`, one after the other, `[batch, channel, row, column]`. A GPU is given them once.
    ///
    /// # Panics
    /// If a position is not below [`len`](Self::len).
    pub fn viewed(
        &self,
        positions: Range<usize>,
        views: impl IntoIterator<Item = View>,
        device: &Device,
    ) -> impl Iterator<Item = Tensor<4>> {
        let positions: Vec<usize> = positions.collect();
        let loaded = zoo_kernels::is_gpu(device).then(|| Resident::some(self, &positions, device));
        views.into_iter().map(move |view| {
            let items: Vec<_> = positions.iter().map(|&position| (position, view)).collect();
            match &loaded {
                Some(loaded) => loaded.seen_in_order(self, &items),
                None => self.images(&items, device),
            }
        })
    }

    fn gather(&self, items: &[(usize, View)], device: &Device) -> Batch {
        Batch {
            images: self.images(items, device),
            labels: self.labels_at(items.iter().map(|&(position, _)| position), device),
        }
    }

    /// Images as they are seen. In memory they are converted, changed and gathered in one pass over the pixels, images in parallel; a GPU
    /// gets the bytes.
    fn images(&self, items: &[(usize, View)], device: &Device) -> Tensor<4> {
        if zoo_kernels::is_gpu(device) && !items.is_empty() {
            let positions: Vec<usize> = items.iter().map(|&(position, _)| position).collect();
            return Resident::some(self, &positions, device).seen_in_order(self, items);
        }
        zoo_kernels::upload(self.shaped(self.seen::<f32>(items)), device)
    }

    /// Likewise, as bytes.
    fn gather_bytes(&self, items: &[(usize, View)], device: &Device) -> ByteBatch {
        ByteBatch {
            images: zoo_kernels::upload(self.shaped(self.seen::<u8>(items)), (device, DType::U8)),
            labels: self.labels_at(items.iter().map(|&(position, _)| position), device),
        }
    }

    /// The pixels of images as they are seen, `[image, channel, row, column]`.
    fn seen<P: Pixel>(&self, items: &[(usize, View)]) -> Vec<P> {
        let shape = self.shape();
        zoo_kernels::rows(items.len(), shape.values(), |item, into| {
            let (position, view) = items[item];
            view.apply(shape, &self.pixels(position), into);
        })
    }

    /// Pixels of whole images as a tensor's data.
    fn shaped<P: Element>(&self, pixels: Vec<P>) -> TensorData {
        let shape = self.shape();
        let images = pixels.len() / shape.values().max(1);
        TensorData::new(pixels, [images, shape.channels, shape.height, shape.width])
    }

    /// The pixels `[image, channel, row, column]` of the images at `positions`, as they are, in memory.
    ///
    /// # Panics
    /// If a position is not below [`len`](Self::len).
    #[must_use]
    pub fn numbers(&self, positions: impl IntoIterator<Item = usize>) -> Vec<f32> {
        let items: Vec<_> = positions.into_iter().map(|position| (position, View::PLAIN)).collect();
        self.seen(&items)
    }

    /// The labels of the images at `positions`, `[batch]`.
    ///
    /// # Panics
    /// If a position is not below [`len`](Self::len).
    #[must_use]
    pub fn labels_at(&self, positions: impl IntoIterator<Item = usize>, device: &Device) -> Tensor<1, Int> {
        let labels: Vec<i32> = positions.into_iter().map(|position| self.label(position) as i32).collect();
        let count = labels.len();
        zoo_kernels::upload(TensorData::new(labels, [count]), device)
    }
}

/// The order in which epoch number `epoch` takes each of `images` images once; it follows from (`seed`, `epoch`).
#[must_use]
pub fn epoch_order(images: usize, (seed, epoch): (u64, usize)) -> Vec<usize> {
    let mut order: Vec<usize> = (0..images).collect();
    order.shuffle(&mut generator(seed, Purpose::Shuffle, epoch as u64));
    order
}

/// One pass over the training images in random order, augmented, a batch at a time.
///
/// Order and augmentation follow only from (`seed`, `epoch`), so an epoch can be repeated after an
/// interruption. The last batch holds what is left.
#[derive(Debug)]
pub struct Epoch<'a> {
    subset: &'a Subset,
    order: std::vec::IntoIter<usize>,
    batch_size: usize,
    augmentation: Augmentation,
    device: &'a Device,
    resident: Option<&'a Resident>,
}

impl<'a> Epoch<'a> {
    /// Prepares epoch number `epoch` over `subset`. What an automatic flip comes to follows from its images.
    ///
    /// # Panics
    /// If `batch_size` is 0.
    #[must_use]
    pub fn new(
        subset: &'a Subset,
        batch_size: usize,
        augment: Augment,
        (seed, epoch): (u64, usize),
        device: &'a Device,
    ) -> Self {
        assert!(batch_size > 0, "a batch holds at least one image");
        let augment = Augment { flip: augment.flip.resolve(subset.is_mirrorable()), ..augment };
        Self {
            subset,
            order: epoch_order(subset.len(), (seed, epoch)).into_iter(),
            batch_size,
            augmentation: Augmentation::new(augment, subset.len(), (seed, epoch)),
            device,
            resident: None,
        }
    }

    /// Takes the images in this `order`, positions in the subset, rather than a random one.
    #[must_use]
    pub fn in_order(self, order: Vec<usize>) -> Self {
        Self { order: order.into_iter(), ..self }
    }

    /// Takes the images from where they are on the device, `resident` being those of the whole subset. The batches are the same.
    #[must_use]
    pub const fn resident(mut self, resident: Option<&'a Resident>) -> Self {
        self.resident = resident;
        self
    }

    /// What follows after the first `done` batches, drawn as if they had been taken.
    #[must_use]
    pub fn after(mut self, done: usize) -> Self {
        for _ in 0..done {
            self.draw();
        }
        self
    }

    /// The batches as bytes. A hole that [cutout](Augment::cutout) hides gets a mean that is rounded down.
    ///
    /// # Panics
    /// If the device has no bytes.
    pub fn bytes(mut self) -> impl Iterator<Item = ByteBatch> + 'a {
        std::iter::from_fn(move || {
            let items = self.draw();
            (!items.is_empty()).then(|| self.subset.gather_bytes(&items, self.device))
        })
    }

    /// The batches with their pixels `[image, channel, row, column]` in memory, for what is counted there, and their labels.
    pub fn numbers(mut self) -> impl Iterator<Item = (Vec<f32>, Tensor<1, Int>)> + 'a {
        std::iter::from_fn(move || {
            let items = self.draw();
            let positions = items.iter().map(|&(position, _)| position);
            (!items.is_empty())
                .then(|| (self.subset.seen(&items), self.subset.labels_at(positions, self.device)))
        })
    }

    /// How the images of the next batch are seen.
    fn draw(&mut self) -> Vec<(usize, View)> {
        let shape = self.subset.shape();
        let positions = self.order.by_ref().take(self.batch_size);
        positions.map(|position| (position, self.augmentation.draw(position, shape))).collect()
    }
}

impl Iterator for Epoch<'_> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let items = self.draw();
        if items.is_empty() {
            return None;
        }
        let Some(resident) = self.resident else { return Some(self.subset.gather(&items, self.device)) };
        let positions = items.iter().map(|&(position, _)| position);
        let labels = self.subset.labels_at(positions, self.device);
        Some(Batch { images: resident.seen(self.subset, &items), labels })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let batches = self.order.len().div_ceil(self.batch_size);
        (batches, Some(batches))
    }
}

impl ExactSizeIterator for Epoch<'_> {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::augment::Flip;
    use crate::images::Images;
    use crate::shapes10;

    fn values(batch: &Batch) -> (Vec<f32>, Vec<i64>) {
        (
            batch.images.to_data().convert::<f32>().try_to_vec().unwrap(),
            batch.labels.to_data().convert::<i64>().try_to_vec().unwrap(),
        )
    }

    #[test]
    fn a_batch_holds_the_pixels_as_they_are() {
        let train = shapes10::generate(20, 10, 1).train;
        let batch = train.batch([3, 0], &Device::flex());
        assert_eq!(batch.images.dims(), [2, 3, 32, 32]);
        let expected: Vec<f32> =
            train.pixels(3).iter().chain(&*train.pixels(0)).map(|&p| f32::from(p)).collect();
        assert_eq!(values(&batch), (expected, vec![train.label(3) as i64, train.label(0) as i64]));
    }

    #[test]
    fn batches_hold_all_images_in_order() {
        let train = shapes10::generate(50, 10, 1).train;
        let device = Device::flex();
        let batches = train.batches(20, &device);
        assert_eq!(batches.len(), 3);
        let (pixels, labels): (Vec<_>, Vec<_>) = batches.map(|batch| values(&batch)).unzip();
        assert_eq!(labels.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20, 10]);
        assert_eq!((pixels.concat(), labels.concat()), values(&train.batch(0..50, &device)));
        assert_eq!(train.stratified(0, 1).0.batches(20, &device).len(), 0);
    }

    #[test]
    #[should_panic(expected = "a batch holds at least one image")]
    fn batches_of_nothing_are_refused() {
        let _ = shapes10::generate(10, 10, 1).train.batches(0, &Device::flex());
    }

    #[test]
    fn an_epoch_sees_each_image_once_in_an_order_of_its_own() {
        let train = shapes10::generate(50, 10, 1).train;
        let device = Device::flex();
        let labels = |epoch| -> Vec<i64> {
            let batches = Epoch::new(&train, 16, Augment::default(), (7, epoch), &device);
            assert_eq!(batches.len(), 4);
            batches.flat_map(|batch| values(&batch).1).collect()
        };
        assert_eq!(labels(0), labels(0));
        assert_ne!(labels(0), labels(1));
        let mut sorted = labels(1);
        sorted.sort_unstable();
        let mut expected: Vec<i64> = train.labels().into_iter().map(|label| label as i64).collect();
        expected.sort_unstable();
        assert_eq!(sorted, expected);
    }

    #[test]
    fn bytes_are_the_same_images() {
        let train = shapes10::generate(40, 10, 1).train;
        let device = Device::flex();
        let augment = Augment { flip: Flip::Random, crop: 2, cutout: 0 };
        let epoch = || Epoch::new(&train, 16, augment, (3, 1), &device);
        for (batch, bytes) in epoch().zip(epoch().bytes()) {
            assert_eq!(bytes.images.dtype(), DType::U8);
            let floats = Batch { images: bytes.images.float(), labels: bytes.labels };
            assert_eq!(values(&floats), values(&batch));
        }
        assert_eq!(epoch().bytes().count(), 3);
    }

    #[test]
    fn an_automatic_flip_follows_from_the_images() {
        let device = Device::flex();
        let pixels = |subset: &Subset, flip| -> Vec<f32> {
            let augment = Augment { flip, ..Augment::default() };
            Epoch::new(subset, 30, augment, (1, 0), &device).flat_map(|batch| values(&batch).0).collect()
        };
        let mirrorable = shapes10::generate(30, 10, 1).train;
        assert_eq!(pixels(&mirrorable, Flip::Auto), pixels(&mirrorable, Flip::Alternating));
        assert_eq!(pixels(&mirrorable, Flip::AutoRandom), pixels(&mirrorable, Flip::Random));
        let (all, labels) = (0..30)
            .map(|at| (mirrorable.pixels(at).to_vec(), mirrorable.label(at) as u32))
            .unzip::<_, _, Vec<_>, _>();
        let images = Images::new(mirrorable.shape(), all.concat(), labels).unwrap().mirrorable(false);
        let folder = Subset::all(Arc::new(images));
        assert_eq!(pixels(&folder, Flip::Auto), pixels(&mirrorable, Flip::None));
        assert_eq!(pixels(&folder, Flip::AutoRandom), pixels(&mirrorable, Flip::None));
    }

    #[test]
    fn augmentation_repeats_with_the_seed() {
        let train = shapes10::generate(30, 10, 1).train;
        let device = Device::flex();
        let augment = Augment { flip: Flip::Random, crop: 2, cutout: 4 };
        let pixels = |seed| -> Vec<f32> {
            Epoch::new(&train, 30, augment, (seed, 0), &device).flat_map(|batch| values(&batch).0).collect()
        };
        assert_eq!(pixels(1), pixels(1));
        assert_ne!(pixels(1), pixels(2));
        let batches = || Epoch::new(&train, 8, augment, (1, 0), &device);
        let rest: Vec<_> = batches().skip(2).map(|batch| values(&batch)).collect();
        assert_eq!(batches().after(2).map(|batch| values(&batch)).collect::<Vec<_>>(), rest);
    }
}
