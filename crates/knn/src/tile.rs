//! Images as rows on the device, and distances between two sets of them.

use burn::module::Module;
use burn::tensor::{Int, IntDType, Tensor};
use zoo_kernels::Metric;

/// The values of an inner product that `f32` still adds exactly: 2²⁴ / 128².
const EXACT: usize = 1024;
/// Half the range of a pixel; subtracting it keeps products small.
const CENTRE: f64 = 128.0;
/// The values of a difference that `f32` still adds exactly: 2²⁴ / 255, rounded down to a power of two.
const EXACT_DIFFERENCE: usize = 1 << 16;
/// Numbers in the difference of two sets of images, which L1 may have to write down: 48 MiB, as a tile of CIFAR-10's size.
const DIFFERENCES: usize = 12 << 20;

/// Some images, centred, `[images, values]`.
#[derive(Module, Debug)]
pub(crate) struct Tile {
    rows: Tensor<2>,
    /// ‖row‖², `[images]`.
    norms: Tensor<1, Int>,
}

impl Tile {
    pub(crate) fn new(images: Tensor<4>) -> Self {
        let rows: Tensor<2> = images.flatten(1, 3) - CENTRE;
        let norms = chunks(&rows, EXACT)
            .map(|chunk| (chunk.clone() * chunk).sum_dim(1).int().flatten(0, 1))
            .reduce(|sum: Tensor<1, Int>, part| sum + part)
            .expect("an image has values");
        Self { rows, norms }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.dims()[0]
    }

    /// Distances `[self, tile]`.
    pub(crate) fn distances(&self, tile: &Self, metric: Metric) -> Tensor<2, Int> {
        match metric {
            Metric::L2 => self.squared_l2(tile),
            Metric::L1 => {
                let [images, values] = tile.rows.dims();
                let part = (DIFFERENCES / (self.len() * values)).clamp(1, images);
                let parts = (0..images).step_by(part).map(|start| {
                    let part = tile.rows.clone().slice(start..(start + part).min(images));
                    self.l1(&part)
                });
                Tensor::cat(parts.collect(), 1)
            }
        }
    }

    /// ‖q‖² + ‖t‖² − 2 q·t.
    fn squared_l2(&self, tile: &Self) -> Tensor<2, Int> {
        let products = chunks(&self.rows, EXACT)
            .zip(chunks(&tile.rows, EXACT))
            .map(|(queries, images)| queries.matmul(images.transpose()).int())
            .reduce(|sum, part| sum + part)
            .expect("an image has values");
        let norms = self.norms.clone().unsqueeze_dim::<2>(1) + tile.norms.clone().unsqueeze_dim::<2>(0);
        norms - products * 2
    }

    /// Σ |q − t|.
    fn l1(&self, images: &Tensor<2>) -> Tensor<2, Int> {
        chunks(&self.rows, EXACT_DIFFERENCE)
            .zip(chunks(images, EXACT_DIFFERENCE))
            .map(|(queries, images)| {
                let difference = queries.unsqueeze_dim::<3>(1) - images.unsqueeze_dim::<3>(0);
                difference.abs().sum_dim(2).int().flatten(1, 2)
            })
            .reduce(|sum: Tensor<2, Int>, part| sum + part)
            .expect("an image has values")
    }
}

/// The k smallest of each row of `distances`, `[queries, images]`, of which there are more: first them, `[queries, k]`, then, below them,
/// their places. Of equals the first count.
pub(crate) fn smallest(distances: Tensor<2, Int>, k: usize) -> Tensor<2, Int> {
    let [queries, images] = distances.dims();
    // Which of equals a device selects is not said. So each gets a number that no other has: what is smaller than the k-th comes first,
    // then what equals it, in order, then the rest.
    let (largest, _) = distances.clone().neg().topk_with_indices(k, 1);
    let last = largest.neg().slice([0..queries, k - 1..k]);
    let places = Tensor::<1, Int>::arange(0..images as i64, &distances.device()).unsqueeze_dim::<2>(0);
    let order = places + (distances.clone() - last).sign() * images as i32;
    let (_, places) = order.neg().topk_with_indices(k, 1);
    // One read gets both, if both have the same type.
    let found = [distances.gather(1, places.clone()), places].map(|half| half.cast(IntDType::I32));
    Tensor::cat(found.into(), 0)
}

/// Columns of `rows`, `size` at a time.
fn chunks(rows: &Tensor<2>, size: usize) -> impl Iterator<Item = Tensor<2>> {
    let [images, values] = rows.dims();
    (0..values)
        .step_by(size)
        .map(move |start| rows.clone().slice([0..images, start..(start + size).min(values)]))
}
