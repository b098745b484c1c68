//! One epoch of a [`RandomSearch`].

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::tensor::{Int, Tensor, TensorData};
use zoo_core::{Architecture, Classifier, InvalidConfig};
use zoo_data::{Batch, derive_seed};
use zoo_schema::EpochRecord;

use crate::error::TrainError;
use crate::evaluate::read_all;
use crate::parameters::Parameters;
use crate::random::normal;
use crate::random_search::RandomSearch;
use crate::state::State;
use crate::training::{Event, Training};

/// Images that are scored in one go.
const CHUNK: usize = 1000;
/// Tries between two events.
const TELL_EVERY: usize = 10;

/// What the weights of a try do.
#[derive(Clone, Copy)]
struct Outcome {
    loss: f64,
    accuracy: f64,
}

impl<A: Architecture> Training<'_, A> {
    /// One epoch of `search`. The validation fields of the record are still empty.
    ///
    /// # Errors
    /// [`TrainError`]: no loss was finite, the observer has asked to stop, or the device failed.
    pub(crate) fn search(
        &self,
        search: RandomSearch,
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
        let tries = search.tries.min(search.all_tries(self.recipe.train.epochs) - before);
        let images: Vec<Batch> = self.all_batches(CHUNK).collect();
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
                let images = number * self.splits.train.len();
                let event = Event::Steps { epoch: epoch + 1, images, loss, accuracy, learning_rate: 0.0 };
                if observe(event).is_break() && number < tries {
                    return Err(TrainError::Stopped { epoch: epoch + 1 });
                }
            }
            if self.is_stopped() && number < tries {
                return Err(TrainError::Stopped { epoch: epoch + 1 });
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

    /// Loss and accuracy of `model` on all of `images`; `None` if the loss is not finite.
    fn judge(&self, model: &A::Model, images: &[Batch]) -> Result<Option<Outcome>, TrainError> {
        let loss = self.loss(self.device);
        let of_chunk = |Batch { images, labels }: &Batch| {
            let scores = model.forward(images.clone());
            let [loss, weight] = loss.sums(scores.clone(), labels.clone());
            let predictions: Tensor<1, Int> = scores.argmax(1).flatten(0, 1);
            Tensor::cat(vec![loss, weight, predictions.equal(labels.clone()).float().sum()], 0)
        };
        let Some(sums) = images.iter().map(of_chunk).reduce(|sums, more| sums + more) else {
            return Ok(None);
        };
        let sums = read_all(sums)?;
        let outcome = Outcome { loss: sums[0] / sums[1], accuracy: sums[2] / self.splits.train.len() as f64 };
        Ok(outcome.loss.is_finite().then_some(outcome))
    }
}

/// Draws all trained parameters from N(0, deviation²), or from N(θ, deviation²).
struct Draw<'a> {
    ids: &'a BTreeSet<ParamId>,
    /// Whether the new values lie around θ, and not around 0.
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
            let noise = zoo_kernels::upload(noise, &values.device());
            if self.keep { values + noise } else { noise }
        })
    }
}
