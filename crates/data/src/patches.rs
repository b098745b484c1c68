//! How the values of small patches of images go together.

use rayon::prelude::*;

use crate::images::{ImageShape, Subset};

/// How many images, evenly spread over all, the covariance of patches is taken from: each has hundreds of patches. Not the
/// first, which in folders are those of the first classes.
const PATCH_IMAGES: usize = 5000;

/// Exact sums over the 2×2 patches of some images. A patch is `[channel, row, column]`.
pub(crate) struct Patches {
    /// How many patches there are.
    count: u64,
    /// Values in a patch.
    size: usize,
    /// Sums of each value of a patch.
    sums: Vec<u64>,
    /// Sums of the products of two values, `[size, size]`, above the diagonal and on it.
    products: Vec<u64>,
}

impl Patches {
    pub(crate) fn of(subset: &Subset) -> Self {
        let shape = subset.shape();
        let images = subset.len().min(PATCH_IMAGES);
        let size = 4 * shape.channels;
        let places = shape.height.saturating_sub(1) * shape.width.saturating_sub(1);
        let zero = || (vec![0u64; size], vec![0u64; size * size]);
        let (sums, products) = (0..images)
            .into_par_iter()
            .map(|number| number * subset.len() / images)
            .fold(zero, |(mut sums, mut products), image| {
                let pixels = subset.pixels(image);
                let values: Vec<Vec<u16>> = (0..size).map(|value| shifted(&pixels, shape, value)).collect();
                for (first, left) in values.iter().enumerate() {
                    sums[first] += left.iter().map(|&value| u64::from(value)).sum::<u64>();
                    for (second, right) in values.iter().enumerate().skip(first) {
                        products[first * size + second] += dot(left, right);
                    }
                }
                (sums, products)
            })
            .reduce(zero, |left, right| (add(left.0, &right.0), add(left.1, &right.1)));
        Self { count: (images * places) as u64, size, sums, products }
    }

    /// The covariance as it would be if channels had been normalised before: E[(x − μ)(y − ν)] / (σ τ).
    pub(crate) fn covariance(&self, channel_mean: &[f64], channel_deviation: &[f64]) -> Vec<f64> {
        let count = self.count.max(1) as f64;
        let mean = |value: usize| self.sums[value] as f64 / count;
        let deviation = |value: usize| match channel_deviation[value / 4] {
            0.0 => 1.0,
            deviation => deviation,
        };
        let covariance = |at: usize| {
            let (x, y) = (at / self.size, at % self.size);
            let (mu, nu) = (channel_mean[x / 4], channel_mean[y / 4]);
            let product = self.products[x.min(y) * self.size + x.max(y)] as f64 / count;
            (product - mu * mean(y) - nu * mean(x) + mu * nu) / (deviation(x) * deviation(y))
        };
        if self.count == 0 {
            return vec![0.0; self.size * self.size];
        }
        (0..self.size * self.size).map(covariance).collect()
    }
}

/// Sums, value by value.
pub(crate) fn add(mut left: Vec<u64>, right: &[u64]) -> Vec<u64> {
    for (left, right) in left.iter_mut().zip(right) {
        *left += right;
    }
    left
}

/// Value number `value` of every patch, `[channel, row, column]`, of an image.
fn shifted(pixels: &[u8], shape: ImageShape, value: usize) -> Vec<u16> {
    let (channel, down, right) = (value / 4, value / 2 % 2, value % 2);
    let plane = &pixels[channel * shape.height * shape.width..][..shape.height * shape.width];
    let rows = plane.chunks_exact(shape.width).skip(down).take(shape.height.saturating_sub(1));
    rows.flat_map(|row| &row[right..][..shape.width.saturating_sub(1)])
        .map(|&pixel| u16::from(pixel))
        .collect()
}

/// Sum of products. 32 bits hold the products of 2¹⁶ pixels.
fn dot(left: &[u16], right: &[u16]) -> u64 {
    let parts = left.chunks(1 << 16).zip(right.chunks(1 << 16));
    parts
        .map(|(left, right)| {
            let products = left.iter().zip(right).map(|(&x, &y)| u32::from(x) * u32::from(y));
            u64::from(products.sum::<u32>())
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::images::Images;
    use crate::statistics::Statistics;

    #[test]
    fn patches_are_of_images_from_all_classes() {
        let shape = ImageShape { channels: 1, height: 2, width: 2 };
        // The first half is black, the other white.
        let pixels = [vec![0; 4 * PATCH_IMAGES], vec![255; 4 * PATCH_IMAGES]].concat();
        let images = Images::new(shape, pixels, vec![0; 2 * PATCH_IMAGES]).unwrap();
        let Patches { count, sums, .. } = Patches::of(&Subset::all(Arc::new(images)));
        assert_eq!(count as usize, PATCH_IMAGES);
        assert_eq!(sums, [255 * PATCH_IMAGES as u64 / 2; 4]);
    }

    #[test]
    fn covariance_of_patches_by_hand() {
        let train = crate::shapes10::generate(30, 10, 3).train;
        let statistics = Statistics::of(&train);
        let patch_covariance = statistics.patch_covariance(&train);
        let Statistics { shape, channel_mean, channel_deviation, .. } = statistics;
        let normalised = |image: usize, value: usize, place: usize| {
            let (channel, row, column) = (value / 4, place / 31 + value / 2 % 2, place % 31 + value % 2);
            let pixel = train.pixels(image)[(channel * shape.height + row) * shape.width + column];
            (f64::from(pixel) - channel_mean[channel]) / channel_deviation[channel]
        };
        for (x, y) in [(0, 0), (3, 3), (1, 6), (6, 1), (11, 2)] {
            let patches = (0..30).flat_map(|image| (0..31 * 31).map(move |place| (image, place)));
            let sum: f64 = patches.map(|(i, place)| normalised(i, x, place) * normalised(i, y, place)).sum();
            let (found, expected) = (patch_covariance[x * 12 + y], sum / (30.0 * 31.0 * 31.0));
            assert!((found - expected).abs() < 1e-9, "{x}, {y}: {found} is not {expected}");
        }
    }
}
