//! What must hold before a training run is worth its time (CS231n, *neural-networks-3*, "Before learning: sanity checks
//! Tips/Tricks").
//!
//! - **Chance.** Fresh weights know nothing: the loss is about that of scores that are all 0, ln K for cross-entropy over K classes, (K − 1) Δ
//!   for the hinge. It is exactly that where the last layer starts at almost 0, as in linear models, and higher the larger first scores
//!   are: scores of deviation σ add about σ²/2 to a cross-entropy. Up to a quarter more or less passes.
//! - **Regularisation.** A penalty raises the loss, and the optimizer descends it: after a step from gradients that are 0 the penalty is
//!   smaller.
//! - **Overfitting.** Some images are learnt by heart when nothing stands against it: no penalty, no augmentation, no label smoothing,
//!   no averages, no schedule.

use std::ops::ControlFlow;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use serde::Serialize;
use zoo_core::result::EpochRecord;
use zoo_core::{Architecture, Classifier};
use zoo_data::{Augment, Subset};

use crate::evaluate::read;
use crate::parameters::{Parameter, Parameters};
use crate::{Ema, Event, Lookahead, Optimizer, Recipe, Schedule, TrainConfig, TrainError, Training};

/// Images that the first loss is a mean over.
const FIRST: usize = 200;
/// How far the first loss may be from that of chance, as a share of it.
const TOLERANCE: f64 = 0.25;
/// The λ that the loss is to rise by.
const WEIGHT_DECAY: f64 = 1.0;
/// The learning rate of the step that descends the penalty alone, of weights with a root mean square of 1: no optimizer steps over
/// the minimum, and no step is lost in rounding.
const PENALTY_RATE: f64 = 1e-3;
/// Images that are to be learnt by heart.
const FEW: usize = 40;
/// Steps, of all these images each, until which they must be.
const STEPS: usize = 300;

/// What the checks of one recipe have found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SanityReport {
    /// The loss of scores that are all 0.
    pub chance_loss: f64,
    /// The loss of fresh weights, BatchNorm with the statistics of the batch.
    pub first_loss: f64,
    /// The same with the penalty of λ = 1; `None` for an optimizer without penalty, and for weights that are all 0.
    pub penalised_loss: Option<f64>,
    /// Whether a step of the optimizer from gradients that are 0 lowers the penalty; `None` where there is none.
    pub penalty_descends: Option<bool>,
    /// How many images were to be learnt by heart.
    pub few_images: usize,
    /// The accuracy on them in the end.
    pub few_accuracy: f64,
    /// Their loss in the end.
    pub few_loss: f64,
    /// Steps until they were all right, or until the check gave up.
    pub few_steps: usize,
}

impl SanityReport {
    /// Whether fresh weights lose about what chance does.
    #[must_use]
    pub fn starts_at_chance(&self) -> bool {
        (self.first_loss / self.chance_loss - 1.0).abs() <= TOLERANCE
    }

    /// Whether a penalty raises the loss, if there is one.
    #[must_use]
    pub fn penalty_raises_the_loss(&self) -> bool {
        self.penalised_loss.is_none_or(|loss| loss > self.first_loss)
    }

    /// Whether the optimizer descends the penalty, if there is one.
    #[must_use]
    pub fn descends_the_penalty(&self) -> bool {
        self.penalty_descends.unwrap_or(true)
    }

    /// Whether a few images are learnt by heart.
    #[must_use]
    pub fn overfits(&self) -> bool {
        self.few_accuracy == 1.0
    }

    /// Whether all of it holds.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.starts_at_chance()
            && self.penalty_raises_the_loss()
            && self.descends_the_penalty()
            && self.overfits()
    }
}

impl<A: Architecture> Recipe<A> {
    /// Checks what must hold for fresh weights `model`, which are on `device`, on images of `train`. The architecture should be without
    /// dropout.
    ///
    /// # Errors
    /// [`TrainError`] if training fails.
    pub fn check_sanity(
        &self,
        model: &A::Model,
        (train, classes): (&Subset, usize),
        device: &Device,
        seed: u64,
    ) -> Result<SanityReport, TrainError> {
        let bare = self.bare();
        let some = train.stratified(FIRST.min(train.len()), seed).0;
        let batch = some.batch(0..some.len(), &device.clone().autodiff());
        let fresh = model.clone().set_require_grad(false).train();
        let first_loss = read(bare.loss.forward(fresh.forward(batch.images.clone()), batch.labels).inner())?;
        let optimizer = self.optimizer.clone().with_weight_decay(WEIGHT_DECAY);
        let penalty = follow_penalty(model, &optimizer, batch.images)?;
        let few = train.stratified(FEW.min(train.len()), seed).0;
        let last = bare.overfit(model.clone(), (&few, classes), device, seed)?;
        Ok(SanityReport {
            chance_loss: bare.loss.of_zeros(classes),
            first_loss,
            penalised_loss: penalty.map(|(penalty, _)| first_loss + penalty),
            penalty_descends: penalty.map(|(_, descends)| descends),
            few_images: few.len(),
            few_accuracy: last.train_accuracy,
            few_loss: last.train_loss,
            few_steps: last.epoch,
        })
    }

    /// The same recipe with nothing that stands against learning by heart. An epoch is a step.
    fn bare(&self) -> Self {
        Self {
            loss: self.loss.without_smoothing(),
            optimizer: self.optimizer.clone().with_weight_decay(0.0),
            schedule: Schedule::Constant,
            lookahead: Lookahead::default(),
            ema: Ema::default(),
            augment: Augment::default(),
            train: TrainConfig {
                epochs: STEPS as f64,
                batch_size: FEW,
                drop_last: false,
                patience: 0,
                ..self.train
            },
            ..self.clone()
        }
    }

    /// Trains until all of `images` are right, or for [`STEPS`]. Returns the record of the last step.
    fn overfit(
        &self,
        model: A::Model,
        (images, classes): (&Subset, usize),
        device: &Device,
        seed: u64,
    ) -> Result<EpochRecord, TrainError> {
        let validation = &images.stratified(0, seed).0;
        let training = Training {
            recipe: self,
            train: images,
            validation,
            classes,
            device,
            seed,
            checkpoints: None,
            stop_after: None,
        };
        let mut last = EpochRecord::default();
        let outcome = training.fit(model, &mut |event| {
            if let Event::Epoch([.., record]) = event {
                last = *record;
            }
            if last.train_accuracy == 1.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match outcome {
            Ok(_) | Err(TrainError::Stopped { .. }) => Ok(last),
            Err(error) => Err(error),
        }
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
    struct Squares(Vec<Tensor<1>>);
    impl ModuleVisitor for Squares {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.is_require_grad() {
                self.0.push(param.val().without_autodiff().square().sum());
            }
        }
    }
    let mut squares = Squares(Vec::new());
    model.visit(&mut squares);
    let parameters = Parameters::of(model).0;
    let penalties = parameters
        .iter()
        .zip(squares.0)
        .map(|(parameter, squares)| Ok(optimizer.penalty(parameter) / 2.0 * read(squares)?));
    penalties.sum()
}
