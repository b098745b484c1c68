//! The registry of models: a new one is a line in [`ENTRIES`].

use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;
use zoo_cnn::CnnConfig;
use zoo_core::result::EpochRecord;
use zoo_core::{Architecture, Classifier, InputSpec, InvalidConfig, Loss};
use zoo_data::{Splits, Statistics, Subset, derive_seed};
use zoo_knn::{Knn, KnnConfig};
use zoo_softmax::SoftmaxConfig;
use zoo_svm::SvmConfig;
use zoo_train::{Checkpoints, Training};

use crate::backend::{Selected, cpu_device};
use crate::cli::UsageError;
use crate::config::{parse, to_table};
use crate::nearest::unknown;
use crate::progress::Progress;

type Parsed = Result<Box<dyn Recipe>, serde_path_to_error::Error<toml::de::Error>>;

/// A model that can be asked for by name.
pub(crate) struct Entry {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Its default recipe, TOML.
    pub(crate) defaults: &'static str,
    /// Reads a recipe.
    pub(crate) parse: fn(Table) -> Parsed,
}

/// Every model.
pub(crate) static ENTRIES: [Entry; 4] = [
    Entry { name: "knn", defaults: include_str!("../../../configs/knn.toml"), parse: parse_knn },
    Entry {
        name: "softmax",
        defaults: include_str!("../../../configs/softmax.toml"),
        parse: parse_trained::<SoftmaxConfig>,
    },
    Entry {
        name: "svm",
        defaults: include_str!("../../../configs/svm.toml"),
        parse: parse_trained::<SvmConfig>,
    },
    Entry {
        name: "cnn",
        defaults: include_str!("../../../configs/cnn.toml"),
        parse: parse_trained::<CnnConfig>,
    },
];

/// The names of all models.
pub(crate) fn names() -> Vec<&'static str> {
    ENTRIES.iter().map(|entry| entry.name).collect()
}

/// The model of that name.
pub(crate) fn find(name: &str) -> Result<&'static Entry, UsageError> {
    ENTRIES.iter().find(|entry| entry.name == name).ok_or_else(|| unknown("model", name, &names()))
}

/// What a model is fitted to, and how.
pub(crate) struct Job<'a> {
    pub(crate) model: &'static str,
    pub(crate) splits: &'a Splits,
    pub(crate) selected: &'a Selected,
    pub(crate) seed: u64,
    pub(crate) progress: Progress,
    pub(crate) checkpoints: Option<&'a Checkpoints>,
}

/// How to make one model, checked for types but not yet against data.
pub(crate) trait Recipe {
    /// Every key with its value.
    fn config(&self) -> anyhow::Result<Table>;

    /// Accepts a recipe that can be followed with these images.
    fn validate(&self, splits: &Splits) -> Result<(), InvalidConfig>;

    /// Follows it.
    fn fit(&self, job: &Job<'_>) -> anyhow::Result<Fitted>;

    /// Reads a model that was fitted before.
    fn load(
        &self,
        path: &Path,
        shape: [usize; 3],
        classes: usize,
        selected: &Selected,
    ) -> anyhow::Result<Box<dyn Model>>;

    /// The loss that it minimises, if it does.
    fn loss(&self) -> Option<Loss>;
}

/// A fitted model and how it came about.
pub(crate) struct Fitted {
    pub(crate) model: Box<dyn Model>,
    pub(crate) parameters: usize,
    pub(crate) seconds: f64,
    pub(crate) history: Vec<EpochRecord>,
}

/// A classifier that can be written to a file.
pub(crate) trait Model {
    /// The classifier.
    fn classifier(&self) -> &dyn Classifier;

