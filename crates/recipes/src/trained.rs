//! Models that learn.

use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::Serialize;
use toml::Table;
use zoo_backends::{Machine, cpu_device};
use zoo_core::{
    Architecture, Classifier, InputSpec, InvalidConfig, Loss, LossConfig, WithFeatures, parameters,
};
use zoo_data::Splits;
use zoo_schema::{GradientReport, SanityReport};
use zoo_train::{
    Learning, Mistake, RandomSearch, Recipe, Rows, Sampling, TestTimeAugmentation, TrainConfig, Training,
    TrainingMode, input_spec,
};

use crate::error::RecipeError;
use crate::estimator::{Dimensions, Estimator, Fitted, Job, Model, Observe, Trainable};
use crate::sight::Sight;
use crate::table::to_table;
use crate::tensors::LARGEST;
use crate::weights::{load, load_bytes, save, without_last_layer};

/// Images that gradients are checked on: each brings kinks along.
const CHECKED_IMAGES: usize = 2;
/// Images that the gradient is computed of in `f32` and in `f64`: BatchNorm wants some.
const COMPARED_IMAGES: usize = 16;
/// How often memory holds parameters while they are trained: themselves, their gradient, momentum, and those of the best epoch.
const COPIES: usize = 4;
/// Tries of a random search in a [shortened](Estimator::shortened) recipe.
const FEW_TRIES: usize = 20;

impl<A: Architecture + Serialize + 'static> Estimator for Recipe<A> {
    fn config(&self) -> Result<Table, RecipeError> {
        to_table(self)
    }

    fn check(&self, dimensions: Dimensions) -> Result<(), InvalidConfig> {
        self.validate(&InputSpec::without_statistics(dimensions.shape, dimensions.classes))?;
        self.train.validate_patience(dimensions.has_validation)?;
        let input = blank_input(self, dimensions);
        let features = format!("{:?}", self.architecture.features());
        let expected = "features that images of this size have";
        InvalidConfig::check(input.values() > 0, "architecture.features", features, expected)?;
        self.validate_groups(&input, &cpu_device(&Device::default()))
    }

    fn check_files(&self) -> Result<(), RecipeError> {
        Sight::open(&self.architecture.features(), &cpu_device(&Device::default())).map(drop)
    }

    /// The images, b bytes; a batch of `n` of them, of which each layer keeps what goes in and comes out, a values for an image in
    /// all; and p parameters with their gradient, what the optimizer keeps of them, and the best epoch's:
    /// b + 4 n a + 4 p · 4, four bytes a value.
    fn estimated_bytes(&self, dimensions: Dimensions) -> usize {
        let input = blank_input(self, dimensions);
        let images = dimensions.images * dimensions.values();
        let batch = self.train_on(dimensions.images).batch_size.min(dimensions.images);
        let parameters = self.architecture.init(&input, &cpu_device(&Device::default())).num_params();
        images
            + size_of::<f32>()
                * (batch * self.architecture.kept(&input).iter().sum::<usize>() + COPIES * parameters)
    }

    fn fit(&self, job: &Job<'_>, observe: Observe<'_>) -> Result<Fitted, RecipeError> {
        let start = Instant::now();
        let device = &job.machine.device;
        let sight = Sight::open(&self.architecture.features(), device)?;
        let mut training = Training::seeing(self, sight.extractor.clone(), job.splits, device, job.seed)?;
        if let Some(checkpoints) = job.checkpoints {
            sight.check_unchanged(&self.architecture.features(), checkpoints)?;
            training = training.with_checkpoints(checkpoints);
        }
        if let Some(stop) = job.stop {
            training = training.with_stop(stop);
        }
        if let Some(budget) = job.budget {
            training = training.with_budget(budget);
        }
        if let Some(bytes) = job.machine.largest_tensor {
            training = training.in_parts(bytes);
        }
        if let Some(part) = training.part() {
            log::warn!(
                "a batch of {} images is computed {part} at a time, as {} has no tensors above {} MiB; BatchNorm, where there is one, takes its statistics from each part",
                self.train_on(job.splits.train.len()).batch_size,
                job.machine.adapter,
                job.machine.largest_tensor.unwrap_or(0) >> 20,
            );
        }
        let warm_up = training.warm_up(observe)?;
        let most = fitting(&self.architecture, training.input(), job.machine);
        let finish = |model| TrainedModel::boxed(self, &sight, model, most);
        let fitted = training.fit(training.draw(&cpu_device(device)), observe)?;
        // Of a resumed run the history knows the time before, too.
        let epochs: f64 = fitted.history.iter().map(|record| record.seconds).sum();
        Ok(Fitted {
            model: finish(fitted.model),
            without_ema: fitted.without_ema.map(finish),
            seconds: epochs.max(start.elapsed().saturating_sub(warm_up).as_secs_f64()),
            history: fitted.history,
            kept_epoch: Some(fitted.best_epoch),
            stopped_by: fitted.stopped_by,
        })
    }

    fn load(
        &self,
        path: &Path,
        dimensions: Dimensions,
        machine: &Machine,
    ) -> Result<Box<dyn Model>, RecipeError> {
        let wrong = |reason: String| RecipeError::Load { path: path.into(), reason };
        let file = zoo_files::read(path, LARGEST).map_err(|error| wrong(error.to_string()))?;
        let (sight, weights) = Sight::read(&self.architecture.features(), path, file, &machine.device)?;
        let shape = sight.extractor.shape(dimensions.shape);
        let input = InputSpec::without_statistics(shape, dimensions.classes);
        let mut model = self.architecture.init(&input, &machine.device);
        load_bytes(&mut model, &weights).map_err(wrong)?;
        Ok(TrainedModel::boxed(self, &sight, model, fitting(&self.architecture, &input, machine)))
    }

    /// An epoch at most, in four batches or more; of a random search some tries.
    fn shortened(&self, images: usize) -> Box<dyn Estimator> {
        let TrainConfig { epochs, batch_size, .. } = self.train;
        let batch_size = batch_size.min((images / 4).max(1));
        let learning = match &self.learning {
            Learning::Search(search) => Learning::Search(RandomSearch { tries: FEW_TRIES, ..*search }),
            descent @ Learning::Descent(_) => descent.clone(),
        };
        let epochs = epochs.min(1.0);
        let train = TrainConfig { epochs, batch_size, few_images: 0, least_batches: 0, ..self.train };
        Box::new(Self { train, learning, ..self.clone() })
    }

    fn claims_probabilities(&self) -> bool {
        self.loss.kind.claims_probabilities()
    }

    fn test_time_augmentation(&self) -> TestTimeAugmentation {
        self.evaluate.test_time_augmentation
    }

    fn trainable(&self) -> Option<&dyn Trainable> {
        Some(self)
    }
}

