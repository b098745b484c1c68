//! The training loop.

use std::time::Instant;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor};
use zoo_core::result::EpochRecord;
use zoo_core::{Architecture, Classifier};
use zoo_data::{Epoch, Subset, derive_seed};

use crate::evaluate::read;
use crate::lookahead::SlowWeights;
use crate::{Checkpoints, Recipe, TrainConfig, mean_loss, score};

/// Steps between two looks at loss and accuracy: each look waits for the device.
const LOOK_EVERY: usize = 10;

/// Why training ended early.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The loss, or a weight, is infinite or no number any more.
    #[error(
        "training diverged: loss or weights are not finite at step {step} of epoch {epoch} (mean loss {loss}, learning \
         rate {learning_rate}); lower optimizer.learning_rate"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The step of the epoch, from 1.
        step: usize,
        /// The mean loss of the epoch so far.
        loss: f64,
        /// The learning rate at that step.
        learning_rate: f64,
    },
    /// A score is infinite or no number.
    #[error("the model's scores are not finite: its weights have diverged; lower optimizer.learning_rate")]
    NotFinite,
    /// The device reported an error.
    #[error("the device failed: {0}")]
    Device(String),
    /// A checkpoint can't be written or read.
    #[error("checkpoint {}: {reason}", path.display())]
    Checkpoint {
        /// The file or folder.
        path: std::path::PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// What [`Training::fit`] tells while it works.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Some steps are done. Loss and accuracy are means over the epoch so far.
    Steps {
        /// The epoch, from 1.
        epoch: usize,
        /// Images of this epoch that have been learnt from.
        images: usize,
        /// Mean loss.
        loss: f64,
        /// Mean accuracy.
        accuracy: f64,
    },
    /// An epoch is done, validation included. The records of all epochs so far, this one last.
    Epoch(&'a [EpochRecord]),
}

/// A model that has been trained.
#[derive(Debug)]
pub struct Fitted<M> {
    /// The model as it was after the best epoch, off autodiff.
    pub model: M,
    /// The epoch it is from: that of the best validation accuracy (the first of equals), or the last if there are no
    /// validation images.
    pub best_epoch: usize,
    /// A record an epoch.
    pub history: Vec<EpochRecord>,
}

/// All that a training run depends on.
#[derive(Clone, Debug)]
pub struct Training<'a, A> {
    /// What to do.
    pub recipe: &'a Recipe<A>,
    /// The images to learn from.
    pub train: &'a Subset,
    /// The images to choose the best epoch by; may be empty.
    pub validation: &'a Subset,
    /// The number of classes.
    pub classes: usize,
    /// Where to compute; plain, without autodiff.
    pub device: &'a Device,
    /// Order, augmentation and dropout of an epoch follow from the seed and the epoch.
    pub seed: u64,
    /// Where each epoch is saved, and continued from if there is one already.
    pub checkpoints: Option<&'a Checkpoints>,
    /// Stops after so many epochs, as if interrupted: what depends on the length of training follows the recipe's.
    pub stop_after: Option<usize>,
}

/// What steps change.
pub(crate) struct State<M> {
    pub(crate) model: M,
    pub(crate) optimizer: ModuleOptimizer,
    pub(crate) slow: Option<SlowWeights<M>>,
}

