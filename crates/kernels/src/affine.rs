//! f(scale · (x − center) + shift) over channels-last features, and its gradient.
//!
//! The center is subtracted before anything is multiplied: scale · x + (shift − scale · center) would lose the shift of a channel
//! whose values are large next to their deviation.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::activation::Activation;
use crate::memory::written;
use crate::simd::{ARCH, LANES};
use crate::slopes::{Function, with_function};

/// Values that one task works on: a few tasks per core for the features of a usual layer, each within the cache.
pub(crate) const PART: usize = 1 << 15;

/// Rows (pixels of all images) of a part.
pub(crate) fn part(channels: usize) -> usize {
    (PART / channels).max(1) * channels
}

/// What happens to each channel: scale · (x − center) + shift.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) center: &'a [f32],
    pub(crate) scale: &'a [f32],
    pub(crate) shift: &'a [f32],
}

impl Line<'_> {
    /// Number of channels, of which `features` are whole rows.
    fn channels(&self, features: &[f32]) -> usize {
        let channels = self.scale.len();
        assert!([self.center.len(), self.shift.len()] == [channels; 2], "three numbers per channel");
        assert!(features.len().is_multiple_of(channels), "whole rows of channels");
        channels
    }
}

/// A line for several rows at a time, where a row doesn't fill its vectors: 24 channels are a vector and a half, two rows three vectors.
struct Rows {
    /// How many.
    count: usize,
    channels: [Vec<f32>; 3],
}

impl Rows {
    /// Those of `features`, unless one row is as good or they can't be taken together.
    fn of(features: &[f32], line: Line<'_>) -> Option<Self> {
        let channels = line.channels(features);
        let count = (1..=LANES).find(|count| (count * channels).is_multiple_of(LANES))?;
        let divides = (features.len() / channels).is_multiple_of(count);
        (count > 1 && divides && !features.is_empty()).then(|| {
            let channels = [line.center, line.scale, line.shift].map(|values| values.repeat(count));
            Self { count, channels }
        })
    }

    fn line(&self) -> Line<'_> {
        let [center, scale, shift] = &self.channels;
        Line { center, scale, shift }
    }
}

/// out = f(scale · (x − center) + shift).
pub(crate) fn forward(features: &[f32], line: Line<'_>, activation: Activation) -> Vec<f32> {
    if let Some(rows) = Rows::of(features, line) {
        return forward(features, rows.line(), activation);
    }
    let part = part(line.channels(features));
    let write = |output: &mut [MaybeUninit<f32>]| {
        with_function!(activation, function => {
            features.par_chunks(part).zip(output.par_chunks_mut(part)).for_each(|(features, output)| {
                ARCH.dispatch(Apply { function, features, line, output });
            });
        });
    };
    // SAFETY: every value of whole rows of channels is written, and there are no others.
    unsafe { written(features.len(), write) }
}

/// What happens to the features of a convolution before they leave the cache: f(scale · (x − center) + shift).
#[derive(Clone, Copy)]
pub(crate) struct Finish<'a> {
    pub(crate) line: Line<'a>,
    pub(crate) activation: Activation,
}

impl Finish<'_> {
    /// On the calling thread.
    pub(crate) fn apply(self, features: &mut [f32]) {
        let Self { line, activation } = self;
        with_function!(activation, function => ARCH.dispatch(InPlace { function, features, line }));
    }
}

/// [`Finish`] with its function.
struct InPlace<'a, F> {
    function: F,
    features: &'a mut [f32],
    line: Line<'a>,
}

impl<F: Function> WithSimd for InPlace<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { function, features, line: Line { center, scale, shift } } = self;
        let channels = scale.len();
        let (center, shift) = (&center[..channels], &shift[..channels]);
        for row in features.chunks_exact_mut(channels) {
            for channel in 0..channels {
                row[channel] =
                    function.value((row[channel] - center[channel]) * scale[channel] + shift[channel]);
            }
        }
    }
}

/// A part of [`forward`].
struct Apply<'a, F> {
    function: F,
    features: &'a [f32],
    line: Line<'a>,
    output: &'a mut [MaybeUninit<f32>],
}

