//! Convolution of any window and stride, as a product of patches and weights ("im2col", Chellapilla et al., 2006) that reads the
//! patches where they are.
//!
//! All channels of a pixel lie together, and so do all values of a row of a window: `window width · channels`. With zeros around
//! an image, a patch is a few such runs at equal distances, and nothing has to be written out. Eight places (or values of a
//! patch) by two vectors of channels are kept in registers while the inner index runs.

mod input_gradient;
mod weight_gradient;

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::affine::Finish;
use crate::border::{Border, Bordered, Source};
use crate::geometry::Geometry;
use crate::simd::{ARCH, LANES, ROWS, load, panels, place, store_part};

pub(crate) use input_gradient::input_gradient;
pub(crate) use weight_gradient::weight_gradient;

/// How patches lie in an image with its border.
struct Layout {
    geometry: Geometry,
    border: Border,
    /// Values of a row of the window.
    run: usize,
    /// From one row of the image to the next.
    row: usize,
    /// Where the window begins at each place.
    starts: Vec<usize>,
}

impl Layout {
    fn new(geometry: Geometry) -> Self {
        let Geometry { plane, channels_in: channels, window, .. } = geometry;
        let bordered = std::array::from_fn(|axis| plane[axis] + 2 * window.padding[axis]);
        let border = Border { padding: window.padding, bordered, plane, channels, wide: channels };
        let (run, row) = (window.size[1] * channels, bordered[1] * channels);
        let [down, across] = geometry.output();
        let [by_row, by_column] = [window.stride[0] * row, window.stride[1] * channels];
        let places = (0..down).flat_map(|y| (0..across).map(move |x| [y, x]));
        let starts = places.map(|[y, x]| y * by_row + x * by_column).collect();
        Self { geometry, border, run, row, starts }
    }

    /// Values of an image with its border.
    fn image(&self) -> usize {
        self.border.bordered[0] * self.row
    }

    /// Rows of the window.
    fn runs(&self) -> usize {
        self.geometry.window.size[0]
    }
}

/// Weight `[channels out, channels in, down, across]` to `[down, across, channels in, channels out]`, the order of patches, in
/// panels of [`LANES`] channels.
fn in_order_of_patches(geometry: Geometry, weight: &[f32]) -> Vec<f32> {
    let mut ordered = vec![0.0; panels(geometry.patch(), geometry.channels_out)];
    for (number, &value) in weight.iter().enumerate() {
        ordered[place_of_weight(geometry, number)] = value;
    }
    ordered
}

/// Where a weight lies in the order of patches.
fn place_of_weight(geometry: Geometry, number: usize) -> usize {
    let (patch, channels) = (geometry.patch(), geometry.channels_in);
    let positions = patch / channels;
    let (output, input, position) = (number / patch, number / positions % channels, number % positions);
    place([position * channels + input, output], patch)
}

/// A product that is computed a few columns at a time.
trait Columns {
    /// Computes Q vectors of columns from `column` on, R rows at a time.
    fn columns<S: Simd, const R: usize, const Q: usize>(&mut self, simd: S, column: usize);
}

/// Computes all `columns`, as many at a time as registers hold.
#[inline(always)]
fn by_columns<S: Simd>(simd: S, columns: usize, product: &mut impl Columns) {
    let mut column = 0;
    while column < columns {
        let two = columns - column > S::F32_LANES;
        match (S::REGISTER_COUNT >= 32, two) {
            (true, true) => product.columns::<S, ROWS, 2>(simd, column),
            (true, false) => product.columns::<S, ROWS, 1>(simd, column),
            (false, true) => product.columns::<S, { ROWS / 2 }, 2>(simd, column),
            (false, false) => product.columns::<S, { ROWS / 2 }, 1>(simd, column),
        }
        column += if two { 2 * S::F32_LANES } else { S::F32_LANES };
    }
}

/// Adds to R rows by Q vectors of sums, from `column` on, the products of R rows of numbers that lie one after the other, and as many rows of a matrix in
/// panels of `rows` rows, from `row` on.
///
/// # Safety
/// Each of `from` has `length` numbers, and the matrix these rows and columns.
#[inline(always)]
unsafe fn add_products<S: Simd, const R: usize, const Q: usize>(
    simd: S,
    length: usize,
    from: [*const f32; R],
    ([row, column], matrix, rows): ([usize; 2], *const f32, usize),
    sums: &mut [[S::f32s; Q]; R],
) {
    // SAFETY: what the caller promises.
    unsafe {
        let mut values = [matrix; Q];
        for q in 0..Q {
            values[q] = matrix.add(place([row, column + q * S::F32_LANES], rows));
        }
        for inner in 0..length {
            let mut vectors = [simd.splat_f32s(0.0); Q];
            for q in 0..Q {
                vectors[q] = load(simd, values[q].add(inner * LANES));
            }
            for r in 0..R {
                let factor = simd.splat_f32s(*from[r].add(inner));
                for q in 0..Q {
                    sums[r][q] = simd.mul_add_e_f32s(factor, vectors[q], sums[r][q]);
                }
            }
        }
    }
}

/// out = patches · weight; writes all of `output`.
pub(crate) fn forward(
    geometry: Geometry,
    features: &[f32],
    weight: &[f32],
    finish: Option<Finish<'_>>,
    output: &mut [MaybeUninit<f32>],
) {
    let layout = &Layout::new(geometry);
    let weight = &in_order_of_patches(geometry, weight);
    let images = output.par_chunks_mut(geometry.image_out()).enumerate();
    images.for_each_init(Bordered::default, |bordered, (number, output)| {
        let image = bordered.read(layout.border, Source::Plain(features), number..number + 1);
        ARCH.dispatch(Forward { layout, image, weight, output: &mut *output });
        if let Some(finish) = finish {
            // SAFETY: a convolution writes every place and channel of an image.
            finish.apply(unsafe { output.assume_init_mut() });
        }
    });
}

/// One image.
struct Forward<'a> {
    layout: &'a Layout,
    /// With its border.
    image: &'a [f32],
    weight: &'a [f32],
    output: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let channels = self.layout.geometry.channels_out;
        by_columns(simd, channels, &mut self);
    }
}

impl Columns for Forward<'_> {
    /// At all places, R of them at a time.
    #[inline(always)]
    fn columns<S: Simd, const R: usize, const Q: usize>(&mut self, simd: S, column: usize) {
        let Self { layout, image, weight, output } = self;
        let Layout { geometry, run, row, starts, .. } = layout;
        let (patch, channels) = (geometry.patch(), geometry.channels_out);
        assert!(image.len() == layout.image() && weight.len() == panels(patch, channels));
        for (places, output) in starts.chunks(R).zip(output.chunks_mut(R * channels)) {
            let mut sums = [[simd.splat_f32s(0.0); Q]; R];
            // SAFETY: the layout's windows lie within an image, and vectors that begin within the channels within their panel.
            unsafe {
                let mut from = [image.as_ptr(); R];
                for r in 0..R {
                    // The last place again where there are none left.
                    from[r] = image.as_ptr().add(places[r.min(places.len() - 1)]);
                }
                for down in 0..layout.runs() {
                    add_products(simd, *run, from, ([down * run, column], weight.as_ptr(), patch), &mut sums);
                    for from in &mut from {
                        *from = from.wrapping_add(*row);
                    }
                }
            }
            for r in 0..R {
                for q in 0..Q {
                    let column = column + q * S::F32_LANES;
                    let lanes = S::F32_LANES.min(channels - column);
                    if r < places.len() {
                        store_part(simd, &mut output[r * channels + column..][..lanes], sums[r][q]);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
