//! The three transforms of tiles, each a few operations on vectors of channels.

use pulp::Simd;

/// Side of a tile that comes out.
pub(super) const TILE: usize = 4;
/// Side of a transformed tile, and of one that comes in.
pub(super) const SIDE: usize = 6;

/// A transform along one axis, from N values to M.
///
/// A trait rather than functions that are passed along: calls through `Fn` are not made part of their caller, and so lose its
/// vector instructions; for the same reason loops over arrays count here.
pub(super) trait Transform<const N: usize, const M: usize> {
    fn line<S: Simd>(simd: S, line: [S::f32s; N]) -> [S::f32s; M];

    /// Transforms the columns of a square, then its rows.
    #[inline(always)]
    fn square<S: Simd>(simd: S, square: &[[S::f32s; N]; N]) -> [[S::f32s; M]; M] {
        let zero = simd.splat_f32s(0.0);
        let mut half = [[zero; N]; M];
        for column in 0..N {
            let mut line = [zero; N];
            for row in 0..N {
                line[row] = square[row][column];
            }
            let line = Self::line(simd, line);
            for row in 0..M {
                half[row][column] = line[row];
            }
        }
        let mut result = [[zero; M]; M];
        for row in 0..M {
            result[row] = Self::line(simd, half[row]);
        }
        result
    }
}

/// Bᵀ d.
pub(super) struct Input;
/// Aᵀ m.
pub(super) struct Output;
/// A g.
pub(super) struct Gradient;

/// a + factor · b.
#[inline(always)]
fn plus<S: Simd>(simd: S, a: S::f32s, factor: f32, b: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(simd.splat_f32s(factor), b, a)
}

impl Transform<SIDE, SIDE> for Input {
    #[inline(always)]
    fn line<S: Simd>(simd: S, d: [S::f32s; SIDE]) -> [S::f32s; SIDE] {
        let (even, odd) = (plus(simd, d[4], -4.0, d[2]), plus(simd, d[3], -4.0, d[1]));
        let (outer, inner) = (simd.sub_f32s(d[4], d[2]), simd.sub_f32s(d[3], d[1]));
        [
            plus(simd, plus(simd, d[4], -5.0, d[2]), 4.0, d[0]),
            simd.add_f32s(even, odd),
            simd.sub_f32s(even, odd),
            plus(simd, outer, 2.0, inner),
            plus(simd, outer, -2.0, inner),
            plus(simd, plus(simd, d[5], -5.0, d[3]), 4.0, d[1]),
        ]
    }
}

impl Transform<SIDE, TILE> for Output {
    #[inline(always)]
    fn line<S: Simd>(simd: S, m: [S::f32s; SIDE]) -> [S::f32s; TILE] {
        let (one, two) = (simd.add_f32s(m[1], m[2]), simd.add_f32s(m[3], m[4]));
        let (odd_one, odd_two) = (simd.sub_f32s(m[1], m[2]), simd.sub_f32s(m[3], m[4]));
        [
            simd.add_f32s(m[0], simd.add_f32s(one, two)),
            plus(simd, odd_one, 2.0, odd_two),
            plus(simd, one, 4.0, two),
            simd.add_f32s(m[5], plus(simd, odd_one, 8.0, odd_two)),
        ]
    }
}

impl Transform<TILE, SIDE> for Gradient {
    #[inline(always)]
    fn line<S: Simd>(simd: S, g: [S::f32s; TILE]) -> [S::f32s; SIDE] {
        let (even, odd) = (simd.add_f32s(g[0], g[2]), simd.add_f32s(g[1], g[3]));
        let (even_two, odd_two) =
            (plus(simd, g[0], 4.0, g[2]), plus(simd, simd.add_f32s(g[1], g[1]), 8.0, g[3]));
        [
            g[0],
            simd.add_f32s(even, odd),
            simd.sub_f32s(even, odd),
            simd.add_f32s(even_two, odd_two),
            simd.sub_f32s(even_two, odd_two),
            g[3],
        ]
    }
}
