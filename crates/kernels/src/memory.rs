//! Memory: vectors that are written once, by all cores, rather than filled with zeros by one of them first; and an allocator
//! that keeps what is freed.

use std::mem::MaybeUninit;

use rayon::prelude::*;

/// Tells mimalloc to keep freed memory for the program rather than return it to the system.
///
/// A step of training frees what the next one asks for again. Were it returned in between, the system would have to fill it
/// with zeros each time, a fifth of the time of a step. Does nothing in programs with another allocator.
#[cfg(feature = "mimalloc")]
pub fn keep_freed_memory() {
    /// `mi_option_purge_delay` of mimalloc.h: milliseconds until freed memory is returned, or never.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    // SAFETY: sets a number that mimalloc reads when it next frees something.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
}

/// `count` rows of `width` values each, one after the other: `fill(row, values)` is given each of them, on all cores, as zeros.
#[must_use]
pub fn rows<T: Copy + Default + Send>(
    count: usize,
    width: usize,
    fill: impl Fn(usize, &mut [T]) + Sync,
) -> Vec<T> {
    let write = |values: &mut [MaybeUninit<T>]| {
        if width > 0 {
            values.par_chunks_exact_mut(width).enumerate().for_each(|(row, values)| {
                values.fill(MaybeUninit::new(T::default()));
                // SAFETY: all have just been written.
                fill(row, unsafe { values.assume_init_mut() });
            });
        }
    };
    // SAFETY: every value is in one of the rows, all of which are written; there are none if rows have no width.
    unsafe { written(count * width, write) }
}

/// A vector of `length` values that `write` writes.
///
/// # Safety
/// `write` writes every value.
pub(crate) unsafe fn written<T>(length: usize, write: impl FnOnce(&mut [MaybeUninit<T>])) -> Vec<T> {
    let mut values = Vec::with_capacity(length);
    write(&mut values.spare_capacity_mut()[..length]);
    // SAFETY: there is room for them, and the caller promises that they are written.
    unsafe { values.set_len(length) };
    values
}

/// Two vectors of `length` values that `write` writes.
///
/// # Safety
/// `write` writes every value of both.
#[cfg(feature = "flex")]
pub(crate) unsafe fn written_both<T, U>(
    length: usize,
    write: impl FnOnce(&mut [MaybeUninit<T>], &mut [MaybeUninit<U>]),
) -> (Vec<T>, Vec<U>) {
    let mut second = Vec::new();
    // SAFETY: what the caller promises.
    let first = unsafe { written(length, |first| second = written(length, |second| write(first, second))) };
    (first, second)
}

/// Fills values with zeros.
#[cfg(feature = "flex")]
pub(crate) fn zeroed(values: &mut [MaybeUninit<f32>]) -> &mut [f32] {
    values.fill(MaybeUninit::new(0.0));
    // SAFETY: all have just been written.
    unsafe { values.assume_init_mut() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_begin_as_zeros_and_lie_one_after_the_other() {
        let numbered = rows(3, 2, |row, values: &mut [u8]| values[1] = row as u8 + 1);
        assert_eq!(numbered, [0, 1, 0, 2, 0, 3]);
        assert!(rows(3, 0, |_, _: &mut [f32]| unreachable!()).is_empty());
        assert!(rows(0, 3, |_, _: &mut [f32]| unreachable!()).is_empty());
    }
}
