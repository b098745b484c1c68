//! A linear layer with few outputs, of images that are standardised on the way.
//!
//! W (scale · x + shift) + b is (W · scale) x + (b + W · shift): the values of the images needn't be touched. Vectors are of
//! neighbouring features, of which there are many, rather than of outputs, of which there are few.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::simd::{ARCH, load_part};

/// Images that one task scores.
const IMAGES: usize = 16;
/// Features whose gradient one task computes: with that of [`GROUP`] outputs they stay in the nearest cache.
const FEATURES: usize = 256;
/// Outputs that are computed together; others fill up the last group.
const GROUP: usize = 5;
/// Images, or vectors of features, that are computed together.
const TOGETHER: usize = 4;

/// `[rows, columns]` to `[columns, rows]`, and rows of zeros up to a whole [`GROUP`].
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    let rows = values.len() / columns;
    let mut result = vec![0.0; columns.next_multiple_of(GROUP) * rows];
    result.par_chunks_exact_mut(rows).take(columns).enumerate().for_each(|(column, result)| {
        for (result, row) in result.iter_mut().zip(values.chunks_exact(columns)) {
            *result = row[column];
        }
    });
    result
}

/// `images` `[batch, features]`, `scale` and `shift` `[features]`, `weight` `[features, outputs]`, `bias` `[outputs]`.
pub(crate) fn forward(images: &[f32], [scale, shift]: [&[f32]; 2], weight: &[f32], bias: &[f32]) -> Vec<f32> {
    let (features, outputs) = (scale.len(), bias.len());
    let mut weight = transposed(weight, outputs);
    let base: Vec<f64> = weight
        .par_chunks_exact_mut(features)
        .zip(bias)
        .map(|(weight, &bias)| {
            // Several sums, since each addition would wait for the one before.
            let mut sums = [0.0; 8];
            let places = scale.chunks(8).zip(shift.chunks(8));
            for (weight, (scale, shift)) in weight.chunks_mut(8).zip(places) {
                for (sum, ((weight, scale), shift)) in
                    sums.iter_mut().zip(weight.iter_mut().zip(scale).zip(shift))
                {
                    *sum += f64::from(*weight * shift);
                    *weight *= scale;
                }
            }
            f64::from(bias) + sums.iter().sum::<f64>()
        })
        .collect();
    let mut scores = vec![0.0; images.len() / features * outputs];
    images.par_chunks(IMAGES * features).zip(scores.par_chunks_mut(IMAGES * outputs)).for_each(
        |(images, scores)| ARCH.dispatch(Score { images, weight: &weight, features, base: &base, scores }),
    );
    scores
}

/// Scores of a few images.
struct Score<'a> {
    images: &'a [f32],
    /// `[outputs, features]`.
    weight: &'a [f32],
    features: usize,
    base: &'a [f64],
    scores: &'a mut [f32],
}

impl WithSimd for Score<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { images, weight, features, base, scores } = self;
        let (outputs, batch) = (base.len(), images.len() / features);
        for (group, weight) in weight.chunks_exact(GROUP * features).enumerate() {
            for first in (0..batch).step_by(TOGETHER) {
                // What there are too few of is computed again instead.
                let image = |number: usize| &images[(first + number).min(batch - 1) * features..][..features];
                let mut sums = [[simd.splat_f32s(0.0); GROUP]; TOGETHER];
                for feature in (0..features).step_by(S::F32_LANES) {
                    let end = (feature + S::F32_LANES).min(features);
                    let mut weights = [simd.splat_f32s(0.0); GROUP];
                    for output in 0..GROUP {
                        let row = &weight[output * features..][..features];
                        weights[output] = load_part(simd, &row[feature..end]);
                    }
                    for number in 0..TOGETHER {
                        let x = load_part(simd, &image(number)[feature..end]);
                        for output in 0..GROUP {
                            sums[number][output] =
                                simd.mul_add_e_f32s(x, weights[output], sums[number][output]);
                        }
                    }
                }
                for number in 0..TOGETHER.min(batch - first) {
                    for (output, base) in base.iter().enumerate().skip(group * GROUP).take(GROUP) {
                        let sum = simd.reduce_sum_f32s(sums[number][output - group * GROUP]);
                        scores[(first + number) * outputs + output] = (f64::from(sum) + base) as f32;
                    }
                }
            }
        }
    }
}

/// Gradients by weight and bias: by W, scale · Σ x g + shift · Σ g; by b, Σ g.
pub(crate) fn backward(
    images: &[f32],
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
struct Products<'a> {
    images: &'a [f32],
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

impl WithSimd for Products<'_> {
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
                            let x = load_part(simd, &image[start..end]);
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
