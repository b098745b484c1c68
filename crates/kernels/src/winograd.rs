//! 3×3 convolution of stride 1 with a quarter of the multiplications: Winograd's F(4×4, 3×3) (Lavin and Gray, *Fast Algorithms
//! for Convolutional Neural Networks*, 2016).
//!
//! A tile of 4×4 pixels that comes out depends on 6×6 that come in. With three constant matrices,
//!
//! - out = Aᵀ \[(G w Gᵀ) ⊙ (Bᵀ d B)\] A, for the weights w of one pair of channels and the tile d of one channel;
//! - so the gradient by w is Gᵀ \[(A g Aᵀ) ⊙ (Bᵀ d B)\] G, for the tile g of the gradient that comes back;
//! - and the gradient by d is a convolution again: of the gradient with w turned by 180°, in and out exchanged.
//!
//! At each of the 36 points of the transformed tile the product ⊙, summed over channels (or, for weights, over tiles), is a
//! matrix product. All channels of a pixel lie together, so every transform is a few operations on vectors of channels; a
//! thread works on as many tiles at a time as leave both sides of the products in its cache.
//!
//! Sums of larger and smaller numbers cost a digit or so: results differ from those of the plain sum by about 10⁻⁶ of their
//! size.

mod transform;
mod weight_gradient;

use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::affine::Finish;
use crate::border::{Border, Bordered, Source};
use crate::geometry::Geometry;
use crate::pool;
use crate::simd::{ARCH, LANES, ROWS, load, multiply, place, store, store_part};
use crate::window::{Pooling, Window};

use transform::{Input, Output, SIDE, TILE, Transform};

pub(crate) use weight_gradient::weight_gradient;

const POINTS: usize = SIDE * SIDE;
/// Values of transformed tiles that a thread works on at a time: a quarter of a usual second-level cache.
const CHUNK: usize = 1 << 16;
/// Fewest tiles that a thread works on at a time: the weights of wide layers come from a far cache for each chunk.
const LEAST: usize = 4 * ROWS;

/// How a convolution is cut up.
#[derive(Clone, Copy)]
struct Tiling {
    geometry: Geometry,
    /// Tiles down and across an image.
    tiles: [usize; 2],
    /// Tiles that are transformed at a time.
    chunk: usize,
    /// Images whose tiles fill a chunk.
    group: usize,
}

impl Tiling {
    fn new(geometry: Geometry) -> Self {
        let tiles = geometry.output().map(|side| side.div_ceil(TILE));
        let image = tiles[0] * tiles[1];
        let values = POINTS * (padded(geometry.channels_in) + padded(geometry.channels_out));
        let most = (geometry.batch * image).next_multiple_of(ROWS);
        let chunk = (CHUNK / values).next_multiple_of(ROWS).clamp(LEAST, most.max(LEAST));
        Self { geometry, tiles, chunk, group: (chunk / image).max(1) }
    }

    /// Height and width of an image with its border, out to whole tiles.
    fn bordered(&self) -> [usize; 2] {
        self.tiles.map(|tiles| TILE * tiles + SIDE - TILE)
    }

    /// Image, row and column of a tile of a group.
    fn place(&self, tile: usize) -> [usize; 3] {
        let [down, across] = self.tiles;
        [tile / (down * across), tile / across % down, tile % across]
    }

    /// Ranges of the tiles of `images` images, one per chunk.
    fn chunks(&self, images: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let (total, chunk) = (images * self.tiles[0] * self.tiles[1], self.chunk);
        (0..total).step_by(chunk).map(move |first| first..(first + chunk).min(total))
    }

    /// From one point to the next of a transformed chunk. A little more than the chunk, or the points of a tile would fight
    /// for the same places of the cache.
    fn point(&self, channels: usize) -> usize {
        self.chunk * padded(channels) + LANES
    }

