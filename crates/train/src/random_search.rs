//! Learning without gradients: the two strategies that CS231n, *optimization-1*, begins with, to show what a gradient is worth.
//!
//! - **Random search** draws all weights anew from N(0, deviation²) at each try, and keeps the best.
//! - **Random local search** adds N(0, step²) to the best weights at each try, and keeps the sum if it is better. It starts from a draw from
//!   N(0, deviation²).
//!
//! Better is what has the smaller loss over all training images, as they are and at once, without penalty. All trained parameters are
//! drawn, biases too. An epoch is a number of tries; the first one of random search starts from nothing.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::tensor::{Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use zoo_core::result::EpochRecord;
use zoo_core::{Architecture, Classifier, InvalidConfig};
use zoo_data::{Batch, derive_seed};

use crate::evaluate::read;
use crate::fit::State;
use crate::parameters::Parameters;
use crate::random::normal;
use crate::{Event, TrainError, Training};

/// Images that are scored in one go.
const CHUNK: usize = 1000;
/// Tries between two events.
const TELL_EVERY: usize = 10;

/// The keys of `random_search`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomSearch {
    /// Tries an epoch. Default: 100.
    pub tries: usize,
    /// The standard deviation of all weights. Default: 0.001.
    pub deviation: f64,
}

/// The keys of `random_local_search`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomLocalSearch {
    /// Tries an epoch. Default: 100.
    pub tries: usize,
    /// The standard deviation of the weights that it starts from. Default: 0.001.
    pub deviation: f64,
    /// The standard deviation of what is added to each weight. Default: 0.0001.
    pub step: f64,
}

impl Default for RandomSearch {
    fn default() -> Self {
        Self { tries: 100, deviation: 1e-3 }
    }
}

impl Default for RandomLocalSearch {
    fn default() -> Self {
        Self { tries: 100, deviation: 1e-3, step: 1e-4 }
    }
}

/// Either kind of search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    pub(crate) tries: usize,
    deviation: f64,
    /// For local search.
    step: Option<f64>,
}

impl From<RandomSearch> for Search {
    fn from(RandomSearch { tries, deviation }: RandomSearch) -> Self {
        Self { tries, deviation, step: None }
    }
}

impl From<RandomLocalSearch> for Search {
    fn from(RandomLocalSearch { tries, deviation, step }: RandomLocalSearch) -> Self {
        Self { tries, deviation, step: Some(step) }
    }
}

impl Search {
    /// Accepts values that are in range.
    ///
    /// # Errors
    /// The first value that is not.
    pub(crate) fn validate(self) -> Result<(), InvalidConfig> {
        InvalidConfig::check(self.tries > 0, "optimizer.tries", self.tries, "at least 1")?;
        let above =
            |key, value: f64| InvalidConfig::check(value > 0.0 && value.is_finite(), key, value, "above 0");
        above("optimizer.deviation", self.deviation)?;
        self.step.map_or(Ok(()), |step| above("optimizer.step", step))
    }
}

/// What a try has come to.
#[derive(Clone, Copy)]
struct Outcome {
    loss: f64,
    accuracy: f64,
}

