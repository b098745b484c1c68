//! Exact nearest neighbours among rows of bytes.
//!
//! Everything is counted in integers, so distances, neighbours and their order are the same on every CPU and
//! with any number of threads.
//!
//! **Packed.** Rows are packed in blocks, queries in tiles, and a kernel turns one tile and one block into a small table
//! of sums, from which each query takes what belongs among its `k` nearest so far. There is never a table of
//! all distances: memory holds the rows once and, for each thread, a chunk of the queries.
//!
//! **Thumbnails first.** Images whose thumbnails are far apart are far apart themselves. So the thumbnails of images are compared
//! first, which have a twelfth of the bytes or fewer, and an image itself is only if its thumbnail leaves open whether it is near
//! enough. What is found is the same.

mod cells;
mod kernel;
mod lines;
mod nearest;
mod search;
mod thumbnails;
#[cfg(target_arch = "x86_64")]
mod x86;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use cells::Cells;
use kernel::{Instructions, Kernel, PART};
use lines::Lines;
use search::Search;
use thumbnails::Thumbnails;

/// Bytes of queries that a thread compares with all rows before it takes others: as many as stay in a second-level cache while the
/// rows pass.
const CHUNK: usize = 1024 * 1024;

/// How far apart two rows of bytes, two images for instance, are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Σ |q − t|, the Manhattan distance.
    L1,
    /// Σ (q − t)², the square of the Euclidean distance: the root would order rows the same.
    L2,
}

/// One of the nearest rows of a query; the order is by distance, then by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Neighbour {
    /// How far the row is from the query.
    pub distance: i64,
    /// The row's place in the order in which rows were added, from 0.
    pub index: usize,
}

/// Images, or other rows of bytes, to search in.
///
/// Since |q − t| = q + t − 2·min(q, t) and (q − t)² = q² + t² − 2·q·t, both distances of a query and a row
/// are `term(query) + term(row) − 2 · sum(query, row)`, where terms are found once and sums are of minima or
/// of products. Nearly all time goes into sums, and CPUs add up minima and products faster than differences.
#[derive(Clone, Debug)]
pub struct Index {
    metric: Metric,
    /// Bytes of a row.
    values: usize,
    kernel: Kernel,
    rows: Lines,
    /// The term of each row.
    terms: Vec<i64>,
    /// Those of the rows, if they are images.
    thumbnails: Option<Thumbnails>,
}

impl Index {
    /// An index without rows, for images of a shape `[channels, height, width]`. Rows that are no images have a height and a width of 1.
    ///
    /// # Panics
    ///
    /// If an image has no bytes.
    #[must_use]
    pub fn new(metric: Metric, shape: [usize; 3]) -> Self {
        Self::with_instructions(metric, shape, Instructions::best())
    }

    /// An index that uses the given instructions.
    ///
    /// # Panics
    ///
    /// As [`Self::new`], or if the CPU lacks the instructions.
    pub(crate) fn with_instructions(metric: Metric, shape: [usize; 3], instructions: Instructions) -> Self {
        let values = shape.iter().product();
        assert!(values > 0, "a row has at least one byte");
        let kernel = |values| Kernel::new(metric, values, instructions);
        let thumbnails = |cells: Cells| Thumbnails::new(metric, cells, kernel(cells.count()));
        Self {
            metric,
            values,
            kernel: kernel(values),
            rows: Lines::new(values),
            terms: Vec::new(),
            thumbnails: Cells::of(shape).map(thumbnails),
        }
    }

    /// The number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.terms.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes room for that many more rows, so that memory holds none of them twice while they are added.
    pub fn reserve(&mut self, rows: usize) {
        self.rows.reserve(rows);
        self.terms.reserve_exact(rows);
        if let Some(thumbnails) = &mut self.thumbnails {
            thumbnails.reserve(rows);
        }
    }

    /// Adds `rows` (`[rows, values]`) after those that are there.
    ///
    /// # Panics
    ///
    /// If the last row is not whole, or if there would be more than `u32::MAX` rows.
    pub fn extend(&mut self, rows: &[u8]) {
        let values = self.values;
        assert!(rows.len().is_multiple_of(values), "{} bytes are not whole rows of {values}", rows.len());
        let new = self.len() + rows.len() / values;
        assert!(u32::try_from(new).is_ok(), "{new} rows are more than 32 bits can number");
        self.rows.extend(rows);
        let term = |row| self.metric.term(row, self.kernel.bias);
        self.terms.par_extend(rows.par_chunks_exact(values).map(term));
        if let Some(thumbnails) = &mut self.thumbnails {
            thumbnails.extend(rows);
        }
    }

    /// The `k` nearest rows of each query in `queries` (`[queries, values]`): `[queries, k]`, each query's
    /// nearest first, and of equally near rows the one that was added first.
    ///
    /// # Panics
    ///
    /// If the last query is not whole, or if `k` is more than the number of rows.
    #[must_use]
    pub fn nearest(&self, queries: &[u8], k: usize) -> Vec<Neighbour> {
        let (values, bytes) = (self.values, queries.len());
        assert!(bytes.is_multiple_of(values), "{bytes} bytes are not whole queries of {values}");
        assert!(k <= self.len(), "there are no {k} nearest of {} rows", self.len());
        if bytes == 0 || k == 0 {
            return Vec::new();
        }
        // Few queries make smaller chunks than the cache allows, so that each thread has one; and of fewer still, each thread takes some of the
        // rows.
        let threads = rayon::current_num_threads();
        let share = (bytes / values).div_ceil(threads);
        let chunk =
            share.div_ceil(share.div_ceil((CHUNK / values).max(1))).next_multiple_of(self.kernel.queries);
        let parts = threads.div_ceil((bytes / values).div_ceil(chunk));
        let rows = self.len().div_ceil(self.kernel.rows).div_ceil(parts) * self.kernel.rows;
        let starts: Vec<usize> = (0..self.len()).step_by(rows).collect();
        queries
            .par_chunks(chunk * values)
            .flat_map_iter(|queries| {
                let search = Search::new(self, queries);
                let of_rows = |&first: &usize| search.nearest(k, first..(first + rows).min(self.len()));
                let found: Vec<_> = starts.par_iter().map(of_rows).collect();
                found.into_iter().reduce(|found, more| merge(found, more, k)).unwrap_or_default()
            })
            .flatten_iter()
            .collect()
    }
}

impl Metric {
    /// What a row, or a query with a `bias` of 0, adds to each of its distances. If sums have (q − bias)·t in
    /// place of q·t, −2 times that has 2·bias·t too much, which is taken from the row's term.
    fn term(self, row: &[u8], bias: u8) -> i64 {
        let value = |&t: &u8| match self {
            Self::L1 => i32::from(t),
            Self::L2 => i32::from(t) * (i32::from(t) - 2 * i32::from(bias)),
        };
        row.chunks(PART).map(|part| i64::from(part.iter().map(value).sum::<i32>())).sum()
    }
}

/// The k nearest of each query, of those among some rows and those among others.
fn merge(left: Vec<Vec<Neighbour>>, right: Vec<Vec<Neighbour>>, k: usize) -> Vec<Vec<Neighbour>> {
    let pairs = left.into_iter().zip(right);
    pairs
        .map(|(mut found, more)| {
            found.extend(more);
            found.sort_unstable();
            found.truncate(k);
            found
        })
        .collect()
}

#[cfg(test)]
mod tests;
