//! A linear layer with few outputs, of images that are standardised on the way.
//!
//! W (scale · x + shift) + b is (W · scale) x + (b + W · shift): the values of the images needn't be touched.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::simd::{ARCH, LANES, ROWS, Strides, multiply};

/// Images that one task scores.
const IMAGES: usize = 4 * ROWS;
/// Features whose gradient one task computes.
const FEATURES: usize = 64;

/// C = A B for whole tasks: see [`multiply`].
struct Product<'a> {
    sizes: [usize; 3],
    a: (&'a [f32], Strides),
    b: (&'a [f32], usize),
    c: (&'a mut [f32], usize),
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        multiply::<S, false>(simd, self.sizes, self.a, self.b, self.c);
    }
}

/// Rows of `outputs` values, each filled up to whole vectors.
fn widen(rows: &[f32], outputs: usize) -> Vec<f32> {
    let wide = outputs.next_multiple_of(LANES);
    let mut widened = vec![0.0; rows.len() / outputs * wide];
    for (row, target) in rows.chunks_exact(outputs).zip(widened.chunks_exact_mut(wide)) {
        target[..outputs].copy_from_slice(row);
    }
    widened
}

/// `images` `[batch, features]`, `scale` and `shift` `[features]`, `weight` `[features, outputs]`, `bias` `[outputs]`.
pub(crate) fn forward(images: &[f32], [scale, shift]: [&[f32]; 2], weight: &[f32], bias: &[f32]) -> Vec<f32> {
    let (features, outputs) = (scale.len(), bias.len());
    let mut scaled = widen(weight, outputs);
    let wide = scaled.len() / features;
    let mut base: Vec<f64> = bias.iter().map(|&bias| f64::from(bias)).collect();
    for ((row, &scale), &shift) in scaled.chunks_exact_mut(wide).zip(scale).zip(shift) {
        for (base, weight) in base.iter_mut().zip(row.iter()) {
            *base += f64::from(weight * shift);
        }
        for weight in row {
            *weight *= scale;
        }
    }
    let mut scores = vec![0.0; images.len() / features * outputs];
    images.par_chunks(IMAGES * features).zip(scores.par_chunks_mut(IMAGES * outputs)).for_each(
        |(images, scores)| {
            let rows = images.len() / features;
            let whole = rows.next_multiple_of(ROWS);
            let mut products = vec![0.0; whole * wide];
            // Images that fill up the last rows are there to be multiplied, nothing else.
            let filled = if whole == rows {
                Vec::new()
            } else {
                [images, &vec![0.0; (whole - rows) * features]].concat()
            };
            let images = if whole == rows { images } else { &filled };
            ARCH.dispatch(Product {
                sizes: [whole, features, wide],
                a: (images, Strides { rows: features, columns: 1 }),
                b: (&scaled, wide),
                c: (&mut products, wide),
            });
            for (scores, products) in scores.chunks_exact_mut(outputs).zip(products.chunks_exact(wide)) {
                for ((score, product), base) in scores.iter_mut().zip(products).zip(&base) {
                    *score = (f64::from(*product) + base) as f32;
                }
            }
        },
    );
    scores
}

/// Gradients by weight and bias: by W, scale · Σ x g + shift · Σ g; by b, Σ g.
pub(crate) fn backward(
    images: &[f32],
    [scale, shift]: [&[f32]; 2],
    gradient: &[f32],
    outputs: usize,
) -> [Vec<f32>; 2] {
    let features = scale.len();
    let mut by_bias = vec![0.0; outputs];
    for gradient in gradient.chunks_exact(outputs) {
        for (sum, gradient) in by_bias.iter_mut().zip(gradient) {
            *sum += gradient;
        }
    }
    let widened = widen(gradient, outputs);
    let wide = outputs.next_multiple_of(LANES);
    let batch = images.len() / features;
    let mut by_weight = vec![0.0; features * outputs];
    by_weight.par_chunks_mut(FEATURES * outputs).enumerate().for_each_init(
        || (vec![0.0; batch * FEATURES], vec![0.0; FEATURES * wide]),
        |(columns, products), (number, by_weight)| {
            let first = number * FEATURES;
            let count = by_weight.len() / outputs;
            // The task's columns of the images, brought together.
            for (image, columns) in images.chunks_exact(features).zip(columns.chunks_exact_mut(FEATURES)) {
                columns[..count].copy_from_slice(&image[first..first + count]);
            }
            ARCH.dispatch(Product {
                sizes: [FEATURES, batch, wide],
                a: (columns, Strides { rows: 1, columns: FEATURES }),
                b: (&widened, wide),
                c: (products, wide),
            });
            let places = scale[first..].iter().zip(&shift[first..]);
            let rows = by_weight.chunks_exact_mut(outputs).zip(products.chunks_exact(wide));
            for ((row, products), (scale, shift)) in rows.zip(places) {
                for ((value, product), bias) in row.iter_mut().zip(products).zip(&by_bias) {
                    *value = scale * product + shift * bias;
                }
            }
        },
    );
    [by_weight, by_bias]
}
