//! k-nearest neighbours: an image is of the class that most of the k training images nearest to it are of
//! (tutorial 4.2; CS231n, *classification*). Nothing is learnt: the training set is the model.
//!
//! **Exact.** Pixels are whole numbers from 0 to 255, so both distances are whole numbers, and no backend makes a rounding
//! error. On the CPU they are counted in integers ([`zoo_kernels::Index`]). Elsewhere they are computed in `f32`:
//!
//! - L1, Σ |q − t|, is below 2²⁴ for 65,536 values, where `f32` still counts exactly; the sums of as many are added as integers.
//! - L2², ‖q‖² + ‖t‖² − 2 q·t, is not; but with 128 subtracted from every pixel, which changes no distance, a product of
//!   two pixels is at most 2¹⁴, and the inner product of 1,024 of them at most 2²⁴. So q·t is a matrix product for each
//!   1,024 values, and the parts are added as integers. Of more than 33,025 values that may not fit the 32 bits that integers have
//!   there, so such images are compared on the CPU.
//!
//! Features in place of pixels are made whole numbers from 0 to 255 first ([`Levels`]).
//!
//! **Tiled.** The distances of some training images are selected from before the next are computed, and the whole matrix of
//! distances never exists. On the CPU an image takes one byte per value and its thumbnail a twelfth of that; elsewhere no buffer is
//! larger than 48 MiB at 3,072 values per image.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use zoo_core::{Classifier, Features};
//! use zoo_knn::{KnnConfig, Metric, Ties};
//!
//! // Three images of one pixel, of two classes.
//! let device = Device::flex();
//! let train = Tensor::<1>::from_data([0.0, 10.0, 200.0], &device).reshape([3, 1, 1, 1]);
//! let config = KnnConfig { features: Features::Pixels, k: 1, metric: Metric::L2, ties: Ties::Nearest };
//! let mut knn = config.init(2);
//! knn.extend([train], &[0, 0, 1]);
//!
//! let image = Tensor::<1>::from_data([180.0], &device).reshape([1, 1, 1, 1]);
//! assert_eq!(knn.neighbours(image.clone()).iter().next().unwrap()[0].index, 2);
//! assert_eq!(knn.forward(image).argmax(1).into_scalar::<i32>(), 1);
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read tensors as they like"))]

mod levels;
mod neighbours;
mod tile;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::{Classifier, Features, InvalidConfig};

pub use levels::Levels;
pub use neighbours::Neighbours;
pub use zoo_kernels::{Index, Metric, Neighbour};

use neighbours::Nearest;
use tile::{Tile, smallest};

/// Who wins among classes with equally many votes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ties {
    /// The class of the nearest neighbour among them.
    #[default]
    Nearest,
    /// The class with the smallest label, as the course's assignment has it (NumPy's `argmax` of `bincount`).
    SmallestLabel,
}

/// The recipe of a k-NN classifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnnConfig {
    /// What of an image is compared. Default: `pixels`. Other features are compared as [`Levels`].
    #[serde(default)]
    pub features: Features,
    /// How many neighbours vote.
    pub k: usize,
    /// How far apart two images are.
    pub metric: Metric,
    /// Who wins among classes with equally many votes. Default: `nearest`.
    #[serde(default)]
    pub ties: Ties,
}

/// A k-NN classifier with its training images.
///
/// **Vote.** The class with most votes wins. Among classes with equally many, the one with the nearest neighbour wins, unless the
/// recipe says otherwise; neighbours at the same distance are ordered by their place in the training set.
#[derive(Module, Debug)]
pub struct Knn {
    /// The training images, unless they are in `index`.
    tiles: Vec<Tile>,
    /// The training images on a CPU that [`zoo_kernels`] serves, or too large for another device.
    #[module(skip)]
    index: Option<Index>,
    #[module(skip)]
    config: KnnConfig,
    #[module(skip)]
    labels: Vec<usize>,
    #[module(skip)]
    classes: usize,
    /// Values of an image; 0 as long as there is none.
    #[module(skip)]
    values: usize,
    #[module(skip)]
    selects_on_device: bool,
}