impl<F: Function> WithSimd for Apply<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { function, features, line: Line { center, scale, shift }, output } = self;
        let channels = scale.len();
        let (center, shift) = (&center[..channels], &shift[..channels]);
        for (row, output) in features.chunks_exact(channels).zip(output.chunks_exact_mut(channels)) {
            for channel in 0..channels {
                let x = row[channel] - center[channel];
                output[channel].write(function.value(x * scale[channel] + shift[channel]));
            }
        }
    }
}

/// Sums of g = gradient · f′(scale · (x − center) + shift) and of g · (x − center) over all rows, channel by channel.
pub(crate) fn sums(
    features: &[f32],
    gradient: &[f32],
    line: Line<'_>,
    activation: Activation,
) -> [Vec<f64>; 2] {
    if let Some(rows) = Rows::of(features, line) {
        let channels = line.scale.len();
        let fold = |sums: Vec<f64>| -> Vec<f64> {
            (0..channels).map(|channel| sums.iter().skip(channel).step_by(channels).sum()).collect()
        };
        return sums(features, gradient, rows.line(), activation).map(fold);
    }
    let channels = line.channels(features);
    let part = part(channels);
    with_function!(activation, function => {
        let parts: Vec<[Vec<f32>; 2]> = features
            .par_chunks(part)
            .zip(gradient.par_chunks(part))
            .map(|(features, gradient)| {
                let mut sums = [vec![0.0; channels], vec![0.0; channels]];
                ARCH.dispatch(Add { function, features, gradient, line, sums: &mut sums });
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
    line: Line<'a>,
    sums: &'a mut [Vec<f32>; 2],
}

impl<F: Function> WithSimd for Add<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            function,
            features,
            gradient,
            line: Line { center, scale, shift },
            sums: [sums, products],
        } = self;
        let channels = scale.len();
        let (center, shift) = (&center[..channels], &shift[..channels]);
        let (sums, products) = (&mut sums[..channels], &mut products[..channels]);
        for (row, gradient) in features.chunks_exact(channels).zip(gradient.chunks_exact(channels)) {
            for channel in 0..channels {
                let x = row[channel] - center[channel];
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

/// a · g + b · (x − center) + c, g being gradient · f′(scale · (x − center) + shift): the gradient by the input of everything
/// here.
pub(crate) fn input_gradient(
    features: &[f32],
    gradient: &[f32],
    line: Line<'_>,
    [a, b, c]: [&[f32]; 3],
    activation: Activation,
) -> Vec<f32> {
    assert_eq!(features.len(), gradient.len(), "a gradient for each value");
    if let Some(rows) = Rows::of(features, line) {
        let [a, b, c] = [a, b, c].map(|values| values.repeat(rows.count));
        return input_gradient(features, gradient, rows.line(), [&a, &b, &c], activation);
    }
    let part = part(line.channels(features));
    let write = |output: &mut [MaybeUninit<f32>]| {
        let tasks = features.par_chunks(part).zip(gradient.par_chunks(part)).zip(output.par_chunks_mut(part));
        with_function!(activation, function => {
            tasks.for_each(|((features, gradient), output)| {
                ARCH.dispatch(Combine { function, features, gradient, line, a, b, c, output });
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
    line: Line<'a>,
    a: &'a [f32],
    b: &'a [f32],
    c: &'a [f32],
    output: &'a mut [MaybeUninit<f32>],
}

impl<F: Function> WithSimd for Combine<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { function, features, gradient, line: Line { center, scale, shift }, a, b, c, output } =
            self;
        let channels = scale.len();
        let (center, shift) = (&center[..channels], &shift[..channels]);
        let (a, b, c) = (&a[..channels], &b[..channels], &c[..channels]);
        let rows = features.chunks_exact(channels).zip(gradient.chunks_exact(channels));
        for ((row, gradient), output) in rows.zip(output.chunks_exact_mut(channels)) {
            for channel in 0..channels {
                let x = row[channel] - center[channel];
                let slope = gradient[channel] * function.slope(x * scale[channel] + shift[channel]);
                output[channel].write(a[channel] * slope + (b[channel] * x + c[channel]));
            }
        }
    }
}
