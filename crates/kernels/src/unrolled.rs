//! Convolution of any size and stride: the patch under the window at each place is written out as a row ("im2col", Chellapilla
//! et al., 2006), and a matrix product takes the rows. Images go to the cores one by one, and a thread writes out a few rows
//! of places at a time, so that patches stay in the cache.

use std::mem::MaybeUninit;

use gemm::Parallelism;
use rayon::prelude::*;

use crate::affine::Finish;
use crate::geometry::Geometry;
use crate::memory::zeroed;

/// Values of patches that are written out at a time: a quarter of a usual second-level cache.
const PATCHES: usize = 1 << 16;

/// A matrix: where it starts, and the distance between its rows and between its columns.
#[derive(Clone, Copy)]
struct Matrix<'a>(&'a [f32], [usize; 2]);

/// C = A B, or C += A B if C has been written before, on the calling thread. C `[m, n]` has contiguous columns: its entry (i, j) is at i + j · m.
fn multiply([m, n, k]: [usize; 3], a: Matrix<'_>, b: Matrix<'_>, c: &mut [MaybeUninit<f32>], add: bool) {
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    let last = |rows: usize, columns: usize, strides: [usize; 2]| {
        (rows - 1) * strides[0] + (columns - 1) * strides[1]
    };
    assert!(last(m, k, a.1) < a.0.len() && last(k, n, b.1) < b.0.len() && m * n <= c.len(), "matrices fit");
    let stride = |stride: usize| stride as isize;
    // SAFETY: the assertion above: every entry of the three matrices lies within its slice; C is borrowed mutably, and read
    // only if the caller adds to it.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr().cast(),
            stride(m),
            1,
            add,
            a.0.as_ptr(),
            stride(a.1[1]),
            stride(a.1[0]),
            b.0.as_ptr(),
            stride(b.1[1]),
            stride(b.1[0]),
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// Values that may be written, for [`multiply`].
fn uninitialized(values: &mut [f32]) -> &mut [MaybeUninit<f32>] {
    // SAFETY: the layout is the same, and `multiply` writes nothing but numbers.
    unsafe { &mut *(std::ptr::from_mut(values) as *mut [MaybeUninit<f32>]) }
}

/// Weight `[channels out, channels in, down, across]` to `[down, across, channels in, channels out]`, the order of patches.
fn in_order_of_patches(geometry: Geometry, weight: &[f32]) -> Vec<f32> {
    let Geometry { channels_in, channels_out, .. } = geometry;
    let positions = geometry.patch() / channels_in;
    let mut ordered = vec![0.0; weight.len()];
    for (number, &value) in weight.iter().enumerate() {
        let (output, input, position) =
            (number / geometry.patch(), number / positions % channels_in, number % positions);
        ordered[(position * channels_in + input) * channels_out + output] = value;
    }
    ordered
}

/// Rows of places that are written out at a time.
fn rows(geometry: Geometry) -> usize {
    (PATCHES / (geometry.output()[1] * geometry.patch())).clamp(1, geometry.output()[0])
}

/// Calls `each` with the position in the patch and the position in the image of every run of values that a place shares with
/// the image: `window width · channels` values, or fewer at the border.
fn runs(geometry: Geometry, [y, x]: [usize; 2], mut each: impl FnMut(usize, usize, usize)) {
    let Geometry { plane: [height, width], channels_in, window, .. } = geometry;
    let left = x * window.stride[1];
    // Columns of the window that are on the plane.
    let first = window.padding[1].saturating_sub(left).min(window.size[1]);
    let last = (width + window.padding[1]).saturating_sub(left).clamp(first, window.size[1]);
    for down in 0..window.size[0] {
        let row = (y * window.stride[0] + down).wrapping_sub(window.padding[0]);
        if row < height && last > first {
            let image = (row * width + left + first - window.padding[1]) * channels_in;
            each((down * window.size[1] + first) * channels_in, image, (last - first) * channels_in);
        }
    }
}

/// Writes out the patches of rows `first..` of places.
fn unroll(geometry: Geometry, image: &[f32], first: usize, patches: &mut [f32]) {
    let across = geometry.output()[1];
    patches.fill(0.0);
    for (place, patch) in patches.chunks_exact_mut(geometry.patch()).enumerate() {
        runs(geometry, [first + place / across, place % across], |at, from, length| {
            patch[at..at + length].copy_from_slice(&image[from..from + length]);
        });
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
    let (patch, channels) = (geometry.patch(), geometry.channels_out);
    let weight = in_order_of_patches(geometry, weight);
    let (rows, across) = (rows(geometry), geometry.output()[1]);
    features.par_chunks(geometry.image_in()).zip(output.par_chunks_mut(geometry.image_out())).for_each_init(
        || vec![0.0; rows * across * patch],
        |patches, (image, output)| {
            for (number, output) in output.chunks_mut(rows * across * channels).enumerate() {
                let places = output.len() / channels;
                unroll(geometry, image, number * rows, &mut patches[..places * patch]);
                let (a, b) = (Matrix(&weight, [1, channels]), Matrix(patches, [1, patch]));
                multiply([channels, places, patch], a, b, output, false);
                if let Some(finish) = finish {
                    // SAFETY: the product writes all of them.
                    finish.apply(unsafe { output.assume_init_mut() });
                }
            }
        },
    );
}

/// patches = gradient · weightᵀ, and every value of a patch goes back to its pixel.
pub(crate) fn input_gradient(
    geometry: Geometry,
    gradient: &[f32],
    weight: &[f32],
    output: &mut [MaybeUninit<f32>],
) {
    let (patch, channels) = (geometry.patch(), geometry.channels_out);
    let weight = in_order_of_patches(geometry, weight);
    let (rows, across) = (rows(geometry), geometry.output()[1]);
    gradient.par_chunks(geometry.image_out()).zip(output.par_chunks_mut(geometry.image_in())).for_each_init(
        || vec![0.0; rows * across * patch],
        |patches, (gradient, image)| {
            let image = zeroed(image);
            for (number, gradient) in gradient.chunks(rows * across * channels).enumerate() {
                let places = gradient.len() / channels;
                let (a, b) = (Matrix(&weight, [channels, 1]), Matrix(gradient, [1, channels]));
                multiply([patch, places, channels], a, b, uninitialized(patches), false);
                for (place, patch) in patches.chunks_exact(patch).take(places).enumerate() {
                    let place = [number * rows + place / across, place % across];
                    runs(geometry, place, |at, into, length| {
                        for (value, part) in
                            image[into..into + length].iter_mut().zip(&patch[at..at + length])
                        {
                            *value += part;
                        }
                    });
                }
            }
        },
    );
}

/// patchesᵀ · gradient, summed over all images: a sum for each [part of the batch](Geometry::part), added up at the end.
pub(crate) fn weight_gradient(geometry: Geometry, features: &[f32], gradient: &[f32], output: &mut [f32]) {
    let (patch, channels) = (geometry.patch(), geometry.channels_out);
    let (rows, across) = (rows(geometry), geometry.output()[1]);
    let part = geometry.part();
    let sums: Vec<Vec<f32>> = features
        .par_chunks(part * geometry.image_in())
        .zip(gradient.par_chunks(part * geometry.image_out()))
        .map(|(features, gradient)| {
            let mut sum = vec![0.0; patch * channels];
            let mut patches = vec![0.0; rows * across * patch];
            let images =
                features.chunks_exact(geometry.image_in()).zip(gradient.chunks_exact(geometry.image_out()));
            for (image, gradient) in images {
                for (number, gradient) in gradient.chunks(rows * across * channels).enumerate() {
                    let places = gradient.len() / channels;
                    unroll(geometry, image, number * rows, &mut patches[..places * patch]);
                    let (a, b) = (Matrix(gradient, [1, channels]), Matrix(&patches, [patch, 1]));
                    multiply([channels, patch, places], a, b, uninitialized(&mut sum), true);
                }
            }
            sum
        })
        .collect();
    let positions = patch / geometry.channels_in;
    for (number, value) in output.iter_mut().enumerate() {
        let (channel, input, position) =
            (number / patch, number / positions % geometry.channels_in, number % positions);
        let at = (position * geometry.channels_in + input) * channels + channel;
        *value = sums.iter().map(|sum| sum[at]).sum();
    }
}
