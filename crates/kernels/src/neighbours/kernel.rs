//! Sums of minima or products of rows of bytes, by the instructions that a CPU has.

use super::Metric;
#[cfg(target_arch = "x86_64")]
use super::x86;

/// The most bytes of a row whose products are added up in an `i32`; with more, parts of a row are added up one after the other.
pub(super) const PART: usize = 32 * 1024;

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
    pub(super) fn best() -> Self {
        Self::ALL.iter().copied().find(|set| set.available()).unwrap_or(Self::Portable)
    }
}

/// A function from a tile of queries and a block of rows to their sums, and how it wants them packed:
/// `[steps][lanes][unit]`, with one query or row in a lane and a piece of each in a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernel {
    /// Queries in a tile.
    pub(super) queries: usize,
    /// Rows in a block.
    pub(super) rows: usize,
    /// Bytes that a row has in a step.
    unit: usize,
    /// Steps in which all of a row is in; the last one may end with zeros.
    steps: usize,
    /// What is taken from the bytes of queries: 128 for instructions that multiply bytes with signed ones.
    pub(super) bias: u8,
    /// Fills `sums` (`[queries, rows]`). It needs the instructions that the kernel was made for.
    function: Function,
    /// The sum of one query and one row that are not packed, of at most [`PART`] bytes and whole lines. It needs the same.
    pair: Pair,
    /// In which places of a block term − 2·sum is below a limit, a bit for each. It needs the same.
    below: Below,
}

/// `function(tile, block, sums)`.
type Function = unsafe fn(&[u8], &[u8], &mut [i32]);
/// `pair(query, row)`.
type Pair = unsafe fn(&[u8], &[u8]) -> i32;
/// `below(sums, terms, limit)`.
type Below = unsafe fn(&[i32], &[i32], i32) -> u32;

impl Kernel {
    pub(super) fn new(metric: Metric, values: usize, instructions: Instructions) -> Self {
        assert!(instructions.available(), "this CPU has no {instructions:?}");
        let below: Below = match instructions {
            Instructions::Portable => portable::below,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => x86::below_avx2,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => x86::below_avx512,
        };
        let (queries, rows, unit, bias) = match (instructions, metric) {
            // In one step, or each of several, the rows lie one after another.
            (Instructions::Portable, _) => (1, 4, values.next_multiple_of(portable::PIECE).min(PART), 0),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx2, Metric::L1) => (4, 16, 4, 0),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx2, Metric::L2) => (4, 16, 2, 0),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx512, Metric::L1) => (12, 32, 4, 0),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx512, Metric::L2) => (12, 32, 4, 128),
        };
        let (function, pair): (Function, Pair) = match (instructions, metric) {
            (Instructions::Portable, Metric::L1) => (portable::minima, portable::minimum),
            (Instructions::Portable, Metric::L2) => (portable::products, portable::product),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx2, Metric::L1) => (x86::minima_avx2, x86::minimum_avx2),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx2, Metric::L2) => (x86::products_avx2, x86::product_avx2),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx512, Metric::L1) => (x86::minima_avx512, x86::minimum_avx512),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx512, Metric::L2) => (x86::products_avx512, x86::product_avx512),
        };
        Self { queries, rows, unit, steps: values.div_ceil(unit), bias, function, pair, below }
    }

    /// Bytes of a packed query or row.
    pub(super) const fn stride(&self) -> usize {
        self.steps * self.unit
    }

    /// Packs rows of `values` bytes into the lanes from `first` on of a tile or block with that many `lanes`.
    pub(super) fn pack(&self, rows: &[u8], values: usize, first: usize, lanes: usize, packed: &mut [u8]) {
        for (row, lane) in rows.chunks_exact(values).zip(first..lanes) {
            match self.unit {
                2 => pack_units::<2>(row, lane, lanes, packed),
                4 => pack_units::<4>(row, lane, lanes, packed),
                unit => {
                    for (piece, step) in row.chunks(unit).zip(packed.chunks_exact_mut(lanes * unit)) {
                        step[lane * unit..][..piece.len()].copy_from_slice(piece);
                    }
                }
            }
        }
    }

    /// Packs queries (`[queries, values]`), less the bias, in whole tiles.
    pub(super) fn tiles(&self, queries: &[u8], values: usize) -> Vec<u8> {
        let tile = self.queries * self.stride();
        let mut tiles = vec![0; (queries.len() / values).div_ceil(self.queries) * tile];
        for (tile, queries) in tiles.chunks_exact_mut(tile).zip(queries.chunks(self.queries * values)) {
            self.pack(queries, values, 0, self.queries, tile);
        }
        self.take_bias(&mut tiles);
        tiles
    }

    /// Takes the bias from the bytes of queries.
    pub(super) fn take_bias(&self, queries: &mut [u8]) {
        if self.bias > 0 {
            for value in queries {
                *value = value.wrapping_sub(self.bias);
            }
        }
    }

    /// Fills `sums` (`[queries, rows]`) for a tile and a block; `part` is as large, for sums over a part of the bytes.
    pub(super) fn run(&self, tile: &[u8], block: &[u8], part: &mut [i32], sums: &mut [i64]) {
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

    /// Fills `sums` (`[queries, rows]`) for a tile and a block of at most [`PART`] bytes a row, and shows `each(query, bits)` in which
    /// rows term − 2·sum is below the limit of a query, if it is in any.
    pub(super) fn below(
        &self,
        (tile, limits): (&[u8], &[i32]),
        (block, terms): (&[u8], &[i32]),
        sums: &mut [i32],
        mut each: impl FnMut(usize, u32),
    ) {
        // SAFETY: as in `run`.
        unsafe { (self.function)(tile, block, sums) }
        for (query, (sums, &limit)) in sums.chunks_exact(self.rows).zip(limits).enumerate() {
            // SAFETY: as in `run`.
            let bits = unsafe { (self.below)(sums, terms, limit) };
            if bits > 0 {
                each(query, bits);
            }
        }
    }

    /// The sum of a query, less the bias, and a row, in whole lines and neither of them packed.
    pub(super) fn sum(&self, query: &[u8], row: &[u8]) -> i64 {
        let parts = query.chunks(PART).zip(row.chunks(PART));
        // SAFETY: as in `run`.
        parts.map(|(query, row)| i64::from(unsafe { (self.pair)(query, row) })).sum()
    }
}

