//! What must hold before a training run is worth its time (CS231n, *neural-networks-3*, "Before learning: sanity checks
//! Tips/Tricks").
//!
//! - **Chance.** Fresh weights know nothing: the loss is about that of scores that are all 0, ln K for cross-entropy over K classes, (K − 1) Δ
//!   for the hinge. It is exactly that where the last layer starts at almost 0, as in linear models, and higher the larger first scores
//!   are: scores of deviation σ add about σ²/2 to a cross-entropy. Up to a quarter more or less passes.
//! - **Regularization.** A penalty raises the loss, and the optimizer descends it: after a step from gradients that are 0 the penalty is
//!   smaller.
//! - **Overfitting.** A few images are memorised when nothing works against it: no penalty, no augmentation, no label smoothing,
//!   no class weights, no averages, no schedule.

use std::ops::ControlFlow;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use zoo_core::{Architecture, Classifier, WeightedLoss};
use zoo_data::{Augment, Splits};
use zoo_schema::{EpochRecord, SanityReport};

use crate::ema::Ema;
use crate::error::TrainError;
use crate::evaluate::read;
use crate::learning::Learning;
use crate::lookahead::Lookahead;
use crate::optimizer::Optimizer;
use crate::parameters::{Parameter, Parameters, sum, values};
use crate::recipe::{Recipe, TrainConfig};
use crate::schedule::Schedule;
use crate::training::{Event, Training, on_autodiff};

/// Images that the first loss is a mean over.
const FIRST: usize = 200;
/// The λ that the loss is to rise by.
const WEIGHT_DECAY: f64 = 1.0;
/// The learning rate of the step that descends only the penalty, of weights with a root mean square of 1: no optimizer steps over
/// the minimum, and no step is lost in rounding.
const PENALTY_RATE: f64 = 1e-3;
/// Images that are to be memorised.
const FEW: usize = 40;
/// Steps, each on all of these images, after which they must be.
const STEPS: usize = 300;

impl<A: Architecture> Training<'_, A> {
    /// Checks what must hold for fresh weights `model`, which are on the training's device, on training images. The architecture should
    /// be [without noise](Architecture::without_noise).
    ///
    /// # Errors
    /// [`TrainError`] if training fails.
    pub fn check_sanity(&self, model: &A::Model) -> Result<SanityReport, TrainError> {
        let (splits, device, seed) = (self.splits, self.device, self.seed);
        let Recipe { learning, loss, .. } = self.recipe;
        let (bare, train) = (self.recipe.bare(), &splits.train);
        let first = |count: usize| train.stratified(count.min(train.len()), seed).0;
        let few = Splits { train: first(FEW), validation: first(0), ..splits.clone() };
        let training = Training::seeing(&bare, self.extractor.clone(), &few, device, seed)?;
        let some = first(FIRST);
        let batch = on_autodiff(self.see(some.batch(0..some.len(), device)));
        let fresh = model.clone().set_require_grad(false).train();
        let weights = loss.class_weights.resolve(&train.class_counts(splits.classes.len()))?;
        let loss = WeightedLoss::new(bare.loss.kind, weights.as_deref(), &device.clone().autodiff());
        let first_loss = read(loss.forward(fresh.forward(batch.images.clone()), batch.labels).inner())?;
        let penalty = match learning.clone() {
            Learning::Descent(optimizer) => {
                follow_penalty(model, &optimizer.with_weight_decay(WEIGHT_DECAY), batch.images)?
            }
            Learning::Search(_) => None,
        };
        let last = overfit(&training, model.clone())?;
        Ok(SanityReport {
            chance_loss: bare.loss.kind.of_zeros(splits.classes.len()),
            first_loss,
            penalised_loss: penalty.map(|(penalty, _)| first_loss + penalty),
            penalty_descends: penalty.map(|(_, descends)| descends),
            few_images: few.train.len(),
            few_accuracy: last.train_accuracy,
            few_loss: last.train_loss,
            few_steps: last.epoch,
        })
    }
}

impl<A: Architecture> Recipe<A> {
    /// The same recipe with nothing that works against memorising. An epoch is a step.
    fn bare(&self) -> Self {
        let learning = match self.learning.clone() {
            Learning::Descent(optimizer) => Learning::Descent(optimizer.with_weight_decay(0.0)),
            search @ Learning::Search(_) => search,
        };
        Self {
            loss: self.loss.kind.without_smoothing().into(),
            learning,
            schedule: Schedule::Constant,
            lookahead: Lookahead::default(),
            ema: Ema::default(),
            augment: Augment::default(),
            train: TrainConfig {
                epochs: STEPS as f64,
                batch_size: FEW,
                drop_last: false,
                patience: 0,
                few_images: 0,
                least_batches: 0,
                ..self.train
            },
            ..self.clone()
        }
    }
}

/// Trains until all training images are right, or for [`STEPS`], or until training diverges. Returns the record of the last step that did not.
fn overfit<A: Architecture>(training: &Training<'_, A>, model: A::Model) -> Result<EpochRecord, TrainError> {
    let mut last = EpochRecord::default();
    let outcome = training.fit(model, &mut |event| {
        if let Event::Epoch([.., record]) = event {
            last = *record;
        }
        if last.train_accuracy == 1.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match outcome {
        Ok(_) | Err(TrainError::Stopped { .. } | TrainError::Diverged { .. }) => Ok(last),
        Err(error) => Err(error),
    }
}

/// The penalty of `model`, and whether a step of `optimizer` from gradients that are 0, those of scores of `images`, lowers that of
/// weights in the same proportions; `None` without penalty.
fn follow_penalty<M: Module + Classifier>(
    model: &M,
    optimizer: &Optimizer,
    images: Tensor<4>,
) -> Result<Option<(f64, bool)>, TrainError> {
    let trained = model.clone().train();
    let first = penalty(&trained, optimizer)?;
    if first.is_nan() || first <= 0.0 {
        return Ok(None);
    }
    let nothing = trained.forward(images).sum().mul_scalar(0.0);
    let gradients = GradientsParams::from_grads(nothing.backward(), &trained);
    let decays = |parameter: &&Parameter| optimizer.penalty(parameter) > 0.0;
    let parameters = Parameters::of(&trained).0;
    let values: usize = parameters.iter().filter(decays).map(|one| one.shape.iter().product::<usize>()).sum();
    let mean_square = 2.0 * first / (WEIGHT_DECAY * values as f64);
    let model = model.clone().map(&mut Scale(mean_square.sqrt().recip())).train();
    let before = penalty(&model, optimizer)?;
    let model = optimizer.init(&model)?.step(PENALTY_RATE, model, gradients);
    Ok(Some((first, penalty(&model, optimizer)? < before)))
}

/// Multiplies all parameters.
struct Scale(f64);

impl ModuleMapper for Scale {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|values| values.mul_scalar(self.0))
    }
}

/// Σ (λ/2) ‖θ‖² over the parameters of `model`, which is in training.
fn penalty<M: Module>(model: &M, optimizer: &Optimizer) -> Result<f64, TrainError> {
    let trained = values(model).into_iter().filter(|values| values.is_trained);
    let squares = trained.map(|values| sum(values.tensor.square()));
    let parameters = Parameters::of(model).0;
    let penalties = parameters
        .iter()
        .zip(squares)
        .map(|(parameter, squares)| Ok(optimizer.penalty(parameter) / 2.0 * read(squares)?));
    penalties.sum()
}
