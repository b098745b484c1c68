//! Statistics of colours.

/// The side of the grid that an image is divided by.
pub const GRID: usize = 4;

/// The places that statistics are taken of: the image, and the fields of the grid.
pub(crate) const PLACES: usize = 1 + GRID * GRID;

/// Writes mean and standard deviation of each channel of `image` `[channel, row, column]`, 0 to 255, over the whole image and over
/// each field of a grid of 4×4, to `statistics` `[place, channel, 2]`, on the scale from 0 (black) to 1 (white).
///
/// With n pixels v of a channel in a place,
///
/// ```text
/// mean = Σ v / 255 n        std = √(Σ (v / 255 − mean)² / n)
/// ```
///
/// The first place is the image, then come the fields, row by row. Field r of h rows is from row ⌊r h / 4⌋ to before row
/// ⌊(r + 1) h / 4⌋, and columns likewise; a field without pixels, in an image of fewer than 4, has zeros.
///
/// # Panics
/// If `image` is not whole planes of `size` `[height, width]`, or `statistics` is not as long as that says.
pub fn colour_statistics(image: &[f32], size: [usize; 2], statistics: &mut [f32]) {
    let [height, width] = size;
    let plane = height * width;
    assert!(
        plane > 0 && image.len().is_multiple_of(plane),
        "{} values are not whole planes of {size:?}",
        image.len()
    );
    let channels = image.len() / plane;
    assert_eq!(statistics.len(), PLACES * channels * 2, "statistics of {channels} channels");
    let edge = |field: usize, side: usize| field * side / GRID;
    for (place, statistics) in statistics.chunks_exact_mut(channels * 2).enumerate() {
        let (rows, columns) = match place.checked_sub(1) {
            None => (0..height, 0..width),
            Some(field) => {
                let (row, column) = (field / GRID, field % GRID);
                (edge(row, height)..edge(row + 1, height), edge(column, width)..edge(column + 1, width))
            }
        };
        for (channel, statistics) in image.chunks_exact(plane).zip(statistics.chunks_exact_mut(2)) {
            let lines = rows.clone().map(|row| &channel[row * width..][columns.clone()]);
            statistics.copy_from_slice(&mean_and_deviation(lines));
        }
    }
}

/// Of pixels from 0 to 255, of which sums of squares are exact in `f64`.
fn mean_and_deviation<'a>(lines: impl Iterator<Item = &'a [f32]>) -> [f32; 2] {
    let (mut count, mut sum, mut squares) = (0, 0.0, 0.0);
    for line in lines {
        count += line.len();
        for &value in line {
            sum += f64::from(value);
            squares += f64::from(value) * f64::from(value);
        }
    }
    let count = count.max(1) as f64;
    let mean = sum / count;
    let variance = (squares / count - mean * mean).max(0.0);
    [mean, variance.sqrt()].map(|value| (value / 255.0) as f32)
}
