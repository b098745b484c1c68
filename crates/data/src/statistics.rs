//! What normalization needs to know about the training images.

use rayon::prelude::*;

use crate::images::{ImageShape, Subset};
use crate::patches::{Patches, add};

/// Mean and deviation of training images, in pixel units (0 to 255) unless said otherwise.
///
/// Computed from what a model is fitted to and nothing else: a mean that has seen validation or test images
/// has leaked them.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The size of the images.
    pub shape: ImageShape,
    /// Mean over images and positions, one per channel.
    pub channel_mean: Vec<f64>,
    /// Standard deviation over images and positions (divided by the count, not the count − 1), one per channel.
    pub channel_deviation: Vec<f64>,
    /// Mean over images, one per value `[channel, row, column]`: the mean image.
    pub mean_image: Vec<f64>,
}

impl Statistics {
    /// Computes the statistics of `subset`. Sums are exact integers, so the order in which they are added doesn't matter.
    ///
    /// # Panics
    /// If `subset` is empty.
    #[must_use]
    pub fn of(subset: &Subset) -> Self {
        assert!(!subset.is_empty(), "statistics need an image");
        let shape = subset.shape();
        let positions: Vec<usize> = (0..subset.len()).collect();
        let zero = || (vec![0u64; shape.values()], vec![0u64; shape.channels]);
        let (sums, squares) = positions
            .par_chunks(1024)
            .fold(zero, |(mut sums, mut squares), chunk| {
                // Of so few images the sums fit 32 bits, of which vectors hold more.
                let mut of_chunk = vec![0u32; sums.len()];
                for &position in chunk {
                    let pixels = subset.pixels(position);
                    for (total, &value) in of_chunk.iter_mut().zip(&*pixels) {
                        *total += u32::from(value);
                    }
                    let planes = pixels.chunks_exact(shape.height * shape.width);
                    for (plane, square) in planes.zip(&mut squares) {
                        *square +=
                            plane.chunks(SQUARES).map(|part| u64::from(sum_of_squares(part))).sum::<u64>();
                    }
                }
                for (total, of_chunk) in sums.iter_mut().zip(of_chunk) {
                    *total += u64::from(of_chunk);
                }
                (sums, squares)
            })
            .reduce(zero, |left, right| (add(left.0, &right.0), add(left.1, &right.1)));

        let images = subset.len() as f64;
        let plane = shape.height * shape.width;
        let count = images * plane as f64;
        // ANCHOR: means
        let channel_mean: Vec<f64> =
            sums.chunks_exact(plane).map(|sums| sums.iter().sum::<u64>() as f64 / count).collect();
        let channel_deviation: Vec<f64> = squares
            .iter()
            .zip(&channel_mean)
            .map(|(&square, mean)| (square as f64 / count - mean * mean).max(0.0).sqrt())
            .collect();
        let mean_image = sums.iter().map(|&sum| sum as f64 / images).collect();
        // ANCHOR_END: means
        Self { shape, channel_mean, channel_deviation, mean_image }
    }

    /// Covariance of all 2×2 patches, overlapping, of 5,000 images at most, evenly spread over all of `subset`, that have been normalised by
    /// channel, `[patch, patch]`; a patch is `[channel, row, column]`. Its mean is taken to be 0, which normalization has made it
    /// except at the images' edges.
    #[must_use]
    pub fn patch_covariance(&self, subset: &Subset) -> Vec<f64> {
        Patches::of(subset).covariance(&self.channel_mean, &self.channel_deviation)
    }
}

/// The most values whose squares always fit 32 bits together.
const SQUARES: usize = 1 << 16;

fn sum_of_squares(values: &[u8]) -> u32 {
    values.iter().map(|&value| u32::from(value) * u32::from(value)).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::images::Images;

    #[test]
    fn by_hand() {
        let shape = ImageShape { channels: 2, height: 1, width: 2 };
        let images = Images::new(shape, vec![0, 10, 255, 255, 20, 30, 255, 255], vec![0, 1]).unwrap();
        let subset = Subset::all(Arc::new(images));
        let statistics = Statistics::of(&subset);
        assert_eq!(statistics.channel_mean, [15.0, 255.0]);
        assert_eq!(statistics.channel_deviation, [125f64.sqrt(), 0.0]);
        assert_eq!(statistics.mean_image, [10.0, 20.0, 255.0, 255.0]);
        assert_eq!(statistics.patch_covariance(&subset), [0.0; 64], "images of one row have no patches");
    }

    #[test]
    fn looks_at_the_subset_alone() {
        let dataset = crate::shapes10::generate(500, 10, 3);
        let (part, rest) = dataset.train.stratified(250, 1);
        assert_ne!(Statistics::of(&part), Statistics::of(&rest));
        assert_eq!(Statistics::of(&part.merge(&rest)), Statistics::of(&dataset.train));
    }
}
