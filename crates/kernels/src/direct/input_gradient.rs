//! The gradient by the features.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{Columns, Layout, add_products, by_columns};
use crate::geometry::Geometry;
use crate::simd::{ARCH, load_part, panels, place, store_part};

/// patches = gradient · weightᵀ, and every value of a patch is added to its pixel; writes all of `output`.
pub(crate) fn input_gradient(
    geometry: Geometry,
    gradient: &[f32],
    weight: &[f32],
    output: &mut [MaybeUninit<f32>],
) {
    let layout = &Layout::new(geometry);
    let weight = &in_runs(layout, weight);
    let images = gradient.par_chunks(geometry.image_out()).zip(output.par_chunks_mut(geometry.image_in()));
    images.for_each_init(
        || vec![0.0; layout.image()],
        |image, (gradient, output)| {
            image.fill(0.0);
            ARCH.dispatch(InputGradient { layout, gradient, weight, image });
            let [top, left] = geometry.window.padding;
            let width = geometry.plane[1] * geometry.channels_in;
            let rows = image.chunks_exact(layout.row).skip(top).zip(output.chunks_exact_mut(width));
            for (row, output) in rows {
                output.write_copy_of_slice(&row[left * geometry.channels_in..][..width]);
            }
        },
    );
}

/// Weight `[channels out, channels in, down, across]` to `[down, channels out, run]`: for each row of the window a matrix in panels.
pub(super) fn in_runs(layout: &Layout, weight: &[f32]) -> Vec<f32> {
    let Layout { geometry, run, .. } = layout;
    let (channels_in, channels_out) = (geometry.channels_in, geometry.channels_out);
    let [down, across] = geometry.window.size;
    let size = panels(channels_out, *run);
    let mut ordered = vec![0.0; down * size];
    for (number, &value) in weight.iter().enumerate() {
        let (position, input) = (number % (down * across), number / (down * across) % channels_in);
        let (output, column) = (number / geometry.patch(), position % across * channels_in + input);
        ordered[position / across * size + place([output, column], channels_out)] = value;
    }
    ordered
}

/// One image.
pub(super) struct InputGradient<'a> {
    pub(super) layout: &'a Layout,
    pub(super) gradient: &'a [f32],
    pub(super) weight: &'a [f32],
    /// With its border.
    pub(super) image: &'a mut [f32],
}

impl WithSimd for InputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layout, gradient, weight, image } = self;
        for row in 0..layout.runs() {
            let mut product = RowOfWindow { layout, gradient, weight, image: &mut *image, row };
            by_columns(simd, layout.run, &mut product);
        }
    }
}

/// What comes to an image through one row of the window.
struct RowOfWindow<'a> {
    layout: &'a Layout,
    gradient: &'a [f32],
    weight: &'a [f32],
    image: &'a mut [f32],
    row: usize,
}

impl Columns for RowOfWindow<'_> {
    /// At all places, R of them at a time.
    #[inline(always)]
    fn columns<S: Simd, const R: usize, const Q: usize>(&mut self, simd: S, column: usize) {
        let Self { layout, gradient, weight, image, row } = self;
        let row = *row;
        let Layout { geometry, run, starts, .. } = layout;
        let channels = geometry.channels_out;
        let weight = &weight[row * panels(channels, *run)..][..panels(channels, *run)];
        assert_eq!(gradient.len(), starts.len() * channels);
        for (places, gradient) in starts.chunks(R).zip(gradient.chunks(R * channels)) {
            let mut sums = [[simd.splat_f32s(0.0); Q]; R];
            // SAFETY: each place has a gradient for each channel, and vectors that begin within a row lie within their panel.
            unsafe {
                let mut from = [gradient.as_ptr(); R];
                for r in 0..R {
                    // The last place again where there are none left.
                    from[r] = gradient.as_ptr().add(r.min(places.len() - 1) * channels);
                }
                add_products(simd, channels, from, ([0, column], weight.as_ptr(), channels), &mut sums);
            }
            // One place after the other, for windows overlap.
            for r in 0..R {
                for q in 0..Q {
                    let column = column + q * S::F32_LANES;
                    let lanes = S::F32_LANES.min(run - column);
                    if r < places.len() {
                        let values = &mut image[places[r] + row * layout.row + column..][..lanes];
                        let sum = simd.add_f32s(load_part(simd, values), sums[r][q]);
                        store_part(simd, as_uninitialized(values), sum);
                    }
                }
            }
        }
    }
}

/// Values that are overwritten.
fn as_uninitialized(values: &mut [f32]) -> &mut [MaybeUninit<f32>] {
    // SAFETY: the layout is the same, and nothing but numbers is written.
    unsafe { &mut *(std::ptr::from_mut(values) as *mut [MaybeUninit<f32>]) }
}
