//! The nearest neighbours of each image among all others.

use zoo_knn::{Index, Metric, Neighbour};

use super::views::Views;
use crate::watch::Watch;

/// Neighbours of each image, if there are as many others.
pub(super) const NEIGHBOURS: usize = 20;
/// Images whose neighbours are looked for at a time.
const CHUNK: usize = 4096;

/// The nearest neighbours of each image, the nearest first; an image is not its own.
pub(super) struct Neighbours {
    each: usize,
    /// `[image, neighbour]`.
    rows: Vec<u32>,
}

impl Neighbours {
    /// Searches exactly, by the L2 distance of features.
    pub(super) fn of(views: &Views, watch: &dyn Watch) -> Self {
        let length = Views::length();
        let count = views.features().len() / length;
        let each = NEIGHBOURS.min(count.saturating_sub(1));
        if each == 0 {
            return Self { each, rows: Vec::new() };
        }
        let mut index = Index::new(Metric::L2, [length, 1, 1]);
        index.extend(views.features());
        let mut progress = watch.progress("neighbours", count);
        let mut rows = Vec::with_capacity(count * each);
        for (number, queries) in views.features().chunks(CHUNK * length).enumerate() {
            let found = index.nearest(queries, each + 1);
            for (query, found) in (number * CHUNK..).zip(found.chunks_exact(each + 1)) {
                rows.extend(others(query, found).take(each).map(|index| index as u32));
            }
            progress(rows.len() / each);
        }
        Self { each, rows }
    }

    /// How many neighbours each image has.
    pub(super) const fn each(&self) -> usize {
        self.each
    }

    /// The neighbours of image `index`.
    pub(super) fn of_image(&self, index: usize) -> impl Iterator<Item = usize> {
        self.rows[index * self.each..][..self.each].iter().map(|&neighbour| neighbour as usize)
    }
}

/// What was found except the query itself, which may be missing where many others are equal to it.
fn others(query: usize, found: &[Neighbour]) -> impl Iterator<Item = usize> {
    found.iter().map(|neighbour| neighbour.index).filter(move |&index| index != query)
}