impl<A: Architecture> Training<'_, A> {
    /// Trains `model`, which is on [`device`](Self::device), and keeps the epoch that does best in validation.
    ///
    /// # Errors
    /// [`TrainError`].
    pub fn fit(
        &self,
        model: A::Model,
        observe: &mut dyn FnMut(Event<'_>),
    ) -> Result<Fitted<A::Model>, TrainError> {
        let mut fitted = Fitted { model: model.valid(), best_epoch: 0, history: Vec::new() };
        let mut model = model.train();
        if let Some(checkpoints) = self.checkpoints {
            (model, fitted) = checkpoints.resume_model(model, fitted)?;
        }
        let optimizer = self.recipe.optimizer.init(&model);
        let slow = self.recipe.lookahead.map(|lookahead| SlowWeights::new(lookahead, &model));
        let mut state = State { model, optimizer, slow };
        if let Some(checkpoints) = self.checkpoints {
            state = checkpoints.resume_state(state)?;
        }

        for epoch in fitted.history.len()..self.epochs() {
            let start = Instant::now();
            state.model = self.recipe.architecture.before_epoch(state.model, epoch);
            let mut record;
            (state, record) = self.learn(epoch, state, observe)?;
            let candidate = state.model.valid();
            (record.validation_loss, record.validation_accuracy) = self.validate(&candidate)?;
            record.seconds = start.elapsed().as_secs_f64();

            let accuracy = |record: &EpochRecord| record.validation_accuracy;
            let best = fitted.history.iter().filter_map(accuracy).reduce(f64::max);
            if accuracy(&record).is_none() || accuracy(&record) > best {
                fitted.model = candidate;
                fitted.best_epoch = record.epoch;
            }
            fitted.history.push(record);
            if let Some(checkpoints) = self.checkpoints {
                checkpoints.save(&state, &fitted)?;
            }
            observe(Event::Epoch(&fitted.history));
        }
        Ok(fitted)
    }

    /// The number of epochs, one that is not whole included.
    fn epochs(&self) -> usize {
        let TrainConfig { epochs, .. } = self.recipe.train;
        (epochs.ceil() as usize).min(self.stop_after.unwrap_or(usize::MAX))
    }

    /// One pass over the training images. What it returns doesn't know of validation yet.
    fn learn(
        &self,
        epoch: usize,
        mut state: State<A::Model>,
        observe: &mut dyn FnMut(Event<'_>),
    ) -> Result<(State<A::Model>, EpochRecord), TrainError> {
        let Recipe { loss, optimizer, schedule, augment, train, .. } = self.recipe;
        let device = self.device.clone().autodiff();
        // Dropout draws from the device's generator.
        self.device.seed(derive_seed(self.seed, epoch as u64));
        let (all, whole) = (train.steps(self.train.len()), train.steps_of_epoch(self.train.len()));
        let before = epoch * whole;
        let steps = whole.min(all - before);
        let batches = Epoch::new(self.train, train.batch_size, *augment, (self.seed, epoch), &device);
        let mut tally = Tally::default();
        let mut record = EpochRecord { epoch: epoch + 1, ..EpochRecord::default() };
        for (step, batch) in (1..=steps).zip(batches) {
            record.learning_rate = optimizer.learning_rate() * schedule.factor(before + step - 1, all);
            let scores = state.model.forward(batch.images);
            let value = loss.forward(scores.clone(), batch.labels.clone());
            tally.add(&value, scores, batch.labels);
            state = state.step(&value, record.learning_rate, (before + step, all));

            if step.is_multiple_of(LOOK_EVERY) || step == steps {
                (record.train_loss, record.train_accuracy) = tally.look()?;
                let (loss, accuracy) = (record.train_loss, record.train_accuracy);
                // What the last step of an epoch breaks shows in no loss any more.
                if !loss.is_finite() || (step == steps && !is_finite(&state.model)?) {
                    let learning_rate = record.learning_rate;
                    return Err(TrainError::Diverged { epoch: epoch + 1, step, loss, learning_rate });
                }
                observe(Event::Steps { epoch: epoch + 1, images: tally.images, loss, accuracy });
            }
        }
        Ok((state, record))
    }

    /// Loss and accuracy on the validation images, if there are any.
    fn validate(&self, model: &A::Model) -> Result<(Option<f64>, Option<f64>), TrainError> {
        if self.validation.is_empty() {
            return Ok((None, None));
        }
        let labels = self.validation.labels();
        let scores = score(model, self.validation, self.classes, self.device, &mut |_| {})?;
        let loss = mean_loss(&self.recipe.loss.without_smoothing(), &scores, &labels, self.device)?;
        Ok((loss, Some(scores.top_k_accuracy(&labels, 1))))
    }
}

impl<M: Module> State<M> {
    /// Descends by the gradient of `loss`: `step` (from 1) of `steps`.
    fn step(mut self, loss: &Tensor<1>, learning_rate: f64, (step, steps): (usize, usize)) -> Self {
        let gradients = GradientsParams::from_grads(loss.backward(), &self.model);
        let mut model = self.optimizer.step(learning_rate, self.model, gradients);
        if let Some(slow) = &mut self.slow {
            model = slow.follow(model, step, steps);
        }
        Self { model, ..self }
    }
}

/// Whether every parameter is a number, and none infinite.
fn is_finite<M: Module>(model: &M) -> Result<bool, TrainError> {
    struct Sum(Option<Tensor<1>>);
    impl ModuleVisitor for Sum {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let sum = param.val().without_autodiff().abs().sum();
            self.0 = Some(match self.0.take() {
                Some(before) => before + sum,
                None => sum,
            });
        }
    }
    let mut sum = Sum(None);
    model.visit(&mut sum);
    sum.0.map_or(Ok(true), |sum| Ok(read(sum)?.is_finite()))
}

/// Sums over an epoch. Those of the last steps stay on the device until somebody looks.
#[derive(Default)]
struct Tally {
    images: usize,
    loss: f64,
    correct: f64,
    pending: Option<(Tensor<1>, Tensor<1>)>,
}

impl Tally {
    fn add(&mut self, loss: &Tensor<1>, scores: Tensor<2>, labels: Tensor<1, Int>) {
        let [batch, _] = scores.dims();
        let loss = loss.clone().detach().inner() * batch as f64;
        let predictions: Tensor<1, Int> = scores.detach().inner().argmax(1).flatten(0, 1);
        let correct = predictions.equal(labels.inner()).float().sum();
        self.images += batch;
        self.pending = Some(match self.pending.take() {
            Some((losses, corrects)) => (losses + loss, corrects + correct),
            None => (loss, correct),
        });
    }

    /// Mean loss and accuracy so far.
    fn look(&mut self) -> Result<(f64, f64), TrainError> {
        if let Some((loss, correct)) = self.pending.take() {
            self.loss += read(loss)?;
            self.correct += read(correct)?;
        }
        let images = self.images.max(1) as f64;
        Ok((self.loss / images, self.correct / images))
    }
}
