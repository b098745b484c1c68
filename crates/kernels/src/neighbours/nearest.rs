//! The nearest rows of a query so far.

use std::collections::BinaryHeap;

use super::Neighbour;

/// A query's nearest rows so far.
#[derive(Clone)]
pub(super) struct Nearest {
    /// How many are asked for.
    k: usize,
    /// Only rows with smaller distances belong in the heap.
    bound: i64,
    heap: BinaryHeap<Neighbour>,
}

impl Nearest {
    pub(super) fn new(k: usize) -> Self {
        Self { k, bound: i64::MAX, heap: BinaryHeap::with_capacity(k) }
    }

    /// What distances are below that belong here.
    pub(super) const fn bound(&self) -> i64 {
        self.bound
    }

    /// Takes a row if it belongs here. Rows come in order, so of two equal distances the one that is there already stays.
    pub(super) fn offer(&mut self, neighbour: Neighbour) {
        if neighbour.distance >= self.bound {
            return;
        }
        if self.heap.len() == self.k {
            self.heap.pop();
        }
        self.heap.push(neighbour);
        if self.heap.len() == self.k {
            self.bound = self.heap.peek().map_or(i64::MAX, |farthest| farthest.distance);
        }
    }

    /// Takes what belongs here of the rows from `first` on. Returns whether any does.
    pub(super) fn offer_all(&mut self, first: usize, distances: &[i64]) -> bool {
        // Hardly ever does one, and this looks at many at a time.
        if distances.iter().fold(i64::MAX, |least, &distance| least.min(distance)) >= self.bound {
            return false;
        }
        for (&distance, index) in distances.iter().zip(first..) {
            self.offer(Neighbour { distance, index });
        }
        true
    }

    /// All of them, the nearest first.
    pub(super) fn finish(self) -> Vec<Neighbour> {
        self.heap.into_sorted_vec()
    }
}