    /// Where a tile's channel is among the values of a point: channels are in panels, as [`multiply`] wants them.
    fn within_point(&self, slot: usize, channel: usize) -> usize {
        place([slot, channel], self.chunk)
    }
}

/// Channels with those that fill up the last vector.
fn padded(channels: usize) -> usize {
    channels.next_multiple_of(LANES)
}

/// What a thread keeps from one convolution to the next.
#[derive(Default)]
struct Scratch {
    /// Images with a border.
    images: Bordered,
    /// Gradients out to whole tiles.
    gradients: Bordered,
    /// Transformed tiles of images: for each point `[tile, channel in]` in panels.
    inputs: Vec<f32>,
    /// `[tile, channel out]`.
    outputs: Vec<f32>,
    /// What a group of images gives before it is pooled.
    unpooled: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// At least `length` values, whatever they are.
fn at_least(values: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if values.len() < length {
        values.resize(length, 0.0);
    }
    &mut values[..length]
}

pub(crate) fn forward(
    geometry: Geometry,
    features: &[f32],
    weight: &[f32],
    finish: Option<Finish<'_>>,
    output: &mut [MaybeUninit<f32>],
) {
    let tiling = Tiling::new(geometry);
    let weight = transform_weight(geometry, weight, false);
    convolve(tiling, Source::Plain(features), &weight, finish, output);
}

/// The largest values under the windows of `pool`, and which pixels of the windows they are; where pooling comes last, behind `finish`. A group
/// of images is pooled while it is in the cache, so that what is not kept never goes to memory.
pub(crate) fn forward_pooled(
    geometry: Geometry,
    features: &[f32],
    weight: &[f32],
    (pool, finish): (Pooling, Option<Finish<'_>>),
    output: &mut [MaybeUninit<f32>],
    winners: &mut [MaybeUninit<u8>],
) {
    let tiling = Tiling::new(geometry);
    let weight = transform_weight(geometry, weight, false);
    let [height, width] = geometry.output();
    let shape = [1, height, width, geometry.channels_out];
    let [down, across] = pool.window().places(geometry.output());
    let (size, group) = (down * across * geometry.channels_out, tiling.group);
    let groups = output.par_chunks_mut(group * size).zip(winners.par_chunks_mut(group * size));
    groups.enumerate().for_each(|(number, (output, winners))| {
        let images = number * group..number * group + output.len() / size;
        let length = images.len() * geometry.image_out();
        let source = Source::Plain(features);
        SCRATCH.with_borrow_mut(|scratch| {
            let mut unpooled = std::mem::take(&mut scratch.unpooled);
            unpooled.clear();
            unpooled.reserve(length);
            let output_of_images = &mut unpooled.spare_capacity_mut()[..length];
            let weight = &weight;
            ARCH.dispatch(Convolve { tiling, source, images, weight, output: output_of_images, scratch });
            // SAFETY: a convolution writes every place and channel of its images.
            unsafe { unpooled.set_len(length) };
            if let (Pooling::Last(_), Some(finish)) = (pool, finish) {
                finish.apply(&mut unpooled);
            }
            let pooled = output.chunks_exact_mut(size).zip(winners.chunks_exact_mut(size));
            for (features, (output, winners)) in unpooled.chunks_exact(geometry.image_out()).zip(pooled) {
                pool::forward_image(features, shape, pool.window(), output, winners);
                if let (Pooling::First(_), Some(finish)) = (pool, finish) {
                    // SAFETY: pooling writes every place and channel of an image.
                    finish.apply(unsafe { output.assume_init_mut() });
                }
            }
            scratch.unpooled = unpooled;
        });
    });
}

pub(crate) fn input_gradient(
    geometry: Geometry,
    gradient: Source<'_>,
    weight: &[f32],
    output: &mut [MaybeUninit<f32>],
) {
    let turned = Geometry {
        plane: geometry.output(),
        channels_in: geometry.channels_out,
        channels_out: geometry.channels_in,
        window: Window { padding: geometry.window.padding.map(|padding| 2 - padding), ..geometry.window },
        ..geometry
    };
    convolve(Tiling::new(turned), gradient, &transform_weight(geometry, weight, true), None, output);
}

/// G along one axis: what a weight at 0, 1 or 2 gives to each of the six points.
const G: [[f32; 3]; SIDE] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// What the weight at `position` of nine gives to `point` of 36.
fn share(point: usize, position: usize) -> f32 {
    G[point / SIDE][position / 3] * G[point % SIDE][position % 3]
}

/// G w Gᵀ for all pairs of channels: for each point `[channel in, channel out]` in panels, as [`multiply`] wants them.
///
/// `turned`: the weights of the gradient by the features, turned by 180° and with in and out exchanged.
fn transform_weight(geometry: Geometry, weight: &[f32], turned: bool) -> Vec<f32> {
    let Geometry { channels_in, channels_out, .. } = geometry;
    let (inputs, outputs) = if turned { (channels_out, channels_in) } else { (channels_in, channels_out) };
    let wide = padded(outputs);
    let size = inputs * wide;
    let mut positions = vec![0.0; 9 * size];
    positions.par_chunks_mut(size).enumerate().for_each(|(position, values)| {
        for output in 0..outputs {
            for input in 0..inputs {
                let (pair, position) = if turned {
                    (input * channels_in + output, 8 - position)
                } else {
                    (output * channels_in + input, position)
                };
                values[place([input, output], inputs)] = weight[pair * 9 + position];
            }
        }
    });
    let mut points = vec![0.0; POINTS * size];
    points.par_chunks_mut(size).enumerate().for_each(|(point, values)| {
        let factors = std::array::from_fn::<_, 9, _>(|position| share(point, position));
        ARCH.dispatch(AddUp { parts: &positions, factors: &factors, output: values });
    });
    points
}

/// out = Σ factor i · part i, the parts lying one after another.
struct AddUp<'a> {
    parts: &'a [f32],
    factors: &'a [f32],
    output: &'a mut [f32],
}

impl WithSimd for AddUp<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { parts, factors, output } = self;
        for (part, &factor) in parts.chunks_exact(output.len()).zip(factors) {
            if factor != 0.0 {
                for (output, part) in output.iter_mut().zip(part) {
                    *output += factor * part;
                }
            }
        }
    }
}

