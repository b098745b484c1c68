//! k-NN, which keeps its images, and their names.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use burn::tensor::{Device, Tensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use toml::Table;
use zoo_backends::{Machine, cpu_device};
use zoo_core::{Classifier, InvalidConfig, WithFeatures};
use zoo_data::{ImageShape, Images, Names, Splits, Subset};
use zoo_knn::{Knn, KnnConfig, Levels, Metric, Neighbour};
use zoo_train::{Rows, TrainError};

use crate::error::RecipeError;
use crate::estimator::{Dimensions, Estimator, Fitted, Job, Model, Near, Observe};
use crate::sight::Sight;
use crate::table::to_table;
use crate::tensors::LARGEST;
use crate::weights::{NAMES, images_with};

/// k-NN with the images that it was made from, or with the levels of their features, which are images of one pixel.
struct FittedKnn {
    classifier: WithFeatures<Compared>,
    sight: Sight,
    metric: Metric,
    images: Subset,
    /// Whether the names of the images are known.
    is_named: bool,
}

/// What compares features: pixels as they are, or others as [`Levels`].
struct Compared {
    levels: Option<Levels>,
    knn: Knn,
}

impl FittedKnn {
    /// Of `images`.
    fn of(
        config: &KnnConfig,
        images: Subset,
        classes: usize,
        machine: &Machine,
    ) -> Result<Self, RecipeError> {
        let sight = Sight::open(&config.features, &machine.device)?;
        let Some(rows) = Rows::of(&images, &sight.extractor, &machine.device)? else {
            return Ok(Self::new(config, (sight, None), images, classes, machine));
        };
        let spec = rows.input_spec(classes);
        let levels = Levels::new(spec.channel_mean, spec.channel_deviation);
        let pixels = (0..images.len()).flat_map(|image| levels.of(rows.row(image))).collect();
        let labels = images.labels().into_iter().map(|label| label as u32).collect();
        let shape = ImageShape { channels: spec.shape[0], height: 1, width: 1 };
        let names = (0..images.len()).map(|image| images.name(image).into_owned()).collect();
        let seen = Images::new(shape, pixels, labels).and_then(|seen| seen.named(Names::listed(names)));
        let seen = seen.map_err(|error| failed(&error))?;
        Ok(Self::new(config, (sight, Some(levels)), Subset::all(Arc::new(seen)), classes, machine))
    }

    /// Of images that are as they are compared.
    fn new(
        config: &KnnConfig,
        (sight, levels): (Sight, Option<Levels>),
        images: Subset,
        classes: usize,
        machine: &Machine,
    ) -> Self {
        let mut knn = config.init(classes).selecting_on_device(machine.gpu);
        let portion = Knn::portion(images.shape().values(), &machine.device);
        let batches = images.batches(portion, &machine.device);
        knn.extend(batches.map(|batch| batch.images), &images.labels());
        let extractor = sight.extractor.clone();
        let classifier = WithFeatures { extractor, model: Compared { levels, knn } };
        Self { classifier, sight, metric: config.metric, images, is_named: true }
    }

    fn near(&self, Neighbour { distance, index }: Neighbour) -> Near {
        let distance = distance as f64;
        Near {
            name: self.is_named.then(|| self.images.name(index).into_owned()),
            label: self.images.label(index),
            distance: match self.metric {
                Metric::L1 => distance,
                Metric::L2 => distance.sqrt(),
            },
        }
    }
}

impl Compared {
    /// What is compared.
    fn levels(&self, features: Tensor<4>) -> Tensor<4> {
        match &self.levels {
            Some(levels) => levels.forward(features),
            None => features,
        }
    }
}

impl Classifier for Compared {
    fn batch_size(&self, device: &Device) -> usize {
        self.knn.batch_size(device)
    }

    fn forward(&self, features: Tensor<4>) -> Tensor<2> {
        self.knn.forward(self.levels(features))
    }

    fn probabilities(&self, scores: Tensor<2>) -> Tensor<2> {
        self.knn.probabilities(scores)
    }
}

