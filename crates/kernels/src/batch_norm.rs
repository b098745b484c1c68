//! BatchNorm and the activation behind it, in as few passes over the features as there can be: one for the statistics and one
//! for the output; one for the sums of the gradient and one for the gradient itself.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::activation::Activation;
use crate::affine::{self, Line, part, total};
use crate::simd::ARCH;

/// Mean and biased variance of each channel of `features` `[rows, channels]`.
///
/// Sums of x − x₀ and its square, x₀ being the first row, so that a mean far from zero costs no digits.
pub(crate) fn statistics(features: &[f32], channels: usize) -> [Vec<f32>; 2] {
    let Some(pivot) = features.get(..channels) else {
        return [vec![0.0; channels], vec![0.0; channels]];
    };
    let parts: Vec<[Vec<f32>; 2]> = features
        .par_chunks(part(channels))
        .map(|features| {
            let mut sums = [vec![0.0; channels], vec![0.0; channels]];
            ARCH.dispatch(Add { features, pivot, sums: &mut sums });
            sums
        })
        .collect();
    let [sums, squares] = total(&parts, channels);
    let rows = (features.len() / channels) as f64;
    let mean = sums.iter().zip(pivot).map(|(sum, &pivot)| (f64::from(pivot) + sum / rows) as f32);
    // Rounding may make it negative; what is no number stays none, which `max` would turn into 0.
    let variance = sums.iter().zip(&squares).map(|(sum, square)| {
        let variance = (square - sum * sum / rows) / rows;
        if variance < 0.0 { 0.0 } else { variance as f32 }
    });
    [mean.collect(), variance.collect()]
}

/// A part of [`statistics`].
struct Add<'a> {
    features: &'a [f32],
    pivot: &'a [f32],
    sums: &'a mut [Vec<f32>; 2],
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { features, pivot, sums: [sums, squares] } = self;
        let channels = pivot.len();
        let (sums, squares) = (&mut sums[..channels], &mut squares[..channels]);
        for row in features.chunks_exact(channels) {
            for channel in 0..channels {
                let x = row[channel] - pivot[channel];
                sums[channel] += x;
                squares[channel] += x * x;
            }
        }
    }
}

// ANCHOR: scale
/// γ / √(variance + ε).
fn scale(gamma: &[f32], variance: &[f32], epsilon: f64) -> Vec<f32> {
    let scale = |(&gamma, &variance)| (f64::from(gamma) / (f64::from(variance) + epsilon).sqrt()) as f32;
    gamma.iter().zip(variance).map(scale).collect()
}
// ANCHOR_END: scale

/// f(γ (x − mean) / √(variance + ε) + β).
pub(crate) fn forward(
    features: &[f32],
    gamma: &[f32],
    beta: &[f32],
    [mean, variance]: [&[f32]; 2],
    epsilon: f64,
    activation: Activation,
) -> Vec<f32> {
    let scale = scale(gamma, variance, epsilon);
    affine::forward(features, Line { center: mean, scale: &scale, shift: beta }, activation)
}

/// Gradients by the features, γ and β.
///
/// With g the gradient behind the activation, x̂ the normalised features and n the rows: by β Σg, by γ Σg·x̂, and by x
/// γ/σ · (g − Σg/n − x̂ · Σg·x̂/n), which is a·g + b·(x − mean) + c for three numbers per channel.
pub(crate) fn backward(
    features: &[f32],
    gradient: &[f32],
    gamma: &[f32],
    beta: &[f32],
    [mean, variance]: [&[f32]; 2],
    epsilon: f64,
    activation: Activation,
) -> [Vec<f32>; 3] {
    let channels = gamma.len();
    let scale = scale(gamma, variance, epsilon);
    let line = Line { center: mean, scale: &scale, shift: beta };
    let [sums, products] = affine::sums(features, gradient, line, activation);
    let rows = (features.len() / channels.max(1)).max(1) as f64;
    let [mut a, mut b, mut c] = [(); 3].map(|()| vec![0.0; channels]);
    let [mut by_gamma, mut by_beta] = [(); 2].map(|()| vec![0.0; channels]);
    for channel in 0..channels {
        let inverse = 1.0 / (f64::from(variance[channel]) + epsilon).sqrt();
        let (sum, product) = (sums[channel], products[channel] * inverse);
        let scale = f64::from(gamma[channel]) * inverse;
        by_beta[channel] = sum as f32;
        by_gamma[channel] = product as f32;
        a[channel] = scale as f32;
        b[channel] = (-scale * inverse * product / rows) as f32;
        c[channel] = (-scale * sum / rows) as f32;
    }
    let by_features = affine::input_gradient(features, gradient, line, [&a, &b, &c], activation);
    [by_features, by_gamma, by_beta]
}
