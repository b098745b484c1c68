//! f(scale · x + shift) over channels-last features, and its gradient.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::activation::Activation;
use crate::memory::written;
use crate::simd::ARCH;
use crate::slopes::{Function, with_function};

/// Values that one task works on: a few tasks per core for the features of a usual layer, each within the cache.
pub(crate) const PART: usize = 1 << 15;

/// Rows (pixels of all images) of a part.
pub(crate) fn part(channels: usize) -> usize {
    (PART / channels).max(1) * channels
}

/// out = f(scale · x + shift).
pub(crate) fn forward(features: &[f32], scale: &[f32], shift: &[f32], activation: Activation) -> Vec<f32> {
    assert!(
        features.len().is_multiple_of(scale.len()) && scale.len() == shift.len(),
        "whole rows of channels"
    );
    let part = part(scale.len());
    let write = |output: &mut [MaybeUninit<f32>]| {
        with_function!(activation, function => {
            features.par_chunks(part).zip(output.par_chunks_mut(part)).for_each(|(features, output)| {
                ARCH.dispatch(Apply { function, features, scale, shift, output });
            });
        });
    };
    // SAFETY: every value of whole rows of channels is written, and there are no others.
    unsafe { written(features.len(), write) }
}

/// A part of [`forward`].
struct Apply<'a, F> {
    function: F,
    features: &'a [f32],
    scale: &'a [f32],
    shift: &'a [f32],
    output: &'a mut [MaybeUninit<f32>],
}

impl<F: Function> WithSimd for Apply<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { function, features, scale, shift, output } = self;
        let channels = scale.len();
        for (row, output) in features.chunks_exact(channels).zip(output.chunks_exact_mut(channels)) {
            for (((output, &x), &scale), &shift) in output.iter_mut().zip(row).zip(scale).zip(shift) {
                output.write(function.value(x * scale + shift));
            }
        }
    }
}

/// Sums of g = gradient · f′(scale · x + shift) and of g · x over all rows, channel by channel.
pub(crate) fn sums(
    features: &[f32],
    gradient: &[f32],
    scale: &[f32],
    shift: &[f32],
    activation: Activation,
) -> [Vec<f64>; 2] {
    let channels = scale.len();
    let part = part(channels);
    with_function!(activation, function => {
        let parts: Vec<[Vec<f32>; 2]> = features
            .par_chunks(part)
            .zip(gradient.par_chunks(part))
            .map(|(features, gradient)| {
                let mut sums = [vec![0.0; channels], vec![0.0; channels]];
                ARCH.dispatch(Add { function, features, gradient, scale, shift, sums: &mut sums });
                sums
            })
            .collect();
        total(&parts, channels)
    })
}

/// A part of [`sums`].
struct Add<'a, F> {
    function: F,
    features: &'a [f32],
    gradient: &'a [f32],
    scale: &'a [f32],
    shift: &'a [f32],
    sums: &'a mut [Vec<f32>; 2],
}

impl<F: Function> WithSimd for Add<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { function, features, gradient, scale, shift, sums: [sums, products] } = self;
        let channels = scale.len();
        let (shift, sums, products) = (&shift[..channels], &mut sums[..channels], &mut products[..channels]);
        for (row, gradient) in features.chunks_exact(channels).zip(gradient.chunks_exact(channels)) {
            for channel in 0..channels {
                let x = row[channel];
                let slope = gradient[channel] * function.slope(x * scale[channel] + shift[channel]);
                sums[channel] += slope;
                products[channel] += slope * x;
            }
        }
    }
}

/// Adds up what the tasks have summed.
pub(crate) fn total(parts: &[[Vec<f32>; 2]], channels: usize) -> [Vec<f64>; 2] {
    let mut total = [vec![0.0; channels], vec![0.0; channels]];
    for part in parts {
        for (total, part) in total.iter_mut().zip(part) {
            for (total, &part) in total.iter_mut().zip(part) {
                *total += f64::from(part);
            }
        }
    }
    total
}

/// a · g + b · x + c, g being gradient · f′(scale · x + shift): the gradient by the input of everything here.
pub(crate) fn input_gradient(
    features: &[f32],
    gradient: &[f32],
    (scale, shift): (&[f32], &[f32]),
    [a, b, c]: [&[f32]; 3],
    activation: Activation,
) -> Vec<f32> {
    assert!(
        features.len().is_multiple_of(scale.len()) && features.len() == gradient.len(),
        "whole rows of channels"
    );
    let part = part(scale.len());
    let write = |output: &mut [MaybeUninit<f32>]| {
        let tasks = features.par_chunks(part).zip(gradient.par_chunks(part)).zip(output.par_chunks_mut(part));
        with_function!(activation, function => {
            tasks.for_each(|((features, gradient), output)| {
                ARCH.dispatch(Combine { function, features, gradient, scale, shift, a, b, c, output });
            });
        });
    };
    // SAFETY: as in `forward`.
    unsafe { written(features.len(), write) }
}

/// A part of [`input_gradient`].
struct Combine<'a, F> {
    function: F,
    features: &'a [f32],
    gradient: &'a [f32],
    scale: &'a [f32],
    shift: &'a [f32],
    a: &'a [f32],
    b: &'a [f32],
    c: &'a [f32],
    output: &'a mut [MaybeUninit<f32>],
}

impl<F: Function> WithSimd for Combine<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { function, features, gradient, scale, shift, a, b, c, output } = self;
        let channels = scale.len();
        let (shift, a, b, c) = (&shift[..channels], &a[..channels], &b[..channels], &c[..channels]);
        let rows = features.chunks_exact(channels).zip(gradient.chunks_exact(channels));
        for ((row, gradient), output) in rows.zip(output.chunks_exact_mut(channels)) {
            for channel in 0..channels {
                let x = row[channel];
                let slope = gradient[channel] * function.slope(x * scale[channel] + shift[channel]);
                output[channel].write(a[channel] * slope + (b[channel] * x + c[channel]));
            }
        }
    }
}
