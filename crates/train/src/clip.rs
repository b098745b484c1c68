//! Limits to gradients.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::parameters::sum;

/// Scales all gradients of `model` by the same factor so that their norm, taken over all of them, is at most `largest`
/// (Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural networks*, 2013):
/// g ← g · min(1, c / (‖g‖ + 1e-6)).
///
/// Burn's own clipping takes the norm of each parameter by itself, which changes the direction of the step.
pub(crate) fn clip_norm<M: Module>(gradients: &mut GradientsParams, model: &M, largest: f64) {
    let mut squares = Squares { gradients, sum: None };
    model.visit(&mut squares);
    let Some(sum) = squares.sum else { return };
    let factor = ((sum.sqrt() + 1e-6).recip() * largest).clamp_max(1.0);
    model.visit(&mut Scale { gradients, factor });
}

/// The sum of all squares.
struct Squares<'a> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let squares = sum(gradient.square());
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + squares,
                None => squares,
            });
        }
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    /// `[1]`.
    factor: Tensor<1>,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            let factor = self.factor.clone().reshape([1; D]);
            self.gradients.register(param.id, gradient * factor);
        }
    }
}
