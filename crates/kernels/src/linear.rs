//! A linear layer with few outputs, of images that are standardised on the way.
//!
//! W (scale · x + shift) + b is (W · scale) x + (b + W · shift): the values of the images needn't be touched. Vectors are of
//! neighbouring features, of which there are many, rather than of outputs, of which there are few.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::simd::{ARCH, LANES, load_part};

/// Images that one task scores.
const IMAGES: usize = 16;
/// Features whose gradient one task computes: with that of [`GROUP`] outputs they stay in the nearest cache.
const FEATURES: usize = 256;
/// Features of images and weights that are in the nearest cache together.
const BLOCK: usize = 768;
/// Outputs that are computed together; others fill up the last group.
const GROUP: usize = 5;
/// Images, or vectors of features, that are computed together.
const TOGETHER: usize = 4;

/// A value of an image.
pub(crate) trait Value: Copy + Send + Sync {
    /// Up to a vector of values, the rest being zeros.
    fn load<S: Simd>(simd: S, values: &[Self]) -> S::f32s;
}

impl Value for f32 {
    #[inline(always)]
    fn load<S: Simd>(simd: S, values: &[Self]) -> S::f32s {
        load_part(simd, values)
    }
}

impl Value for u8 {
    #[inline(always)]
    fn load<S: Simd>(simd: S, values: &[Self]) -> S::f32s {
        let mut floats = [0.0; LANES];
        // A number of values that the compiler knows is converted in a vector.
        if values.len() == S::F32_LANES {
            for lane in 0..S::F32_LANES {
                floats[lane] = f32::from(values[lane]);
            }
        } else {
            for (float, &value) in floats.iter_mut().zip(values) {
                *float = f32::from(value);
            }
        }
        load_part(simd, &floats[..S::F32_LANES])
    }
}

/// `images` `[batch, features]`, `scale` and `shift` `[features]`, `weight` `[features, outputs]`, `bias` `[outputs]`.
pub(crate) fn forward<V: Value>(
    images: &[V],
    standard: [&[f32]; 2],
    weight: &[f32],
    bias: &[f32],
) -> Vec<f32> {
    let (features, outputs) = (standard[0].len(), bias.len());
    // By outputs; rows of zeros fill up the last group.
    let mut rows = vec![0.0; outputs.next_multiple_of(GROUP) * features];
    let base: Vec<f64> = rows
        .par_chunks_exact_mut(features)
        .zip(bias)
        .enumerate()
        .map(|(output, (row, &bias))| {
            f64::from(bias) + ARCH.dispatch(Prepare { weight, output, outputs, standard, row })
        })
        .collect();
    let weight = rows;
    let mut scores = vec![0.0; images.len() / features * outputs];
    images.par_chunks(IMAGES * features).zip(scores.par_chunks_mut(IMAGES * outputs)).for_each(
        |(images, scores)| ARCH.dispatch(Score { images, weight: &weight, features, base: &base, scores }),
    );
    scores
}

/// Writes W · scale of one output as a row, and returns Σ W · shift.
struct Prepare<'a> {
    weight: &'a [f32],
    output: usize,
    outputs: usize,
    standard: [&'a [f32]; 2],
    row: &'a mut [f32],
}

impl WithSimd for Prepare<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let Self { weight, output, outputs, standard: [scale, shift], row } = self;
        // Several sums, since each addition would wait for the one before.
        let mut sums = [0.0; LANES];
        let standard = scale.chunks(LANES).zip(shift.chunks(LANES));
        let blocks = weight.chunks(LANES * outputs).zip(standard).zip(row.chunks_mut(LANES));
        for ((weight, (scale, shift)), row) in blocks {
            for lane in 0..row.len() {
                let weight = weight[lane * outputs + output];
                sums[lane] += f64::from(weight * shift[lane]);
                row[lane] = weight * scale[lane];
            }
        }
        sums.iter().sum()
    }
}

/// Scores of a few images.
struct Score<'a, V> {
    images: &'a [V],
    /// `[outputs, features]`.
    weight: &'a [f32],
    features: usize,
    base: &'a [f64],
    scores: &'a mut [f32],
}

impl<V: Value> WithSimd for Score<'_, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { images, weight, features, base, scores } = self;
        let (outputs, batch) = (base.len(), images.len() / features);
        let mut totals: Vec<f64> = base.iter().copied().cycle().take(batch * outputs).collect();
        for start in (0..features).step_by(BLOCK) {
            let block = start..(start + BLOCK).min(features);
            for first in (0..batch).step_by(TOGETHER) {
                // What there are too few of is computed again instead.
                let image =
                    |number: usize| &images[(first + number).min(batch - 1) * features..][block.clone()];
                for (group, weight) in weight.chunks_exact(GROUP * features).enumerate() {
                    let row = |output: usize| &weight[output * features..][block.clone()];
                    let sums = products(simd, [image(0), image(1), image(2), image(3)], row);
                    for number in 0..TOGETHER.min(batch - first) {
                        let totals = &mut totals[(first + number) * outputs..][..outputs];
                        let totals = totals.iter_mut().skip(group * GROUP);
                        for (total, &sum) in totals.zip(&sums[number]) {
                            *total += f64::from(simd.reduce_sum_f32s(sum));
                        }
                    }
                }
            }
        }
        for (score, total) in scores.iter_mut().zip(totals) {
            *score = total as f32;
        }
    }
}

