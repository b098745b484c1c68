//! Layer normalization, and its gradient, each in one pass over the places.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::affine::part;
use crate::memory::written;
use crate::simd::{ARCH, LANES};

/// (x − mean) r of each place's `channels`, and r = 1 / √(variance + ε).
pub(crate) fn forward(features: &[f32], channels: usize, epsilon: f64) -> (Vec<f32>, Vec<f32>) {
    let part = part(channels);
    let mut scales = vec![0.0; features.len() / channels];
    let write = |output: &mut [MaybeUninit<f32>]| {
        let outputs = output.par_chunks_mut(part).zip(scales.par_chunks_mut(part / channels));
        features.par_chunks(part).zip(outputs).for_each(|(features, (output, scales))| {
            ARCH.dispatch(Normalize { features, channels, epsilon: epsilon as f32, output, scales });
        });
    };
    // SAFETY: every value is in one of the places, all of which are written.
    let output = unsafe { written(features.len(), write) };
    (output, scales)
}

/// A part of [`forward`].
struct Normalize<'a> {
    features: &'a [f32],
    channels: usize,
    epsilon: f32,
    output: &'a mut [MaybeUninit<f32>],
    scales: &'a mut [f32],
}

impl WithSimd for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { features, channels, epsilon, output, scales } = self;
        let places = features.chunks_exact(channels).zip(output.chunks_exact_mut(channels));
        for ((place, output), scale) in places.zip(scales) {
            let mean = sum([place], |[x]| x) / channels as f32;
            let variance = sum([place], |[x]| (x - mean) * (x - mean)) / channels as f32;
            *scale = 1.0 / (variance + epsilon).sqrt();
            for (output, &x) in output.iter_mut().zip(place) {
                output.write((x - mean) * *scale);
            }
        }
    }
}

/// r (g − mean(g) − y mean(g y)) of each place, y being the output: the gradient by the features.
pub(crate) fn backward(output: &[f32], scales: &[f32], gradient: &[f32], channels: usize) -> Vec<f32> {
    assert_eq!(output.len(), gradient.len(), "a gradient for each value");
    let part = part(channels);
    let write = |result: &mut [MaybeUninit<f32>]| {
        let inputs =
            output.par_chunks(part).zip(gradient.par_chunks(part)).zip(scales.par_chunks(part / channels));
        inputs.zip(result.par_chunks_mut(part)).for_each(|(((output, gradient), scales), result)| {
            ARCH.dispatch(Slope { output, gradient, scales, channels, result });
        });
    };
    // SAFETY: as in `forward`.
    unsafe { written(output.len(), write) }
}

/// A part of [`backward`].
struct Slope<'a> {
    output: &'a [f32],
    gradient: &'a [f32],
    scales: &'a [f32],
    channels: usize,
    result: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for Slope<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { output, gradient, scales, channels, result } = self;
        let places = output.chunks_exact(channels).zip(gradient.chunks_exact(channels));
        for (((output, gradient), &scale), result) in
            places.zip(scales).zip(result.chunks_exact_mut(channels))
        {
            let mean = sum([gradient], |[g]| g) / channels as f32;
            let product = sum([gradient, output], |[g, y]| g * y) / channels as f32;
            for ((result, &g), &y) in result.iter_mut().zip(gradient).zip(output) {
                result.write(scale * (g - mean - y * product));
            }
        }
    }
}

/// Σ of a function of values side by side, in as many sums as the widest vector has lanes.
#[inline(always)]
fn sum<const N: usize>(rows: [&[f32]; N], value: impl Fn([f32; N]) -> f32) -> f32 {
    let length = rows[0].len();
    let rows = rows.map(|row| &row[..length]);
    let mut sums = [0.0; LANES];
    let whole = length - length % LANES;
    for first in (0..whole).step_by(LANES) {
        let chunks = rows.map(|row| &row[first..first + LANES]);
        for lane in 0..LANES {
            sums[lane] += value(chunks.map(|chunk| chunk[lane]));
        }
    }
    for place in whole..length {
        sums[place - whole] += value(rows.map(|row| row[place]));
    }
    sums.iter().sum()
}
