//! What an audit sees of an image.

use rayon::prelude::*;
use zoo_data::ImageShape;

use super::images::AllImages;
use crate::watch::Watch;

/// Rows and columns of what is looked at, whatever the size of the images.
pub(super) const SIDE: usize = 32;
/// Pixels of it.
pub(super) const PIXELS: usize = SIDE * SIDE;
const SHAPE: ImageShape = ImageShape { channels: 3, height: SIDE, width: SIDE };
/// The last features of an image are those of hues.
const HUES: usize = 10;
/// How much a hue counts next to an edge.
const HUE_WEIGHT: f32 = 0.4;
/// Sides of the squares whose means details lie between: finer is what compression and scaling change, coarser what many different
/// images share, a bright sky over dark ground for instance.
const FINE: usize = 3;
const COARSE: usize = 9;
/// The mean square of details, 0 to 255 squared, below which there are none.
const LEAST_DETAIL: f32 = 0.25;
/// What one standard deviation of details is stored as.
const UNIT: f32 = 32.0;
/// Images that are seen at a time.
const CHUNK: usize = 512;

/// All images as rows of features and as small pictures of their details.
pub(super) struct Views {
    /// `[image, feature]`.
    features: Vec<u8>,
    /// `[image, row, column]`.
    details: Vec<i8>,
    /// The largest standard deviation among an image's channels.
    deviations: Vec<f32>,
}

impl Views {
    /// Looks at each image once.
    ///
    /// It is brought to 3×32×32, each pixel being the mean of those that it stands for. **Features** are, with h the histograms of
    /// gradients and u that of hues ([`zoo_features::hog_hue`]), √(h / Σh) and 0.4 √u: roots make the distance that of Hellinger, as in
    /// RootSIFT (Arandjelović and Zisserman 2012). **Details** are the means of squares of 3×3 less those of 9×9 of them, of the
    /// brightness; divided by their standard deviation, so that neither brightness nor contrast counts.
    pub(super) fn of(images: &AllImages<'_>, watch: &dyn Watch) -> Self {
        let length = Self::length();
        let mut views = Self {
            features: Vec::with_capacity(images.len() * length),
            details: vec![0; images.len() * PIXELS],
            deviations: vec![0.0; images.len()],
        };
        let mut progress = watch.progress("looking at images", images.len());
        let parts = views.details.chunks_mut(CHUNK * PIXELS).zip(views.deviations.chunks_mut(CHUNK));
        for (number, (details, deviations)) in parts.enumerate() {
            let first = number * CHUNK;
            let mut pixels = vec![0.0; deviations.len() * SHAPE.values()];
            let each = pixels.par_chunks_exact_mut(SHAPE.values()).zip(details.par_chunks_exact_mut(PIXELS));
            each.zip(deviations.par_iter_mut()).enumerate().for_each(
                |(at, ((pixels, details), deviation))| {
                    let (part, position) = images.place(first + at);
                    bring_to_size(&part.pixels(position), images.shape(), pixels);
                    *deviation = pixels.chunks_exact(PIXELS).map(deviation_of).fold(0.0, f32::max);
                    write_details(&brightness(pixels), details);
                },
            );
            let shape = [SHAPE.channels, SHAPE.height, SHAPE.width];
            let mut features = zoo_features::hog_hue(&pixels, shape);
            features.par_chunks_exact_mut(length).for_each(take_roots);
            views.features.extend(features.iter().map(|value| (255.0 * value).round() as u8));
            progress(first + deviations.len());
        }
        views
    }

    /// The number of features of an image.
    pub(super) fn length() -> usize {
        zoo_features::hog_hue_length([SHAPE.channels, SHAPE.height, SHAPE.width])
    }

    /// `[image, feature]`.
    pub(super) fn features(&self) -> &[u8] {
        &self.features
    }

    /// The details of the brightness of image `index`, `[row, column]`; all 0 if it has none.
    pub(super) fn details(&self, index: usize) -> &[i8] {
        &self.details[index * PIXELS..][..PIXELS]
    }

    /// The largest standard deviation among the channels of image `index`, 0 to 255.
    pub(super) fn deviation(&self, index: usize) -> f32 {
        self.deviations[index]
    }
}

/// Writes the image `pixels` of `shape` as 3×32×32 to `into`, in whole numbers.
fn bring_to_size(pixels: &[u8], shape: ImageShape, into: &mut [f32]) {
    let plane = shape.height * shape.width;
    for (channel, into) in into.chunks_exact_mut(PIXELS).enumerate() {
        let plane = &pixels[channel.min(shape.channels - 1) * plane..][..plane];
        for (at, value) in into.iter_mut().enumerate() {
            let rows = span(at / SIDE, shape.height);
            let columns = span(at % SIDE, shape.width);
            let count = rows.len() * columns.len();
            let row = |row: usize| &plane[row * shape.width..][columns.clone()];
            let sum: usize = rows.flat_map(row).map(|&value| usize::from(value)).sum();
            *value = ((sum + count / 2) / count) as f32;
        }
    }
}

/// Which of `length` pixels in a line pixel `at` of 32 stands for.
fn span(at: usize, length: usize) -> std::ops::Range<usize> {
    at * length / SIDE..((at + 1) * length).div_ceil(SIDE)
}

