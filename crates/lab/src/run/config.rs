//! What a run depends on apart from its recipes.

use std::path::Path;

use serde::{Deserialize, Serialize};
use zoo_backends::Machine;
use zoo_data::Splits;
use zoo_recipes::Dimensions;

use crate::error::LabError;
use crate::source::{Relocation, Source};
use crate::summary::{BURN_VERSION, ZOO_VERSION, adapters, backends};

/// The `[run]` of a config: all that a run depends on apart from its recipes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunConfig {
    /// The version of zoo that started it.
    pub zoo_version: String,
    /// The version of Burn that this was built with.
    pub burn_version: String,
    /// The backend that it was started on; several with commas between them.
    pub backend: String,
    /// What that ran on.
    pub adapter: String,
    /// What everything random follows from.
    pub seed: u64,
    /// The name of the recipe that is trained, if it is not the model's default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// Channels, height, width.
    shape: [usize; 3],
    /// Training images, validation images included.
    images: usize,
    /// Of every image in its part; tells whether the images are still the same.
    fingerprint: String,
    /// Class names, in the order of labels.
    pub classes: Vec<String>,
    /// Where the images are from.
    pub source: Source,
}

impl RunConfig {
    /// What a run on `splits`, which are those of `source`, depends on.
    #[must_use]
    pub fn new(source: &Source, splits: &Splits, machines: &[Machine], seed: u64) -> Self {
        let dimensions = Dimensions::of(splits);
        Self {
            zoo_version: ZOO_VERSION.into(),
            burn_version: BURN_VERSION.into(),
            backend: backends(machines),
            adapter: adapters(machines),
            seed,
            recipe: None,
            shape: dimensions.shape,
            images: dimensions.images,
            fingerprint: splits.fingerprint(),
            classes: splits.classes.clone(),
            source: source.clone(),
        }
    }

    /// The images that models of this run work with.
    #[must_use]
    pub fn dimensions(&self) -> Dimensions {
        let (classes, has_validation) = (self.classes.len(), self.source.validation > 0.0);
        Dimensions { shape: self.shape, classes, images: self.images, has_validation }
    }

    /// The images of the run in folder `path`, from where they are now.
    ///
    /// # Errors
    /// [`LabError::Changed`] if they are not the same any more: a model must not be tested on what it was trained on.
    pub fn splits(&self, path: &Path, relocation: &Relocation) -> Result<Splits, LabError> {
        let source = self.source.relocated(relocation);
        let splits = source.splits(self.seed)?;
        if splits.fingerprint() != self.fingerprint {
            return Err(LabError::Changed { path: path.into(), data: source.data });
        }
        Ok(splits)
    }

    /// Whether a run was made from the same images in the same split as `other`.
    pub(crate) fn has_same_images(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}