impl<A: Architecture + Serialize + 'static> Trainable for Recipe<A> {
    fn architecture(&self) -> &'static str {
        self.architecture.name()
    }

    fn loss(&self) -> Loss {
        self.loss.kind
    }

    fn epochs(&self, images: usize) -> usize {
        self.train_on(images).epochs.ceil() as usize
    }

    fn steps(&self, images: usize) -> usize {
        match &self.learning {
            Learning::Descent(_) => self.train_on(images).steps(images),
            Learning::Search(search) => search.all_tries(self.train.epochs),
        }
    }

    fn images_per_epoch(&self, images: usize) -> usize {
        images * self.learning.passes()
    }

    fn load_weights(
        &self,
        path: &Path,
        splits: &Splits,
        machine: &Machine,
    ) -> Result<Box<dyn Model>, RecipeError> {
        let (sight, classes) =
            (Sight::open(&self.architecture.features(), &machine.device)?, splits.classes.len());
        let train = splits.all_train();
        let input = match Rows::of(&train, &sight.extractor, &machine.device)? {
            Some(rows) => rows.input_spec(classes),
            None => input_spec(&self.architecture, &train, classes),
        };
        let mut model = self.architecture.init(&input, &machine.device);
        if load(&mut model, path)? {
            let (path, images) = (path.display(), train.len());
            log::warn!("{path} has no normalization: that of all {images} training images is used");
        }
        Ok(TrainedModel::boxed(self, &sight, model, fitting(&self.architecture, &input, machine)))
    }

    fn hidden_layers(
        &self,
        weights: &[u8],
        shape: [usize; 3],
        device: &Device,
    ) -> Result<(Box<dyn Classifier>, usize), String> {
        let Some(extractor) = self.architecture.features().plain() else {
            return Err("it sees what another network sees; name that network".into());
        };
        let (weights, features) = without_last_layer(weights)?;
        let input = InputSpec::without_statistics(extractor.shape(shape), features);
        self.architecture.validate(&input, &self.loss.kind).map_err(|error| error.to_string())?;
        let mut model = self.architecture.init(&input, device);
        load_bytes(&mut model, &weights)?;
        Ok((Box::new(WithFeatures { extractor, model }), features))
    }

    fn gradient_report(
        &self,
        splits: &Splits,
        machine: &Machine,
        sampling: Sampling,
    ) -> Result<GradientReport, RecipeError> {
        // The one backend with `f64` everywhere.
        let cpu = cpu_device(&Device::default());
        let sight = Sight::open(&self.architecture.features(), &cpu)?;
        let training = Training::seeing(self, sight.extractor, splits, &cpu, sampling.seed)?;
        let batch = |images: usize| {
            let images = splits.train.stratified(images.min(splits.train.len()), sampling.seed).0;
            images.batch(0..images.len(), &cpu)
        };
        let report = training.check_gradients(&training.draw(&cpu), &batch(CHECKED_IMAGES), sampling)?;
        let trained = training.compare_gradients(&batch(COMPARED_IMAGES), &machine.device, sampling.seed)?;
        Ok(GradientReport { trained: Some(trained), ..report })
    }

    fn sanity_report(
        &self,
        splits: &Splits,
        machine: &Machine,
        seed: u64,
    ) -> Result<SanityReport, RecipeError> {
        let device = &machine.device;
        let plain = Self { architecture: self.architecture.without_noise(), ..self.clone() };
        let sight = Sight::open(&self.architecture.features(), device)?;
        let training = Training::seeing(&plain, sight.extractor, splits, device, seed)?;
        Ok(training.check_sanity(&training.draw(&cpu_device(device)))?)
    }

    fn smooth(&self) -> Option<(Vec<&'static str>, Box<dyn Estimator>)> {
        let (architecture, loss) = (self.architecture.smooth(), self.loss.kind.smooth());
        let mut changes = Vec::new();
        changes.extend(architecture.as_ref().map(|_| "gelu"));
        changes.extend(loss.as_ref().map(Loss::name));
        if changes.is_empty() {
            return None;
        }
        let architecture = architecture.unwrap_or_else(|| self.architecture.clone());
        let loss = LossConfig { kind: loss.unwrap_or(self.loss.kind), ..self.loss.clone() };
        let smooth = Self { architecture, loss, ..self.clone() };
        Some((changes, Box::new(smooth)))
    }
}