fn deviation_of(plane: &[f32]) -> f32 {
    let count = plane.len() as f32;
    let mean = plane.iter().sum::<f32>() / count;
    (plane.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count).sqrt()
}

/// Turns histograms into features.
fn take_roots(features: &mut [f32]) {
    let (gradients, hues) = features.split_at_mut(features.len() - HUES);
    let sum = gradients.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    for value in gradients {
        *value = (*value / sum).sqrt();
    }
    for value in hues {
        *value = HUE_WEIGHT * value.sqrt();
    }
}

/// The brightness of `pixels` (3×32×32).
fn brightness(pixels: &[f32]) -> Vec<f32> {
    let [red, green, blue] = [0, 1, 2].map(|channel| &pixels[channel * PIXELS..][..PIXELS]);
    (0..PIXELS).map(|at| 0.299 * red[at] + 0.587 * green[at] + 0.114 * blue[at]).collect()
}

/// Writes the details of `planes` of 32×32 to `details`, which are all 0.
fn write_details(planes: &[f32], details: &mut [i8]) {
    let differences = planes.chunks_exact(PIXELS).flat_map(|plane| {
        let fine = means(plane, FINE);
        let coarse = means(&fine, COARSE);
        fine.into_iter().zip(coarse).map(|(fine, coarse)| fine - coarse)
    });
    let differences: Vec<f32> = differences.collect();
    let square = differences.iter().map(|value| value * value).sum::<f32>() / planes.len() as f32;
    if square < LEAST_DETAIL {
        return;
    }
    for (detail, value) in details.iter_mut().zip(differences) {
        *detail = (UNIT * value / square.sqrt()).round().clamp(-127.0, 127.0) as i8;
    }
}

/// The details of each channel of image `index`, `[channel, row, column]`, as [`Views::details`] are those of its brightness.
pub(super) fn colour_details(images: &AllImages<'_>, index: usize) -> Vec<i8> {
    let (part, position) = images.place(index);
    let mut pixels = vec![0.0; SHAPE.values()];
    bring_to_size(&part.pixels(position), images.shape(), &mut pixels);
    let mut details = vec![0; SHAPE.values()];
    write_details(&pixels, &mut details);
    details
}

/// The mean around each pixel of `grey` (32×32) in a square of `side` pixels, which is odd; beyond the border is what is at it.
fn means(grey: &[f32], side: usize) -> Vec<f32> {
    transposed_line_means(&transposed_line_means(grey, side), side)
}

/// Means along each line, lines and columns exchanged.
fn transposed_line_means(grey: &[f32], side: usize) -> Vec<f32> {
    let mut means = vec![0.0; PIXELS];
    for (row, line) in grey.chunks_exact(SIDE).enumerate() {
        for column in 0..SIDE {
            let around = column..column + side;
            let at = |place: usize| line[place.saturating_sub(side / 2).min(SIDE - 1)];
            means[column * SIDE + row] = around.map(at).sum::<f32>() / side as f32;
        }
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_size_is_brought_to_one() {
        for (height, width, channels) in [(32, 32, 3), (1, 1, 1), (28, 28, 1), (100, 7, 4), (64, 96, 2)] {
            let shape = ImageShape { channels, height, width };
            let mut into = vec![0.0; 3 * PIXELS];
            bring_to_size(&vec![7; shape.values()], shape, &mut into);
            assert!(into.iter().all(|&value| value == 7.0), "{shape}");
        }
        let shape = ImageShape { channels: 1, height: 64, width: 32 };
        let pixels: Vec<u8> = (0..64 * 32).map(|at| (at / 32) as u8).collect();
        let mut into = vec![0.0; 3 * PIXELS];
        bring_to_size(&pixels, shape, &mut into);
        assert_eq!(
            [into[0], into[32], into[PIXELS + 33]],
            [1.0, 3.0, 3.0],
            "means are rounded up from a half"
        );
    }

    #[test]
    fn brightness_and_contrast_do_not_count_as_details() {
        let pixels: Vec<f32> = (0..3 * PIXELS).map(|at| 40.0 + ((at % PIXELS) * 7919 % 61) as f32).collect();
        let seen = |pixels: &[f32]| {
            let mut details = vec![0; PIXELS];
            write_details(&brightness(pixels), &mut details);
            details
        };
        let details = seen(&pixels);
        let other: Vec<f32> = pixels.iter().map(|value| 10.0 + 2.0 * value).collect();
        assert!(details.iter().zip(seen(&other)).all(|(a, b)| (a - b).abs() <= 1));
        assert!(details.iter().any(|&detail| detail.abs() > 32));
        assert_eq!(seen(&[99.0; 3 * PIXELS]), [0; PIXELS]);
    }

    #[test]
    fn means_are_those_around() {
        let mut grey = vec![0.0; PIXELS];
        grey[5 * SIDE + 9] = 9.0;
        let means = means(&grey, 3);
        assert_eq!(means.iter().filter(|&&mean| (mean - 1.0).abs() < 1e-6).count(), 9);
        assert!((means[4 * SIDE + 10] - 1.0).abs() < 1e-6 && means[3 * SIDE + 10] == 0.0);
    }
}