/// The largest k that is selected on the device: its reduction keeps k values per thread.
const DEVICE_K: usize = 64;

/// The most values of images whose squared distances always fit the 32 bits of a device's integers.
const DEVICE_VALUES: usize = (i32::MAX / (255 * 255)) as usize;

impl KnnConfig {
    /// Checks that `images` training images suffice for `k`.
    ///
    /// # Errors
    /// If k is 0 or above `images`.
    pub fn validate(&self, images: usize) -> Result<(), InvalidConfig> {
        let expected = format!("1 to the number of training images, {images}");
        InvalidConfig::check((1..=images).contains(&self.k), "k", self.k, &expected)
    }

    /// An empty classifier of `classes` classes; [`Knn::extend`] fills it.
    #[must_use]
    pub fn init(&self, classes: usize) -> Knn {
        Knn {
            tiles: Vec::new(),
            index: None,
            config: self.clone(),
            labels: Vec::new(),
            classes,
            values: 0,
            selects_on_device: false,
        }
    }
}

impl Knn {
    /// The most training images of a tile: with 3,072 values per image, 48 MiB of `f32`.
    pub const TILE: usize = 4096;

    /// The most images of `values` values that are handled at a time: [`TILE`](Self::TILE), or fewer if they are larger than
    /// CIFAR-10's.
    #[must_use]
    pub const fn tile(values: usize) -> usize {
        let fit = Self::TILE * 3072 / if values > 3072 { values } else { 3072 };
        if fit > 0 { fit } else { 1 }
    }

    /// Training images of `values` values that are best added at a time: a tile; few on a CPU that [`zoo_kernels`] serves, where they are bytes
    /// again at once.
    #[must_use]
    pub fn portion(values: usize, device: &Device) -> usize {
        let tile = Self::tile(values);
        if zoo_kernels::is_accelerated(device) { tile.div_ceil(16) } else { tile }
    }

    /// Selects the k nearest of each tile on the device rather than in memory: right where distances would have to be
    /// copied out of the device's own memory, wasteful where device and memory are one. The neighbours are the same.
    #[must_use]
    pub const fn selecting_on_device(mut self, selects_on_device: bool) -> Self {
        self.selects_on_device = selects_on_device;
        self
    }

    /// Adds training images, in batches of any size, and their labels.
    ///
    /// # Shapes
    /// - each of `batches`: `[images, channels, height, width]`, whole numbers 0 to 255.
    /// - `labels`: one per image of all batches together, in their order.
    ///
    /// # Panics
    /// If there is not one label per image, or a label is not below the number of classes.
    pub fn extend(&mut self, batches: impl IntoIterator<Item = Tensor<4>>, labels: &[usize]) {
        assert!(labels.iter().all(|&label| label < self.classes), "labels below {}", self.classes);
        let mut images = 0;
        for batch in batches {
            images += batch.dims()[0];
            self.values = batch.dims()[1..].iter().product();
            for tile in divide(batch, Self::tile(self.values)) {
                self.add(tile, self.labels.len() + labels.len());
            }
        }
        assert_eq!(images, labels.len(), "one label per image");
        self.labels.extend_from_slice(labels);
    }

    /// Adds the images of a tile, one of those that make `all`.
    fn add(&mut self, images: Tensor<4>, all: usize) {
        let metric = self.config.metric;
        let fits = metric == Metric::L1 || self.values <= DEVICE_VALUES;
        if zoo_kernels::is_accelerated(&images.device()) || !fits {
            let [_, channels, height, width] = images.dims();
            let index = self.index.get_or_insert_with(|| Index::new(metric, [channels, height, width]));
            index.reserve(all.saturating_sub(index.len()));
            index.extend(&bytes(images));
        } else {
            self.tiles.push(Tile::new(images));
        }
    }