/// The input of a model that knows nothing of its images yet: of one that sees what a network sees, of any size.
fn blank_input<A: Architecture>(recipe: &Recipe<A>, dimensions: Dimensions) -> InputSpec {
    let extractor = recipe.architecture.features().plain();
    let shape = extractor.map_or([1; 3], |extractor| extractor.shape(dimensions.shape));
    InputSpec::without_statistics(shape, dimensions.classes)
}

/// The most images whose layers the adapter holds, by the estimate that training in parts goes by.
fn fitting<A: Architecture>(architecture: &A, input: &InputSpec, machine: &Machine) -> usize {
    machine.largest_tensor.map_or(usize::MAX, |bytes| architecture.fitting(input, bytes))
}

/// A Burn module as it leaves training.
struct TrainedModel<M> {
    classifier: WithFeatures<M>,
    /// The same as it is used if the recipe's mistake is to leave it in training.
    in_training: Option<WithFeatures<TrainingMode<M>>>,
    sight: Sight,
    /// The most images that it is given at a time.
    most: usize,
}

impl<M: Classifier + Module + 'static> TrainedModel<M> {
    /// Of images, by their features, as `recipe` says; given at most `most` images at a time.
    fn boxed<A>(recipe: &Recipe<A>, sight: &Sight, model: M, most: usize) -> Box<dyn Model> {
        let left = recipe.mistake == Some(Mistake::TrainingMode);
        let in_training = left.then(|| WithFeatures {
            extractor: sight.extractor.clone(),
            model: TrainingMode::new(model.clone()),
        });
        let classifier = WithFeatures { extractor: sight.extractor.clone(), model };
        Box::new(Self { classifier, in_training, sight: sight.clone(), most })
    }
}

impl<M: Classifier + Module> TrainedModel<M> {
    /// The classifier as the recipe uses it.
    fn used(&self) -> &dyn Classifier {
        self.in_training.as_ref().map_or(&self.classifier, |classifier| classifier)
    }
}

impl<M: Classifier + Module> Classifier for TrainedModel<M> {
    fn batch_size(&self, device: &Device) -> usize {
        self.used().batch_size(device).min(self.most)
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.used().forward(images)
    }

    fn probabilities(&self, scores: Tensor<2>) -> Tensor<2> {
        self.used().probabilities(scores)
    }
}

impl<M: Classifier + Module> Model for TrainedModel<M> {
    fn classifier(&self) -> &dyn Classifier {
        self
    }

    fn parameters(&self) -> usize {
        parameters(&self.classifier.model)
    }

    fn to_safetensors(&self) -> Result<Vec<u8>, RecipeError> {
        self.sight.write(save(&self.classifier.model)?)
    }
}
