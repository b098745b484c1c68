//! A training run before it starts: what it depends on, checked.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use zoo_core::{Architecture, Classifier, Extractor, InputSpec, InvalidConfig, WeightedLoss};
use zoo_data::{Augment, Batch, ByteBatch, Epoch, ImageShape, Resident, Splits, derive_seed, epoch_order};
use zoo_schema::EpochRecord;

use crate::checkpoint::Checkpoints;
use crate::error::TrainError;
use crate::input::input_spec;
use crate::learning::Learning;
use crate::mistake::Mistake;
use crate::recipe::{Recipe, TrainConfig};
use crate::rows::Rows;

/// What [`Training::fit`] and [`Training::warm_up`] report while they work. The observer may answer
/// [`ControlFlow::Break`](std::ops::ControlFlow::Break) to stop.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A GPU's kernels are compiled and tuned ([`Training::warm_up`]).
    Tuning,
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
    /// Epochs and batches for as many images as there are.
    pub(crate) train: TrainConfig,
    pub(crate) splits: &'a Splits,
    pub(crate) extractor: Extractor,
    /// Features of the training images; `None` for pixels, and where each epoch varies the images.
    rows: Option<Rows>,
    /// The training images on a GPU, if that keeps them.
    resident: Option<Resident>,
    /// Features of the validation images; `None` for pixels.
    pub(crate) validation_rows: Option<Rows>,
    input: InputSpec,
    /// How much each class counts in the loss; `None` where every image counts the same.
    class_weights: Option<Vec<f64>>,
    /// Plain, without autodiff.
    pub(crate) device: &'a Device,
    pub(crate) seed: u64,
    pub(crate) checkpoints: Option<&'a Checkpoints>,
    pub(crate) stop_after: Option<usize>,
    stop: Option<&'a AtomicBool>,
    pub(crate) budget: Option<Duration>,
    /// The most images that are computed at a time.
    pub(crate) part: usize,
}

impl<'a, A: Architecture> Training<'a, A> {
    /// Prepares to follow `recipe`, whose model sees features that need no network, as [`seeing`](Self::seeing) does.
    ///
    /// # Errors
    /// Those of [`seeing`](Self::seeing), and [`TrainError::Config`] for features of a network.
    pub fn new(
        recipe: &'a Recipe<A>,
        splits: &'a Splits,
        device: &'a Device,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let features = recipe.architecture.features();
        let Some(extractor) = features.plain() else {
            let expected = "opened first, and given to Training::seeing";
            return Err(InvalidConfig {
                key: "architecture.features".into(),
                value: format!("{features:?}"),
                expected: expected.into(),
            }
            .into());
        };
        Self::seeing(recipe, extractor, splits, device, seed)
    }

    /// Prepares to follow `recipe` on what `extractor` makes of the training images of `splits`, choosing the best epoch by the
    /// validation images if there are any. `device` is where to compute, off autodiff. First weights, and order, augmentation and dropout of each epoch, follow
    /// from `seed`.
    ///
    /// # Errors
    /// [`TrainError::Config`] if there are no training images, a value of the recipe is out of range or doesn't suit the images,
    /// training is to stop early without validation images, the class weights leave all training images out, or a group of the
    /// optimizer names no parameter.
    pub fn seeing(
        recipe: &'a Recipe<A>,
        extractor: Extractor,
        splits: &'a Splits,
        device: &'a Device,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let images = splits.train.len();
        InvalidConfig::check(images > 0, "training images", images, "at least 1")?;
        let ImageShape { channels, height, width } = splits.shape();
        let classes = splits.classes.len();
        recipe.validate(&InputSpec::without_statistics([channels, height, width], classes))?;
        recipe.train.validate_patience(!splits.validation.is_empty())?;
        let class_weights = recipe.loss.class_weights.resolve(&splits.train.class_counts(classes))?;
        let length = extractor.shape([channels, height, width]).iter().product::<usize>();
        let smallest = "features that images of this size have";
        InvalidConfig::check(length > 0, "architecture.features", format!("{extractor:?}"), smallest)?;
        let rows = Rows::of(&splits.train, &extractor, device)?;
        let input = rows.as_ref().map_or_else(
            || input_spec(&recipe.architecture, &splits.train, classes),
            |rows| rows.input_spec(classes),
        );
        let input = match recipe.mistake {
            Some(mistake) => {
                mistake.describe(&recipe.architecture, input, &splits.test, &extractor, device)?
            }
            None => input,
        };
        recipe.validate_groups(&input, device)?;
        // Where features are computed once, or counted in memory, images aren't needed there.
        let computed = recipe.augment == Augment::default() && rows.is_some();
        let descends = matches!(recipe.learning, Learning::Descent(_));
        let needed = descends && !computed && extractor.counted().is_none();
        Ok(Self {
            recipe,
            train: recipe.train_on(images),
            splits,
            rows: rows.filter(|_| computed),
            resident: needed.then(|| Resident::of(&splits.train, device)).flatten(),
            validation_rows: Rows::of(&splits.validation, &extractor, device)?,
            extractor,
            input,
            class_weights,
            device,
            seed,
            checkpoints: None,
            stop_after: None,
            stop: None,
            budget: None,
            part: usize::MAX,
        })
    }

