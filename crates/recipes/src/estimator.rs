//! What every model can do, whichever it is.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor};
use toml::Table;
use zoo_backends::Machine;
use zoo_core::{Classifier, InvalidConfig, Loss};
use zoo_data::Splits;
use zoo_knn::KnnConfig;
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
    /// Becomes true when training is to stop (see [`Training::with_stop`](zoo_train::Training::with_stop)).
    pub stop: Option<&'a AtomicBool>,
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
    /// The number of values in an image.
    #[must_use]
    pub fn values(self) -> usize {
        self.shape.iter().product()
    }

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

    /// How many bytes of memory it takes to fit it to images of these dimensions, roughly: within a factor of two on the CPU. The
    /// images themselves, a byte per value, are part of it. Default: only these.
    fn estimated_bytes(&self, dimensions: Dimensions) -> usize {
        dimensions.images * dimensions.values()
    }

    /// Accepts a recipe whose other files, if it needs any, are there and can be used.
    ///
    /// # Errors
    /// [`RecipeError::Load`].
    fn check_files(&self) -> Result<(), RecipeError> {
        Ok(())
    }

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

    /// How it finds the nearest training images that vote, if it answers so.
    fn neighbours(&self) -> Option<KnnConfig> {
        None
    }
}

/// What can be done with a recipe that learns, besides what all can.
pub trait Trainable {
    /// The kind of its network, `vgg`: see [`Architecture::name`](zoo_core::Architecture::name).
    fn architecture(&self) -> &'static str;

    /// The loss that it minimises.
    fn loss(&self) -> Loss;

    /// How many epochs it trains for where there are `images` training images, one that is not whole included.
    fn epochs(&self, images: usize) -> usize;

    /// How many steps the optimizer makes in all epochs, where there are `images` training images, if nothing ends training before; of
    /// a random search, how many weights it tries.
    fn steps(&self, images: usize) -> usize;

    /// How many images an epoch looks at, where there are `images` training images.
    fn images_per_epoch(&self, images: usize) -> usize;

    /// Reads weights that may have been trained elsewhere, on the training images of `splits`: on all of them, since how many are held out
    /// here says nothing about there.
    ///
    /// # Errors
    /// [`RecipeError::Load`] for a file that can't be read or is of another network.
    fn load_weights(
        &self,
        path: &Path,
        splits: &Splits,
        machine: &Machine,
    ) -> Result<Box<dyn Model>, RecipeError>;

    /// The network without its last layer, with `weights`, the content of a SafeTensors file; it was trained on images of `shape`
    /// `[channels, height, width]`. What it gives instead of scores are features; how many is told as well.
    ///
    /// # Errors
    /// Why they can't be had, in words.
    fn hidden_layers(
        &self,
        weights: &[u8],
        shape: [usize; 3],
        device: &Device,
    ) -> Result<(Box<dyn Classifier>, usize), String>;

    /// Compares analytic gradients with numerical ones, on some training images of `splits`, in `f64` on the CPU; and those that training
    /// computes on the machine's device with both.
    ///
    /// # Errors
    /// [`RecipeError::Train`] if the device fails.
    fn gradient_report(
        &self,
        splits: &Splits,
        machine: &Machine,
        sampling: Sampling,
    ) -> Result<GradientReport, RecipeError>;

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

/// A training image that is near to one that is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Near {
    /// Its name within the data; `None` if the model was kept by an older version, which kept no names.
    pub name: Option<String>,
    /// Its label.
    pub label: usize,
    /// How far it is: Σ |q − t| for L1, √Σ (q − t)² for L2, over pixels from 0 to 255.
    pub distance: f64,
}

/// A classifier that can be kept.
pub trait Model {
    /// The classifier.
    fn classifier(&self) -> &dyn Classifier;

    /// Scores images, as [`Classifier::forward`] does, and names for each the training images that voted, the nearest first; no lists
    /// where none vote.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`, pixel values 0 to 255.
    /// - returns: `[batch, classes]`, and a list per image.
    fn explain(&self, images: Tensor<4>) -> (Tensor<2>, Vec<Vec<Near>>) {
        (self.classifier().forward(images), Vec::new())
    }

    /// How many numbers training changes; for what isn't trained, how many it keeps.
    fn parameters(&self) -> usize;

    /// A SafeTensors file with PyTorch's names and layouts.
    ///
    /// # Errors
    /// [`RecipeError::Write`] if the device can't deliver.
    fn to_safetensors(&self) -> Result<Vec<u8>, RecipeError>;
}
