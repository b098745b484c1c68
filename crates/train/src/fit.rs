//! The training loop.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Int, Tensor};
use zoo_core::{Architecture, Classifier};
use zoo_data::{Epoch, derive_seed};
use zoo_schema::{EarlyStop, EpochRecord};

use crate::clip::clip_norm;
use crate::error::TrainError;
use crate::evaluate::{mean_loss, read, score};
use crate::learning::Learning;
use crate::lookahead::SlowWeights;
use crate::optimizer::Optimizer;
use crate::parameters::values;
use crate::recipe::{Recipe, TrainConfig};
use crate::state::{Fitted, State};
use crate::training::{Event, Training};
use crate::weights::Weights;

/// Steps between two looks at loss and accuracy: each look waits for the device.
const LOOK_EVERY: usize = 10;

/// What training starts from.
type Started<M> = (State<M>, Fitted<M>);

impl<A: Architecture> Training<'_, A> {
    /// Trains `model`, which is on the training's device, and keeps the epoch that does best on the validation images.
    ///
    /// # Errors
    /// [`TrainError`].
    pub fn fit(
        &self,
        model: A::Model,
        observe: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Fitted<A::Model>, TrainError> {
        let (mut state, mut fitted) = self.start(model)?;
        for epoch in fitted.history.len()..self.epochs() {
            fitted.stopped_by = self.stops_early(&fitted);
            if fitted.stopped_by.is_some() {
                break;
            }
            let start = Instant::now();
            state.model = self.recipe.architecture.before_epoch(state.model, epoch);
            let mut record;
            (state, record) = match &self.recipe.learning {
                Learning::Descent(optimizer) => self.descend(optimizer, epoch, state, observe)?,
                Learning::Search(search) => self.search(*search, epoch, state, observe)?,
            };
            let plain = state.model.valid();
            (record.validation_loss, record.validation_accuracy) = self.validate(&plain)?;
            if let Some(average) = &state.average {
                record.ema_validation_accuracy = self.validate(average)?.1;
            }
            record.seconds = start.elapsed().as_secs_f64();

            let best = fitted.history.iter().filter_map(judged_by).reduce(f64::max);
            if judged_by(&record).is_none() || judged_by(&record) > best {
                fitted.best_epoch = record.epoch;
                (fitted.model, fitted.without_ema) = match &state.average {
                    Some(average) => (average.clone(), Some(plain)),
                    None => (plain, None),
                };
            }
            fitted.history.push(record);
            if let Some(checkpoints) = self.checkpoints {
                checkpoints.save(&state, &fitted)?;
            }
            if observe(Event::Epoch(&fitted.history)).is_break() && fitted.history.len() < self.epochs() {
                return Err(TrainError::Stopped { epoch: epoch + 2 });
            }
        }
        Ok(fitted)
    }

    /// What training starts from: `model`, or the newest checkpoint.
    fn start(&self, model: A::Model) -> Result<Started<A::Model>, TrainError> {
        let Recipe { learning, lookahead, ema, .. } = self.recipe;
        let plain = model.valid();
        let without_ema = ema.is_on().then(|| plain.clone());
        let (best_epoch, history, stopped_by) = (0, Vec::new(), None);
        let mut fitted = Fitted { model: plain, without_ema, best_epoch, history, stopped_by };
        let mut model = model.train();
        if let Some(checkpoints) = self.checkpoints {
            (model, fitted) = checkpoints.resume_model(model, fitted)?;
        }
        let state = State {
            optimizer: learning.optimizer().map(|optimizer| optimizer.init(&model)).transpose()?,
            slow: lookahead.is_on().then(|| SlowWeights::new(*lookahead, &model)),
            average: ema.is_on().then(|| model.valid()),
            model,
        };
        match self.checkpoints {
            Some(checkpoints) => Ok((checkpoints.resume_state(state)?, fitted)),
            None => Ok((state, fitted)),
        }
    }

    /// Why no other epoch should begin: the best one is too long ago (early stopping; Prechelt, 1998), or the time is used up.
    /// It follows from the history only, so that a training which has stopped and is resumed stops at once.
    fn stops_early(&self, fitted: &Fitted<A::Model>) -> Option<EarlyStop> {
        let patience = self.recipe.train.patience;
        if patience > 0 && fitted.history.len() >= fitted.best_epoch + patience {
            return Some(EarlyStop::Patience);
        }
        let seconds: f64 = fitted.history.iter().map(|record| record.seconds).sum();
        let is_over = |budget: Duration| !fitted.history.is_empty() && seconds >= budget.as_secs_f64();
        self.budget.is_some_and(is_over).then_some(EarlyStop::Budget)
    }

    /// The number of epochs, one that is not whole included.
    fn epochs(&self) -> usize {
        let TrainConfig { epochs, .. } = self.recipe.train;
        (epochs.ceil() as usize).min(self.stop_after.unwrap_or(usize::MAX))
    }

    /// One pass over the training images, one step of `optimizer` per batch. The validation fields of the record are still empty.
    fn descend(
        &self,
        optimizer: &Optimizer,
        epoch: usize,
        mut state: State<A::Model>,
        observe: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<(State<A::Model>, EpochRecord), TrainError> {
        let Recipe { schedule, augment, train, .. } = self.recipe;
        let images = &self.splits.train;
        let device = self.device.clone().autodiff();
        let loss = self.loss(&device);
        // Dropout draws from the device's generator.
        self.device.seed(derive_seed(self.seed, epoch as u64));
        let (all, whole) = (train.steps(images.len()), train.steps_of_epoch(images.len()));
        let before = epoch * whole;
        let steps = whole.min(all - before);
        let batches = Epoch::new(images, train.batch_size, *augment, (self.seed, epoch), &device);
        let mut tally = Tally::default();
        let mut record = EpochRecord { epoch: epoch + 1, ..EpochRecord::default() };
        for (step, batch) in (1..=steps).zip(batches) {
            record.learning_rate = optimizer.learning_rate() * schedule.factor(before + step - 1, all);
            let scores = state.model.forward(batch.images);
            let value = loss.forward(scores.clone(), batch.labels.clone());
            tally.add(&value, scores, batch.labels);
            let weights = (step == steps).then(|| Weights::of(&state.model));
            state = self.step(state, &value, record.learning_rate);
            // What the optimizer has done, before averages move the weights, too.
            record.update_ratio = weights.map_or(Ok(None), |weights| weights.update_ratio(&state.model))?;
            state = self.average(state, (before + step, all));

            if step.is_multiple_of(LOOK_EVERY) || step == steps {
                (record.train_loss, record.train_accuracy) = tally.look()?;
                let EpochRecord { train_loss: loss, train_accuracy: accuracy, learning_rate, .. } = record;
                // What the last step of an epoch breaks shows in no loss any more.
                if !loss.is_finite() || (step == steps && !is_finite(&state.model)?) {
                    return Err(TrainError::Diverged { epoch: epoch + 1, step, loss, learning_rate });
                }
                let images = tally.images;
                let event = Event::Steps { epoch: epoch + 1, images, loss, accuracy, learning_rate };
                // After the last step the epoch is as good as done: it is kept first.
                if observe(event).is_break() && step < steps {
                    return Err(TrainError::Stopped { epoch: epoch + 1 });
                }
            }
        }
        Ok((state, record))
    }

    /// Descends by the gradient of `loss`.
    fn step(&self, mut state: State<A::Model>, loss: &Tensor<1>, learning_rate: f64) -> State<A::Model> {
        let largest = self.recipe.train.clip_norm;
        let mut gradients = GradientsParams::from_grads(loss.backward(), &state.model);
        if largest > 0.0 {
            clip_norm(&mut gradients, &state.model, largest);
        }
        let optimizer = state.optimizer.as_mut().expect("a descent has an optimizer");
        state.model = optimizer.step(learning_rate, state.model, gradients);
        state
    }

    /// Moves slow and averaged weights after `step` (from 1) of `steps`.
    fn average(&self, mut state: State<A::Model>, (step, steps): (usize, usize)) -> State<A::Model> {
        if let Some(slow) = &mut state.slow {
            state.model = slow.follow(state.model, step, steps);
        }
        if let Some(average) = &mut state.average {
            *average = self.recipe.ema.follow(average, &state.model, step);
        }
        state
    }

    /// Loss and accuracy on the validation images, if there are any.
    fn validate(&self, model: &A::Model) -> Result<(Option<f64>, Option<f64>), TrainError> {
        let images = &self.splits.validation;
        if images.is_empty() {
            return Ok((None, None));
        }
        let labels = images.labels();
        let scores = score(model, images, self.device)?;
        let loss = mean_loss(&self.recipe.loss.kind.without_smoothing(), &scores, &labels, self.device)?;
        Ok((loss, Some(scores.top_k_accuracy(&labels, 1))))
    }
}

/// The accuracy that the best epoch is chosen by: that of the weights that would be kept.
fn judged_by(record: &EpochRecord) -> Option<f64> {
    record.ema_validation_accuracy.or(record.validation_accuracy)
}

/// Whether every parameter is a finite number.
fn is_finite<M: Module>(model: &M) -> Result<bool, TrainError> {
    let sums = values(model).into_iter().map(|values| values.tensor.abs().sum());
    let sum = sums.reduce(|sum, more| sum + more);
    sum.map_or(Ok(true), |sum| Ok(read(sum)?.is_finite()))
}

/// Sums over an epoch. Those of the last steps stay on the device until they are asked for.
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
