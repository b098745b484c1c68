//! What a thumbnail is, and what its distance says of an image's.

use super::Metric;

/// The fewest values that a cell has, so that a thumbnail has about a twelfth of the bytes of its image.
const LEAST: usize = 12;
/// The most cells along a side of an image.
const MOST: usize = 16;

/// How images are divided into the square cells that thumbnails have the means of, each over all channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cells {
    channels: usize,
    height: usize,
    width: usize,
    /// Pixels along a side of a cell; cells at the right and at the bottom may be cut off.
    side: usize,
}

impl Cells {
    /// Those of images of a shape `[channels, height, width]`; `None` for images with hardly more pixels than cells.
    pub(super) fn of([channels, height, width]: [usize; 3]) -> Option<Self> {
        let least = (1..=LEAST).find(|side| side * side * channels >= LEAST)?;
        let side = height.max(width).div_ceil(MOST).max(least);
        (height.min(width) >= 2 * side).then_some(Self { channels, height, width, side })
    }

    /// Values of an image.
    pub(super) const fn values(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Cells of an image, which are the bytes of its thumbnail.
    pub(super) const fn count(&self) -> usize {
        self.height.div_ceil(self.side) * self.width.div_ceil(self.side)
    }

    /// Values of a whole cell.
    const fn of_cell(&self) -> usize {
        self.channels * self.side * self.side
    }

    /// Writes the thumbnail of an image, and returns what it leaves out, for [`Self::limit`].
    ///
    /// A cell's byte m is the sum S of its values by the n of a whole cell, rounded, and the rest r is S − n·m. What is left out
    /// is Σ |r| for L1 and √(Σ r² / n) for L2.
    pub(super) fn shrink(&self, image: &[u8], metric: Metric, thumbnail: &mut [u8]) -> f64 {
        // Columns of cells first, which many are added up of at a time.
        let mut columns = vec![0_u32; self.height.div_ceil(self.side) * self.width];
        for channel in image.chunks_exact(self.width * self.height) {
            let bands = channel.chunks(self.width * self.side);
            for (band, columns) in bands.zip(columns.chunks_exact_mut(self.width)) {
                for line in band.chunks_exact(self.width) {
                    for (column, &pixel) in columns.iter_mut().zip(line) {
                        *column += u32::from(pixel);
                    }
                }
            }
        }
        let sums = columns.chunks_exact(self.width).flat_map(|columns| columns.chunks(self.side));
        let values = self.of_cell() as u64;
        let mut rest = 0;
        for (mean, columns) in thumbnail.iter_mut().zip(sums) {
            let sum = columns.iter().copied().map(u64::from).sum::<u64>();
            let rounded = (sum + values / 2) / values;
            *mean = rounded as u8;
            let left = sum.abs_diff(rounded * values);
            rest += if metric == Metric::L1 { left } else { left * left };
        }
        match metric {
            Metric::L1 => rest as f64,
            Metric::L2 => (rest as f64 / values as f64).sqrt(),
        }
    }

    /// What the distance of thumbnails is below if that of the images is below `bound`; `rest` is what both thumbnails leave out.
    ///
    /// No distance of two cells of n values is smaller than that of their sums, |ΔS| for L1 and (ΔS)² / n for L2 (Cauchy and Schwarz). With
    /// ΔS = n Δm + Δr and the triangle inequality, d being the distance of images and d′ that of their thumbnails,
    ///
    /// ```text
    /// L1:   d ≥ n d′ − Σ |r|         so   d′ ≤ (d + Σ |r|) / n
    /// L2:  √d ≥ √n √d′ − √(Σ r² / n)   so   d′ ≤ (√d + √(Σ r² / n))² / n
    /// ```
    pub(super) fn limit(&self, bound: i64, rest: f64, metric: Metric) -> i64 {
        let values = self.of_cell() as f64;
        let limit = match metric {
            Metric::L1 => (bound as f64 + rest) / values,
            Metric::L2 => ((bound as f64).sqrt() + rest).powi(2) / values,
        };
        // One more than rounding can have taken.
        (limit.ceil() as i64).saturating_add(1)
    }
}
