//! Exact nearest neighbours among rows of bytes.
//!
//! Everything is counted in integers, so distances, neighbours and their order are the same on every CPU and
//! with any number of threads.
//!
//! Rows are packed in blocks, queries in tiles, and a kernel turns one tile and one block into a small table
//! of sums, from which each query takes what belongs among its `k` nearest so far. There is never a table of
//! all distances: memory holds one packed copy of the rows and, for each thread, a chunk of the queries.

#[cfg(target_arch = "x86_64")]
mod x86;

use std::collections::BinaryHeap;
use std::ops::Range;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most bytes of a row whose products are added up in an `i32`; with more, parts of a row are added up one after the other.
const PART: usize = 32 * 1024;

/// Bytes of queries that a thread compares with all rows before it takes others: about half of a
/// second-level cache, so that the queries stay there while the rows pass.
const CHUNK: usize = 512 * 1024;

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

/// Rows of bytes to search in, packed for the CPU's instructions.
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
    /// Whole blocks of packed rows, with zeros where there is no row yet.
    blocks: Vec<u8>,
    /// The term of each row.
    terms: Vec<i64>,
}

impl Index {
    /// An index without rows, for rows of `values` bytes.
    ///
    /// # Panics
    ///
    /// If `values` is 0.
    #[must_use]
    pub fn new(metric: Metric, values: usize) -> Self {
        Self::with_instructions(metric, values, Instructions::best())
    }

    /// An index that uses the given instructions.
    ///
    /// # Panics
    ///
    /// As [`Self::new`], or if the CPU lacks the instructions.
    pub(crate) fn with_instructions(metric: Metric, values: usize, instructions: Instructions) -> Self {
        assert!(values > 0, "a row has at least one byte");
        let kernel = Kernel::new(metric, values, instructions);
        Self { metric, values, kernel, blocks: Vec::new(), terms: Vec::new() }
    }

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Makes room for that many more rows, so that memory holds none of them twice while they are added.
    pub fn reserve(&mut self, rows: usize) {
        let block = self.kernel.rows * self.kernel.stride();
        let length = (self.len() + rows).div_ceil(self.kernel.rows) * block;
        self.blocks.reserve_exact(length - self.blocks.len());
        self.terms.reserve_exact(rows);
    }

    /// Adds `rows` (`[rows, values]`) after those that are there.
    ///
    /// # Panics
    ///
    /// If the last row is not whole, or if there would be more than `u32::MAX` rows.
    pub fn extend(&mut self, rows: &[u8]) {
        let (values, metric, kernel) = (self.values, self.metric, self.kernel);
        assert!(rows.len().is_multiple_of(values), "{} bytes are not whole rows of {values}", rows.len());
        let (old, new) = (self.len(), self.len() + rows.len() / values);
        assert!(u32::try_from(new).is_ok(), "{new} rows are more than 32 bits can number");

        // The last block may have room for some rows; the others start new blocks.
        let room = (old.next_multiple_of(kernel.rows) - old).min(new - old);
        let (first, others) = rows.split_at(room * values);
        let block = kernel.rows * kernel.stride();
        let full = self.blocks.len();
        if room > 0 {
            kernel.pack(first, values, old % kernel.rows, kernel.rows, &mut self.blocks[full - block..]);
        }
        self.blocks.resize(new.div_ceil(kernel.rows) * block, 0);
        self.blocks[full..]
            .par_chunks_exact_mut(block)
            .zip(others.par_chunks(kernel.rows * values))
            .for_each(|(block, rows)| kernel.pack(rows, values, 0, kernel.rows, block));
        self.terms.par_extend(rows.par_chunks_exact(values).map(|row| metric.term(row, kernel.bias)));
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
        let chunk = share.min(CHUNK / self.kernel.stride()).max(1).next_multiple_of(self.kernel.queries);
        let parts = threads.div_ceil((bytes / values).div_ceil(chunk));
        let rows = self.len().div_ceil(self.kernel.rows).div_ceil(parts) * self.kernel.rows;
        queries
            .par_chunks(chunk * values)
            .flat_map_iter(|queries| {
                let tiles = self.tiles(queries);
                let of_rows = |first| self.search(queries, &tiles, k, first..(first + rows).min(self.len()));
                let starts: Vec<usize> = (0..self.len()).step_by(rows).collect();
                let found: Vec<_> = starts.into_par_iter().map(of_rows).collect();
                found.into_iter().reduce(|found, more| merge(found, more, k)).unwrap_or_default()
            })
            .flatten_iter()
            .collect()
    }

