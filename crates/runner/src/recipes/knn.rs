//! k-NN, which keeps its images.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use toml::Table;
use zoo_core::{Classifier, InvalidConfig, Loss};
use zoo_data::{ImageShape, Images, Splits, Subset};
use zoo_knn::{Knn, KnnConfig};
use zoo_train::{GradientReport, Sampling, SanityReport};

use super::{Dimensions, Fitted, Job, Model, Recipe};
use crate::backend::Selected;
use crate::config::to_table;

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

    fn validate(&self, dimensions: Dimensions) -> Result<(), InvalidConfig> {
        Self::validate(self, dimensions.images, dimensions.shape.iter().product())
    }

    /// Nothing is chosen by validation, so the images that were held out for it are neighbours too.
    fn fit(&self, job: &Job<'_>) -> anyhow::Result<Fitted> {
        let start = Instant::now();
        let images = job.splits.train.chain(&job.splits.validation);
        let model = Box::new(FittedKnn::new(*self, images, job.splits.classes.len(), job.selected));
        job.selected.device.sync().map_err(|error| anyhow::anyhow!("the device failed: {error:?}"))?;
        Ok(Fitted { model, without_ema: None, seconds: start.elapsed().as_secs_f64(), history: Vec::new() })
    }

    fn load(
        &self,
        path: &Path,
        dimensions: Dimensions,
        selected: &Selected,
    ) -> anyhow::Result<Box<dyn Model>> {
        let wrong = |reason: String| anyhow::anyhow!("cannot load {}: {reason}", path.display());
        let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| wrong(error.to_string()))?;
        let view = |name: &str, dtype, shape: &[usize]| match tensors.tensor(name) {
            Ok(view) if view.dtype() == dtype && view.shape().get(1..) == Some(shape) => Ok(view),
            Ok(view) => Err(wrong(format!("{name} is {:?} {:?}", view.dtype(), view.shape()))),
            Err(error) => Err(wrong(error.to_string())),
        };
        let Dimensions { shape, classes, .. } = dimensions;
        let (images, labels) = (view("images", Dtype::U8, &shape)?, view("labels", Dtype::U32, &[])?);
        let label = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let labels: Vec<u32> = labels.data().chunks_exact(4).map(label).collect();
        if let Some(label) = labels.iter().find(|&&label| label as usize >= classes) {
            return Err(wrong(format!("label {label} is not below {classes}")));
        }
        let [channels, height, width] = shape;
        let images = Images::new(ImageShape { channels, height, width }, images.data().to_vec(), labels)?;
        let dimensions = Dimensions { images: images.len(), ..dimensions };
        Recipe::validate(self, dimensions).map_err(|error| wrong(error.to_string()))?;
        Ok(Box::new(FittedKnn::new(*self, Subset::all(Arc::new(images)), classes, selected)))
    }

    fn load_weights(&self, _: &Path, _: &Splits, _: &Selected) -> anyhow::Result<Box<dyn Model>> {
        anyhow::bail!("k-nearest neighbours has no weights; `zoo train knn` keeps its images")
    }

    fn check_gradients(&self, _: &Splits, _: Sampling) -> anyhow::Result<GradientReport> {
        anyhow::bail!("k-nearest neighbours has no gradient")
    }

    fn check_sanity(&self, _: &Splits, _: &Selected, _: u64) -> anyhow::Result<SanityReport> {
        anyhow::bail!("k-nearest neighbours has no gradient")
    }

    fn loss(&self) -> Option<Loss> {
        None
    }
}

impl Model for FittedKnn {
    fn classifier(&self) -> &dyn Classifier {
        &self.knn
    }

    fn parameters(&self) -> usize {
        self.images.len() * self.images.shape().values()
    }

    /// `images` `[images, channels, height, width]`, U8, and `labels` `[images]`, U32.
    fn to_safetensors(&self) -> anyhow::Result<Vec<u8>> {
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
        Ok(safetensors::serialize(tensors, None)?)
    }
}
