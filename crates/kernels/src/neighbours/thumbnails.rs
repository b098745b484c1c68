//! Thumbnails, which tell most far images from near ones.

use rayon::prelude::*;

use super::Metric;
use super::cells::Cells;
use super::kernel::Kernel;

/// The thumbnails of images, packed in blocks.
#[derive(Clone, Debug)]
pub(super) struct Thumbnails {
    metric: Metric,
    cells: Cells,
    kernel: Kernel,
    /// Whole blocks, with zeros where there is no image yet.
    blocks: Vec<u8>,
    /// The term of each; 0 where there is no image yet.
    terms: Vec<i32>,
    /// How many there are.
    len: usize,
    /// The most that one leaves out.
    rest: f64,
}

/// The thumbnails of queries.
pub(super) struct Views {
    /// Whole tiles, with zeros where there is no query.
    tiles: Vec<u8>,
    /// The term of each.
    terms: Vec<i32>,
    /// The most that each and one of an image leave out.
    rest: Vec<f64>,
}

impl Thumbnails {
    /// None yet, of images that are divided into such cells.
    pub(super) const fn new(metric: Metric, cells: Cells, kernel: Kernel) -> Self {
        Self { metric, cells, kernel, blocks: Vec::new(), terms: Vec::new(), len: 0, rest: 0.0 }
    }

    /// Makes room for that many more.
    pub(super) fn reserve(&mut self, images: usize) {
        let rows = (self.len + images).next_multiple_of(self.kernel.rows);
        self.blocks.reserve_exact(rows * self.kernel.stride() - self.blocks.len());
        self.terms.reserve_exact(rows - self.terms.len());
    }

    /// Adds those of images.
    pub(super) fn extend(&mut self, images: &[u8]) {
        let (values, kernel) = (self.cells.count(), self.kernel);
        let (thumbnails, rest) = self.of(images);
        self.rest = rest.into_iter().fold(self.rest, f64::max);
        let (old, new) = (self.len, self.len + thumbnails.len() / values);

        // The last block may have room for some; the others start new blocks.
        let room = (old.next_multiple_of(kernel.rows) - old).min(new - old);
        let (first, others) = thumbnails.split_at(room * values);
        let block = kernel.rows * kernel.stride();
        let full = self.blocks.len();
        if room > 0 {
            kernel.pack(first, values, old % kernel.rows, kernel.rows, &mut self.blocks[full - block..]);
        }
        self.blocks.resize(new.div_ceil(kernel.rows) * block, 0);
        let blocks = self.blocks[full..].chunks_exact_mut(block);
        for (block, thumbnails) in blocks.zip(others.chunks(kernel.rows * values)) {
            kernel.pack(thumbnails, values, 0, kernel.rows, block);
        }
        self.terms.truncate(old);
        self.terms.extend(thumbnails.chunks_exact(values).map(|one| term(self.metric, one, kernel.bias)));
        self.terms.resize(new.next_multiple_of(kernel.rows), 0);
        self.len = new;
    }

    /// The thumbnails of queries.
    pub(super) fn views(&self, queries: &[u8]) -> Views {
        let (thumbnails, mut rest) = self.of(queries);
        for rest in &mut rest {
            *rest += self.rest;
        }
        let values = self.cells.count();
        let terms = thumbnails.chunks_exact(values).map(|one| term(self.metric, one, 0)).collect();
        Views { tiles: self.kernel.tiles(&thumbnails, values), terms, rest }
    }

    /// Thumbnails, and what each leaves out.
    fn of(&self, images: &[u8]) -> (Vec<u8>, Vec<f64>) {
        let (values, count) = (self.cells.values(), self.cells.count());
        let mut thumbnails = vec![0; images.len() / values * count];
        let each = thumbnails.par_chunks_exact_mut(count).zip(images.par_chunks_exact(values));
        let rest = each.map(|(thumbnail, image)| self.cells.shrink(image, self.metric, thumbnail)).collect();
        (thumbnails, rest)
    }

    /// Shows `each(query, bits)` which images of a block may be near to a query, a bit for each, if any may. `first` is the block's first
    /// image, and `limits` are those of the queries.
    pub(super) fn glance(
        &self,
        views: &Views,
        first: usize,
        limits: &[i32],
        sums: &mut Vec<i32>,
        mut each: impl FnMut(usize, u32),
    ) {
        let Kernel { queries, rows, .. } = self.kernel;
        sums.resize(queries * rows, 0);
        let stride = self.kernel.stride();
        let block = (&self.blocks[first * stride..][..rows * stride], &self.terms[first..][..rows]);
        // Behind the last image there is none.
        let there = u32::MAX >> (32 - rows.min(self.len - first));
        let tiles = views.tiles.chunks_exact(queries * stride).zip(limits.chunks(queries));
        for (tile, number) in tiles.zip((0..).step_by(queries)) {
            self.kernel.below(tile, block, sums, |query, bits| {
                if bits & there > 0 {
                    each(number + query, bits & there);
                }
            });
        }
    }

    /// What term − 2·sum of thumbnails is below of all images nearer to a query than `bound`.
    pub(super) fn limit(&self, views: &Views, query: usize, bound: i64) -> i32 {
        let limit = self.cells.limit(bound, views.rest[query], self.metric) - i64::from(views.terms[query]);
        limit.min(i64::from(i32::MAX)) as i32
    }
}

/// A thumbnail's term. It has so few bytes that terms and distances are small.
fn term(metric: Metric, thumbnail: &[u8], bias: u8) -> i32 {
    metric.term(thumbnail, bias) as i32
}