/// Products of a few images with a few rows of weights, to be added up lane by lane.
#[inline(always)]
fn products<'a, S: Simd, V: Value>(
    simd: S,
    images: [&[V]; TOGETHER],
    row: impl Fn(usize) -> &'a [f32],
) -> [[S::f32s; GROUP]; TOGETHER] {
    let rows = [row(0), row(1), row(2), row(3), row(4)];
    let count = images[0].len();
    let mut sums = [[simd.splat_f32s(0.0); GROUP]; TOGETHER];
    for start in (0..count).step_by(S::F32_LANES) {
        let end = (start + S::F32_LANES).min(count);
        let mut weights = [simd.splat_f32s(0.0); GROUP];
        for output in 0..GROUP {
            weights[output] = load_part(simd, &rows[output][start..end]);
        }
        for number in 0..TOGETHER {
            let x = V::load(simd, &images[number][start..end]);
            for output in 0..GROUP {
                sums[number][output] = simd.mul_add_e_f32s(x, weights[output], sums[number][output]);
            }
        }
    }
    sums
}

/// Gradients by weight and bias: by W, scale · Σ x g + shift · Σ g; by b, Σ g.
pub(crate) fn backward<V: Value>(
    images: &[V],
    [scale, shift]: [&[f32]; 2],
    gradient: &[f32],
    outputs: usize,
) -> [Vec<f32>; 2] {
    let features = scale.len();
    let mut by_bias = vec![0.0; outputs];
    for gradient in gradient.chunks_exact(outputs) {
        for (sum, gradient) in by_bias.iter_mut().zip(gradient) {
            *sum += gradient;
        }
    }
    let wide = outputs.next_multiple_of(GROUP);
    let mut widened = vec![0.0; gradient.len() / outputs * wide];
    for (row, target) in gradient.chunks_exact(outputs).zip(widened.chunks_exact_mut(wide)) {
        target[..outputs].copy_from_slice(row);
    }
    let mut by_weight = vec![0.0; features * outputs];
    by_weight.par_chunks_mut(FEATURES * outputs).enumerate().for_each_init(
        || vec![0.0; wide * FEATURES],
        |sums, (number, by_weight)| {
            let first = number * FEATURES;
            let places = first..first + by_weight.len() / outputs;
            sums.fill(0.0);
            ARCH.dispatch(Products {
                images,
                features,
                places: places.clone(),
                gradient: &widened,
                wide,
                sums,
            });
            for (row, place) in by_weight.chunks_exact_mut(outputs).zip(places) {
                for (output, (value, bias)) in row.iter_mut().zip(&by_bias).enumerate() {
                    *value = scale[place] * sums[output * FEATURES + place - first] + shift[place] * bias;
                }
            }
        },
    );
    [by_weight, by_bias]
}

/// Σ x g for a range of features.
struct Products<'a, V> {
    images: &'a [V],
    features: usize,
    places: std::ops::Range<usize>,
    /// `[batch, wide]`.
    gradient: &'a [f32],
    wide: usize,
    /// `[wide, FEATURES]`, zeros.
    sums: &'a mut [f32],
}

/// Images whose products are added up before the sums are stored.
const STEP: usize = 32;

impl<V: Value> WithSimd for Products<'_, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { images, features, places, gradient, wide, sums } = self;
        let count = places.len();
        let steps = images.chunks(STEP * features).zip(gradient.chunks(STEP * wide));
        for (images, gradient) in steps {
            for group in (0..wide).step_by(GROUP) {
                for first in (0..count).step_by(TOGETHER * S::F32_LANES) {
                    let mut total = [[simd.splat_f32s(0.0); GROUP]; TOGETHER];
                    for (image, gradient) in images.chunks_exact(features).zip(gradient.chunks_exact(wide)) {
                        let (image, gradient) = (&image[places.clone()], &gradient[group..group + GROUP]);
                        for vector in 0..TOGETHER {
                            let start = (first + vector * S::F32_LANES).min(count);
                            let end = (start + S::F32_LANES).min(count);
                            let x = V::load(simd, &image[start..end]);
                            for output in 0..GROUP {
                                let factor = simd.splat_f32s(gradient[output]);
                                total[vector][output] = simd.mul_add_e_f32s(x, factor, total[vector][output]);
                            }
                        }
                    }
                    for vector in 0..TOGETHER {
                        let start = (first + vector * S::F32_LANES).min(count);
                        let end = (start + S::F32_LANES).min(count);
                        for output in 0..GROUP {
                            let row = &mut sums[(group + output) * FEATURES..][start..end];
                            let sum = simd.add_f32s(load_part(simd, row), total[vector][output]);
                            simd.partial_store_f32s(row, sum);
                        }
                    }
                }
            }
        }
    }
}
