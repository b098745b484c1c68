//! From colours to brightness.

/// Writes the brightness of `image` `[channel, row, column]`, 0 to 255, to `grey` `[row, column]`, in **thousandths**.
///
/// - three channels: 1000 · (0.299 R + 0.587 G + 0.114 B), the luma of ITU-R BT.601
/// - one channel: 1000 · its value
/// - any other number: 1000 · the mean of the channels
///
/// Whole pixels so have a whole brightness of at most 255,000 in one and three channels, which `f32` holds exactly: where
/// brightness is even, its differences are exactly 0, and not a rounding error with an orientation of its own.
///
/// # Panics
/// If `grey` is empty or `image` is not a whole number of planes of its length.
pub fn greyscale(image: &[f32], grey: &mut [f32]) {
    let plane = grey.len();
    assert!(image.len().is_multiple_of(plane), "{} values are not whole planes of {plane}", image.len());
    let channels = image.len() / plane;
    if channels == 3 {
        let (red, rest) = image.split_at(plane);
        let (green, blue) = rest.split_at(plane);
        for (((grey, red), green), blue) in grey.iter_mut().zip(red).zip(green).zip(blue) {
            *grey = 299.0 * red + 587.0 * green + 114.0 * blue;
        }
        return;
    }
    grey.fill(0.0);
    for channel in image.chunks_exact(plane) {
        for (grey, value) in grey.iter_mut().zip(channel) {
            *grey += 1000.0 * value;
        }
    }
    for grey in grey {
        *grey /= channels as f32;
    }
}
