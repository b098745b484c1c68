//! A linear layer with few outputs, of images that are standardised on the way.
//!
//! W (scale · x + shift) + b is (W · scale) x + (b + W · shift): the values of the images needn't be touched. Vectors are of
//! neighbouring features, of which there are many, rather than of outputs, of which there are few.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::simd::{ARCH, LANES};

/// Images that one task scores.
const IMAGES: usize = 16;
/// Features whose gradient one task computes: with that of [`GROUP`] outputs they stay in the nearest cache.
const FEATURES: usize = 256;
/// Features of images and weights that are in the nearest cache together.
const BLOCK: usize = 512;
/// Outputs that are computed together; others fill up the last group.
const GROUP: usize = 5;
/// Images, or vectors of features, that are computed together.
const TOGETHER: usize = 4;
/// Weights that are not worth another thread.
const PREPARED: usize = 1 << 16;
/// Images whose products are added up before the sums are stored.
const STEP: usize = 16;

/// `images` `[batch, features]`, `scale` and `shift` `[features]`, `weight` `[features, outputs]`, `bias` `[outputs]`.
pub(crate) fn forward<V: Copy + Into<f32> + Sync>(
    images: &[V],
    standard: [&[f32]; 2],
    weight: &[f32],
    bias: &[f32],
) -> Vec<f32> {
    let (features, outputs) = (standard[0].len(), bias.len());
    // By outputs; rows of zeros fill up the last group, and zeros the last vector of each row.
    let padded = features.next_multiple_of(LANES);
    let mut rows = vec![0.0; outputs.next_multiple_of(GROUP) * padded];
    let base: Vec<f64> = rows
        .par_chunks_exact_mut(padded)
        .with_min_len(PREPARED.div_ceil(padded))
        .zip(bias)
        .enumerate()
        .map(|(output, (row, &bias))| {
            let row = &mut row[..features];
            f64::from(bias) + ARCH.dispatch(Prepare { weight, output, outputs, standard, row })
        })
        .collect();
    let mut scores = vec![0.0; images.len() / features * outputs];
    images.par_chunks(IMAGES * features).zip(scores.par_chunks_mut(IMAGES * outputs)).for_each(
        |(images, scores)| ARCH.dispatch(Score { images, rows: &rows, features, base: &base, scores }),
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
    /// W · scale, `[outputs, features]`, padded.
    rows: &'a [f32],
    features: usize,
    base: &'a [f64],
    scores: &'a mut [f32],
}

impl<V: Copy + Into<f32>> WithSimd for Score<'_, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { images, rows, features, base, scores } = self;
        let (outputs, batch) = (base.len(), images.len() / features);
        let padded = features.next_multiple_of(LANES);
        let mut totals: Vec<f64> = base.iter().copied().cycle().take(batch * outputs).collect();
        let mut floats = [0.0; TOGETHER * BLOCK];
        for start in (0..padded).step_by(BLOCK) {
            let end = (start + BLOCK).min(padded);
            for first in (0..batch).step_by(TOGETHER) {
                for (number, floats) in floats.chunks_exact_mut(BLOCK).enumerate() {
                    // What there are too few of is computed again instead.
                    let image = &images[(first + number).min(batch - 1) * features..][..features];
                    widen(&image[start..end.min(features)], floats);
                }
                for (group, rows) in rows.chunks_exact(GROUP * padded).enumerate() {
                    let row = |output: usize| &rows[output * padded..][start..end];
                    let sums = products(simd, &floats, row, end - start);
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

/// Writes values as floats, and zeros behind them.
#[inline(always)]
fn widen<V: Copy + Into<f32>>(values: &[V], floats: &mut [f32]) {
    let (written, others) = floats.split_at_mut(values.len());
    for (float, &value) in written.iter_mut().zip(values) {
        *float = value.into();
    }
    others.fill(0.0);
}

/// Products of a few images, [`BLOCK`] apart, with a few rows of weights, to be added up lane by lane.
#[inline(always)]
fn products<'a, S: Simd>(
    simd: S,
    images: &[f32; TOGETHER * BLOCK],
    row: impl Fn(usize) -> &'a [f32],
    count: usize,
) -> [[S::f32s; GROUP]; TOGETHER] {
    let vectors = count / S::F32_LANES;
    let image = |number: usize| &S::as_simd_f32s(&images[number * BLOCK..][..BLOCK]).0[..vectors];
    let row = |output: usize| &S::as_simd_f32s(row(output)).0[..vectors];
    let images = [image(0), image(1), image(2), image(3)];
    let rows = [row(0), row(1), row(2), row(3), row(4)];
    let mut sums = [[simd.splat_f32s(0.0); GROUP]; TOGETHER];
    for at in 0..vectors {
        for number in 0..TOGETHER {
            for output in 0..GROUP {
                sums[number][output] =
                    simd.mul_add_e_f32s(images[number][at], rows[output][at], sums[number][output]);
            }
        }
    }
    sums
}

/// Gradients by weight and bias: by W, scale · Σ x g + shift · Σ g; by b, Σ g.
pub(crate) fn backward<V: Copy + Into<f32> + Sync>(
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
            let gradient = &widened;
            ARCH.dispatch(Products { images, features, places: places.clone(), gradient, wide, sums });
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
    /// At most [`FEATURES`].
    places: std::ops::Range<usize>,
    /// `[batch, wide]`.
    gradient: &'a [f32],
    wide: usize,
    /// `[wide, FEATURES]`, zeros.
    sums: &'a mut [f32],
}

impl<V: Copy + Into<f32>> WithSimd for Products<'_, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { images, features, places, gradient, wide, sums } = self;
        let vectors = FEATURES / S::F32_LANES;
        let mut floats = [0.0; STEP * FEATURES];
        for (images, gradient) in images.chunks(STEP * features).zip(gradient.chunks(STEP * wide)) {
            for (image, floats) in images.chunks_exact(features).zip(floats.chunks_exact_mut(FEATURES)) {
                widen(&image[places.clone()], floats);
            }
            let rows = S::as_simd_f32s(&floats).0;
            for (group, sums) in sums.chunks_exact_mut(GROUP * FEATURES).enumerate() {
                let sums = S::as_mut_simd_f32s(sums).0;
                for first in (0..vectors).step_by(TOGETHER) {
                    let mut total = [[simd.splat_f32s(0.0); GROUP]; TOGETHER];
                    for (row, gradient) in rows.chunks_exact(vectors).zip(gradient.chunks_exact(wide)) {
                        let row = &row[first..first + TOGETHER];
                        let gradient = &gradient[group * GROUP..][..GROUP];
                        for output in 0..GROUP {
                            let factor = simd.splat_f32s(gradient[output]);
                            for vector in 0..TOGETHER {
                                total[vector][output] =
                                    simd.mul_add_e_f32s(row[vector], factor, total[vector][output]);
                            }
                        }
                    }
                    for output in 0..GROUP {
                        let sums = &mut sums[output * vectors + first..][..TOGETHER];
                        for vector in 0..TOGETHER {
                            sums[vector] = simd.add_f32s(sums[vector], total[vector][output]);
                        }
                    }
                }
            }
        }
    }
}
