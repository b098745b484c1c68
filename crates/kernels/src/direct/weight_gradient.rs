//! The gradient by the weights.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{Columns, Layout, by_columns, place_of_weight};
use crate::border::{Bordered, Source};
use crate::geometry::Geometry;
use crate::simd::{ARCH, load, load_part, panels, place, store};

/// patchesᵀ · gradient, summed over all images: a sum for each [part of the batch](Geometry::part), added up at the end.
pub(crate) fn weight_gradient(geometry: Geometry, features: &[f32], gradient: &[f32], output: &mut [f32]) {
    let layout = &Layout::new(geometry);
    let part = geometry.part();
    let sums: Vec<Vec<f32>> = (0..geometry.batch.div_ceil(part))
        .into_par_iter()
        .map(|number| {
            let mut sums = vec![0.0; panels(geometry.patch(), geometry.channels_out)];
            let mut bordered = Bordered::default();
            for number in number * part..((number + 1) * part).min(geometry.batch) {
                let image = bordered.read(layout.border, Source::Plain(features), number..number + 1);
                let gradient = &gradient[number * geometry.image_out()..][..geometry.image_out()];
                ARCH.dispatch(WeightGradient { layout, image, gradient, sums: &mut sums });
            }
            sums
        })
        .collect();
    for (number, value) in output.iter_mut().enumerate() {
        let place = place_of_weight(geometry, number);
        *value = sums.iter().map(|sum| sum[place]).sum();
    }
}

/// One image.
pub(super) struct WeightGradient<'a> {
    pub(super) layout: &'a Layout,
    /// With its border.
    pub(super) image: &'a [f32],
    pub(super) gradient: &'a [f32],
    /// `[patch, channels out]`, in panels.
    pub(super) sums: &'a mut [f32],
}

impl WithSimd for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let channels = self.layout.geometry.channels_out;
        by_columns(simd, channels, &mut self);
    }
}

impl Columns for WeightGradient<'_> {
    /// For all values of a patch, R of them at a time.
    #[inline(always)]
    fn columns<S: Simd, const R: usize, const Q: usize>(&mut self, simd: S, column: usize) {
        let Self { layout, image, gradient, sums } = self;
        let Layout { geometry, run, row, starts, .. } = layout;
        let (patch, channels) = (geometry.patch(), geometry.channels_out);
        assert!(image.len() == layout.image() && sums.len() == panels(patch, channels));
        assert_eq!(gradient.len(), starts.len() * channels);
        for first in (0..patch).step_by(R) {
            // SAFETY: the layout's windows lie within an image, and vectors that begin within the channels within their panel.
            unsafe {
                let mut from = [image.as_ptr(); R];
                let mut into = [[sums.as_mut_ptr(); Q]; R];
                let mut added = [[simd.splat_f32s(0.0); Q]; R];
                for r in 0..R {
                    // The last value again where there are none left.
                    let value = (first + r).min(patch - 1);
                    from[r] = image.as_ptr().add(value / run * row + value % run);
                    for q in 0..Q {
                        let column = column + q * S::F32_LANES;
                        into[r][q] = into[r][q].add(place([value, column], patch));
                        added[r][q] = load(simd, into[r][q]);
                    }
                }
                for (&start, gradient) in starts.iter().zip(gradient.chunks_exact(channels)) {
                    let mut vectors = [simd.splat_f32s(0.0); Q];
                    for q in 0..Q {
                        let column = column + q * S::F32_LANES;
                        let lanes = S::F32_LANES.min(channels - column);
                        vectors[q] = load_part(simd, &gradient[column..][..lanes]);
                    }
                    for r in 0..R {
                        let factor = simd.splat_f32s(*from[r].add(start));
                        for q in 0..Q {
                            added[r][q] = simd.mul_add_e_f32s(factor, vectors[q], added[r][q]);
                        }
                    }
                }
                for r in 0..R {
                    for q in 0..Q {
                        store(simd, into[r][q], added[r][q]);
                    }
                }
            }
        }
    }
}
