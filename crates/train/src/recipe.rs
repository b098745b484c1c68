//! Everything that a training run follows, as a TOML file says it.

use burn::module::Module;
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::{Architecture, InputSpec, InvalidConfig, LossConfig};
use zoo_data::Augment;

use crate::ema::Ema;
use crate::evaluate::TestTimeAugmentation;
use crate::learning::Learning;
use crate::lookahead::Lookahead;
use crate::mistake::Mistake;
use crate::schedule::Schedule;

/// A model and how to train it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe<A> {
    /// What the model looks like.
    pub architecture: A,
    /// What is minimised, and how much each class counts in it.
    pub loss: LossConfig,
    /// How weights are found: the `[optimizer]`.
    #[serde(rename = "optimizer")]
    pub learning: Learning,
    /// How the learning rate moves.
    pub schedule: Schedule,
    /// Slow weights that follow the others.
    #[serde(default)]
    pub lookahead: Lookahead,
    /// A mean of the weights that is kept instead of them.
    #[serde(default)]
    pub ema: Ema,
    /// How training images are varied.
    #[serde(default)]
    pub augment: Augment,
    /// How long, and in batches of what size.
    pub train: TrainConfig,
    /// How the trained model is used.
    #[serde(default)]
    pub evaluate: EvaluateConfig,
    /// What is done wrong on purpose, to see what it costs. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mistake: Option<Mistake>,
}

/// The `[train]` of a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the training images; of a last one with a fraction, its first steps.
    pub epochs: f64,
    /// Images per step; the last step of an epoch takes what is left.
    pub batch_size: usize,
    /// Whether that last step is left out if it would take fewer images than the others. Default: false.
    #[serde(default)]
    pub drop_last: bool,
    /// The largest norm that the gradient of a step may have, taken over all parameters; 0 for any. Default: 0.
    #[serde(default)]
    pub clip_norm: f64,
    /// Training stops when the best epoch is this many epochs ago; 0 for never. Default: 0.
    #[serde(default)]
    pub patience: usize,
    /// With fewer training images than this there are more epochs, so that a few images make enough steps: by the square root of
    /// how many times fewer images there are, twice as many for a quarter. Of epochs that get as many validation images right the one
    /// with the lowest loss is then kept, not the first. 0 for never. Set to 0 by whoever sets `epochs` or
    /// `batch_size` without it. Default: 0.
    #[serde(default)]
    pub few_images: usize,
    /// A batch has this share of the images at most, 1 / `least_batches`, so that an epoch makes enough steps, but 16 images at
    /// least; the learning rate falls in proportion to the batch (Goyal et al., *Accurate, Large Minibatch SGD*, 2017). 0 for any
    /// share. Set to 0 by whoever sets `epochs` or `batch_size` without it. Default: 0.
    #[serde(default)]
    pub least_batches: usize,
}

/// The smallest batch that [`TrainConfig::least_batches`] makes: statistics of fewer images are too uncertain for BatchNorm.
const LEAST_BATCH: usize = 16;

/// The `[evaluate]` of a recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluateConfig {
    /// How test images are varied for scores that are reported next to the plain ones. Default: `none`.
    pub test_time_augmentation: TestTimeAugmentation,
}

impl TrainConfig {
    /// Checks that `patience` has validation images to judge by.
    ///
    /// # Errors
    /// If training is to stop early without validation images.
    pub fn validate_patience(&self, has_validation: bool) -> Result<(), InvalidConfig> {
        let usable = self.patience == 0 || has_validation;
        InvalidConfig::check(usable, "train.patience", self.patience, "0 without validation images")
    }

    /// What these settings come to for `images` training images: epochs and batches as they will be, [`few_images`](Self::few_images)
    /// and [`least_batches`](Self::least_batches) being spent.
    #[must_use]
    pub fn for_images(self, images: usize) -> Self {
        let Self { mut epochs, mut batch_size, few_images, least_batches, .. } = self;
        if (1..few_images).contains(&images) {
            epochs = (epochs * (few_images as f64 / images as f64).sqrt()).ceil();
        }
        if let Some(share) = images.checked_div(least_batches) {
            batch_size = batch_size.min(share.max(LEAST_BATCH));
        }
        Self { epochs, batch_size, few_images: 0, least_batches: 0, ..self }
    }

    /// Steps of an epoch over `images` images, with batches as they are; at least 1.
    ///
    /// # Panics
    /// If the batch size is 0, which [`Recipe::validate`] refuses.
    #[must_use]
    pub fn steps_of_epoch(&self, images: usize) -> usize {
        let steps = if self.drop_last { images / self.batch_size } else { images.div_ceil(self.batch_size) };
        steps.max(1)
    }

    /// Steps of all epochs over `images` images, with epochs and batches as they are.
    ///
    /// # Panics
    /// If the batch size is 0, which [`Recipe::validate`] refuses.
    #[must_use]
    pub fn steps(&self, images: usize) -> usize {
        (self.epochs * self.steps_of_epoch(images) as f64).ceil() as usize
    }
}

