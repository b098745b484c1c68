//! Whether training descends by the gradient of its loss (CS231n, *neural-networks-3*, "Gradient Checks").
//!
//! For a parameter θ and a direction d of length 1 the analytic derivative a = ⟨∇L, d⟩ is compared with the centred difference
//! n = (L(θ + h d) − L(θ − h d)) / 2h with h = 1e-5, everything in `f64`. L is the loss that a step of training has, BatchNorm with the
//! statistics of the batch, dropout with one mask and class weights included, and the penalty (λ/2) ‖θ‖². Automatic differentiation knows nothing of
//! the penalty: λθ is added to ∇L here as optimizers add it. That they do is seen by [`check_sanity`](Recipe::check_sanity), and by
//! the tests of each optimizer against PyTorch.
//!
//! **Error.** |a − n| / max(|a|, |n|, r/τ), which must not exceed τ. Rounding moves L by some ε |L|, and so n by some r = 16 ε |L| / h,
//! 8e-10 for a loss of ln 10 and the first h: derivatives that differ by at most r pass, which matters where both are close
//! to 0.
//!
//! **Kinks.** Where ReLU, max-pooling or the hinge has its kink between θ − h d and θ + h d, n is a mean of the slopes on both sides and
//! not a derivative at θ. For a loss without kinks τ is 1e-7; if that is exceeded, h is divided by ten once, for h² L‴ / 6 is what even a
//! smooth n is off by. For a loss with kinks τ is 1e-4, and h is divided up to three times, to get between the kink and θ. A wrong
//! gradient stays wrong at any h, as long as it is wrong by more than r, a thousand times larger then. Derivatives whose error exceeds 1e-7
//! at the first h are counted as being on a kink where there are kinks.
//!
//! **Where.** Close to the weights and images at hand, but not there: pixels are moved by up to half a level of brightness, and the
//! values of each parameter by up to a fiftieth of their root mean square, at random. Areas of one colour, and filters that start as
//! the identity, tie in max-pooling, which puts the kink on θ itself, where no h is small enough.
//!
//! **As training computes it.** All of that is about the formulas: `f64` is computed by Burn's plain operations, training by others,
//! in `f32`. [`compare_gradients`](Training::compare_gradients) holds one against the other.

mod single;

use std::collections::BTreeSet;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{DType, Gradients, Int, Tensor, TensorData};
use zoo_core::{Architecture, Classifier, WeightedLoss};
use zoo_data::{Batch, derive_seed};
use zoo_schema::{Derivative, GradientReport};

use crate::error::TrainError;
use crate::evaluate::read;
use crate::optimizer::Optimizer;
use crate::parameters::{Parameter, Parameters};
use crate::random::centred;
use crate::recipe::Recipe;
use crate::training::Training;

/// h, and what it becomes near kinks.
const STEPS: [f64; 4] = [1e-5, 1e-6, 1e-7, 1e-8];
/// The largest error of a loss without kinks.
const SMOOTH: f64 = 1e-7;
/// The largest error of a loss with kinks.
const KINKS: f64 = 1e-4;
/// How many times ε |L| rounding may move a loss by: sums over layers and images take several roundings.
const ROUNDINGS: f64 = 16.0;

/// How far the values of a parameter are moved, as a share of their root mean square.
const MOVED: f64 = 0.02;

/// Which derivatives are checked.
#[derive(Clone, Copy, Debug)]
pub struct Sampling {
    /// Values of each parameter whose derivatives are checked, in addition to the derivative along a random direction through all of its values.
    pub values: usize,
    /// What the values, the directions, dropout, and how pixels and weights are moved, follow from.
    pub seed: u64,
}

impl<A: Architecture> Training<'_, A> {
    /// The parts of the loss that have kinks: functions of the model, and a loss that has a smooth substitute.
    fn kinks(&self) -> Vec<&'static str> {
        let Recipe { architecture, loss, .. } = self.recipe;
        let loss = loss.kind.smooth().map(|_| loss.kind.name());
        architecture.kinks().into_iter().chain(loss).collect()
    }

    /// Checks the gradient of the recipe's loss, penalty included, at the weights of `model` on the images of `batch`, or their
    /// features; they are on a CPU and off autodiff. Weights that balance classes do so for all training images.
    ///
    /// # Errors
    /// [`TrainError::Device`] if the device can't deliver.
    pub fn check_gradients(
        &self,
        model: &A::Model,
        batch: &Batch,
        sampling: Sampling,
    ) -> Result<GradientReport, TrainError> {
        let loss = self.loss(&batch.images.device().autodiff());
        let moved = Batch { images: moved_pixels(batch, sampling.seed)?, labels: batch.labels.clone() };
        let batch = self.see(moved);
        check_gradients(model, &batch, (&loss, self.recipe.learning.optimizer()), &self.kinks(), sampling)
    }
}

