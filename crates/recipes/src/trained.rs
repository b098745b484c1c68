//! Models that learn.

use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;
use toml::Table;
use zoo_backends::{Machine, cpu_device};
use zoo_core::{Architecture, Classifier, InputSpec, InvalidConfig, Loss, LossConfig, parameters};
use zoo_data::Splits;
use zoo_schema::{GradientReport, SanityReport};
use zoo_train::{Learning, RandomSearch, Recipe, Sampling, TestTimeAugmentation, TrainConfig, Training};

use crate::error::RecipeError;
use crate::estimator::{Dimensions, Estimator, Fitted, Job, Model, Observe, Trainable};
use crate::table::to_table;
use crate::weights::{load, save};

/// Images that gradients are checked on: each brings kinks along.
const CHECKED_IMAGES: usize = 2;
/// Tries of a random search in a [shortened](Estimator::shortened) recipe.
const FEW_TRIES: usize = 20;

impl<A: Architecture + Serialize + 'static> Estimator for Recipe<A> {
    fn config(&self) -> Result<Table, RecipeError> {
        to_table(self)
    }

    fn check(&self, dimensions: Dimensions) -> Result<(), InvalidConfig> {
        self.validate(&InputSpec::without_statistics(dimensions.shape, dimensions.classes))?;
        self.train.validate_patience(dimensions.has_validation)?;
        self.validate_groups(&blank_input(self, dimensions), &cpu_device(&Device::default()))
    }

    fn fit(&self, job: &Job<'_>, observe: Observe<'_>) -> Result<Fitted, RecipeError> {
        let start = Instant::now();
        let device = &job.machine.device;
        let mut training = Training::new(self, job.splits, device, job.seed)?;
        if let Some(checkpoints) = job.checkpoints {
            training = training.with_checkpoints(checkpoints);
        }
        if let Some(budget) = job.budget {
            training = training.with_budget(budget);
        }
        let fitted = training.fit(training.draw(&cpu_device(device)), observe)?;
        // Of a resumed run the history knows the time before, too.
        let epochs: f64 = fitted.history.iter().map(|record| record.seconds).sum();
        Ok(Fitted {
            model: Box::new(TrainedModel(fitted.model)),
            without_ema: fitted.without_ema.map(|model| Box::new(TrainedModel(model)) as Box<dyn Model>),
            seconds: epochs.max(start.elapsed().as_secs_f64()),
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
        let mut model = self.architecture.init(&blank_input(self, dimensions), &machine.device);
        load(&mut model, path, false)?;
        Ok(Box::new(TrainedModel(model)))
    }

    /// An epoch at most, in four batches or more; of a random search some tries.
    fn shortened(&self, images: usize) -> Box<dyn Estimator> {
        let TrainConfig { epochs, batch_size, .. } = self.train;
        let batch_size = batch_size.min((images / 4).max(1));
        let learning = match &self.learning {
            Learning::Search(search) => Learning::Search(RandomSearch { tries: FEW_TRIES, ..*search }),
            descent @ Learning::Descent(_) => descent.clone(),
        };
        let train = TrainConfig { epochs: epochs.min(1.0), batch_size, ..self.train };
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

    fn epochs(&self) -> usize {
        self.train.epochs.ceil() as usize
    }

    fn steps(&self, images: usize) -> usize {
        match &self.learning {
            Learning::Descent(_) => self.train.steps(images),
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
        let features = self.architecture.features();
        let input = zoo_train::input_spec(&splits.train, splits.classes.len(), features);
        let mut model = self.architecture.init(&input, &machine.device);
        load(&mut model, path, true)?;
        Ok(Box::new(TrainedModel(model)))
    }

    fn gradient_report(&self, splits: &Splits, sampling: Sampling) -> Result<GradientReport, RecipeError> {
        // The one backend with `f64` everywhere.
        let cpu = cpu_device(&Device::default());
        let training = Training::new(self, splits, &cpu, sampling.seed)?;
        let images = splits.train.stratified(CHECKED_IMAGES.min(splits.train.len()), sampling.seed).0;
        let batch = images.batch(0..images.len(), &cpu);
        Ok(training.check_gradients(&training.draw(&cpu), &batch, sampling)?)
    }

    fn sanity_report(
        &self,
        splits: &Splits,
        machine: &Machine,
        seed: u64,
    ) -> Result<SanityReport, RecipeError> {
        let device = &machine.device;
        let plain = Self { architecture: self.architecture.without_noise(), ..self.clone() };
        let model = Training::new(&plain, splits, device, seed)?.draw(&cpu_device(device));
        Ok(plain.check_sanity(&model, splits, device, seed)?)
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

/// The input of a model that knows nothing of its images yet.
fn blank_input<A: Architecture>(recipe: &Recipe<A>, dimensions: Dimensions) -> InputSpec {
    let shape = recipe.architecture.features().shape(dimensions.shape);
    InputSpec::without_statistics(shape, dimensions.classes)
}

/// A Burn module as it leaves training.
struct TrainedModel<M>(M);

impl<M: Classifier + Module> Model for TrainedModel<M> {
    fn classifier(&self) -> &dyn Classifier {
        &self.0
    }

    fn parameters(&self) -> usize {
        parameters(&self.0)
    }

    fn to_safetensors(&self) -> Result<Vec<u8>, RecipeError> {
        save(&self.0)
    }
}