    /// Writes SafeTensors with PyTorch's names and layouts.
    fn save(&self, path: &Path) -> anyhow::Result<()>;
}

/// What `splits` tells a model about its images.
fn input_spec(splits: &Splits) -> InputSpec {
    let statistics = Statistics::of(&splits.train);
    let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect();
    InputSpec {
        shape: dimensions(splits),
        classes: splits.classes.len(),
        channel_mean: narrow(&statistics.channel_mean),
        channel_deviation: narrow(&statistics.channel_deviation),
        mean_image: narrow(&statistics.mean_image),
    }
}

/// Channels, height, width.
pub(crate) fn dimensions(splits: &Splits) -> [usize; 3] {
    let shape = splits.shape();
    [shape.channels, shape.height, shape.width]
}

// What gradient descent trains.

fn parse_trained<A: Architecture + Serialize + DeserializeOwned + 'static>(table: Table) -> Parsed {
    Ok(Box::new(parse::<zoo_train::Recipe<A>>(table)?))
}

impl<A: Architecture + Serialize + 'static> Recipe for zoo_train::Recipe<A> {
    fn config(&self) -> anyhow::Result<Table> {
        to_table(self)
    }

    fn validate(&self, splits: &Splits) -> Result<(), InvalidConfig> {
        Self::validate(self, &InputSpec::without_statistics(dimensions(splits), splits.classes.len()))
    }

    fn fit(&self, job: &Job<'_>) -> anyhow::Result<Fitted> {
        let start = Instant::now();
        let input = input_spec(job.splits);
        let cpu = cpu_device(&job.selected.device);
        cpu.seed(derive_seed(job.seed, u64::MAX));
        // Parameters draw their values when they are first looked at: here, before anything else draws.
        let model = self.architecture.init(&input, &cpu);
        let parameters = trained_parameters(&model);
        let model = model.fork(&job.selected.device);

        let mut shown = job.progress.training(job.model, job.splits.train.len(), self.train.epochs);
        let training = Training {
            recipe: self,
            train: &job.splits.train,
            validation: &job.splits.validation,
            classes: input.classes,
            device: &job.selected.device,
            seed: job.seed,
            checkpoints: job.checkpoints,
        };
        let fitted = training.fit(model, &mut |event| shown.observe(&event))?;
        Ok(Fitted {
            model: Box::new(TrainedModel(fitted.model)),
            parameters,
            seconds: start.elapsed().as_secs_f64(),
            history: fitted.history,
        })
    }

    fn load(
        &self,
        path: &Path,
        shape: [usize; 3],
        classes: usize,
        selected: &Selected,
    ) -> anyhow::Result<Box<dyn Model>> {
        let mut model =
            self.architecture.init(&InputSpec::without_statistics(shape, classes), &selected.device);
        let mut store = SafetensorsStore::from_file(path).with_from_adapter(PyTorchToBurnAdapter);
        model
            .load_from(&mut store)
            .map_err(|error| anyhow::anyhow!("cannot load {}: {error}", path.display()))?;
        Ok(Box::new(TrainedModel(model)))
    }

    fn loss(&self) -> Option<Loss> {
        Some(self.loss)
    }
}

/// How many numbers training changes. Draws them all, if that has not happened.
fn trained_parameters<M: Module>(model: &M) -> usize {
    struct Count(usize);
    impl burn::module::ModuleVisitor for Count {
        fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<burn::tensor::Tensor<D>>) {
            let value = param.val();
            if param.clone().train().is_require_grad() {
                self.0 += value.shape().num_elements();
            }
        }
    }
    let mut count = Count(0);
    model.visit(&mut count);
    count.0
}

/// A Burn module as it leaves training.
struct TrainedModel<M>(M);

impl<M: Classifier + Module> Model for TrainedModel<M> {
    fn classifier(&self) -> &dyn Classifier {
        &self.0
    }

    fn save(&self, path: &Path) -> anyhow::Result<()> {
        let mut store = SafetensorsStore::from_file(path).with_to_adapter(BurnToPyTorchAdapter);
        self.0
            .save_into(&mut store)
            .map_err(|error| anyhow::anyhow!("cannot write {}: {error}", path.display()))
    }
}

// k-NN, which keeps its images.

fn parse_knn(table: Table) -> Parsed {
    Ok(Box::new(parse::<KnnConfig>(table)?))
}

/// k-NN with the images that it was made from.
struct FittedKnn {
    knn: Knn,
    images: Subset,
}

