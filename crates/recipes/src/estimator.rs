//! What every model can do, whichever it is.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use toml::Table;
use zoo_backends::Machine;
use zoo_core::{Classifier, InvalidConfig, Loss};
use zoo_data::Splits;
use zoo_knn::Metric;
use zoo_schema::{EarlyStop, EpochRecord, GradientReport, SanityReport};
use zoo_train::{Checkpoints, Event, Sampling, TestTimeAugmentation};

use crate::error::RecipeError;

/// What hears of training while it runs. It answers [`ControlFlow::Break`] to stop.
pub type Observe<'a> = &'a mut dyn FnMut(Event<'_>) -> ControlFlow<()>;

/// What a model is fitted to, and where.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The images.
    pub splits: &'a Splits,
    /// Where to compute.
    pub machine: &'a Machine,
    /// What everything random follows from.
    pub seed: u64,
    /// How long training may take: it ends with the epoch that passes this (see
    /// [`Training::with_budget`](zoo_train::Training::with_budget)). What isn't trained takes what it takes.
    pub budget: Option<Duration>,
    /// Where each epoch is saved, and continued from if there is one already.
    pub checkpoints: Option<&'a Checkpoints>,
}

/// The images that a recipe is to work with.
#[derive(Clone, Copy, Debug)]
pub struct Dimensions {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// The number of classes.
    pub classes: usize,
    /// Training images, those held out for validation not included.
    pub images: usize,
    /// Whether some are held out.
    pub has_validation: bool,
}

impl Dimensions {
    /// Those of `splits`.
    #[must_use]
    pub fn of(splits: &Splits) -> Self {
        let shape = splits.shape();
        Self {
            shape: [shape.channels, shape.height, shape.width],
            classes: splits.classes.len(),
            images: splits.train.len(),
            has_validation: !splits.validation.is_empty(),
        }
    }
}

/// A recipe that has been read: how to make one model.
///
/// A network of one's own needs no implementation: every [`zoo_train::Recipe`] of an architecture is one.
pub trait Estimator {
    /// Every key with its value.
    ///
    /// # Errors
    /// [`RecipeError::Write`] if TOML has no way to write a value.
    fn config(&self) -> Result<Table, RecipeError>;

    /// Accepts a recipe that can be followed with such images.
    ///
    /// # Errors
    /// The first value that is out of range.
    fn check(&self, dimensions: Dimensions) -> Result<(), InvalidConfig>;

    /// Follows it, after the same checks.
    ///
    /// # Errors
    /// [`RecipeError::Train`].
    fn fit(&self, job: &Job<'_>, observe: Observe<'_>) -> Result<Fitted, RecipeError>;

    /// The model as it is before the images that were held out for validation become part of it: what it says of those would be
    /// memory, and no figure to compare with models that have not seen them. `None` where [`fit`](Self::fit) leaves them out, or
    /// where there is no such model.
    ///
    /// # Errors
    /// [`RecipeError::Train`].
    fn without_held_out(&self, job: &Job<'_>) -> Result<Option<Box<dyn Model>>, RecipeError> {
        let _ = job;
        Ok(None)
    }

    /// Reads a model that was fitted before.
    ///
    /// # Errors
    /// [`RecipeError::Load`] for a file that can't be read or is of another model.
    fn load(
        &self,
        path: &Path,
        dimensions: Dimensions,
        machine: &Machine,
    ) -> Result<Box<dyn Model>, RecipeError>;

    /// The same recipe in so short a form that it is done after some steps on `images` training images.
    fn shortened(&self, images: usize) -> Box<dyn Estimator>;

    /// Whether the models mean what [`Classifier::probabilities`] makes of their scores as probabilities: those that minimise
    /// cross-entropy do, and shares of votes or of images are. What becomes of scores that keep margins, or hit targets, is not.
    fn claims_probabilities(&self) -> bool;

