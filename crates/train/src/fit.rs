//! The training loop.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Int, Tensor};
use zoo_core::{Architecture, Classifier, WeightedLoss};
use zoo_data::derive_seed;
use zoo_schema::{EarlyStop, EpochRecord};

use crate::checkpoint::Progress;
use crate::clip::clip_norm;
use crate::error::TrainError;
use crate::evaluate::{mean_loss, score_at_most, score_rows};
use crate::learning::Learning;
use crate::lookahead::SlowWeights;
use crate::looks::Looks;
use crate::mistake::{GradientSum, Mistake};
use crate::optimizer::Optimizer;
use crate::recipe::Recipe;
use crate::state::{Fitted, State};
use crate::tally::{Begun, Look, Tally};
use crate::training::{Event, Seen, Training};
use crate::training_mode::TrainingMode;
use crate::weights::{Weights, magnitude, update_ratio};

/// What training starts from; the epoch that it goes on with in the middle, if it does.
type Started<M> = (State<M>, Fitted<M>, Option<Begun>);

/// What became of an epoch.
enum Pass<M> {
    /// It is done except for the validation images.
    Done(State<M>, EpochRecord),
    /// It was stopped.
    Stopped(State<M>, Begun),
}

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
        let recipe = self.digest();
        let (mut state, mut fitted, mut begun) = self.start(model, &recipe)?;
        for epoch in fitted.history.len()..self.epochs() {
            fitted.stopped_by = self.stops_early(&fitted);
            if fitted.stopped_by.is_some() {
                break;
            }
            let start = Instant::now();
            state.model = self.recipe.architecture.before_epoch(state.model, epoch);
            let seconds = begun.map_or(0.0, |begun| begun.seconds);
            let pass = match &self.recipe.learning {
                Learning::Descent(optimizer) => {
                    self.descend(optimizer, (epoch, begun.take()), state, observe)?
                }
                Learning::Search(search) => {
                    let (state, record) = self.search(*search, epoch, state, observe)?;
                    Pass::Done(state, record)
                }
            };
            let mut record;
            (state, record) = match pass {
                Pass::Done(state, record) => (state, record),
                Pass::Stopped(state, mut begun) => {
                    begun.seconds = seconds + start.elapsed().as_secs_f64();
                    self.save(&recipe, &state, &fitted, Some(begun))?;
                    return Err(TrainError::Stopped { epoch: epoch + 1 });
                }
            };
            let plain = state.model.valid();
            (record.validation_loss, record.validation_accuracy) = self.validate(&plain)?;
            if let Some(average) = &state.average {
                record.ema_validation_accuracy = self.validate(average)?.1;
            }
            record.seconds = seconds + start.elapsed().as_secs_f64();

            let best = fitted.history.iter().find(|other| other.epoch == fitted.best_epoch);
            if best.is_none_or(|best| is_better(&record, best, self.has_few_images())) {
                fitted.best_epoch = record.epoch;
                (fitted.model, fitted.without_ema) = match &state.average {
                    Some(average) => (average.clone(), Some(plain)),
                    None => (plain, None),
                };
            }
            fitted.history.push(record);
            self.save(&recipe, &state, &fitted, None)?;
            let is_stopped = observe(Event::Epoch(&fitted.history)).is_break() || self.is_stopped();
            if is_stopped && fitted.history.len() < self.epochs() {
                return Err(TrainError::Stopped { epoch: epoch + 2 });
            }
        }
        Ok(fitted)
    }

    /// What training starts from: `model`, or the newest checkpoint of the `recipe` with this digest.
    fn start(&self, model: A::Model, recipe: &str) -> Result<Started<A::Model>, TrainError> {
        let plain = model.valid();
        let without_ema = self.recipe.ema.is_on().then(|| plain.clone());
        let (best_epoch, history, stopped_by) = (0, Vec::new(), None);
        let mut fitted = Fitted { model: plain, without_ema, best_epoch, history, stopped_by };
        let mut model = model.train();
        let checkpoint =
            self.checkpoints.map(|checkpoints| checkpoints.newest(recipe)).transpose()?.flatten();
        if let Some(checkpoint) = &checkpoint {
            (model, fitted) = checkpoint.models(model, fitted)?;
        }
        let state = self.state(model)?;
        let Some(checkpoint) = checkpoint else { return Ok((state, fitted, None)) };
        Ok((checkpoint.state(state)?, fitted, checkpoint.progress.begun))
    }

    /// What steps change: `model`, which is in training, and what optimizer and averages keep, as before the first step.
    pub(crate) fn state(&self, model: A::Model) -> Result<State<A::Model>, TrainError> {
        let Recipe { learning, lookahead, ema, mistake, .. } = self.recipe;
        Ok(State {
            optimizer: learning.optimizer().map(|optimizer| optimizer.init(&model)).transpose()?,
            slow: lookahead.is_on().then(|| SlowWeights::new(*lookahead, &model)),
            average: ema.is_on().then(|| model.valid()),
            sum: (*mistake == Some(Mistake::GradientsAddUp)).then(|| GradientSum::new(model.valid())),
            model,
        })
    }

    /// What tells this training from others that a checkpoint could be of: the recipe, and the seed.
    fn digest(&self) -> String {
        zoo_files::sha256(format!("{:?} {}", self.recipe, self.seed).as_bytes()).unwrap_or_default()
    }

    /// Saves how things are, if there are checkpoints.
    fn save(
        &self,
        recipe: &str,
        state: &State<A::Model>,
        fitted: &Fitted<A::Model>,
        begun: Option<Begun>,
    ) -> Result<(), TrainError> {
        let Some(checkpoints) = self.checkpoints else { return Ok(()) };
        let (recipe, history) = (recipe.into(), fitted.history.clone());
        checkpoints.save(state, fitted, &Progress { recipe, best_epoch: fitted.best_epoch, history, begun })
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
        (self.train.epochs.ceil() as usize).min(self.stop_after.unwrap_or(usize::MAX))
    }

    /// One pass over the training images, one step of `optimizer` per batch, from where it was begun. The validation fields of the record
    /// are still empty.
    fn descend(
        &self,
        optimizer: &Optimizer,
        (epoch, begun): (usize, Option<Begun>),
        mut state: State<A::Model>,
        observe: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Pass<A::Model>, TrainError> {
        let Recipe { schedule, .. } = self.recipe;
        let (train, peak) = (self.train, self.peak(optimizer.learning_rate()));
        let images = &self.splits.train;
        let device = self.device.clone().autodiff();
        let loss = self.loss(&device);
        let (all, whole) = (train.steps(images.len()), train.steps_of_epoch(images.len()));
        let before = epoch * whole;
        let steps = whole.min(all - before);
        let done = begun.map_or(0, |begun| begun.steps);
        let mut tally = begun.map_or_else(Tally::default, |begun| Tally::resumed(&begun, self.device));
        let mut record = EpochRecord { epoch: epoch + 1, ..EpochRecord::default() };
        let mut looks = Looks::at(self.device);
        let seed = derive_seed(self.seed, epoch as u64);
        for (step, batch) in (done + 1..=steps).zip(self.batches(&state.model, epoch, done)) {
            // Dropout draws from the device's generator.
            self.device.seed(derive_seed(seed, step as u64));
            record.learning_rate = peak * schedule.factor(before + step - 1, all);
            let moment = Moment { learning_rate: record.learning_rate, step: before + step, steps: all };
            let update;
            (state, update) = self.advance(state, &loss, batch, &mut tally, (moment, step == steps));

            if looks.end_stretch(step) || step == steps {
                tally.end_stretch();
            }
            if looks.are_due(step) || step == steps {
                self.look(&state.model, update, &mut tally)?.note(&mut record, step)?;
                let EpochRecord { train_loss: loss, train_accuracy: accuracy, learning_rate, .. } = record;
                let images = tally.images;
                let event = Event::Steps { epoch: epoch + 1, images, loss, accuracy, learning_rate };
                // After the last step the epoch is as good as done: it is kept first.
                if observe(event).is_break() && step < steps {
                    return stopped(state, tally, (step, &record));
                }
            }
            if self.is_stopped() && step < steps {
                return stopped(state, tally, (step, &record));
            }
        }
        Ok(Pass::Done(state, record))
    }

    /// One step on a batch, of which `tally` takes scores and loss. If it is an epoch's last one, also how far it has moved the weights, as
    /// [squares](Weights::update).
    pub(crate) fn advance(
        &self,
        mut state: State<A::Model>,
        loss: &WeightedLoss,
        (seen, labels): (Seen, Tensor<1, Int>),
        tally: &mut Tally,
        (moment, is_last): (Moment, bool),
    ) -> (State<A::Model>, Option<Tensor<1>>) {
        let batch = (seen, self.learnt(labels));
        let mut gradients = self.gradients(&state.model, loss, batch, tally);
        state.sum = state.sum.map(|sum| sum.add(&mut gradients));
        let weights = is_last.then(|| Weights::of(&state.model));
        state = self.step(state, gradients, moment.learning_rate);
        // What the optimizer has done, before averages move the weights, too.
        let update = weights.map(|weights| weights.update(&state.model, self.device));
        (self.average(state, (moment.step, moment.steps)), update)
    }

    /// What `tally` has of an epoch so far; after its last step, when there is an `update`, with the magnitude of the weights. The device is
    /// waited for once.
    pub(crate) fn look(
        &self,
        model: &A::Model,
        update: Option<Tensor<1>>,
        tally: &mut Tally,
    ) -> Result<Look, TrainError> {
        // What the last step of an epoch breaks shows in no loss any more.
        tally.look(update.map(|update| Tensor::cat(vec![update, magnitude(model, self.device)], 0)))
    }

    /// The gradients of the mean loss of a batch, which is computed in parts if it is larger than one. `tally` takes scores and loss.
    pub(crate) fn gradients(
        &self,
        model: &A::Model,
        loss: &WeightedLoss,
        (seen, labels): (Seen, Tensor<1, Int>),
        tally: &mut Tally,
    ) -> GradientsParams {
        let [batch] = labels.dims();
        if batch <= self.part {
            // ANCHOR: gradient
            let scores = seen.score(model);
            let value = loss.forward(scores.clone(), labels.clone());
            tally.add(&value, batch, scores, labels);
            return GradientsParams::from_grads(value.backward(), model);
            // ANCHOR_END: gradient
        }
        let mut sum = GradientsAccumulator::new();
        for (part, seen) in seen.parts(self.part) {
            let (scores, of_part) = (seen.score(model), labels.clone().slice(part));
            let value = loss.of_part(scores.clone(), of_part.clone(), &labels);
            tally.add(&value, batch, scores, of_part);
            sum.accumulate(model, GradientsParams::from_grads(value.backward(), model));
        }
        sum.grads()
    }

    // ANCHOR: step
    /// Descends by `gradients`.
    pub(crate) fn step(
        &self,
        mut state: State<A::Model>,
        mut gradients: GradientsParams,
        learning_rate: f64,
    ) -> State<A::Model> {
        let largest = self.recipe.train.clip_norm;
        if largest > 0.0 {
            clip_norm(&mut gradients, &state.model, largest);
        }
        let optimizer = state.optimizer.as_mut().expect("a descent has an optimizer");
        state.model = optimizer.step(learning_rate, state.model, gradients);
        state
    }
    // ANCHOR_END: step

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
    pub(crate) fn validate(&self, model: &A::Model) -> Result<(Option<f64>, Option<f64>), TrainError> {
        let images = &self.splits.validation;
        if images.is_empty() {
            return Ok((None, None));
        }
        let labels = images.labels();
        let in_training = self.is_left_in_training().then(|| TrainingMode::new(model.clone()));
        let model: &dyn Classifier = in_training.as_ref().map_or(model, |model| model);
        let scores = match &self.validation_rows {
            Some(rows) => score_rows(model, rows, self.device, self.part)?,
            None => score_at_most(model, images, self.device, self.part)?,
        };
        let loss = mean_loss(&self.recipe.loss.kind.without_smoothing(), &scores, &labels, self.device)?;
        Ok((loss, Some(scores.top_k_accuracy(&labels, 1))))
    }
}

