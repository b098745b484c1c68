//! Rows that begin where lines of a cache do, so that no vector is read from two.

use rayon::prelude::*;

/// Bytes of a line.
pub(super) const LINE: usize = 64;

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([u8; LINE]);

/// Rows of bytes, each with zeros up to a whole line.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    /// Bytes of a row, without the zeros.
    values: usize,
    lines: Vec<Line>,
}

impl Lines {
    /// No rows yet, of `values` bytes each.
    pub(super) const fn new(values: usize) -> Self {
        Self { values, lines: Vec::new() }
    }

    /// Bytes of a row, with the zeros.
    pub(super) const fn stride(&self) -> usize {
        self.values.next_multiple_of(LINE)
    }

    /// Makes room for that many more rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.lines.reserve_exact(rows * self.stride() / LINE);
    }

    /// Adds whole rows.
    pub(super) fn extend(&mut self, rows: &[u8]) {
        let (each, old) = (self.stride() / LINE, self.lines.len());
        self.lines.resize(old + rows.len() / self.values * each, Line([0; LINE]));
        let rows = rows.par_chunks_exact(self.values);
        self.lines[old..].par_chunks_exact_mut(each).zip(rows).for_each(|(lines, row)| {
            for (line, piece) in lines.iter_mut().zip(row.chunks(LINE)) {
                line.0[..piece.len()].copy_from_slice(piece);
            }
        });
    }

    /// `count` rows from one on, and the zeros behind each.
    pub(super) fn rows(&self, first: usize, count: usize) -> &[u8] {
        let each = self.stride() / LINE;
        let lines = &self.lines[first * each..(first + count) * each];
        // SAFETY: a line is 64 bytes that are all written, and needs no more than they do.
        unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), lines.len() * LINE) }
    }
}
