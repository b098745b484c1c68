//! What a GPU does once, before the clock starts.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use burn::module::Module;
use zoo_core::Architecture;

use crate::error::TrainError;
use crate::fit::Moment;
use crate::learning::Learning;
use crate::tally::Tally;
use crate::training::{Event, Training};

impl<A: Architecture> Training<'_, A> {
    /// Makes the first and the last step of an epoch and scores the validation images, with a model of its own that is thrown away: by
    /// that a GPU's kernels are compiled, and tuned for the sizes of batches that training will have. `observe` hears of it first. On the CPU,
    /// and for a random search, there is nothing to do. Returns the time that it took.
    ///
    /// # Errors
    /// [`TrainError`] if the device fails.
    pub fn warm_up(
        &self,
        observe: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Duration, TrainError> {
        if !zoo_kernels::is_gpu(self.device) || !matches!(self.recipe.learning, Learning::Descent(_)) {
            return Ok(Duration::ZERO);
        }
        let start = Instant::now();
        // Training hears soon enough that it is to stop.
        let _ = observe(Event::Tuning);
        let architecture = &self.recipe.architecture;
        let model = architecture.before_epoch(architecture.init(self.input(), self.device).train(), 0);
        let mut state = self.state(model)?;
        let loss = self.loss(&self.device.clone().autodiff());
        let last = self.train.steps_of_epoch(self.splits.train.len()) - 1;
        // Each as if it were the last, after which there is most to do.
        let moment = Moment { learning_rate: 0.0, step: 1, steps: 1 };
        for done in [0, last].into_iter().take_while(|_| !self.is_stopped()) {
            if let Some(batch) = self.batches(&state.model, 0, done).next() {
                let mut tally = Tally::default();
                let update;
                (state, update) = self.advance(state, &loss, batch, &mut tally, (moment, true));
                tally.end_stretch();
                self.look(&state.model, update, &mut tally)?;
            }
        }
        self.validate(&state.model.valid())?;
        zoo_kernels::wait(self.device).map_err(|error| TrainError::Device(error.to_string()))?;
        Ok(start.elapsed())
    }
}