/// When a step is made.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) learning_rate: f64,
    /// The step, from 1, of those of the whole training.
    pub(crate) step: usize,
    pub(crate) steps: usize,
}

impl Look {
    /// Fills in loss and accuracy after `step`, and after an epoch's last one how far that has moved the weights.
    fn note(&self, record: &mut EpochRecord, step: usize) -> Result<(), TrainError> {
        (record.train_loss, record.train_accuracy) = (self.loss, self.accuracy);
        let mut is_finite = self.loss.is_finite();
        if let [moved, size, magnitude] = self.more[..] {
            record.update_ratio = update_ratio(moved, size);
            is_finite &= magnitude.is_finite();
        }
        let EpochRecord { epoch, train_loss: loss, learning_rate, .. } = *record;
        if is_finite { Ok(()) } else { Err(TrainError::Diverged { epoch, step, loss, learning_rate }) }
    }
}

/// An epoch that is stopped after `step`. What has diverged by then is not worth going on with, and can't be written down.
fn stopped<M>(
    state: State<M>,
    tally: Tally,
    (step, record): (usize, &EpochRecord),
) -> Result<Pass<M>, TrainError> {
    let begun = tally.stopped(step)?;
    if begun.is_finite() {
        return Ok(Pass::Stopped(state, begun));
    }
    let EpochRecord { epoch, learning_rate, .. } = *record;
    Err(TrainError::Diverged { epoch, step, loss: f64::NAN, learning_rate })
}

/// Whether the epoch of `record` is to be kept in place of one before it: if the weights that would be kept get more validation
/// images right; with `few` images, which soon are all right in the middle of training, also if they get as many right with a
/// lower loss. Without validation images each is better than those before.
fn is_better(record: &EpochRecord, before: &EpochRecord, few: bool) -> bool {
    let judged_by = |record: &EpochRecord| {
        let EpochRecord { ema_validation_accuracy, validation_accuracy, validation_loss, .. } = *record;
        // The loss of averaged weights is not known.
        let loss = validation_loss.filter(|_| few && ema_validation_accuracy.is_none());
        (ema_validation_accuracy.or(validation_accuracy), loss.map(|loss| -loss))
    };
    judged_by(record).0.is_none() || judged_by(record) > judged_by(before)
}
