//! softmax(Q Kᵀ / √d) V for each image and head, and its gradients. Images go to the cores one by one; a head's matrices lie in a
//! thread's cache, and no score is written to memory: the gradient computes them again, which costs less than to read them.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::memory::{written, written_both};
use crate::simd::{ARCH, LANES, ROWS, multiply, panels};
use crate::slopes::exp_negative;

/// The sizes of attention.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Places of an image.
    places: usize,
    heads: usize,
    /// Channels of a head.
    channels: usize,
}

impl Sizes {
    pub(crate) fn new([_, height, width, channels]: [usize; 4], heads: usize) -> Self {
        Self { places: height * width, heads, channels: channels / heads }
    }

    const fn width(self) -> usize {
        self.heads * self.channels
    }

    fn image(self) -> usize {
        (self.places * self.width()).max(1)
    }

    fn scale(self) -> f32 {
        1.0 / (self.channels as f32).sqrt()
    }
}

pub(crate) fn forward(sizes: Sizes, [query, key, value]: [&[f32]; 3]) -> Vec<f32> {
    let image = sizes.image();
    let write = |output: &mut [MaybeUninit<f32>]| {
        let inputs = query.par_chunks(image).zip(key.par_chunks(image)).zip(value.par_chunks(image));
        inputs.zip(output.par_chunks_mut(image)).for_each_init(
            || Forward::new(sizes),
            |work, (((query, key), value), output)| {
                ARCH.dispatch(ForwardImage { sizes, inputs: [query, key, value], work, output });
            },
        );
    };
    // SAFETY: every value of an image is a channel of one of its heads, all of which are written.
    unsafe { written(query.len(), write) }
}

/// The gradients by query, key and value.
pub(crate) fn backward(sizes: Sizes, [query, key, value]: [&[f32]; 3], gradient: &[f32]) -> [Vec<f32>; 3] {
    let image = sizes.image();
    let write = |outputs: [&mut [MaybeUninit<f32>]; 3]| {
        let [by_query, by_key, by_value] = outputs.map(|output| output.par_chunks_mut(image));
        let inputs = query.par_chunks(image).zip(key.par_chunks(image)).zip(value.par_chunks(image));
        let outputs = by_query.zip(by_key).zip(by_value);
        inputs.zip(gradient.par_chunks(image)).zip(outputs).for_each_init(
            || Backward::new(sizes),
            |work, ((((query, key), value), gradient), ((by_query, by_key), by_value))| {
                let (inputs, outputs) = ([query, key, value], [by_query, by_key, by_value]);
                ARCH.dispatch(BackwardImage { sizes, inputs, gradient, work, outputs });
            },
        );
    };
    let length = query.len();
    let mut by_query = Vec::new();
    // SAFETY: as in `forward`, of all three.
    let (by_key, by_value) = unsafe {
        written_both(length, |by_key, by_value| {
            by_query = written(length, |by_query| write([by_query, by_key, by_value]));
        })
    };
    [by_query, by_key, by_value]
}

/// A matrix in panels of [`LANES`] columns, as [`multiply`] takes them.
struct Matrix {
    values: Vec<f32>,
    rows: usize,
    columns: usize,
}

impl Matrix {
    /// Of zeros; rows are added for what [`multiply`] works on at a time.
    fn new(rows: usize, columns: usize) -> Self {
        let rows = rows.next_multiple_of(ROWS);
        Self { values: vec![0.0; panels(rows, columns)], rows, columns }
    }

    /// Takes the rows of a head: `columns` of each `width` values.
    #[inline(always)]
    fn pack(&mut self, values: &[f32], width: usize) {
        for (number, panel) in self.values.chunks_exact_mut(self.rows * LANES).enumerate() {
            let first = number * LANES;
            let columns = LANES.min(self.columns - first);
            for (row, values) in panel.chunks_exact_mut(LANES).zip(values.chunks(width)) {
                row[..columns].copy_from_slice(&values[first..first + columns]);
            }
        }
    }