impl FittedKnn {
    fn new(config: KnnConfig, images: Subset, classes: usize, selected: &Selected) -> Self {
        let mut knn = config.init(classes).selecting_on_device(selected.gpu);
        for first in (0..images.len()).step_by(Knn::TILE) {
            let positions = first..(first + Knn::TILE).min(images.len());
            let labels: Vec<usize> = positions.clone().map(|position| images.label(position)).collect();
            knn.add(images.batch(positions, &selected.device).images, &labels);
        }
        Self { knn, images }
    }
}

impl Recipe for KnnConfig {
    fn config(&self) -> anyhow::Result<Table> {
        to_table(self)
    }

    fn validate(&self, splits: &Splits) -> Result<(), InvalidConfig> {
        Self::validate(self, splits.train.len() + splits.validation.len(), splits.shape().values())
    }

    /// Nothing is chosen by validation, so the images that were held out for it are neighbours too.
    fn fit(&self, job: &Job<'_>) -> anyhow::Result<Fitted> {
        let start = Instant::now();
        let images = job.splits.train.chain(&job.splits.validation);
        let model = Box::new(FittedKnn::new(*self, images, job.splits.classes.len(), job.selected));
        job.selected.device.sync().map_err(|error| anyhow::anyhow!("the device failed: {error:?}"))?;
        let parameters = model.images.len() * model.images.shape().values();
        Ok(Fitted { model, parameters, seconds: start.elapsed().as_secs_f64(), history: Vec::new() })
    }

    fn load(
        &self,
        path: &Path,
        shape: [usize; 3],
        classes: usize,
        selected: &Selected,
    ) -> anyhow::Result<Box<dyn Model>> {
        let wrong = |reason: String| anyhow::anyhow!("cannot load {}: {reason}", path.display());
        let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| wrong(error.to_string()))?;
        let view = |name| tensors.tensor(name).map_err(|error| wrong(error.to_string()));
        let (images, labels) = (view("images")?, view("labels")?);
        let [channels, height, width] = shape;
        let labels: Vec<u32> =
            labels.data().chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let shape = zoo_data::ImageShape { channels, height, width };
        if labels.iter().any(|&label| label as usize >= classes) {
            return Err(wrong(format!("a label is not below {classes}")));
        }
        let images = zoo_data::Images::new(shape, images.data().to_vec(), labels)?;
        let subset = Subset::all(std::sync::Arc::new(images));
        Ok(Box::new(FittedKnn::new(*self, subset, classes, selected)))
    }

    fn loss(&self) -> Option<Loss> {
        None
    }
}

impl Model for FittedKnn {
    fn classifier(&self) -> &dyn Classifier {
        &self.knn
    }

    /// `images` `[images, channels, height, width]`, U8, and `labels` `[images]`, U32.
    fn save(&self, path: &Path) -> anyhow::Result<()> {
        let shape = self.images.shape();
        let count = self.images.len();
        let pixels: Vec<u8> = (0..count).flat_map(|position| self.images.pixels(position)).copied().collect();
        let labels: Vec<u8> =
            self.images.labels().into_iter().flat_map(|label| (label as u32).to_le_bytes()).collect();
        let dimensions = vec![count, shape.channels, shape.height, shape.width];
        let tensors = [
            ("images", TensorView::new(Dtype::U8, dimensions, &pixels)?),
            ("labels", TensorView::new(Dtype::U32, vec![count], &labels)?),
        ];
        safetensors::serialize_to_file(tensors, None, path)
            .map_err(|error| anyhow::anyhow!("cannot write {}: {error}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_recipes_parse_and_say_their_model() {
        for entry in &ENTRIES {
            let mut table: Table = entry.defaults.parse().unwrap();
            assert_eq!(table.remove("model").unwrap().as_str(), Some(entry.name));
            let recipe =
                (entry.parse)(table.clone()).unwrap_or_else(|error| panic!("{}: {error}", entry.name));
            // The default file shows every key there is.
            assert_eq!(recipe.config().unwrap(), table, "{}", entry.name);
        }
    }
}