    /// The number of training images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no training images.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Finds the k nearest training images of each image, nearest first.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`, whole numbers 0 to 255.
    ///
    /// # Panics
    /// If there are fewer than k training images.
    #[must_use]
    pub fn neighbours(&self, images: Tensor<4>) -> Neighbours {
        assert!(self.config.k <= self.len(), "{} of {} neighbours", self.config.k, self.len());
        if let Some(index) = &self.index {
            return Neighbours::new(self.config.k, index.nearest(&bytes(images), self.config.k));
        }
        let mut nearest = Nearest::new(images.dims()[0], self.config.k);
        let queries = Tile::new(images);
        let mut first = 0;
        for tile in &self.tiles {
            self.select(first, queries.distances(tile, self.config.metric), &mut nearest);
            first += tile.len();
        }
        nearest.finish()
    }

    /// Offers distances `[queries, images]` to the training images from `first` on, or the k smallest of each query. Reads once.
    fn select(&self, first: usize, distances: Tensor<2, Int>, nearest: &mut Nearest) {
        let read = |values: Tensor<2, Int>| -> Vec<i32> {
            let values = zoo_kernels::read(values).expect("the device delivers").convert::<i32>();
            values.try_to_vec().expect("converted to i32")
        };
        let [_, images] = distances.dims();
        let k = self.config.k;
        if self.selects_on_device && k < images && k <= DEVICE_K {
            let found = read(smallest(distances, k));
            let (smallest, places) = found.split_at(found.len() / 2);
            nearest.offer(smallest, |place| first + places[place] as usize);
        } else {
            nearest.offer(&read(distances), |place| first + place % images);
        }
    }

    /// The scores of images with such neighbours, which [`neighbours`](Self::neighbours) has found.
    ///
    /// # Shapes
    /// - returns: `[batch, classes]`, on `device`.
    #[must_use]
    pub fn votes(&self, neighbours: &Neighbours, device: &Device) -> Tensor<2> {
        let mut scores = vec![0.0; neighbours.len() * self.classes];
        for (neighbours, scores) in neighbours.iter().zip(scores.chunks_exact_mut(self.classes)) {
            self.vote(neighbours, scores);
        }
        zoo_kernels::upload(TensorData::new(scores, [neighbours.len(), self.classes]), device)
    }

    /// Turns neighbours into scores: a class's votes, plus less than one that orders classes with equally many. Equal scores go to the
    /// smaller label.
    fn vote(&self, neighbours: &[Neighbour], scores: &mut [f32]) {
        let mut order = Vec::new();
        // ANCHOR: vote
        for neighbour in neighbours {
            let class = self.labels[neighbour.index];
            if scores[class] == 0.0 {
                order.push(class);
            }
            scores[class] += 1.0;
        }
        if self.config.ties == Ties::SmallestLabel {
            return;
        }
        for (place, class) in order.into_iter().enumerate() {
            scores[class] += 1.0 / (place + 2) as f32;
        }
        // ANCHOR_END: vote
    }
}

impl Classifier for Knn {
    fn batch_size(&self, _device: &Device) -> usize {
        Self::tile(self.values).min(1000)
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let device = images.device();
        self.votes(&self.neighbours(images), &device)
    }

    /// The share of the votes.
    fn probabilities(&self, scores: Tensor<2>) -> Tensor<2> {
        scores.floor() / self.config.k as f64
    }
}

/// Parts of at most `size` images, in order. What is no larger is moved, so that reading it from the device copies nothing.
fn divide(images: Tensor<4>, size: usize) -> impl Iterator<Item = Tensor<4>> {
    let count = images.dims()[0];
    let (whole, larger) = if count <= size { (Some(images), None) } else { (None, Some(images)) };
    let parts = larger.into_iter().flat_map(move |images| {
        let firsts = (0..count).step_by(size);
        firsts.map(move |first| images.clone().slice(first..(first + size).min(count)))
    });
    whole.into_iter().chain(parts)
}

/// Pixels as the whole numbers that they are.
fn bytes(images: Tensor<4>) -> Vec<u8> {
    let values = zoo_kernels::read(images).expect("the device delivers").convert::<f32>();
    let values = values.as_slice::<f32>().expect("converted to f32");
    values.par_iter().with_min_len(1 << 14).map(|&value| value as u8).collect()
}

#[cfg(test)]
mod tests;
