//! Images as rows on the device, and distances between two sets of them.

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use zoo_kernels::Metric;

/// The values of an inner product that `f32` still adds exactly: 2²⁴ / 128².
const EXACT: usize = 1024;
/// Half the range of a pixel; subtracting it keeps products small.
const CENTRE: f64 = 128.0;
/// The values of a difference that `f32` still adds exactly: 2²⁴ / 255, rounded down to a power of two.
const EXACT_DIFFERENCE: usize = 1 << 16;
/// Numbers in the difference of two sets of images, which L1 has to write down: 32 MiB.
const DIFFERENCES: usize = 8 << 20;

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

    /// Distances `[self, part]` to parts of `tile`, with the place that each part begins at.
    pub(crate) fn distances<'a>(
        &'a self,
        tile: &'a Self,
        metric: Metric,
    ) -> Box<dyn Iterator<Item = (usize, Tensor<2, Int>)> + 'a> {
        match metric {
            Metric::L2 => Box::new(std::iter::once((0, self.squared_l2(tile)))),
            Metric::L1 => {
                let [images, values] = tile.rows.dims();
                let part = (DIFFERENCES / (self.len() * values)).clamp(1, images);
                Box::new((0..images).step_by(part).map(move |start| {
                    let part = tile.rows.clone().slice(start..(start + part).min(images));
                    (start, self.l1(&part))
                }))
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

/// Columns of `rows`, `size` at a time.
fn chunks(rows: &Tensor<2>, size: usize) -> impl Iterator<Item = Tensor<2>> {
    let [images, values] = rows.dims();
    (0..values)
        .step_by(size)
        .map(move |start| rows.clone().slice([0..images, start..(start + size).min(values)]))
}