impl<A: Architecture> Training<'_, A> {
    /// One epoch of `search`. What it returns doesn't know of validation yet.
    ///
    /// # Errors
    /// [`TrainError`]: no loss was finite, the observer has asked to stop, or the device failed.
    pub(crate) fn search(
        &self,
        search: Search,
        epoch: usize,
        mut state: State<A::Model>,
        observe: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<(State<A::Model>, EpochRecord), TrainError> {
        let ids = Parameters::of(&state.model).0.into_iter().map(|parameter| parameter.id).collect();
        let draw = |from: &A::Model, keep, deviation, number: usize| {
            let seed = derive_seed(self.seed, number as u64);
            from.clone().map(&mut Draw { ids: &ids, keep, deviation, seed, drawn: 0 })
        };
        let before = epoch * search.tries;
        let all = (self.recipe.train.epochs * search.tries as f64).ceil() as usize;
        let tries = search.tries.min(all - before);
        let images = self.chunks();
        let mut best = state.model.valid();
        let mut found = None;
        if search.step.is_some() && epoch == 0 {
            // Try 0 is what local search starts from.
            best = draw(&best, false, search.deviation, 0);
        }
        if search.step.is_some() || epoch > 0 {
            found = self.judge(&best, &images)?;
        }
        let (keep, deviation) = search.step.map_or((false, search.deviation), |step| (true, step));
        for number in 1..=tries {
            let candidate = draw(&best, keep, deviation, before + number);
            let outcome = self.judge(&candidate, &images)?;
            if outcome.is_some_and(|new| found.is_none_or(|old: Outcome| new.loss < old.loss)) {
                (best, found) = (candidate, outcome);
            }
            if let Some(Outcome { loss, accuracy }) = found
                && (number.is_multiple_of(TELL_EVERY) || number == tries)
            {
                let images = number * self.train.len();
                let event = Event::Steps { epoch: epoch + 1, images, loss, accuracy, learning_rate: 0.0 };
                if observe(event).is_break() && number < tries {
                    return Err(TrainError::Stopped { epoch: epoch + 1 });
                }
            }
        }
        let Some(Outcome { loss: train_loss, accuracy: train_accuracy }) = found else {
            let (key, value) = ("optimizer.deviation".into(), search.deviation.to_string());
            let expected = "small enough for a finite loss".into();
            return Err(InvalidConfig { key, value, expected }.into());
        };
        state.model = best.train();
        Ok((state, EpochRecord { epoch: epoch + 1, train_loss, train_accuracy, ..EpochRecord::default() }))
    }

    /// The training images, on the device.
    fn chunks(&self) -> Vec<Batch> {
        let count = self.train.len();
        let starts = (0..count).step_by(CHUNK);
        starts.map(|start| self.train.batch(start..(start + CHUNK).min(count), self.device)).collect()
    }

    /// Loss and accuracy of `model` on all of `images`; `None` if the loss is not finite.
    fn judge(&self, model: &A::Model, images: &[Batch]) -> Result<Option<Outcome>, TrainError> {
        let of_chunk = |Batch { images, labels }: &Batch| {
            let scores = model.forward(images.clone());
            let loss = self.recipe.loss.forward(scores.clone(), labels.clone()) * images.dims()[0] as f64;
            let predictions: Tensor<1, Int> = scores.argmax(1).flatten(0, 1);
            Tensor::cat(vec![loss, predictions.equal(labels.clone()).float().sum()], 0)
        };
        let Some(sums) = images.iter().map(of_chunk).reduce(|sums, more| sums + more) else {
            return Ok(None);
        };
        let [loss, correct] = [0, 1].map(|at| read(sums.clone().slice(at..at + 1)));
        let count = self.train.len() as f64;
        let outcome = Outcome { loss: loss? / count, accuracy: correct? / count };
        Ok(outcome.loss.is_finite().then_some(outcome))
    }
}

/// Draws all trained parameters from N(0, deviation²), or from N(θ, deviation²).
struct Draw<'a> {
    ids: &'a BTreeSet<ParamId>,
    /// Whether θ is where the new values lie around.
    keep: bool,
    deviation: f64,
    seed: u64,
    /// Numbers that were drawn so far.
    drawn: usize,
}

impl ModuleMapper for Draw<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !self.ids.contains(&param.id) {
            return param;
        }
        param.map(|values| {
            let first = self.drawn;
            self.drawn += values.shape().num_elements();
            let draw = |place| (self.deviation * normal(self.seed, place)) as f32;
            let noise = TensorData::new((first..self.drawn).map(draw).collect::<Vec<f32>>(), values.shape());
            let noise = Tensor::from_data(noise, &values.device());
            if self.keep { values + noise } else { noise }
        })
    }
}
