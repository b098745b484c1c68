//! Everything that a training run follows, as a TOML file has it.

use serde::{Deserialize, Serialize};
use zoo_core::{Architecture, InputSpec, InvalidConfig, Loss};
use zoo_data::Augment;

use crate::{Optimizer, Schedule};

/// A model and how to train it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe<A> {
    /// What the model looks like.
    pub architecture: A,
    /// What is minimised.
    pub loss: Loss,
    /// How gradients become updates.
    pub optimizer: Optimizer,
    /// How the learning rate moves.
    pub schedule: Schedule,
    /// How training images are varied.
    #[serde(default)]
    pub augment: Augment,
    /// How long and in what portions.
    pub train: TrainConfig,
}

/// The `[train]` of a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the training images.
    pub epochs: usize,
    /// Images a step; the last step of an epoch takes what is left.
    pub batch_size: usize,
}

impl<A: Architecture> Recipe<A> {
    /// Accepts a recipe whose values are in range and fit `input`.
    ///
    /// # Errors
    /// The first value that does not.
    pub fn validate(&self, input: &InputSpec) -> Result<(), InvalidConfig> {
        self.architecture.validate(input, &self.loss)?;
        self.loss.validate()?;
        self.optimizer.validate()?;
        self.schedule.validate()?;
        let [_, height, width] = input.shape;
        let largest = height.min(width) - 1;
        let crop = self.augment.crop;
        InvalidConfig::check(
            crop <= largest,
            "augment.crop",
            crop,
            &format!("0 to {largest} for images of {height}×{width}"),
        )?;
        let TrainConfig { epochs, batch_size } = self.train;
        InvalidConfig::check(epochs > 0, "train.epochs", epochs, "at least 1")?;
        InvalidConfig::check(batch_size > 0, "train.batch_size", batch_size, "at least 1")
    }
}