/// See [`Training::check_gradients`]. The loss is on autodiff, the images in `f64`.
fn check_gradients<M: Module + Classifier>(
    model: &M,
    batch: &Batch,
    (loss, optimizer): (&WeightedLoss, Option<&Optimizer>),
    kinks: &[&str],
    sampling: Sampling,
) -> Result<GradientReport, TrainError> {
    let model = moved_weights(model, sampling.seed);
    let trained = model.clone().train();
    let has_kinks = !kinks.is_empty();
    let tolerance = if has_kinks { KINKS } else { SMOOTH };
    let objective = Objective {
        images: Tensor::from_inner(batch.images.clone()),
        labels: Tensor::from_inner(batch.labels.clone()),
        // On autodiff, as in training, but tracking nothing.
        model: model.set_require_grad(false).train(),
        loss,
        tolerance,
        has_kinks,
        seed: sampling.seed,
    };
    let value = objective.forward(&trained);
    let slopes = Slopes::of(&trained, &value);

    let parameters = Parameters::of(&trained).0;
    let mut findings = Vec::new();
    for (number, parameter) in parameters.iter().enumerate() {
        let found = slopes.iter().find(|found| found.id == parameter.id);
        let decay = optimizer.map_or(0.0, |optimizer| optimizer.penalty(parameter));
        let probe = Probe { parameter, at: found.expect("of the same model"), decay };
        for direction in probe.directions(sampling.values, derive_seed(sampling.seed, number as u64)) {
            findings.push(objective.check(&probe, &direction)?);
        }
    }
    let worst = findings.iter().map(|finding| &finding.derivative).max_by(|a, b| a.error.total_cmp(&b.error));
    Ok(GradientReport {
        kinks: kinks.iter().map(ToString::to_string).collect(),
        loss: read(value.inner())?,
        parameters: parameters.len(),
        derivatives: findings.len(),
        on_kinks: findings.iter().filter(|finding| finding.is_on_kink).count(),
        worst: worst.expect("a model has parameters").clone(),
        tolerance,
        trained: None,
    })
}

/// The model in `f64`, its weights moved.
fn moved_weights<M: Module>(model: &M, seed: u64) -> M {
    let ids = Parameters::of(&model.clone().train()).0.into_iter().map(|parameter| parameter.id);
    let seed = derive_seed(seed, u64::MAX);
    model.valid().map(&mut MoveWeights { ids: ids.collect(), seed, drawn: 0 })
}

/// The pixels of a batch in `f64`, each moved by up to half a level of brightness.
fn moved_pixels(batch: &Batch, seed: u64) -> Result<Tensor<4>, TrainError> {
    let failed = |error: String| TrainError::Device(error);
    let data = zoo_kernels::read(batch.images.clone()).map_err(|error| failed(error.to_string()))?;
    let mut pixels = data.convert::<f64>().try_to_vec::<f64>().map_err(|error| failed(error.to_string()))?;
    for (index, pixel) in pixels.iter_mut().enumerate() {
        *pixel += centred(seed, index);
    }
    let device = batch.images.device();
    Ok(zoo_kernels::upload(TensorData::new(pixels, batch.images.shape()), (&device, DType::F64)))
}

/// The loss as a function of the parameters.
struct Objective<'a, M> {
    model: M,
    images: Tensor<4>,
    labels: Tensor<1, Int>,
    loss: &'a WeightedLoss,
    tolerance: f64,
    has_kinks: bool,
    seed: u64,
}

/// A parameter at θ.
struct Probe<'a> {
    parameter: &'a Parameter,
    at: &'a Slope,
    /// λ.
    decay: f64,
}

/// d, and what the derivative along it is called.
struct Direction {
    name: String,
    components: Vec<f64>,
}

struct Finding {
    derivative: Derivative,
    is_on_kink: bool,
}

impl<M: Module + Classifier> Objective<'_, M> {
    /// L, without penalty.
    fn forward(&self, model: &M) -> Tensor<1> {
        // Dropout draws the same mask each time.
        self.images.device().seed(self.seed);
        self.loss.forward(model.forward(self.images.clone()), self.labels.clone())
    }

    /// L(θ + step · d), and of its penalty what changes along d.
    fn value(&self, probe: &Probe<'_>, direction: &Direction, step: f64) -> Result<f64, TrainError> {
        let by: Vec<f64> = direction.components.iter().map(|component| component * step).collect();
        let moved = by.iter().zip(&probe.at.values).filter(|&(&by, _)| by != 0.0);
        let penalty = moved.map(|(by, value)| (value + by).powi(2)).sum::<f64>() * probe.decay / 2.0;
        let model = self.model.clone().map(&mut Shift { id: probe.parameter.id, by });
        Ok(read(self.forward(&model).inner())? + penalty)
    }

    fn check(&self, probe: &Probe<'_>, direction: &Direction) -> Result<Finding, TrainError> {
        let slopes = probe.at.slopes.iter().zip(&probe.at.values);
        let components = direction.components.iter();
        let analytic = slopes.zip(components).map(|((g, v), d)| (g + probe.decay * v) * d).sum();
        let mut first = None;
        let mut derivative = None;
        let steps = if self.has_kinks { &STEPS[..] } else { &STEPS[..2] };
        for &step in steps {
            // ANCHOR: numerical
            let (right, left) = (self.value(probe, direction, step)?, self.value(probe, direction, -step)?);
            let numerical = (right - left) / (2.0 * step);
            // ANCHOR_END: numerical
            let resolution = ROUNDINGS * f64::EPSILON * right.abs().max(left.abs()) / step;
            let error = relative_error(analytic, numerical, resolution, self.tolerance);
            first.get_or_insert_with(|| relative_error(analytic, numerical, resolution, SMOOTH));
            derivative = Some(Derivative { parameter: direction.name.clone(), analytic, numerical, error });
            if error <= self.tolerance {
                break;
            }
        }
        let is_on_kink = self.has_kinks && first.is_some_and(|error| error > SMOOTH);
        Ok(Finding { derivative: derivative.expect("there are steps"), is_on_kink })
    }
}