    /// The same as columns.
    #[inline(always)]
    fn pack_transposed(&mut self, values: &[f32], width: usize, rows: usize) {
        for (number, panel) in self.values.chunks_exact_mut(self.rows * LANES).enumerate() {
            let columns = values.chunks(width).skip(number * LANES).take(LANES);
            for (column, values) in columns.enumerate() {
                for row in 0..rows {
                    panel[row * LANES + column] = values[row];
                }
            }
        }
    }

    /// Gives a head's rows back, times `scale`.
    #[inline(always)]
    fn unpack(&self, values: &mut [MaybeUninit<f32>], width: usize, scale: f32) {
        for (number, panel) in self.values.chunks_exact(self.rows * LANES).enumerate() {
            let first = number * LANES;
            let columns = LANES.min(self.columns - first);
            for (row, values) in panel.chunks_exact(LANES).zip(values.chunks_mut(width)) {
                for column in 0..columns {
                    values[first + column].write(row[column] * scale);
                }
            }
        }
    }

    /// C = A B, over the first `inner` columns of A.
    #[inline(always)]
    fn product<S: Simd>(&mut self, simd: S, a: &Self, b: &Self, inner: usize) {
        let sizes = [self.rows, inner, self.columns.next_multiple_of(LANES)];
        let (a, b) = ((a.values.as_slice(), a.rows), (b.values.as_slice(), b.rows));
        multiply::<S, false>(simd, sizes, a, b, (&mut self.values, self.rows));
    }

    /// C = Aᵀ B, over the first `inner` rows of A.
    #[inline(always)]
    fn transposed_product<S: Simd>(&mut self, simd: S, a: &Self, b: &Self, inner: usize) {
        self.values.fill(0.0);
        let sizes = [self.rows, inner, self.columns.next_multiple_of(LANES)];
        let (a, b) = ((a.values.as_slice(), a.rows), (b.values.as_slice(), b.rows));
        multiply::<S, true>(simd, sizes, a, b, (&mut self.values, self.rows));
    }

    /// A row, panel by panel, and what fills the last one up.
    #[inline(always)]
    fn row(&self, row: usize) -> impl Iterator<Item = &[f32; LANES]> {
        self.values.as_chunks().0.iter().skip(row).step_by(self.rows)
    }

    #[inline(always)]
    fn row_mut(&mut self, row: usize) -> impl Iterator<Item = &mut [f32; LANES]> {
        self.values.as_chunks_mut().0.iter_mut().skip(row).step_by(self.rows)
    }
}

/// What the attention of a head is computed with.
struct Forward {
    query: Matrix,
    key_transposed: Matrix,
    value: Matrix,
    attention: Matrix,
    output: Matrix,
}

impl Forward {
    fn new(Sizes { places, channels, .. }: Sizes) -> Self {
        let of_channels = || Matrix::new(places, channels);
        Self {
            query: of_channels(),
            key_transposed: Matrix::new(channels, places),
            value: of_channels(),
            attention: Matrix::new(places, places),
            output: of_channels(),
        }
    }

    /// softmax(Q Kᵀ / √d) of a head, whose channels are the first of each place.
    #[inline(always)]
    fn attend<S: Simd>(&mut self, simd: S, sizes: Sizes, [query, key, value]: [&[f32]; 3]) {
        self.query.pack(query, sizes.width());
        self.key_transposed.pack_transposed(key, sizes.width(), sizes.channels);
        self.value.pack(value, sizes.width());
        self.attention.product(simd, &self.query, &self.key_transposed, sizes.channels);
        for place in 0..sizes.places {
            softmax(&mut self.attention, place, sizes.scale());
        }
    }
}

