//! k-NN, which keeps its images.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use safetensors::tensor::{Dtype, SafeTensors};
use toml::Table;
use zoo_backends::Machine;
use zoo_core::{Classifier, InvalidConfig};
use zoo_data::{ImageShape, Images, Splits, Subset};
use zoo_knn::{Knn, KnnConfig, Metric};
use zoo_train::TrainError;

use crate::error::RecipeError;
use crate::estimator::{Dimensions, Estimator, Fitted, Job, Model, Observe};
use crate::table::to_table;
use crate::weights::images_to_safetensors;

/// k-NN with the images that it was made from.
struct FittedKnn {
    knn: Knn,
    images: Subset,
}

impl FittedKnn {
    fn new(config: KnnConfig, images: Subset, classes: usize, machine: &Machine) -> Self {
        let mut knn = config.init(classes).selecting_on_device(machine.gpu);
        let batches = images.batches(Knn::TILE, &machine.device);
        knn.extend(batches.map(|batch| batch.images), &images.labels());
        Self { knn, images }
    }
}

impl Estimator for KnnConfig {
    fn config(&self) -> Result<Table, RecipeError> {
        to_table(self)
    }

    fn check(&self, dimensions: Dimensions) -> Result<(), InvalidConfig> {
        self.validate(dimensions.images, dimensions.shape.iter().product())
    }

    /// Nothing is chosen by validation, so the images that were held out for it are neighbours too.
    fn fit(&self, job: &Job<'_>, _: Observe<'_>) -> Result<Fitted, RecipeError> {
        let start = Instant::now();
        self.check(Dimensions::of(job.splits))?;
        let images = job.splits.train.chain(&job.splits.validation);
        let model = FittedKnn::new(*self, images, job.splits.classes.len(), job.machine);
        job.machine.device.sync().map_err(|error| TrainError::Device(format!("{error:?}")))?;
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
        Ok(Some(Box::new(FittedKnn::new(*self, train.clone(), classes.len(), job.machine))))
    }

    fn load(
        &self,
        path: &Path,
        dimensions: Dimensions,
        machine: &Machine,
    ) -> Result<Box<dyn Model>, RecipeError> {
        let wrong = |reason: String| RecipeError::Load { path: path.into(), reason };
        let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let images = read_images(&bytes, dimensions).map_err(wrong)?;
        let dimensions = Dimensions { images: images.len(), ..dimensions };
        self.check(dimensions).map_err(|error| wrong(error.to_string()))?;
        Ok(Box::new(FittedKnn::new(*self, Subset::all(Arc::new(images)), dimensions.classes, machine)))
    }

    fn shortened(&self, _: usize) -> Box<dyn Estimator> {
        Box::new(*self)
    }

    /// Shares of votes are probabilities.
    fn claims_probabilities(&self) -> bool {
        true
    }

    fn metric(&self) -> Option<Metric> {
        Some(self.metric)
    }
}

/// The images that [`Model::to_safetensors`] has written, which must be of these `dimensions`.
fn read_images(bytes: &[u8], dimensions: Dimensions) -> Result<Images, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let view = |name: &str, dtype, shape: &[usize]| match tensors.tensor(name) {
        Ok(view) if view.dtype() == dtype && view.shape().get(1..) == Some(shape) => Ok(view),
        Ok(view) => Err(format!("{name} is {:?} {:?}", view.dtype(), view.shape())),
        Err(error) => Err(error.to_string()),
    };
    let Dimensions { shape, classes, .. } = dimensions;
    let (images, labels) = (view("images", Dtype::U8, &shape)?, view("labels", Dtype::U32, &[])?);
    let label = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let labels: Vec<u32> = labels.data().chunks_exact(4).map(label).collect();
    if let Some(label) = labels.iter().find(|&&label| label as usize >= classes) {
        return Err(format!("label {label} is not below {classes}"));
    }
    let [channels, height, width] = shape;
    let shape = ImageShape { channels, height, width };
    Images::new(shape, images.data().to_vec(), labels).map_err(|error| error.to_string())
}

impl Model for FittedKnn {
    fn classifier(&self) -> &dyn Classifier {
        &self.knn
    }

    fn parameters(&self) -> usize {
        self.images.len() * self.images.shape().values()
    }

    /// `images` `[images, channels, height, width]`, U8, and `labels` `[images]`, U32.
    fn to_safetensors(&self) -> Result<Vec<u8>, RecipeError> {
        images_to_safetensors(&self.images, None)
    }
}
