//! A training run before it starts: what it depends on, checked.

use std::time::Duration;

use burn::module::Module;
use burn::tensor::Device;
use zoo_core::{Architecture, InputSpec, InvalidConfig, WeightedLoss};
use zoo_data::{ImageShape, Splits, derive_seed};
use zoo_schema::EpochRecord;

use crate::checkpoint::Checkpoints;
use crate::input::input_spec;
use crate::recipe::Recipe;

/// What [`Training::fit`] reports while it works. The observer may answer
/// [`ControlFlow::Break`](std::ops::ControlFlow::Break) to stop.
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
        /// The learning rate of the last of these steps.
        learning_rate: f64,
    },
    /// An epoch is done, validation included. The records of all epochs so far, this one last.
    Epoch(&'a [EpochRecord]),
}

/// A recipe, the images that it is followed on, and everything else that a training run depends on; all of it checked.
#[derive(Clone, Debug)]
pub struct Training<'a, A> {
    pub(crate) recipe: &'a Recipe<A>,
    pub(crate) splits: &'a Splits,
    input: InputSpec,
    /// How much each class counts in the loss; `None` where every image counts the same.
    class_weights: Option<Vec<f64>>,
    /// Plain, without autodiff.
    pub(crate) device: &'a Device,
    pub(crate) seed: u64,
    pub(crate) checkpoints: Option<&'a Checkpoints>,
    pub(crate) stop_after: Option<usize>,
    pub(crate) budget: Option<Duration>,
}

impl<'a, A: Architecture> Training<'a, A> {
    /// Prepares to follow `recipe` on the training images of `splits`, choosing the best epoch by the validation images if there
    /// are any. `device` is where to compute, off autodiff. First weights, and order, augmentation and dropout of each epoch, follow
    /// from `seed`.
    ///
    /// # Errors
    /// If there are no training images, a value of the recipe is out of range or doesn't suit the images, training is to stop early
    /// without validation images, the class weights leave all training images out, or a group of the optimizer names no
    /// parameter.
    pub fn new(
        recipe: &'a Recipe<A>,
        splits: &'a Splits,
        device: &'a Device,
        seed: u64,
    ) -> Result<Self, InvalidConfig> {
        let images = splits.train.len();
        InvalidConfig::check(images > 0, "training images", images, "at least 1")?;
        let ImageShape { channels, height, width } = splits.shape();
        let classes = splits.classes.len();
        recipe.validate(&InputSpec::without_statistics([channels, height, width], classes))?;
        recipe.train.validate_patience(!splits.validation.is_empty())?;
        let class_weights = recipe.loss.class_weights.resolve(&splits.train.class_counts(classes))?;
        let input = input_spec(&splits.train, classes, recipe.architecture.features());
        recipe.validate_groups(&input, device)?;
        Ok(Self {
            recipe,
            splits,
            input,
            class_weights,
            device,
            seed,
            checkpoints: None,
            stop_after: None,
            budget: None,
        })
    }

    /// Saves each epoch to `checkpoints`, and continues from what is there already.
    #[must_use]
    pub const fn with_checkpoints(mut self, checkpoints: &'a Checkpoints) -> Self {
        self.checkpoints = Some(checkpoints);
        self
    }

    /// Stops after `epochs` epochs as if interrupted: schedules still follow the length of training that the recipe has.
    #[must_use]
    pub const fn stop_after(mut self, epochs: usize) -> Self {
        self.stop_after = Some(epochs);
        self
    }

    /// Stops at the end of the epoch that passes `budget`, the time of all epochs, those before an interruption included, and of
    /// their validation. One epoch is trained at least. Schedules still follow the length of training that the recipe has, so that
    /// a learning rate that was to fall may not have.
    #[must_use]
    pub const fn with_budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// What is minimised, for scores on `device`.
    pub(crate) fn loss(&self, device: &Device) -> WeightedLoss {
        WeightedLoss::new(self.recipe.loss.kind, self.class_weights.as_deref(), device)
    }

    /// Size and statistics of what the model sees of the training images: their pixels, or their features.
    #[must_use]
    pub const fn input(&self) -> &InputSpec {
        &self.input
    }

    /// The model with fresh weights: drawn on device `on`, and moved to the training's device. If `on` is a CPU, a seed gives the
    /// same weights on every backend.
    #[must_use]
    pub fn draw(&self, on: &Device) -> A::Model {
        let model = self.recipe.architecture.draw(&self.input, on, derive_seed(self.seed, u64::MAX));
        model.fork(self.device)
    }
}