    /// Computes a batch in parts where a layer would otherwise keep more than `largest_tensor` bytes of it: gradients of all parts are
    /// added up before the step. The step is that of the whole batch, except that BatchNorm takes the statistics of each part, and
    /// dropout is drawn for each. Validation images are scored as many at a time at most.
    #[must_use]
    pub fn in_parts(mut self, largest_tensor: u64) -> Self {
        self.part = self.recipe.architecture.fitting(&self.input, largest_tensor);
        self
    }

    /// How many images of a batch are computed at a time, if they are fewer than a batch has.
    #[must_use]
    pub fn part(&self) -> Option<usize> {
        (self.part < self.train.batch_size).then_some(self.part)
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

    /// Stops after the step during which `stop` becomes true. With checkpoints that step is saved, and goes on from there; the tries of an
    /// epoch of random search are made again.
    #[must_use]
    pub const fn with_stop(mut self, stop: &'a AtomicBool) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Whether training is to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
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

    /// Whether models are used as if they were still in training.
    pub(crate) fn is_left_in_training(&self) -> bool {
        self.recipe.mistake == Some(Mistake::TrainingMode)
    }

    /// Whether there are fewer images than the recipe's epochs are meant for.
    pub(crate) fn has_few_images(&self) -> bool {
        self.splits.train.len() < self.recipe.train.few_images
    }

    /// The recipe's learning rate at its peak, in proportion to the batch where that is smaller than the recipe's.
    pub(crate) fn peak(&self, learning_rate: f64) -> f64 {
        let (batch, whole) = (self.train.batch_size, self.recipe.train.batch_size);
        if batch == whole { learning_rate } else { learning_rate * batch as f64 / whole as f64 }
    }

    /// Size and statistics of what the model sees of the training images: their pixels, or their features.
    #[must_use]
    pub const fn input(&self) -> &InputSpec {
        &self.input
    }

    /// Epoch number `epoch`, a batch at a time, without the first `done` batches: what `model` sees of the training images in random order,
    /// and labels, on autodiff.
    pub(crate) fn batches(
        &self,
        model: &A::Model,
        epoch: usize,
        done: usize,
    ) -> Box<dyn Iterator<Item = (Seen, Tensor<1, Int>)> + '_> {
        let (train, augment) = (self.train, &self.recipe.augment);
        let images = &self.splits.train;
        let at = (self.seed, epoch);
        let fixed = self.recipe.mistake.and_then(|mistake| mistake.order(images));
        let Some(rows) = &self.rows else {
            let batches = Epoch::new(images, train.batch_size, *augment, at, self.device);
            let batches = match fixed {
                Some(order) => batches.in_order(order),
                None => batches,
            };
            let batches = batches.resident(self.resident.as_ref()).after(done);
            // What is hidden isn't a whole number.
            if model.prefers_bytes() && self.extractor.is_identity() && augment.cutout == 0 {
                return Box::new(batches.bytes().map(Seen::bytes));
            }
            if let Some(count) = self.extractor.counted() {
                let ImageShape { channels, height, width } = images.shape();
                return Box::new(batches.numbers().map(move |(pixels, labels)| {
                    let shape = [labels.dims()[0], self.input.values(), 1, 1];
                    let features = TensorData::new(count(&pixels, [channels, height, width]), shape);
                    Seen::numbers(Batch { images: zoo_kernels::upload(features, self.device), labels })
                }));
            }
            return Box::new(batches.map(|batch| Seen::numbers(self.see(batch))));
        };
        let order = fixed.unwrap_or_else(|| epoch_order(images.len(), at));
        let starts = (0..order.len()).step_by(train.batch_size).skip(done);
        Box::new(starts.map(move |start| {
            let positions = &order[start..(start + train.batch_size).min(order.len())];
            let labels = images.labels_at(positions.iter().copied(), self.device);
            Seen::numbers(Batch { images: rows.batch(positions, self.device), labels })
        }))
    }

    /// The labels of training images as they are learnt.
    pub(crate) fn learnt(&self, labels: Tensor<1, Int>) -> Tensor<1, Int> {
        match self.recipe.mistake {
            Some(mistake) => mistake.label(labels, self.splits.classes.len()),
            None => labels,
        }
    }

    /// All training images in order, as the model sees them, `size` at a time, off autodiff.
    pub(crate) fn all_batches(&self, size: usize) -> impl Iterator<Item = Batch> {
        self.splits.train.batches(size, self.device).map(|batch| self.see(batch))
    }

    /// What the model sees of the images of a batch, off autodiff.
    pub(crate) fn see(&self, Batch { images, labels }: Batch) -> Batch {
        Batch { images: self.extractor.forward(images), labels }
    }

    /// The model with fresh weights: drawn on device `on`, and moved to the training's device. If `on` is a CPU, a seed gives the
    /// same weights on every backend.
    #[must_use]
    pub fn draw(&self, on: &Device) -> A::Model {
        self.drawn(&self.recipe.architecture, on).fork(self.device)
    }

    /// A model of `architecture`, for the same images and with the weights that follow from the same seed.
    pub(crate) fn drawn(&self, architecture: &A, on: &Device) -> A::Model {
        architecture.draw(&self.input, on, derive_seed(self.seed, u64::MAX))
    }
}

/// What a model sees of a batch of images, on autodiff.
pub(crate) enum Seen {
    Numbers(Tensor<4>),
    Bytes(Tensor<4, Int>),
}

impl Seen {
    fn numbers(batch: Batch) -> (Self, Tensor<1, Int>) {
        let Batch { images, labels } = on_autodiff(batch);
        (Self::Numbers(images), labels)
    }