    /// [`Self::nearest`] of a chunk of queries, packed in `tiles`, among some of the rows, from a whole block on; on one thread.
    fn search(&self, queries: &[u8], tiles: &[u8], k: usize, rows: Range<usize>) -> Vec<Vec<Neighbour>> {
        let kernel = self.kernel;
        let (tile, block) = (kernel.queries * kernel.stride(), kernel.rows * kernel.stride());
        let term = |query| self.metric.term(query, 0);
        let mut lists: Vec<_> =
            queries.chunks_exact(self.values).map(|query| Nearest::new(k, term(query))).collect();
        let mut sums = vec![0; kernel.queries * kernel.rows];
        let mut part = vec![0; sums.len()];

        let blocks = self.blocks[rows.start / kernel.rows * block..].chunks_exact(block);
        let terms = self.terms[rows.clone()].chunks(kernel.rows);
        for ((block, terms), first) in blocks.zip(terms).zip(rows.step_by(kernel.rows)) {
            for (tile, lists) in tiles.chunks_exact(tile).zip(lists.chunks_mut(kernel.queries)) {
                kernel.run(tile, block, &mut part, &mut sums);
                for (list, sums) in lists.iter_mut().zip(sums.chunks_exact_mut(kernel.rows)) {
                    list.offer(first, terms, &mut sums[..terms.len()]);
                }
            }
        }
        lists.into_iter().map(|list| list.heap.into_sorted_vec()).collect()
    }

    /// Packs queries in whole tiles.
    fn tiles(&self, queries: &[u8]) -> Vec<u8> {
        let (kernel, values) = (self.kernel, self.values);
        let tile = kernel.queries * kernel.stride();
        let mut tiles = vec![0; (queries.len() / values).div_ceil(kernel.queries) * tile];
        for (tile, queries) in tiles.chunks_exact_mut(tile).zip(queries.chunks(kernel.queries * values)) {
            kernel.pack(queries, values, 0, kernel.queries, tile);
        }
        if kernel.bias > 0 {
            for value in &mut tiles {
                *value = value.wrapping_sub(kernel.bias);
            }
        }
        tiles
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

/// A query's nearest rows so far.
struct Nearest {
    /// How many are asked for.
    k: usize,
    /// The query's term.
    term: i64,
    /// Only rows with smaller distances belong in the heap.
    bound: i64,
    heap: BinaryHeap<Neighbour>,
}

impl Nearest {
    fn new(k: usize, term: i64) -> Self {
        Self { k, term, bound: i64::MAX, heap: BinaryHeap::with_capacity(k) }
    }

    /// Takes what belongs in the heap of the rows from `first` on, given their terms and their sums with the
    /// query. Rows come in order, so of two equal distances the one that is there already stays.
    fn offer(&mut self, first: usize, terms: &[i64], sums: &mut [i64]) {
        let mut least = i64::MAX;
        for (sum, term) in sums.iter_mut().zip(terms) {
            *sum = self.term + term - 2 * *sum;
            least = least.min(*sum);
        }
        // Hardly ever is a row near enough, and the loop above takes many rows at a time.
        if least >= self.bound {
            return;
        }
        for (&mut distance, index) in sums.iter_mut().zip(first..) {
            if distance < self.bound {
                if self.heap.len() == self.k {
                    self.heap.pop();
                }
                self.heap.push(Neighbour { distance, index });
                if self.heap.len() == self.k {
                    self.bound = self.heap.peek().map_or(i64::MAX, |farthest| farthest.distance);
                }
            }
        }
    }
}

/// Sets of instructions that there are kernels for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instructions {
    /// Those that the program was compiled for.
    Portable,
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 with instructions for bytes (BW) and for their products (VNNI).
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Instructions {
    /// All sets, the fastest first.
    pub(crate) const ALL: &[Self] = &[
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        Self::Portable,
    ];

    /// Whether this CPU has the set.
    pub(crate) fn available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vnni"),
        }
    }

    /// The fastest set that this CPU has.
    fn best() -> Self {
        Self::ALL.iter().copied().find(|set| set.available()).unwrap_or(Self::Portable)
    }
}

