//! The gradient by the weights.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::transform::{Gradient, Input, SIDE, TILE};
use super::{AddUp, POINTS, SCRATCH, Scratch, Tiling, at_least, padded, share, transform_tiles};
use crate::border::{Border, Source};
use crate::geometry::Geometry;
use crate::simd::{ARCH, multiply, place};

/// Gᵀ \[Σ (A g Aᵀ) ⊙ (Bᵀ d B)\] G over all tiles: a sum for each [part of the batch](Geometry::part), added up
/// at the end.
pub(crate) fn weight_gradient(
    geometry: Geometry,
    features: &[f32],
    gradient: Source<'_>,
    output: &mut [f32],
) {
    let (wide_in, wide_out) = (padded(geometry.channels_in), padded(geometry.channels_out));
    let size = wide_in * wide_out;
    let tiling = Tiling::new(geometry);
    let part = geometry.part();
    let mut sums: Vec<Vec<f32>> = (0..geometry.batch.div_ceil(part))
        .into_par_iter()
        .map(|number| {
            let images = number * part..((number + 1) * part).min(geometry.batch);
            let mut sums = vec![0.0; POINTS * size];
            SCRATCH.with_borrow_mut(|scratch| {
                ARCH.dispatch(WeightGradient {
                    tiling,
                    images,
                    features,
                    gradient,
                    sums: &mut sums,
                    scratch,
                });
            });
            sums
        })
        .collect();
    let mut points = sums.pop().expect("an image");
    for sum in &sums {
        points.par_chunks_mut(size).zip(sum.par_chunks(size)).for_each(|(points, sum)| {
            for (point, part) in points.iter_mut().zip(sum) {
                *point += part;
            }
        });
    }
    let mut positions = vec![0.0; 9 * size];
    positions.par_chunks_mut(size).enumerate().for_each(|(position, values)| {
        let factors = std::array::from_fn::<_, POINTS, _>(|point| share(point, position));
        ARCH.dispatch(AddUp { parts: &points, factors: &factors, output: values });
    });
    for (channel, output) in output.chunks_exact_mut(geometry.channels_in * 9).enumerate() {
        for (number, value) in output.iter_mut().enumerate() {
            *value = positions[number % 9 * size + place([number / 9, channel], wide_in)];
        }
    }
}

/// The images of a part.
struct WeightGradient<'a> {
    tiling: Tiling,
    images: Range<usize>,
    features: &'a [f32],
    gradient: Source<'a>,
    /// For each point `[channel in, channel out]`, in panels.
    sums: &'a mut [f32],
    scratch: &'a mut Scratch,
}

impl WithSimd for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tiling, images: part, features, gradient, sums, scratch } = self;
        let geometry = tiling.geometry;
        let (channels_in, channels_out) = (geometry.channels_in, geometry.channels_out);
        let (wide_in, wide_out) = (padded(channels_in), padded(channels_out));
        let (step_in, step_out) = (tiling.point(channels_in), tiling.point(channels_out));
        let Scratch { images, gradients, inputs, outputs, .. } = scratch;
        let inputs = at_least(inputs, POINTS * step_in);
        let outputs = at_least(outputs, POINTS * step_out);
        let (padding, bordered) = (geometry.window.padding, tiling.bordered());
        let border =
            Border { padding, bordered, plane: geometry.plane, channels: channels_in, wide: wide_in };
        let plane = geometry.output();
        let without = Border { padding: [0; 2], bordered, plane, channels: channels_out, wide: wide_out };
        for first in part.clone().step_by(tiling.group) {
            let group = first..(first + tiling.group).min(part.end);
            let images = images.read(border, Source::Plain(features), group.clone());
            let gradients = gradients.read(without, gradient, group.clone());
            for range in tiling.chunks(group.len()) {
                let (input, output) = ((images, channels_in), (gradients, channels_out));
                transform_tiles::<S, Input, SIDE>(simd, tiling, input, range.clone(), inputs);
                transform_tiles::<S, Gradient, TILE>(simd, tiling, output, range.clone(), outputs);
                for point in 0..POINTS {
                    multiply::<S, true>(
                        simd,
                        [wide_in, range.len(), wide_out],
                        (&inputs[point * step_in..], tiling.chunk),
                        (&outputs[point * step_out..], tiling.chunk),
                        (&mut sums[point * wide_in * wide_out..], wide_in),
                    );
                }
            }
        }
    }
}
