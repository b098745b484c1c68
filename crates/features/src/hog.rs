//! Histograms of oriented gradients (Dalal and Triggs 2005, *Histograms of Oriented Gradients for Human Detection*, in
//! scikit-image's reading, `skimage.feature.hog`).

use std::array::from_fn;

/// The side of a cell, in pixels.
pub const CELL: usize = 8;

/// The number of pixels of a cell.
const PIXELS: usize = CELL * CELL;

/// The number of orientations, 180° / 9 = 20° each.
pub const ORIENTATIONS: usize = 9;

/// The side of a block, in cells.
const BLOCK: usize = 2;

/// tan 20°, tan 40°, tan 60° and tan 80°: the edges between orientations in the first quarter of the circle.
const TANGENTS: [f64; 4] =
    [0.363_970_234_266_202_36, 0.839_099_631_177_28, 1.732_050_807_568_877_2, 5.671_281_819_617_71];

/// From the sum over a cell in thousandths of 0 to 255, to the mean in 0 to 1.
const SCALE: f32 = 1.0 / (255_000 * PIXELS) as f32;

/// Writes the histogram of each cell of `grey` to `cells` `[cell row, cell column, orientation]`, not normalised, as
/// CS231n's features are.
///
/// With v the brightness from 0 (black) to 1 (white), the gradient at row r and column c is
///
/// ```text
/// down   = v[r + 1, c] − v[r − 1, c],   0 in the first and the last row
/// across = v[r, c + 1] − v[r, c − 1],   0 in the first and the last column
/// ```
///
/// Orientation o of a cell is the sum of √(down² + across²) over those of its pixels where atan2(down, across) modulo 180°
/// is in [20° o, 20° (o + 1)), divided by the 64 pixels of a cell. Pixels right and below of the last whole cell have no
/// cell, but count as neighbours. An image smaller than a cell has no cells.
///
/// `grey` `[row, column]` is of `size` `[height, width]`, in thousandths of 0 to 255 as [`greyscale`](crate::greyscale)
/// writes it.
///
/// # Panics
/// If `grey` or `cells` is not as long as `size` says.
pub fn hog_cells(grey: &[f32], size: [usize; 2], cells: &mut [f32]) {
    let [rows, columns] = size.map(|side| side / CELL);
    assert_eq!(grey.len(), size[0] * size[1], "brightness of an image of size {size:?}");
    assert_eq!(cells.len(), rows * columns * ORIENTATIONS, "cells of an image of size {size:?}");
    let (cells, _) = cells.as_chunks_mut();
    for (index, cell) in cells.iter_mut().enumerate() {
        *cell = histogram(grey, size, [index / columns, index % columns].map(|cell| cell * CELL));
    }
}

/// The histogram of the cell that begins at `[top, left]`.
fn histogram(grey: &[f32], [height, width]: [usize; 2], [top, left]: [usize; 2]) -> [f32; ORIENTATIONS] {
    let (mut down, mut across) = ([0.0; PIXELS], [0.0; PIXELS]);
    let cell = down.as_chunks_mut().0.iter_mut().zip(across.as_chunks_mut().0);
    for (row, (down, across)) in (top..).zip(cell) {
        let line = |row: usize| &grey[row * width..][..width];
        let border = row == 0 || row + 1 == height;
        let (above, below) = if border { (row, row) } else { (row - 1, row + 1) };
        let (above, below) = (&line(above)[left..][..CELL], &line(below)[left..][..CELL]);
        let around = surroundings(line(row), left);
        *down = from_fn::<_, CELL, _>(|i| below[i] - above[i]);
        *across = from_fn::<_, CELL, _>(|i| around[i + 2] - around[i]);
    }
    let magnitudes: [f32; PIXELS] = from_fn(|i| (down[i] * down[i] + across[i] * across[i]).sqrt());
    let orientations: [u8; PIXELS] = from_fn(|i| orientation(down[i], across[i]));
    // A histogram for each column of the cell: a single one would make each pixel wait for the one before.
    let mut sums = [[0.0; CELL]; ORIENTATIONS];
    for i in 0..PIXELS {
        sums[orientations[i] as usize][i % CELL] += magnitudes[i];
    }
    sums.map(|columns| columns.iter().sum::<f32>() * SCALE)
}

/// The pixels of a line of a cell and one more on either side. Beyond the border, lines are mirrored, which makes the
/// difference there 0.
fn surroundings(line: &[f32], left: usize) -> [f32; CELL + 2] {
    let mut pixels = [0.0; CELL + 2];
    pixels[1..=CELL].copy_from_slice(&line[left..left + CELL]);
    pixels[0] = if left == 0 { line[1] } else { line[left - 1] };
    pixels[CELL + 1] = if left + CELL == line.len() { line[left + CELL - 2] } else { line[left + CELL] };
    pixels
}