    /// How test images are varied for scores that are reported next to the plain ones.
    fn test_time_augmentation(&self) -> TestTimeAugmentation {
        TestTimeAugmentation::None
    }

    /// What else can be done with a recipe that learns; `None` if it only keeps images, as k-nearest neighbours does, or
    /// counts them.
    fn trainable(&self) -> Option<&dyn Trainable> {
        None
    }

    /// The distance that it compares images by, if it does.
    fn metric(&self) -> Option<Metric> {
        None
    }
}

/// What can be done with a recipe that learns, besides what all can.
pub trait Trainable {
    /// The kind of its network, `vgg`: see [`Architecture::name`](zoo_core::Architecture::name).
    fn architecture(&self) -> &'static str;

    /// The loss that it minimises.
    fn loss(&self) -> Loss;

    /// How many epochs it trains for, one that is not whole included.
    fn epochs(&self) -> usize;

    /// How many steps the optimizer makes in all epochs, where there are `images` training images, if nothing ends training before; of
    /// a random search, how many weights it tries.
    fn steps(&self, images: usize) -> usize;

    /// How many images an epoch looks at, where there are `images` training images.
    fn images_per_epoch(&self, images: usize) -> usize;

    /// Reads weights that may have been trained elsewhere, on the training images of `splits`.
    ///
    /// # Errors
    /// [`RecipeError::Load`] for a file that can't be read or is of another network.
    fn load_weights(
        &self,
        path: &Path,
        splits: &Splits,
        machine: &Machine,
    ) -> Result<Box<dyn Model>, RecipeError>;

    /// Compares analytic gradients with numerical ones, on some training images of `splits`, in `f64` on the CPU.
    ///
    /// # Errors
    /// [`RecipeError::Train`] if the device fails.
    fn gradient_report(&self, splits: &Splits, sampling: Sampling) -> Result<GradientReport, RecipeError>;

    /// What must hold before training is worth its time, with nothing left out at random.
    ///
    /// # Errors
    /// [`RecipeError::Train`] if training fails.
    fn sanity_report(
        &self,
        splits: &Splits,
        machine: &Machine,
        seed: u64,
    ) -> Result<SanityReport, RecipeError>;

    /// The same recipe with smooth parts in place of those that have kinks, and what was put there (`gelu`, `cross_entropy`);
    /// `None` if it has no such parts.
    fn smooth(&self) -> Option<(Vec<&'static str>, Box<dyn Estimator>)>;
}

/// A fitted model and how it came about.
pub struct Fitted {
    /// The model.
    pub model: Box<dyn Model>,
    /// The weights that the model's are an average of, if they are.
    pub without_ema: Option<Box<dyn Model>>,
    /// Wall time.
    pub seconds: f64,
    /// A record per epoch; empty for what isn't trained.
    pub history: Vec<EpochRecord>,
    /// The epoch that the model is from, from 1; `None` for what isn't trained.
    pub kept_epoch: Option<usize>,
    /// Why training ended before its last epoch, if it did.
    pub stopped_by: Option<EarlyStop>,
}

impl Fitted {
    /// A model that isn't trained, and was begun at `start`.
    pub(crate) fn untrained(model: impl Model + 'static, start: Instant) -> Self {
        Self {
            model: Box::new(model),
            without_ema: None,
            seconds: start.elapsed().as_secs_f64(),
            history: Vec::new(),
            kept_epoch: None,
            stopped_by: None,
        }
    }
}

/// A classifier that can be kept.
pub trait Model {
    /// The classifier.
    fn classifier(&self) -> &dyn Classifier;

    /// How many numbers training changes; for what isn't trained, how many it keeps.
    fn parameters(&self) -> usize;

    /// A SafeTensors file with PyTorch's names and layouts.
    ///
    /// # Errors
    /// [`RecipeError::Write`] if the device can't deliver.
    fn to_safetensors(&self) -> Result<Vec<u8>, RecipeError>;
}
