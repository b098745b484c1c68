//! f(x + y), the end of a residual block, and its gradient: one pass over both rather than one for the sum and one for the
//! activation.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::activation::Activation;
use crate::affine::PART;
use crate::memory::written;
use crate::simd::ARCH;
use crate::slopes::{Function, with_function};

/// f(x + y).
pub(crate) fn forward(left: &[f32], right: &[f32], activation: Activation) -> Vec<f32> {
    assert_eq!(left.len(), right.len(), "two features of one shape");
    let write = |output: &mut [MaybeUninit<f32>]| {
        let tasks = left.par_chunks(PART).zip(right.par_chunks(PART)).zip(output.par_chunks_mut(PART));
        with_function!(activation, function => {
            tasks.for_each(|((left, right), output)| ARCH.dispatch(Apply { function, left, right, output }));
        });
    };
    // SAFETY: every value is written.
    unsafe { written(left.len(), write) }
}

/// A part of [`forward`].
struct Apply<'a, F> {
    function: F,
    left: &'a [f32],
    right: &'a [f32],
    output: &'a mut [MaybeUninit<f32>],
}

impl<F: Function> WithSimd for Apply<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { function, left, right, output } = self;
        for ((&left, &right), output) in left.iter().zip(right).zip(output) {
            output.write(function.value(left + right));
        }
    }
}

/// g f′(x + y), the gradient by x and by y.
pub(crate) fn backward(left: &[f32], right: &[f32], gradient: &[f32], activation: Activation) -> Vec<f32> {
    assert!(left.len() == right.len() && left.len() == gradient.len(), "a gradient for each value");
    let write = |output: &mut [MaybeUninit<f32>]| {
        let inputs = left.par_chunks(PART).zip(right.par_chunks(PART)).zip(gradient.par_chunks(PART));
        with_function!(activation, function => {
            inputs.zip(output.par_chunks_mut(PART)).for_each(|(((left, right), gradient), output)| {
                ARCH.dispatch(Slope { function, left, right, gradient, output });
            });
        });
    };
    // SAFETY: every value is written.
    unsafe { written(left.len(), write) }
}

/// A part of [`backward`].
struct Slope<'a, F> {
    function: F,
    left: &'a [f32],
    right: &'a [f32],
    gradient: &'a [f32],
    output: &'a mut [MaybeUninit<f32>],
}

impl<F: Function> WithSimd for Slope<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { function, left, right, gradient, output } = self;
        let inputs = left.iter().zip(right).zip(gradient);
        for (((&left, &right), &gradient), output) in inputs.zip(output) {
            output.write(gradient * function.slope(left + right));
        }
    }
}