/// Convolution with transformed weights; writes all of `output`.
fn convolve(
    tiling: Tiling,
    source: Source<'_>,
    weight: &[f32],
    finish: Option<Finish<'_>>,
    output: &mut [MaybeUninit<f32>],
) {
    let (group, size) = (tiling.group, tiling.geometry.image_out());
    output.par_chunks_mut(group * size).enumerate().for_each(|(number, output)| {
        let images = number * group..number * group + output.len() / size;
        SCRATCH.with_borrow_mut(|scratch| {
            ARCH.dispatch(Convolve { tiling, source, images, weight, output: &mut *output, scratch });
        });
        if let Some(finish) = finish {
            // SAFETY: a convolution writes every place and channel of its images.
            finish.apply(unsafe { output.assume_init_mut() });
        }
    });
}

/// One group of images.
struct Convolve<'a> {
    tiling: Tiling,
    source: Source<'a>,
    images: Range<usize>,
    weight: &'a [f32],
    output: &'a mut [MaybeUninit<f32>],
    scratch: &'a mut Scratch,
}

impl WithSimd for Convolve<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tiling, source, images: group, weight, output, scratch } = self;
        let Geometry { plane, channels_in, channels_out, window, .. } = tiling.geometry;
        let wide_out = padded(channels_out);
        let (step_in, step_out) = (tiling.point(channels_in), tiling.point(channels_out));
        let Scratch { images, inputs, outputs, .. } = scratch;
        let (padding, bordered, wide) = (window.padding, tiling.bordered(), padded(channels_in));
        let border = Border { padding, bordered, plane, channels: channels_in, wide };
        let images = images.read(border, source, group.clone());
        let inputs = at_least(inputs, POINTS * step_in);
        let outputs = at_least(outputs, POINTS * step_out);
        for range in tiling.chunks(group.len()) {
            let rows = range.len().next_multiple_of(ROWS);
            transform_tiles::<S, Input, SIDE>(simd, tiling, (images, channels_in), range.clone(), inputs);
            for point in 0..POINTS {
                multiply::<S, false>(
                    simd,
                    [rows, channels_in, wide_out],
                    (&inputs[point * step_in..], tiling.chunk),
                    (&weight[point * channels_in * wide_out..], channels_in),
                    (&mut outputs[point * step_out..], tiling.chunk),
                );
            }
            for (slot, tile) in range.enumerate() {
                for channel in (0..channels_out).step_by(S::F32_LANES) {
                    let points = &outputs[tiling.within_point(slot, channel)..];
                    write_tile(simd, tiling, tile, channel, (points, step_out), output);
                }
            }
        }
    }
}

