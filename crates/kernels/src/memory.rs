//! Vectors that are written once, by all cores, rather than filled with zeros by one of them first.

use std::mem::MaybeUninit;

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