/// softmax(s · scale) of a row.
#[inline(always)]
fn softmax(scores: &mut Matrix, row: usize, scale: f32) {
    let columns = scores.columns;
    if let Some(last) = scores.row_mut(row).last() {
        // What fills the panel up gets no share.
        last[(columns - 1) % LANES + 1..].fill(f32::NEG_INFINITY);
    }
    let mut largest = [f32::NEG_INFINITY; LANES];
    for scores in scores.row(row) {
        for lane in 0..LANES {
            largest[lane] = if largest[lane] < scores[lane] { scores[lane] } else { largest[lane] };
        }
    }
    let largest = largest.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let mut sums = [0.0; LANES];
    for scores in scores.row_mut(row) {
        for lane in 0..LANES {
            scores[lane] = exp_negative((largest - scores[lane]) * scale);
            sums[lane] += scores[lane];
        }
    }
    let factor = 1.0 / sums.iter().sum::<f32>();
    for shares in scores.row_mut(row) {
        for lane in 0..LANES {
            shares[lane] *= factor;
        }
    }
}

struct ForwardImage<'a> {
    sizes: Sizes,
    inputs: [&'a [f32]; 3],
    work: &'a mut Forward,
    output: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for ForwardImage<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sizes, inputs, work, output } = self;
        for head in 0..sizes.heads {
            let first = head * sizes.channels;
            work.attend(simd, sizes, inputs.map(|values| &values[first..]));
            work.output.product(simd, &work.attention, &work.value, sizes.places);
            work.output.unpack(&mut output[first..], sizes.width(), 1.0);
        }
    }
}

/// What a head's gradients are computed with: P = softmax(Q Kᵀ / √d) and O = P V, given the gradient Ȯ.
struct Backward {
    forward: Forward,
    key: Matrix,
    value_transposed: Matrix,
    gradient: Matrix,
    /// Ṗ, then that of Q Kᵀ.
    slopes: Matrix,
    result: Matrix,
}

impl Backward {
    fn new(sizes: Sizes) -> Self {
        let Sizes { places, channels, .. } = sizes;
        let of_channels = || Matrix::new(places, channels);
        Self {
            forward: Forward::new(sizes),
            key: of_channels(),
            value_transposed: Matrix::new(channels, places),
            gradient: of_channels(),
            slopes: Matrix::new(places, places),
            result: of_channels(),
        }
    }

    /// P ∘ (Ṗ − Σ P Ṗ), the sum over each row.
    #[inline(always)]
    fn through_softmax(&mut self, places: usize) {
        let attention = &self.forward.attention;
        for place in 0..places {
            let mut sums = [0.0; LANES];
            for (slopes, attention) in self.slopes.row(place).zip(attention.row(place)) {
                for lane in 0..LANES {
                    sums[lane] += slopes[lane] * attention[lane];
                }
            }
            let sum: f32 = sums.iter().sum();
            for (slopes, attention) in self.slopes.row_mut(place).zip(attention.row(place)) {
                for lane in 0..LANES {
                    slopes[lane] = attention[lane] * (slopes[lane] - sum);
                }
            }
        }
    }
}

struct BackwardImage<'a> {
    sizes: Sizes,
    inputs: [&'a [f32]; 3],
    gradient: &'a [f32],
    work: &'a mut Backward,
    outputs: [&'a mut [MaybeUninit<f32>]; 3],
}

impl WithSimd for BackwardImage<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sizes, inputs, gradient, work, outputs: [by_query, by_key, by_value] } = self;
        let Sizes { places, channels, .. } = sizes;
        let (width, scale) = (sizes.width(), sizes.scale());
        for head in 0..sizes.heads {
            let first = head * channels;
            let [query, key, value] = inputs.map(|values| &values[first..]);
            work.forward.attend(simd, sizes, [query, key, value]);
            work.key.pack(key, width);
            work.value_transposed.pack_transposed(value, width, channels);
            work.gradient.pack(&gradient[first..], width);
            // By V: Pᵀ Ȯ.
            work.result.transposed_product(simd, &work.forward.attention, &work.gradient, places);
            work.result.unpack(&mut by_value[first..], width, 1.0);
            // By P: Ȯ Vᵀ.
            work.slopes.product(simd, &work.gradient, &work.value_transposed, channels);
            work.through_softmax(places);
            work.result.product(simd, &work.slopes, &work.key, places);
            work.result.unpack(&mut by_query[first..], width, scale);
            work.result.transposed_product(simd, &work.slopes, &work.forward.query, places);
            work.result.unpack(&mut by_key[first..], width, scale);
        }
    }
}
