//! Everything that a training run follows, as a TOML file has it.

use serde::{Deserialize, Serialize};
use zoo_core::{Architecture, InputSpec, InvalidConfig, Loss};
use zoo_data::Augment;

use crate::{Lookahead, Optimizer, Schedule};

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
    /// Slow weights that follow the others, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookahead: Option<Lookahead>,
    /// How training images are varied.
    #[serde(default)]
    pub augment: Augment,
    /// How long and in what portions.
    pub train: TrainConfig,
}

/// The `[train]` of a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the training images; of a last one with a fraction, its first steps.
    pub epochs: f64,
    /// Images a step; the last step of an epoch takes what is left.
    pub batch_size: usize,
    /// Whether that last step is left out if it would take fewer images than the others. Default: false.
    #[serde(default)]
    pub drop_last: bool,
}

impl TrainConfig {
    /// Steps of an epoch over `images` images; at least 1.
    #[must_use]
    pub fn steps_of_epoch(&self, images: usize) -> usize {
        let steps = if self.drop_last { images / self.batch_size } else { images.div_ceil(self.batch_size) };
        steps.max(1)
    }

    /// Steps of all epochs over `images` images.
    #[must_use]
    pub fn steps(&self, images: usize) -> usize {
        (self.epochs * self.steps_of_epoch(images) as f64).ceil() as usize
    }
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
        self.lookahead.map_or(Ok(()), |lookahead| lookahead.validate())?;
        let [_, height, width] = input.shape;
        let largest = height.min(width) - 1;
        let crop = self.augment.crop;
        InvalidConfig::check(
            crop <= largest,
            "augment.crop",
            crop,
            &format!("0 to {largest} for images of {height}×{width}"),
        )?;
        let TrainConfig { epochs, batch_size, drop_last: _ } = self.train;
        let valid = epochs > 0.0 && epochs <= 1e6;
        InvalidConfig::check(valid, "train.epochs", epochs, "above 0 and at most a million")?;
        InvalidConfig::check(batch_size > 0, "train.batch_size", batch_size, "at least 1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_whole_and_partial_epochs() {
        let steps = |epochs, drop_last| {
            let train = TrainConfig { epochs, batch_size: 1024, drop_last };
            (train.steps_of_epoch(50_000), train.steps(50_000), train.steps(1000))
        };
        assert_eq!(steps(9.9, true), (48, 476, 10));
        assert_eq!(steps(2.0, false), (49, 98, 2));
        assert_eq!(steps(0.01, false).1, 1);
    }
}
