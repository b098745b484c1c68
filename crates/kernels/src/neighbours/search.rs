//! A search for the neighbours of some queries, on one thread.

use std::ops::Range;

use super::kernel::Kernel;
use super::lines::Lines;
use super::nearest::Nearest;
use super::thumbnails::{Thumbnails, Views};
use super::{Index, Neighbour};

/// Up to one pair of this many is compared by itself; where there are more, a kernel compares all of a block in less time.
const SHARE: usize = 4;

/// Queries, ready to be compared with an index.
pub(super) struct Search<'index> {
    index: &'index Index,
    /// The queries, less the kernel's bias.
    queries: Lines,
    /// The same, packed, if they fill a tile.
    tiles: Option<Vec<u8>>,
    terms: Vec<i64>,
    /// Their thumbnails, and those that the index has.
    views: Option<(&'index Thumbnails, Views)>,
}

/// The nearest rows of all queries so far, and what finding more of them needs.
struct Progress {
    nearest: Vec<Nearest>,
    /// Of each query, the limit below which thumbnails may be those of nearer rows.
    limits: Vec<i32>,
    /// For each row of a block, the queries that it may be near to.
    near: Vec<Vec<u32>>,
    /// A block of rows, packed.
    block: Vec<u8>,
    /// `[queries, rows]` of a tile and a block, over a part of the bytes and over all.
    part: Vec<i32>,
    sums: Vec<i64>,
}

impl<'index> Search<'index> {
    pub(super) fn new(index: &'index Index, queries: &[u8]) -> Self {
        let Index { metric, values, kernel, ref thumbnails, .. } = *index;
        let mut biased = queries.to_vec();
        kernel.take_bias(&mut biased);
        let mut lines = Lines::new(values);
        lines.extend(&biased);
        let fill = queries.len() / values >= kernel.queries;
        Self {
            index,
            queries: lines,
            tiles: fill.then(|| kernel.tiles(queries, values)),
            terms: queries.chunks_exact(values).map(|query| metric.term(query, 0)).collect(),
            views: thumbnails.as_ref().map(|thumbnails| (thumbnails, thumbnails.views(queries))),
        }
    }

    /// The `k` nearest of each query among `rows`, which start with a block, the nearest first.
    pub(super) fn nearest(&self, k: usize, rows: Range<usize>) -> Vec<Vec<Neighbour>> {
        let Kernel { queries: tile, rows: size, .. } = self.index.kernel;
        let queries = self.terms.len();
        let mut progress = Progress {
            nearest: vec![Nearest::new(k); queries],
            limits: vec![i32::MAX; queries],
            near: vec![Vec::new(); size],
            block: Vec::new(),
            part: vec![0; tile * size],
            sums: vec![0; tile * size],
        };
        for first in rows.clone().step_by(size) {
            let block = first..rows.end.min(first + size);
            let near = self.glance(&mut progress, block.clone());
            match &self.tiles {
                Some(tiles) if near > queries * block.len() / SHARE => {
                    self.compare_all(tiles, &mut progress, block);
                }
                _ => self.compare(&mut progress, block),
            }
        }
        progress.nearest.into_iter().map(Nearest::finish).collect()
    }

    /// Finds which rows of a block may be near to which queries: by their thumbnails, or all. Returns how many pairs that are.
    fn glance(&self, progress: &mut Progress, block: Range<usize>) -> usize {
        let Progress { limits, near, part, .. } = progress;
        near.iter_mut().for_each(Vec::clear);
        let Some((thumbnails, views)) = &self.views else {
            near[..block.len()].iter_mut().for_each(|near| near.extend(0..self.terms.len() as u32));
            return self.terms.len() * block.len();
        };
        let mut pairs = 0;
        thumbnails.glance(views, block.start, limits, part, |query, mut bits| {
            pairs += bits.count_ones() as usize;
            while bits > 0 {
                near[bits.trailing_zeros() as usize].push(query as u32);
                bits &= bits - 1;
            }
        });
        pairs
    }

    /// Compares the rows of a block with the queries that they may be near to.
    fn compare(&self, progress: &mut Progress, block: Range<usize>) {
        let Index { kernel, ref rows, ref terms, .. } = *self.index;
        for (index, near) in block.zip(&progress.near) {
            let row = rows.rows(index, 1);
            for &query in near {
                let query = query as usize;
                let sum = kernel.sum(self.queries.rows(query, 1), row);
                let distance = self.terms[query] + terms[index] - 2 * sum;
                let nearest = &mut progress.nearest[query];
                if distance < nearest.bound() {
                    nearest.offer(Neighbour { distance, index });
                    progress.limits[query] = self.limit(query, nearest.bound());
                }
            }
        }
    }

    /// Compares all rows of a block with all queries.
    fn compare_all(&self, tiles: &[u8], progress: &mut Progress, block: Range<usize>) {
        let Index { kernel, ref rows, ref terms, .. } = *self.index;
        let Progress { nearest, limits, block: packed, part, sums, .. } = progress;
        packed.clear();
        packed.resize(kernel.rows * kernel.stride(), 0);
        let bytes = rows.rows(block.start, block.len());
        kernel.pack(bytes, rows.stride(), 0, kernel.rows, packed);
        let tiles = tiles.chunks_exact(kernel.queries * kernel.stride());
        for (tile, first) in tiles.zip((0..).step_by(kernel.queries)) {
            kernel.run(tile, packed, part, sums);
            for (query, sums) in (first..self.terms.len()).zip(sums.chunks_exact_mut(kernel.rows)) {
                let distances = &mut sums[..block.len()];
                for (sum, term) in distances.iter_mut().zip(&terms[block.clone()]) {
                    *sum = self.terms[query] + term - 2 * *sum;
                }
                let nearest = &mut nearest[query];
                if nearest.offer_all(block.start, distances) {
                    limits[query] = self.limit(query, nearest.bound());
                }
            }
        }
    }

    /// The limit below which thumbnails may be those of rows nearer to a query than `bound`.
    fn limit(&self, query: usize, bound: i64) -> i32 {
        self.views.as_ref().map_or(i32::MAX, |(thumbnails, views)| thumbnails.limit(views, query, bound))
    }
}