/// A function from a tile of queries and a block of rows to their sums, and how it wants them packed:
/// `[steps][lanes][unit]`, with one query or row in a lane and a piece of each in a step.
#[derive(Clone, Copy, Debug)]
struct Kernel {
    /// Queries in a tile.
    queries: usize,
    /// Rows in a block.
    rows: usize,
    /// Bytes that a row has in a step.
    unit: usize,
    /// Steps in which all of a row is in; the last one may end with zeros.
    steps: usize,
    /// What is taken from the bytes of queries: 128 for instructions that multiply bytes with signed ones.
    bias: u8,
    /// Fills `sums` (`[queries, rows]`). It needs the instructions that the kernel was made for.
    function: Function,
}

/// `function(tile, block, sums)`.
type Function = unsafe fn(&[u8], &[u8], &mut [i32]);

impl Kernel {
    fn new(metric: Metric, values: usize, instructions: Instructions) -> Self {
        assert!(instructions.available(), "this CPU has no {instructions:?}");
        let (queries, rows, unit, bias, function): (_, _, _, _, Function) = match (instructions, metric) {
            // In one step, or each of several, the rows lie one after another.
            (Instructions::Portable, _) => {
                let sums = if metric == Metric::L1 { portable::minima } else { portable::products };
                (1, 4, values.next_multiple_of(portable::PIECE).min(PART), 0, sums)
            }
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx2, Metric::L1) => (4, 16, 4, 0, x86::minima_avx2),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx2, Metric::L2) => (4, 16, 2, 0, x86::products_avx2),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx512, Metric::L1) => (12, 32, 4, 0, x86::minima_avx512),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx512, Metric::L2) => (12, 32, 4, 128, x86::products_avx512),
        };
        Self { queries, rows, unit, steps: values.div_ceil(unit), bias, function }
    }

    /// Bytes of a packed query or row.
    fn stride(&self) -> usize {
        self.steps * self.unit
    }

    /// Packs rows of `values` bytes into the lanes from `first` on of a tile or block with that many `lanes`.
    fn pack(&self, rows: &[u8], values: usize, first: usize, lanes: usize, packed: &mut [u8]) {
        for (row, lane) in rows.chunks_exact(values).zip(first..lanes) {
            for (piece, step) in row.chunks(self.unit).zip(packed.chunks_exact_mut(lanes * self.unit)) {
                step[lane * self.unit..][..piece.len()].copy_from_slice(piece);
            }
        }
    }

    /// Fills `sums` (`[queries, rows]`) for a tile and a block; `part` is as large, for sums over a part of the bytes.
    fn run(&self, tile: &[u8], block: &[u8], part: &mut [i32], sums: &mut [i64]) {
        let steps = (PART / self.unit).max(1) * self.unit;
        sums.fill(0);
        for (tile, block) in tile.chunks(steps * self.queries).zip(block.chunks(steps * self.rows)) {
            // SAFETY: `new` has made sure that the CPU has the instructions, which is all that is unsafe.
            unsafe { (self.function)(tile, block, part) }
            for (sum, part) in sums.iter_mut().zip(&*part) {
                *sum += i64::from(*part);
            }
        }
    }
}

/// Loops that compilers turn into vector instructions.
mod portable {
    /// Packed rows are multiples of this many bytes, few enough for sums in 16 bits.
    pub(super) const PIECE: usize = 64;

    /// Σ min(q, t) of one query and some rows.
    pub(super) fn minima(query: &[u8], rows: &[u8], sums: &mut [i32]) {
        for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(query.len())) {
            let pieces = query.as_chunks::<PIECE>().0.iter().zip(row.as_chunks::<PIECE>().0);
            *sum = pieces
                .map(|(query, row)| {
                    i32::from(query.iter().zip(row).map(|(&q, &t)| u16::from(q.min(t))).sum::<u16>())
                })
                .sum();
        }
    }

    /// Σ q·t of one query and some rows.
    pub(super) fn products(query: &[u8], rows: &[u8], sums: &mut [i32]) {
        for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(query.len())) {
            *sum = query.iter().zip(row).map(|(&q, &t)| i32::from(q) * i32::from(t)).sum();
        }
    }
}

#[cfg(test)]
mod tests;
