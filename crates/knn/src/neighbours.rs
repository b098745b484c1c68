//! The k smallest distances of each query, kept while tiles pass by.

use std::collections::BinaryHeap;

use rayon::prelude::*;
use zoo_kernels::Neighbour;

/// The k nearest training images of some queries, nearest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbours {
    k: usize,
    /// `[query, neighbour]`.
    rows: Vec<Neighbour>,
}

impl Neighbours {
    /// Takes k neighbours per query.
    pub(crate) const fn new(k: usize, rows: Vec<Neighbour>) -> Self {
        Self { k, rows }
    }

    /// The number of queries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len() / self.k
    }

    /// Whether there are no queries.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The neighbours of each query.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[Neighbour]> {
        self.rows.chunks_exact(self.k)
    }
}

/// The k nearest so far: for each query a heap with the farthest on top.
pub(crate) struct Nearest {
    k: usize,
    heaps: Vec<BinaryHeap<Neighbour>>,
}

impl Nearest {
    pub(crate) fn new(queries: usize, k: usize) -> Self {
        Self { k, heaps: vec![BinaryHeap::with_capacity(k + 1); queries] }
    }

    /// Takes distances `[queries, images]`, image i being the training image `index(place)`, where `place` is its place
    /// among the distances.
    pub(crate) fn offer(&mut self, distances: &[i32], index: impl Fn(usize) -> usize + Sync) {
        const NONE: Neighbour = Neighbour { distance: i64::MAX, index: usize::MAX };
        let k = self.k;
        let images = (distances.len() / self.heaps.len().max(1)).max(1);
        self.heaps.par_iter_mut().zip(distances.par_chunks_exact(images)).enumerate().for_each(
            |(query, (heap, row))| {
                let top = |heap: &BinaryHeap<Neighbour>| match heap.peek() {
                    Some(&farthest) if heap.len() == k => farthest,
                    _ => NONE,
                };
                let mut farthest = top(heap);
                for (offset, &distance) in row.iter().enumerate() {
                    let distance = i64::from(distance);
                    if distance > farthest.distance {
                        continue;
                    }
                    let candidate = Neighbour { distance, index: index(query * images + offset) };
                    if candidate < farthest {
                        heap.push(candidate);
                        if heap.len() > k {
                            heap.pop();
                        }
                        farthest = top(heap);
                    }
                }
            },
        );
    }

    pub(crate) fn finish(self) -> Neighbours {
        Neighbours::new(self.k, self.heaps.into_iter().flat_map(BinaryHeap::into_sorted_vec).collect())
    }
}