/// Transforms tiles of N×N pixels, which begin 4 pixels apart, to `[point, tile, channel]`.
#[inline(always)]
fn transform_tiles<S: Simd, T: Transform<N, SIDE>, const N: usize>(
    simd: S,
    tiling: Tiling,
    (images, channels): (&[f32], usize),
    range: Range<usize>,
    into: &mut [f32],
) {
    let (wide, step, [height, width]) = (padded(channels), tiling.point(channels), tiling.bordered());
    assert!(range.len() <= tiling.chunk && into.len() >= POINTS * step);
    for (slot, tile) in range.enumerate() {
        let [image, y, x] = tiling.place(tile);
        let start = ((image * height + TILE * y) * width + TILE * x) * wide;
        assert!(start + ((N - 1) * width + N) * wide <= images.len());
        for channel in (0..wide).step_by(S::F32_LANES) {
            // SAFETY: the assertions above; a vector at `channel` ends within `wide`, a multiple of its length.
            unsafe {
                let from = images.as_ptr().add(start + channel);
                let mut square = [[simd.splat_f32s(0.0); N]; N];
                for row in 0..N {
                    for column in 0..N {
                        square[row][column] = load(simd, from.add((row * width + column) * wide));
                    }
                }
                let square = T::square(simd, &square);
                let into = into.as_mut_ptr().add(tiling.within_point(slot, channel));
                for row in 0..SIDE {
                    for column in 0..SIDE {
                        store(simd, into.add((row * SIDE + column) * step), square[row][column]);
                    }
                }
            }
        }
    }
}

/// Aᵀ m A for one vector of channels of a tile, written where the tile lies in the image, as far as it does.
#[inline(always)]
fn write_tile<S: Simd>(
    simd: S,
    tiling: Tiling,
    tile: usize,
    channel: usize,
    (points, step): (&[f32], usize),
    output: &mut [MaybeUninit<f32>],
) {
    assert!(points.len() >= (POINTS - 1) * step + S::F32_LANES);
    let mut square = [[simd.splat_f32s(0.0); SIDE]; SIDE];
    for row in 0..SIDE {
        for column in 0..SIDE {
            // SAFETY: the assertion above.
            square[row][column] = unsafe { load(simd, points.as_ptr().add((row * SIDE + column) * step)) };
        }
    }
    let square = Output::square(simd, &square);
    let [image, y, x] = tiling.place(tile);
    let ([height, width], channels) = (tiling.geometry.output(), tiling.geometry.channels_out);
    let lanes = S::F32_LANES.min(channels - channel);
    for row in 0..TILE.min(height - TILE * y) {
        for column in 0..TILE.min(width - TILE * x) {
            let pixel = (image * height + TILE * y + row) * width + TILE * x + column;
            store_part(simd, &mut output[pixel * channels + channel..][..lanes], square[row][column]);
        }
    }
}

#[cfg(test)]
mod tests;