impl Estimator for KnnConfig {
    fn config(&self) -> Result<Table, RecipeError> {
        to_table(self)
    }

    fn check(&self, dimensions: Dimensions) -> Result<(), InvalidConfig> {
        // How many features a network has is not known before it is opened.
        let extractor = self.features.plain();
        let values: usize =
            extractor.map_or(1, |extractor| extractor.shape(dimensions.shape).iter().product());
        let expected = "features that images of this size have";
        InvalidConfig::check(values > 0, "features", format!("{:?}", self.features), expected)?;
        self.validate(dimensions.images)
    }

    fn check_files(&self) -> Result<(), RecipeError> {
        Sight::open(&self.features, &cpu_device(&Device::default())).map(drop)
    }

    /// The images, once as they are and once packed for searching, and a tile of them as numbers on the way.
    fn estimated_bytes(&self, dimensions: Dimensions) -> usize {
        let tile = dimensions.images.min(Knn::tile(dimensions.values()));
        (2 * dimensions.images + size_of::<f32>() * tile) * dimensions.values()
    }

    /// Nothing is chosen by validation, so the images that were held out for it are neighbours too. Of equally distant ones the first in
    /// the data wins, however many were held out.
    fn fit(&self, job: &Job<'_>, _: Observe<'_>) -> Result<Fitted, RecipeError> {
        let start = Instant::now();
        self.check(Dimensions::of(job.splits))?;
        let model = FittedKnn::of(self, job.splits.all_train(), job.splits.classes.len(), job.machine)?;
        zoo_kernels::wait(&job.machine.device).map_err(|error| TrainError::Device(error.to_string()))?;
        Ok(Fitted::untrained(model, start))
    }

    /// The training images by themselves: the nearest neighbour of a held-out image is otherwise that image, and with `k = 1` no
    /// validation accuracy is below 100 %. `None` if nothing was held out.
    fn without_held_out(&self, job: &Job<'_>) -> Result<Option<Box<dyn Model>>, RecipeError> {
        let Splits { classes, train, validation, .. } = job.splits;
        if validation.is_empty() {
            return Ok(None);
        }
        self.check(Dimensions::of(job.splits))?;
        Ok(Some(Box::new(FittedKnn::of(self, train.clone(), classes.len(), job.machine)?)))
    }

    fn load(
        &self,
        path: &Path,
        dimensions: Dimensions,
        machine: &Machine,
    ) -> Result<Box<dyn Model>, RecipeError> {
        let wrong = |reason: String| RecipeError::Load { path: path.into(), reason };
        let bytes = zoo_files::read(path, LARGEST).map_err(|error| wrong(error.to_string()))?;
        let (sight, bytes) = Sight::read(&self.features, path, bytes, &machine.device)?;
        let shape = sight.extractor.shape(dimensions.shape);
        let (images, is_named) = read_images(&bytes, Dimensions { shape, ..dimensions }).map_err(wrong)?;
        self.check(Dimensions { images: images.len(), ..dimensions })
            .map_err(|error| wrong(error.to_string()))?;
        let levels = if sight.extractor.is_identity() {
            None
        } else {
            let tensors = SafeTensors::deserialize(&bytes).map_err(|error| wrong(error.to_string()))?;
            Some(read_levels(&tensors, shape[0]).map_err(wrong)?)
        };
        let images = Subset::all(Arc::new(images));
        let model = FittedKnn::new(self, (sight, levels), images, dimensions.classes, machine);
        Ok(Box::new(FittedKnn { is_named, ..model }))
    }

    fn shortened(&self, _: usize) -> Box<dyn Estimator> {
        Box::new(self.clone())
    }

    /// Shares of votes are probabilities.
    fn claims_probabilities(&self) -> bool {
        true
    }

    fn neighbours(&self) -> Option<KnnConfig> {
        Some(self.clone())
    }
}