/// Packs a row into a lane, piece by piece; of a length that the compiler knows, so that a piece is one instruction.
fn pack_units<const UNIT: usize>(row: &[u8], lane: usize, lanes: usize, packed: &mut [u8]) {
    let (pieces, last) = row.as_chunks::<UNIT>();
    let mut places = packed.as_chunks_mut::<UNIT>().0[lane..].iter_mut().step_by(lanes);
    for (piece, place) in pieces.iter().zip(places.by_ref()) {
        *place = *piece;
    }
    if let (Some(place), false) = (places.next(), last.is_empty()) {
        place[..last.len()].copy_from_slice(last);
    }
}

/// Loops that compilers turn into vector instructions.
mod portable {
    /// Packed rows are multiples of this many bytes, few enough for sums in 16 bits.
    pub(super) const PIECE: usize = 64;

    /// Σ min(q, t) of one query and some rows.
    pub(super) fn minima(query: &[u8], rows: &[u8], sums: &mut [i32]) {
        for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(query.len())) {
            *sum = minimum(query, row);
        }
    }

    /// Σ q·t of one query and some rows.
    pub(super) fn products(query: &[u8], rows: &[u8], sums: &mut [i32]) {
        for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(query.len())) {
            *sum = product(query, row);
        }
    }

    /// Σ min(q, t) of one query and one row.
    pub(super) fn minimum(query: &[u8], row: &[u8]) -> i32 {
        let least = |query: &[u8; PIECE], row: &[u8; PIECE]| -> u16 {
            query.iter().zip(row).map(|(&q, &t)| u16::from(q.min(t))).sum()
        };
        let pieces = query.as_chunks().0.iter().zip(row.as_chunks().0);
        pieces.map(|(query, row)| i32::from(least(query, row))).sum()
    }

    /// Σ q·t of one query and one row.
    pub(super) fn product(query: &[u8], row: &[u8]) -> i32 {
        query.iter().zip(row).map(|(&q, &t)| i32::from(q) * i32::from(t)).sum()
    }

    /// In which places term − 2·sum is below a limit, a bit for each.
    pub(super) fn below(sums: &[i32], terms: &[i32], limit: i32) -> u32 {
        let pairs = sums.iter().zip(terms).enumerate();
        pairs.fold(0, |bits, (place, (sum, term))| bits | u32::from(term - 2 * sum < limit) << place)
    }
}
