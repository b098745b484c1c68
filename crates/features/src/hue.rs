//! Histograms of hues.

/// The number of hues, 36° each, the first from red.
pub const HUES: usize = 10;

/// Pixels whose hues are computed together.
const CHUNK: usize = 64;

/// Histograms that are counted in turns: a single one would make each pixel wait for the one before.
const TURNS: usize = 8;

/// The share of the pixels of `image` `[3, row, column]` that has each of 10 hues; they sum to 1 (CS231n,
/// `color_histogram_hsv`).
///
/// With M the largest of R, G and B and δ = M − the smallest, the hue of a pixel is, in turns of the circle of colours
/// (Smith 1978, *Color Gamut Transform Pairs*; `skimage.color.rgb2hsv`):
///
/// ```text
/// h = (G − B) / 6δ          mod 1   if M = R
///     (2 + (B − R) / δ) / 6         if M = G
///     (4 + (R − G) / δ) / 6         if M = B
///     0                             if δ = 0, a grey
/// ```
///
/// It counts for bin ⌊10 h⌋. For whole pixels that is exact: many hues are a multiple of 1/10, such as that of (5, 3, 0),
/// and are in the bin that begins there, while rounding takes some of them to the bin that ends there elsewhere.
///
/// # Panics
/// If `image` is not three planes of at least one pixel.
#[must_use]
pub fn hue_histogram(image: &[f32]) -> [f32; HUES] {
    let plane = image.len() / 3;
    assert!(plane > 0 && image.len() == 3 * plane, "{} values are not three planes of pixels", image.len());
    let (red, rest) = image.split_at(plane);
    let (green, blue) = rest.split_at(plane);
    let ((reds, red), (greens, green), (blues, blue)) =
        (red.as_chunks::<CHUNK>(), green.as_chunks::<CHUNK>(), blue.as_chunks::<CHUNK>());
    let mut counts = [[0_u32; TURNS]; HUES];
    for ((red, green), blue) in reds.iter().zip(greens).zip(blues) {
        let bins: [u8; CHUNK] = std::array::from_fn(|i| bin(red[i], green[i], blue[i]));
        for i in 0..CHUNK {
            counts[bins[i] as usize][i % TURNS] += 1;
        }
    }
    for ((&red, &green), &blue) in red.iter().zip(green).zip(blue) {
        counts[bin(red, green, blue) as usize][0] += 1;
    }
    counts.map(|turns| turns.iter().sum::<u32>() as f32 / plane as f32)
}

/// ⌊10 h⌋ as ⌊5 n / 3δ⌋ with n = 6 h δ. For whole pixels n and δ are whole, so that a quotient that is not whole is at least
/// 1/765 below the next that is: more than rounding could add.
fn bin(red: f32, green: f32, blue: f32) -> u8 {
    let largest = red.max(green).max(blue);
    let delta = largest - red.min(green).min(blue);
    let (sector, difference) = if largest == blue {
        (4.0, red - green)
    } else if largest == green {
        (2.0, blue - red)
    } else if green < blue {
        (6.0, green - blue)
    } else {
        (0.0, green - blue)
    };
    // A grey's is 0 divided by anything but 0.
    let tenths = 5.0 * (sector * delta + difference) / (3.0 * delta).max(f32::MIN_POSITIVE);
    (tenths as u8).min(HUES as u8 - 1)
}
