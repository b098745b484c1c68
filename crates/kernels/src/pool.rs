//! Max-pooling of channels-last features.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd, bytemuck};
use rayon::prelude::*;

use crate::memory::{written, written_both, zeroed};
use crate::simd::{ARCH, load_part, store_part};
use crate::window::Window;

/// Sizes of the features that come in: `[batch, height, width, channels]`.
type Shape = [usize; 4];

/// The largest value under each window, and which pixel of the window it is: the first of equals.
pub(crate) fn forward(features: &[f32], shape: Shape, window: Window) -> (Vec<f32>, Vec<u8>) {
    let [batch, height, width, channels] = shape;
    let [down, across] = window.places([height, width]);
    let size = down * across * channels;
    if batch * size == 0 {
        return (Vec::new(), Vec::new());
    }
    assert_eq!(features.len(), batch * height * width * channels, "features of that shape");
    let write = |output: &mut [MaybeUninit<f32>], winners: &mut [MaybeUninit<u8>]| {
        features
            .par_chunks_exact(height * width * channels)
            .zip(output.par_chunks_exact_mut(size))
            .zip(winners.par_chunks_exact_mut(size))
            .for_each(|((features, output), winners)| {
                forward_image(features, shape, window, output, winners);
            });
    };
    // SAFETY: every image is taken, and each of its places and channels written.
    unsafe { written_both(batch * size, write) }
}

/// [`forward`] of one image; writes all of `output` and `winners`.
pub(crate) fn forward_image(
    features: &[f32],
    shape: Shape,
    window: Window,
    output: &mut [MaybeUninit<f32>],
    winners: &mut [MaybeUninit<u8>],
) {
    ARCH.dispatch(Pool { features, shape, window, output, winners });
}

/// One image.
struct Pool<'a> {
    features: &'a [f32],
    shape: Shape,
    window: Window,
    output: &'a mut [MaybeUninit<f32>],
    winners: &'a mut [MaybeUninit<u8>],
}

impl WithSimd for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { features, shape, window, output, winners } = self;
        let channels = shape[3];
        let places = output.chunks_exact_mut(channels).zip(winners.chunks_exact_mut(channels));
        let mut pixels = Vec::with_capacity(window.size[0] * window.size[1]);
        for (place, (output, winners)) in places.enumerate() {
            pixels.clear();
            let numbers = 0..window.size[0] * window.size[1];
            pixels.extend(numbers.filter_map(|number| Some((pixel(shape, window, place, number)?, number))));
            for first in (0..channels).step_by(S::F32_LANES) {
                let lanes = S::F32_LANES.min(channels - first);
                let mut largest = simd.splat_f32s(f32::NEG_INFINITY);
                // As wide as values, so that one comparison chooses both.
                let mut winner = simd.splat_u32s(0);
                for &(pixel, number) in &pixels {
                    let value = load_part(simd, &features[pixel * channels + first..][..lanes]);
                    // A value that is not a number, and so not equal to itself, wins and stays.
                    let is_nan = simd.not_m32s(simd.equal_f32s(value, value));
                    let wins = simd.or_m32s(simd.greater_than_f32s(value, largest), is_nan);
                    largest = simd.select_f32s(wins, value, largest);
                    winner = simd.select_u32s(wins, simd.splat_u32s(number as u32), winner);
                }
                store_part(simd, &mut output[first..first + lanes], largest);
                let numbers: &[u32] = bytemuck::cast_slice(std::slice::from_ref(&winner));
                for (winner, number) in winners[first..first + lanes].iter_mut().zip(numbers) {
                    winner.write(*number as u8);
                }
            }
        }
    }
}

/// The pixel under value `number` of the window at `place`, unless that is beyond the border.
#[inline(always)]
fn pixel(shape: Shape, window: Window, place: usize, number: usize) -> Option<usize> {
    let [_, height, width, _] = shape;
    let across = (width + 2 * window.padding[1] - window.size[1]) / window.stride[1] + 1;
    let y = (place / across * window.stride[0] + number / window.size[1]).wrapping_sub(window.padding[0]);
    let x = (place % across * window.stride[1] + number % window.size[1]).wrapping_sub(window.padding[1]);
    // Beyond the border the product may overflow.
    if y < height && x < width { Some(y * width + x) } else { None }
}

/// Hands each gradient to the pixel that won.
pub(crate) fn backward(gradient: &[f32], winners: &[u8], shape: Shape, window: Window) -> Vec<f32> {
    let [batch, height, width, channels] = shape;
    let [down, across] = window.places([height, width]);
    let size = down * across * channels;
    let length = batch * height * width * channels;
    if gradient.is_empty() {
        return vec![0.0; length];
    }
    let write = |output: &mut [MaybeUninit<f32>]| {
        output
            .par_chunks_mut(height * width * channels)
            .zip(gradient.par_chunks(size))
            .zip(winners.par_chunks(size))
            .for_each(|((output, gradient), winners)| {
                let output = zeroed(output);
                ARCH.dispatch(Spread { gradient, winners, shape, window, output });
            });
    };
    // SAFETY: every image is filled with zeros first.
    unsafe { written(length, write) }
}

/// One image.
struct Spread<'a> {
    gradient: &'a [f32],
    winners: &'a [u8],
    shape: Shape,
    window: Window,
    output: &'a mut [f32],
}

impl WithSimd for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { gradient, winners, shape, window, output } = self;
        let channels = shape[3];
        let places = gradient.chunks_exact(channels).zip(winners.chunks_exact(channels));
        for (place, (gradient, winners)) in places.enumerate() {
            for number in 0..window.size[0] * window.size[1] {
                if let Some(pixel) = pixel(shape, window, place, number) {
                    let row = &mut output[pixel * channels..][..channels];
                    for ((value, &gradient), &winner) in row.iter_mut().zip(gradient).zip(winners) {
                        *value += if usize::from(winner) == number { gradient } else { 0.0 };
                    }
                }
            }
        }
    }
}

/// Writes the gradient of one image under windows that don't overlap: to every pixel under a window what comes to it, 0 to those that didn't
/// win. `at` says where in `output` a pixel begins, if anywhere.
#[inline(always)]
pub(crate) fn unpool(
    gradient: &[f32],
    winners: &[u8],
    (window, across, channels): (Window, usize, usize),
    at: impl Fn(usize, usize) -> Option<usize>,
    output: &mut [f32],
) {
    let places = gradient.chunks_exact(channels).zip(winners.chunks_exact(channels));
    for (place, (gradient, winners)) in places.enumerate() {
        let (top, left) = (place / across * window.stride[0], place % across * window.stride[1]);
        for number in 0..window.size[0] * window.size[1] {
            let Some(at) = at(top + number / window.size[1], left + number % window.size[1]) else {
                continue;
            };
            let row = &mut output[at..][..channels];
            for ((value, &gradient), &winner) in row.iter_mut().zip(gradient).zip(winners) {
                *value = if usize::from(winner) == number { gradient } else { 0.0 };
            }
        }
    }
}