    fn bytes(ByteBatch { images, labels }: ByteBatch) -> (Self, Tensor<1, Int>) {
        (Self::Bytes(Tensor::from_inner(images)), Tensor::from_inner(labels))
    }

    /// At most `size` images each, in order.
    pub(crate) fn parts(self, size: usize) -> impl Iterator<Item = (Range<usize>, Self)> {
        let images = match &self {
            Self::Numbers(images) => images.dims()[0],
            Self::Bytes(images) => images.dims()[0],
        };
        (0..images).step_by(size).map(move |first| {
            let part = first..(first + size).min(images);
            let seen = match &self {
                Self::Numbers(images) => Self::Numbers(images.clone().slice(part.clone())),
                Self::Bytes(images) => Self::Bytes(images.clone().slice(part.clone())),
            };
            (part, seen)
        })
    }

    pub(crate) fn score(self, model: &dyn Classifier) -> Tensor<2> {
        match self {
            Self::Numbers(images) => model.forward(images),
            Self::Bytes(images) => model.forward_bytes(images),
        }
    }
}

/// A batch that gradients are taken of.
pub(crate) fn on_autodiff(Batch { images, labels }: Batch) -> Batch {
    Batch { images: Tensor::from_inner(images), labels: Tensor::from_inner(labels) }
}
