//! A step of gradient descent with momentum: one pass over parameters, gradient and velocity on all cores.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::affine::PART;
use crate::memory::written_both;
use crate::plain::Descent;
use crate::simd::ARCH;

/// Parameters and velocity after a step.
pub(crate) fn descend(
    descent: Descent,
    parameters: &[f32],
    gradient: &[f32],
    velocity: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let length = parameters.len();
    assert!(length == gradient.len() && length == velocity.len(), "a gradient and a velocity per parameter");
    let write = |after: &mut [MaybeUninit<f32>], moved: &mut [MaybeUninit<f32>]| {
        let inputs =
            parameters.par_chunks(PART).zip(gradient.par_chunks(PART)).zip(velocity.par_chunks(PART));
        let outputs = after.par_chunks_mut(PART).zip(moved.par_chunks_mut(PART));
        inputs.zip(outputs).for_each(|(((parameters, gradient), velocity), (after, moved))| {
            ARCH.dispatch(Step { descent, parameters, gradient, velocity, after, moved });
        });
    };
    // SAFETY: every value of both is written.
    unsafe { written_both(length, write) }
}

/// A part of [`descend`].
struct Step<'a> {
    descent: Descent,
    parameters: &'a [f32],
    gradient: &'a [f32],
    velocity: &'a [f32],
    after: &'a mut [MaybeUninit<f32>],
    moved: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { descent, parameters, gradient, velocity, after, moved } = self;
        let Descent { learning_rate, momentum, nesterov, weight_decay } = descent;
        let [rate, momentum, decay] = [learning_rate, momentum, weight_decay].map(|value| value as f32);
        // What of the velocity, and of the gradient again, makes the step.
        let [share, again] = if nesterov { [momentum, 1.0] } else { [1.0, 0.0] };
        let inputs = parameters.iter().zip(gradient).zip(velocity);
        for (((&parameter, &gradient), &velocity), (after, moved)) in
            inputs.zip(after.iter_mut().zip(moved.iter_mut()))
        {
            let gradient = parameter * decay + gradient;
            let velocity = velocity * momentum + gradient;
            after.write(parameter - (velocity * share + gradient * again) * rate);
            moved.write(velocity);
        }
    }
}