impl<A> Recipe<A> {
    /// How long it trains on `images` training images, and in batches of what size: [`TrainConfig::for_images`] for a descent; a
    /// search tries as often as it says.
    #[must_use]
    pub fn train_on(&self, images: usize) -> TrainConfig {
        match self.learning {
            Learning::Descent(_) => self.train.for_images(images),
            Learning::Search(_) => self.train,
        }
    }
}

impl<A: Architecture> Recipe<A> {
    /// Checks that all values are in range and suit images of the size that `input` has.
    ///
    /// # Errors
    /// The first value that does not.
    pub fn validate(&self, input: &InputSpec) -> Result<(), InvalidConfig> {
        self.architecture.validate(input, &self.loss.kind)?;
        self.loss.validate(input.classes)?;
        self.learning.validate()?;
        self.schedule.validate()?;
        self.lookahead.validate()?;
        self.ema.validate()?;
        if matches!(self.learning, Learning::Search(_)) {
            let check = |valid, key: &str, value: String| {
                InvalidConfig::check(
                    valid,
                    key,
                    value,
                    "left out: random search keeps the best weights, on images as they are",
                )
            };
            check(self.lookahead.every == 0, "lookahead.every", self.lookahead.every.to_string())?;
            check(self.ema.decay == 0.0, "ema.decay", self.ema.decay.to_string())?;
            check(self.augment == Augment::default(), "augment", format!("{:?}", self.augment))?;
            check(self.mistake.is_none(), "mistake", format!("{:?}", self.mistake))?;
        }
        let [_, height, width] = input.shape;
        let largest = height.min(width).saturating_sub(1);
        let Augment { crop, cutout, flip: _ } = self.augment;
        let upto = |largest: usize| format!("0 to {largest} for images of {height}×{width}");
        InvalidConfig::check(crop <= largest, "augment.crop", crop, &upto(largest))?;
        let largest = height.max(width);
        InvalidConfig::check(cutout <= largest, "augment.cutout", cutout, &upto(largest))?;
        let TrainConfig { epochs, batch_size, clip_norm, .. } = self.train;
        let valid = clip_norm >= 0.0 && clip_norm.is_finite();
        InvalidConfig::check(valid, "train.clip_norm", clip_norm, "above 0, or 0 for no limit")?;
        let valid = epochs > 0.0 && epochs <= 1e6;
        InvalidConfig::check(valid, "train.epochs", epochs, "above 0 and at most a million")?;
        InvalidConfig::check(batch_size > 0, "train.batch_size", batch_size, "at least 1")
    }

    /// Checks that each group of the optimizer has parameters, in a model for `input` (see [`Architecture::init`]) that is made on
    /// `device` for that; no weight is drawn.
    ///
    /// # Errors
    /// The first group without parameters.
    pub fn validate_groups(&self, input: &InputSpec, device: &Device) -> Result<(), InvalidConfig> {
        match self.learning.optimizer() {
            Some(optimizer) if !optimizer.groups().is_empty() => {
                optimizer.init(&self.architecture.init(input, device).train()).map(drop)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(batch_size: usize) -> TrainConfig {
        TrainConfig {
            epochs: 8.0,
            batch_size,
            drop_last: true,
            clip_norm: 0.0,
            patience: 0,
            few_images: 9000,
            least_batches: 16,
        }
    }

    #[test]
    fn few_images_make_more_epochs_of_smaller_batches() {
        let train = config(512);
        let found = |images| {
            let TrainConfig { epochs, batch_size, .. } = train.for_images(images);
            (epochs, batch_size, train.for_images(images).steps(images))
        };
        assert_eq!(found(45_000), (8.0, 512, 696));
        assert_eq!(found(9000), (8.0, 512, 136));
        assert_eq!(found(2250), (16.0, 140, 256));
        assert_eq!(found(1440), (20.0, 90, 320));
        assert_eq!(found(180), (57.0, 16, 627));
        assert_eq!(found(8), (269.0, 16, 269));
        assert_eq!(found(0), (8.0, 16, 8));
        for images in 1..20_000 {
            let (epochs, _, steps) = found(images);
            assert!(steps >= 128 && epochs >= 8.0, "{images}");
        }
        let plain = TrainConfig { few_images: 0, least_batches: 0, ..train };
        assert_eq!(plain.for_images(10), plain);
        assert_eq!(TrainConfig { epochs: 9.9, ..train }.for_images(9000).epochs, 9.9);
    }

    #[test]
    fn steps_of_whole_and_partial_epochs() {
        let steps = |epochs, drop_last| {
            let train = TrainConfig { epochs, drop_last, ..config(1024) };
            (train.steps_of_epoch(50_000), train.steps(50_000), train.steps(1000))
        };
        assert_eq!(steps(9.9, true), (48, 476, 10));
        assert_eq!(steps(2.0, false), (49, 98, 2));
        assert_eq!(steps(0.01, false).1, 1);
    }
}
