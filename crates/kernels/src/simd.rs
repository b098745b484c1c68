//! The few vector operations that the kernels need in addition to pulp's.

use std::mem::MaybeUninit;
use std::sync::LazyLock;

use pulp::{Arch, Simd, bytemuck};

/// The best instruction set of this machine.
///
/// What is dispatched is a structure rather than a closure, whose body would not be made part of the function that has the
/// instructions, and so be compiled without them.
pub(crate) static ARCH: LazyLock<Arch> = LazyLock::new(Arch::new);

/// Channels are padded to a multiple of this, the widest vector's `f32`s.
pub(crate) const LANES: usize = 16;

/// Loads a vector.
///
/// # Safety
/// As many `f32` as a vector has lie at `from`.
#[inline(always)]
pub(crate) unsafe fn load<S: Simd>(_: S, from: *const f32) -> S::f32s {
    // SAFETY: what the caller promises; a vector of f32 is valid for any bits.
    unsafe { from.cast::<S::f32s>().read_unaligned() }
}

/// Stores a vector.
///
/// # Safety
/// `into` may be written for as many `f32` as a vector has.
#[inline(always)]
pub(crate) unsafe fn store<S: Simd>(_: S, into: *mut f32, vector: S::f32s) {
    // SAFETY: what the caller promises.
    unsafe { into.cast::<S::f32s>().write_unaligned(vector) }
}

/// Loads up to a vector, the rest being zeros.
#[inline(always)]
pub(crate) fn load_part<S: Simd>(simd: S, from: &[f32]) -> S::f32s {
    if from.len() == S::F32_LANES {
        // SAFETY: there is a whole vector.
        unsafe { load(simd, from.as_ptr()) }
    } else {
        simd.partial_load_f32s(from)
    }
}

/// Stores as much of a vector as `into` takes.
#[inline(always)]
pub(crate) fn store_part<S: Simd>(simd: S, into: &mut [MaybeUninit<f32>], vector: S::f32s) {
    if into.len() == S::F32_LANES {
        // SAFETY: there is room for a whole vector.
        unsafe { store(simd, into.as_mut_ptr().cast(), vector) }
    } else {
        let values: &[f32] = bytemuck::cast_slice(std::slice::from_ref(&vector));
        for (into, &value) in into.iter_mut().zip(values) {
            into.write(value);
        }
    }
}

/// Values of a matrix of `rows` × `columns` in panels: see [`multiply`].
pub(crate) const fn panels(rows: usize, columns: usize) -> usize {
    rows * columns.next_multiple_of(LANES)
}

/// Where an entry lies among panels of `rows` rows.
#[inline(always)]
pub(crate) const fn place([row, column]: [usize; 2], rows: usize) -> usize {
    (column / LANES * rows + row) * LANES + column % LANES
}

/// C = A B, or C += Aᵀ B if `ADD_TRANSPOSED`, for A `[m, k]` or Aᵀ `[m, k]`, B `[k, n]` and C `[m, n]`.
///
/// Each matrix is in panels of [`LANES`] columns, one after the other, each with its rows one after the other; the second of each pair
/// is how many rows its panels have. So what is read together lies together, and streams in from far caches.
///
/// For the small products of a tiled algorithm, whose operands lie in the cache. `n` is a multiple of [`LANES`]; `m` of [`ROWS`].
#[inline(always)]
pub(crate) fn multiply<S: Simd, const ADD_TRANSPOSED: bool>(
    simd: S,
    [m, k, n]: [usize; 3],
    (a, a_rows): (&[f32], usize),
    (b, b_rows): (&[f32], usize),
    (c, c_rows): (&mut [f32], usize),
) {
    assert!(m % ROWS == 0 && n % LANES == 0 && k <= b_rows && m <= c_rows);
    let [high, across] = if ADD_TRANSPOSED { [k, m] } else { [m, k] };
    assert!(high <= a_rows && panels(a_rows, across) <= a.len());
    assert!(panels(b_rows, n) <= b.len() && panels(c_rows, n) <= c.len());
    let wide = S::REGISTER_COUNT >= 32;
    let rows = if wide { ROWS } else { ROWS / 2 };
    let mut column = 0;
    while column < n {
        let vectors = if n - column > S::F32_LANES { 2 } else { 1 };
        for row in (0..m).step_by(rows) {
            // SAFETY: the assertions above, for every row, column and inner index below m, n and k.
            unsafe {
                let (a, b, c) = ((a.as_ptr(), a_rows), (b.as_ptr(), b_rows), (c.as_mut_ptr(), c_rows));
                let at = [row, column];
                match (wide, vectors) {
                    (true, 2) => block::<S, ADD_TRANSPOSED, ROWS, 2>(simd, k, at, a, b, c),
                    (true, _) => block::<S, ADD_TRANSPOSED, ROWS, 1>(simd, k, at, a, b, c),
                    (false, 2) => block::<S, ADD_TRANSPOSED, { ROWS / 2 }, 2>(simd, k, at, a, b, c),
                    (false, _) => block::<S, ADD_TRANSPOSED, { ROWS / 2 }, 1>(simd, k, at, a, b, c),
                }
            }
        }
        column += vectors * S::F32_LANES;
    }
}