/// ⌊(atan2(down, across) mod 180°) / 20°⌋, by comparing slopes.
///
/// In `f64`, the orientation of whole pixels is the exact one: a slope is the quotient of two whole numbers up to 255,000, and
/// none of these is within 10⁻¹¹ of one of the tangents.
fn orientation(down: f32, across: f32) -> u8 {
    let (steep, flat) = (f64::from(down.abs()), f64::from(across.abs()));
    let edges: u8 = TANGENTS.map(|tangent| u8::from(steep >= tangent * flat)).iter().sum();
    // The second quarter mirrors the first.
    if down * across < 0.0 { ORIENTATIONS as u8 - 1 - edges } else { edges }
}

/// The largest number of fields down or across that [`hog_fields`] divides an image into.
pub const FIELDS: usize = 7;

/// Fields down and across of an image of `grid` `[cell rows, cell columns]`.
pub(crate) fn fields(grid: [usize; 2]) -> [usize; 2] {
    grid.map(|cells| cells.min(FIELDS))
}

/// Writes the square root of the mean histogram of the cells in each field of an image to `fields`
/// `[field row, field column, orientation]`.
///
/// There are as many fields as cells, but at most 7 down and 7 across, so that a large image has no more features than a small one:
/// what matters is where in the image an edge is, not at which pixel. Field r of f is from cell row ⌊r · rows / f⌋ to before
/// ⌊(r + 1) · rows / f⌋, and columns likewise. The root lets weak edges count next to strong ones (Arandjelović and Zisserman, *Three
/// things everyone should know to improve object retrieval*, 2012).
///
/// `cells` are those of [`hog_cells`], in `grid` `[cell rows, cell columns]`.
///
/// # Panics
/// If `cells` or `fields` is not as long as `grid` says.
pub fn hog_fields(cells: &[f32], grid: [usize; 2], fields: &mut [f32]) {
    let [rows, columns] = grid;
    let [down, across] = self::fields(grid);
    assert_eq!(cells.len(), rows * columns * ORIENTATIONS, "cells in a grid of {grid:?}");
    assert_eq!(fields.len(), down * across * ORIENTATIONS, "fields of a grid of {grid:?}");
    let (cells, fields) = (cells.as_chunks::<ORIENTATIONS>().0, fields.as_chunks_mut::<ORIENTATIONS>().0);
    for (index, field) in fields.iter_mut().enumerate() {
        let (row, column) = (index / across, index % across);
        let (first, last) = (column * columns / across, (column + 1) * columns / across);
        let rows = row * rows / down..(row + 1) * rows / down;
        let count = (rows.len() * (last - first)) as f32;
        let mut sums = [0.0; ORIENTATIONS];
        for cell in rows.flat_map(|row| &cells[row * columns + first..row * columns + last]) {
            for (sum, value) in sums.iter_mut().zip(cell) {
                *sum += value;
            }
        }
        *field = sums.map(|sum| (sum / count).sqrt());
    }
}

/// The features of blocks of 2×2 neighbouring cells, `[block row, block column, 2, 2, orientation]`: normalised, so that
/// they don't depend on the contrast, and clipped, so that no single edge rules a block (Dalal and Triggs, *L2-Hys*).
///
/// With b the 36 values of a block and ε = 10⁻⁵:
///
/// ```text
/// u = min(b / √(‖b‖² + ε²), 0.2)        w = u / √(‖u‖² + ε²)
/// ```
///
/// Blocks overlap: there is one for each cell that has a neighbour to the right and below. `cells` are those of
/// [`hog_cells`], in `grid` `[cell rows, cell columns]`; fewer than 2×2 make no block. Equals scikit-image's
/// `hog(grey, orientations=9, pixels_per_cell=(8, 8), cells_per_block=(2, 2), block_norm="L2-Hys")`.
///
/// # Panics
/// If `cells` is not as long as `grid` says.
#[must_use]
pub fn hog_blocks(cells: &[f32], grid: [usize; 2]) -> Vec<f32> {
    let [rows, columns] = grid;
    assert_eq!(cells.len(), rows * columns * ORIENTATIONS, "cells in a grid of {grid:?}");
    let mut blocks = Vec::new();
    for row in 0..rows.saturating_sub(BLOCK - 1) {
        for column in 0..columns.saturating_sub(BLOCK - 1) {
            let start = blocks.len();
            for row in row..row + BLOCK {
                let cell = (row * columns + column) * ORIENTATIONS;
                blocks.extend(&cells[cell..cell + BLOCK * ORIENTATIONS]);
            }
            normalize(&mut blocks[start..]);
            for value in &mut blocks[start..] {
                *value = value.min(0.2);
            }
            normalize(&mut blocks[start..]);
        }
    }
    blocks
}

/// Divides by √(‖b‖² + ε²).
fn normalize(block: &mut [f32]) {
    let norm = (block.iter().map(|value| value * value).sum::<f32>() + 1e-10).sqrt();
    for value in block {
        *value /= norm;
    }
}