// ANCHOR: relative_error
/// |a − n| / max(|a|, |n|, r/τ).
fn relative_error(a: f64, n: f64, resolution: f64, tolerance: f64) -> f64 {
    (a - n).abs() / a.abs().max(n.abs()).max(resolution / tolerance)
}
// ANCHOR_END: relative_error

impl Probe<'_> {
    /// Along `count` values, or all if there are no more, and along random signs of all values.
    fn directions(&self, count: usize, seed: u64) -> Vec<Direction> {
        let size = self.at.values.len();
        let mut chosen: BTreeSet<usize> = (0..size.min(count)).collect();
        if size > count {
            let draws = (0..).map(|draw| (derive_seed(seed, draw) % size as u64) as usize);
            chosen.clear();
            for draw in draws {
                if chosen.len() == count {
                    break;
                }
                chosen.insert(draw);
            }
        }
        let single = |position: usize| {
            let mut components = vec![0.0; size];
            components[position] = 1.0;
            Direction { name: self.parameter.value_name(position), components }
        };
        let sign = |index: usize| if derive_seed(!seed, index as u64).is_multiple_of(2) { 1.0 } else { -1.0 };
        let components = (0..size).map(|index| sign(index) / (size as f64).sqrt()).collect();
        let all = Direction { name: self.parameter.name.clone(), components };
        chosen.into_iter().map(single).chain([all]).collect()
    }
}

/// Casts all parameters to `f64` and moves the values of those that are trained by up to [`MOVED`] of their root mean square.
struct MoveWeights {
    ids: BTreeSet<ParamId>,
    seed: u64,
    /// Numbers that were drawn so far.
    drawn: usize,
}

impl ModuleMapper for MoveWeights {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let is_trained = self.ids.contains(&param.id);
        param.map(|values| {
            let values = values.cast(DType::F64);
            if !is_trained {
                return values;
            }
            let last = self.drawn + values.shape().num_elements();
            let by: Vec<f64> =
                (self.drawn..last).map(|index| 2.0 * MOVED * centred(self.seed, index)).collect();
            self.drawn = last;
            let by = zoo_kernels::upload(TensorData::new(by, values.shape()), (&values.device(), DType::F64));
            let size = values.clone().square().mean().sqrt().reshape([1; D]);
            values + by * size
        })
    }
}

/// Adds to the values of one parameter.
struct Shift {
    id: ParamId,
    by: Vec<f64>,
}

impl ModuleMapper for Shift {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if param.id != self.id {
            return param;
        }
        let by = std::mem::take(&mut self.by);
        param.map(|values| {
            let by = TensorData::new(by, values.shape());
            let by = zoo_kernels::upload(by, (&values.device(), DType::F64));
            values + by
        })
    }
}

/// A parameter's values θ and their slopes ∇L, without penalty; 0 where the loss doesn't depend on them.
struct Slope {
    id: ParamId,
    values: Vec<f64>,
    slopes: Vec<f64>,
}

/// The slopes of all parameters.
struct Slopes<'a> {
    gradients: &'a Gradients,
    found: Vec<Slope>,
}

impl Slopes<'_> {
    /// Of the gradient of `loss` by the parameters of `model`.
    fn of<M: Module>(model: &M, loss: &Tensor<1>) -> Vec<Slope> {
        let gradients = loss.backward();
        let mut slopes = Slopes { gradients: &gradients, found: Vec::new() };
        model.visit(&mut slopes);
        slopes.found
    }
}

impl ModuleVisitor for Slopes<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let read = |tensor: Tensor<D>| {
            let data = zoo_kernels::read(tensor).expect("the device delivers").convert::<f64>();
            data.try_to_vec::<f64>().expect("converted to f64")
        };
        let gradient = param.val().grad(self.gradients);
        let values = read(param.val().inner());
        let slopes = gradient.map_or_else(|| vec![0.0; values.len()], read);
        self.found.push(Slope { id: param.id, values, slopes });
    }
}

#[cfg(test)]
mod tests;