/// Rows that [`multiply`] works on at a time.
pub(crate) const ROWS: usize = 8;

/// R rows by Q vectors of C, kept in registers while the inner index runs.
///
/// # Safety
/// What [`multiply`] asserts, for R rows from `row` and Q vectors from `column` on.
#[inline(always)]
unsafe fn block<S: Simd, const ADD_TRANSPOSED: bool, const R: usize, const Q: usize>(
    simd: S,
    k: usize,
    [row, column]: [usize; 2],
    (a, a_rows): (*const f32, usize),
    (b, b_rows): (*const f32, usize),
    (c, c_rows): (*mut f32, usize),
) {
    // From one row of A B to the next, from one inner index to the next, and from one panel of them to the next.
    let [by_row, by_inner, by_panel] =
        if ADD_TRANSPOSED { [1, LANES, LANES * LANES] } else { [LANES, 1, a_rows * LANES] };
    // SAFETY: what the caller promises.
    unsafe {
        let a = a.add(place(if ADD_TRANSPOSED { [0, row] } else { [row, 0] }, a_rows));
        let (mut from, mut into) = ([b; Q], [c; Q]);
        for q in 0..Q {
            let column = column + q * S::F32_LANES;
            from[q] = b.add(place([0, column], b_rows));
            into[q] = c.add(place([row, column], c_rows));
        }
        let mut sums = [[simd.splat_f32s(0.0); Q]; R];
        if ADD_TRANSPOSED {
            for r in 0..R {
                for q in 0..Q {
                    sums[r][q] = load(simd, into[q].add(r * LANES));
                }
            }
        }
        for first in (0..k).step_by(LANES) {
            let a = a.add(first / LANES * by_panel);
            for inner in 0..LANES.min(k - first) {
                let mut values = [simd.splat_f32s(0.0); Q];
                for q in 0..Q {
                    values[q] = load(simd, from[q].add((first + inner) * LANES));
                }
                for r in 0..R {
                    let factor = simd.splat_f32s(*a.add(r * by_row + inner * by_inner));
                    for q in 0..Q {
                        sums[r][q] = simd.mul_add_e_f32s(factor, values[q], sums[r][q]);
                    }
                }
            }
        }
        for r in 0..R {
            for q in 0..Q {
                store(simd, into[q].add(r * LANES), sums[r][q]);
            }
        }
    }
}

/// Every instruction set that this machine has, for tests: the kernels must agree on all of them.
#[cfg(test)]
pub(crate) fn architectures() -> Vec<Arch> {
    let mut all = vec![Arch::Scalar, *ARCH];
    #[cfg(target_arch = "x86_64")]
    all.extend(pulp::x86::V3::try_new().map(Arch::V3));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use pulp::WithSimd;

    struct Multiply<'a> {
        sizes: [usize; 3],
        a: &'a [f32],
        transposed: &'a [f32],
        b: &'a [f32],
        c: &'a mut [f32],
    }

    impl WithSimd for Multiply<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let [m, k, _] = self.sizes;
            multiply::<S, false>(simd, self.sizes, (self.a, m), (self.b, k), (self.c, m));
            multiply::<S, true>(simd, self.sizes, (self.transposed, k), (self.b, k), (self.c, m));
        }
    }

    /// A matrix in panels.
    fn matrix([rows, columns]: [usize; 2], entry: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        let mut values = vec![0.0; panels(rows, columns)];
        for row in 0..rows {
            for column in 0..columns {
                values[place([row, column], rows)] = entry(row, column);
            }
        }
        values
    }

    proptest! {
        #[test]
        fn products(rows in 0usize..4, k in 1usize..40, columns in 0usize..5) {
            let (m, n) = (rows * ROWS, columns * LANES);
            // Whole numbers, so that every order of summation gives the same.
            let a = |row: usize, inner: usize| ((row * k + inner) * 7 % 11) as f32 - 5.0;
            let b = |inner: usize, column: usize| ((inner * n + column) * 5 % 13) as f32 - 6.0;
            let product =
                |row: usize, column: usize| 2.0 * (0..k).map(|inner| a(row, inner) * b(inner, column)).sum::<f32>();
            let expected = matrix([m, n], product);
            let (left, right) = (matrix([m, k], a), matrix([k, n], b));
            let transposed = matrix([k, m], |inner, row| a(row, inner));
            for arch in architectures() {
                let mut c = vec![f32::NAN; m * n];
                arch.dispatch(Multiply { sizes: [m, k, n], a: &left, transposed: &transposed, b: &right, c: &mut c });
                prop_assert_eq!(&c, &expected, "{:?}", arch);
            }
        }
    }
}