/// The images that [`Model::to_safetensors`] has written, which must be of these `dimensions`, and whether their names are there:
/// older versions kept none.
fn read_images(bytes: &[u8], dimensions: Dimensions) -> Result<(Images, bool), String> {
    let tensors = &SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let Dimensions { shape, classes, .. } = dimensions;
    let images = view(tensors, "images", Dtype::U8, &shape)?;
    let labels = view(tensors, "labels", Dtype::U32, &[])?;
    let label = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let labels: Vec<u32> = labels.data().chunks_exact(4).map(label).collect();
    if let Some(label) = labels.iter().find(|&&label| label as usize >= classes) {
        return Err(format!("label {label} is not below {classes}"));
    }
    let [channels, height, width] = shape;
    let shape = ImageShape { channels, height, width };
    let images = Images::new(shape, images.data().to_vec(), labels).map_err(|error| error.to_string())?;
    Ok(match read_names(bytes)? {
        Some(names) => (images.named(names).map_err(|error| error.to_string())?, true),
        None => (images, false),
    })
}

/// The names of the images, if the file has them.
fn read_names(bytes: &[u8]) -> Result<Option<Names>, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let Some(names) = header.metadata().as_ref().and_then(|entries| entries.get(NAMES)) else {
        return Ok(None);
    };
    let names = serde_json::from_str(names).map_err(|error| format!("{NAMES}: {error}"))?;
    Ok(Some(Names::listed(names)))
}

/// The means and deviations that levels of `features` features follow from.
fn read_levels(tensors: &SafeTensors<'_>, features: usize) -> Result<Levels, String> {
    let read = |name: &str| -> Result<Vec<f32>, String> {
        let view = view(tensors, name, Dtype::F32, &[])?;
        let values = view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let values: Vec<f32> = values.collect();
        if values.len() == features {
            Ok(values)
        } else {
            Err(format!("{name} has {} numbers for {features} features", values.len()))
        }
    };
    Ok(Levels::new(read("mean")?, read("deviation")?))
}

/// A tensor of that type whose shape ends with `shape`, behind the images.
fn view<'a>(
    tensors: &SafeTensors<'a>,
    name: &str,
    dtype: Dtype,
    shape: &[usize],
) -> Result<TensorView<'a>, String> {
    match tensors.tensor(name) {
        Ok(view) if view.dtype() == dtype && view.shape().get(1..) == Some(shape) => Ok(view),
        Ok(view) => Err(format!("{name} is {:?} {:?}", view.dtype(), view.shape())),
        Err(error) => Err(error.to_string()),
    }
}

/// Features that don't fit together, which is nobody's fault but ours.
fn failed(error: &dyn std::fmt::Display) -> RecipeError {
    RecipeError::Write { what: "features", reason: error.to_string() }
}

impl Model for FittedKnn {
    fn classifier(&self) -> &dyn Classifier {
        &self.classifier
    }

    fn explain(&self, images: Tensor<4>) -> (Tensor<2>, Vec<Vec<Near>>) {
        let device = images.device();
        let WithFeatures { extractor, model } = &self.classifier;
        let found = model.knn.neighbours(model.levels(extractor.forward(images)));
        let lists = found.iter().map(|list| list.iter().map(|&neighbour| self.near(neighbour)).collect());
        (model.knn.votes(&found, &device), lists.collect())
    }

    fn parameters(&self) -> usize {
        self.images.len() * self.images.shape().values()
    }

    /// `images` `[images, channels, height, width]`, U8, and `labels` `[images]`, U32; the images' `names` are in the metadata, so that
    /// neighbours have names wherever the data are. Where other features than pixels are compared, `images` are their levels, and
    /// `mean` and `deviation` `[features]`, F32, are what those follow from.
    fn to_safetensors(&self) -> Result<Vec<u8>, RecipeError> {
        let levels = self.classifier.model.levels.iter();
        let statistics =
            levels.flat_map(|levels| [("mean", levels.mean()), ("deviation", levels.deviation())]);
        let statistics = statistics.map(|(name, values)| (name, vec![values.len()], values.to_vec()));
        self.sight.write(images_with(&self.images, &statistics.collect::<Vec<_>>())?)
    }
}
