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

/// A matrix in memory: entry (row, column) lies `row * rows + column * columns` after the start.
#[derive(Clone, Copy)]
pub(crate) struct Strides {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

/// C = A B, or C += A B, for A `[m, k]`, B `[k, n]` and C `[m, n]`, rows of B and C being contiguous.
///
/// For the small products of a tiled algorithm, whose operands lie in the cache: nothing is packed. `n` is a multiple of
/// [`LANES`]; `m` of [`ROWS`].
#[inline(always)]
pub(crate) fn multiply<S: Simd, const ADD: bool>(
    simd: S,
    [m, k, n]: [usize; 3],
    (a, at): (&[f32], Strides),
    (b, b_row): (&[f32], usize),
    (c, c_row): (&mut [f32], usize),
) {
    assert!(m % ROWS == 0 && n % LANES == 0);
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    assert!((m - 1) * at.rows + (k - 1) * at.columns < a.len());
    assert!((k - 1) * b_row + n <= b.len() && (m - 1) * c_row + n <= c.len());
    let wide = S::REGISTER_COUNT >= 32;
    let mut column = 0;
    while column < n {
        let left = (n - column) / S::F32_LANES;
        let vectors = if left >= 2 { 2 } else { 1 };
        let rows = if wide { ROWS } else { ROWS / 2 };
        for row in (0..m).step_by(rows) {
            // SAFETY: the assertions above, for every row, column and inner index below m, n and k.
            unsafe {
                let a = a.as_ptr().add(row * at.rows);
                let b = b.as_ptr().add(column);
                let c = c.as_mut_ptr().add(row * c_row + column);
                match (wide, vectors) {
                    (true, 2) => block::<S, ADD, ROWS, 2>(simd, k, (a, at), (b, b_row), (c, c_row)),
                    (true, _) => block::<S, ADD, ROWS, 1>(simd, k, (a, at), (b, b_row), (c, c_row)),
                    (false, 2) => block::<S, ADD, { ROWS / 2 }, 2>(simd, k, (a, at), (b, b_row), (c, c_row)),
                    (false, _) => block::<S, ADD, { ROWS / 2 }, 1>(simd, k, (a, at), (b, b_row), (c, c_row)),
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
/// All entries of A `[R, k]`, B `[k, Q vectors]` and C `[R, Q vectors]` may be read, C's written too.
#[inline(always)]
unsafe fn block<S: Simd, const ADD: bool, const R: usize, const Q: usize>(
    simd: S,
    k: usize,
    (a, at): (*const f32, Strides),
    (b, b_row): (*const f32, usize),
    (c, c_row): (*mut f32, usize),
) {
    // SAFETY: what the caller promises.
    unsafe {
        let mut sums = [[simd.splat_f32s(0.0); Q]; R];
        if ADD {
            for r in 0..R {
                for q in 0..Q {
                    sums[r][q] = load(simd, c.add(r * c_row + q * S::F32_LANES));
                }
            }
        }
        for inner in 0..k {
            let mut row = [simd.splat_f32s(0.0); Q];
            for q in 0..Q {
                row[q] = load(simd, b.add(inner * b_row + q * S::F32_LANES));
            }
            for r in 0..R {
                let factor = simd.splat_f32s(*a.add(r * at.rows + inner * at.columns));
                for q in 0..Q {
                    sums[r][q] = simd.mul_add_e_f32s(factor, row[q], sums[r][q]);
                }
            }
        }
        for r in 0..R {
            for q in 0..Q {
                store(simd, c.add(r * c_row + q * S::F32_LANES), sums[r][q]);
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
        at: Strides,
        b: &'a [f32],
        c: &'a mut [f32],
    }

    impl WithSimd for Multiply<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let [_, _, n] = self.sizes;
            multiply::<S, false>(simd, self.sizes, (self.a, self.at), (self.b, n), (self.c, n));
            multiply::<S, true>(simd, self.sizes, (self.a, self.at), (self.b, n), (self.c, n));
        }
    }

    proptest! {
        #[test]
        fn products(rows in 0usize..4, k in 1usize..20, columns in 0usize..5, transposed: bool) {
            let (m, n) = (rows * ROWS, columns * LANES);
            // Whole numbers, so that every order of summation gives the same.
            let a: Vec<f32> = (0..m * k).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
            let b: Vec<f32> = (0..k * n).map(|i| (i * 5 % 13) as f32 - 6.0).collect();
            let at = if transposed { Strides { rows: 1, columns: m } } else { Strides { rows: k, columns: 1 } };
            let entry = |row: usize, column: usize| -> f32 {
                (0..k).map(|inner| a[row * at.rows + inner * at.columns] * b[inner * n + column]).sum()
            };
            let expected: Vec<f32> = (0..m * n).map(|place| 2.0 * entry(place / n, place % n)).collect();
            for arch in architectures() {
                let mut c = vec![f32::NAN; m * n];
                arch.dispatch(Multiply { sizes: [m, k, n], a: &a, at, b: &b, c: &mut c });
                prop_assert_eq!(&c, &expected, "{:?}", arch);
            }
        }
    }
}
