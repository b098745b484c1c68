//! What a run depends on apart from its recipes.

use std::path::Path;
use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use zoo_backends::Machine;
use zoo_data::Splits;
use zoo_recipes::{Contender, Dimensions};

use crate::error::LabError;
use crate::protocol::Protocol;
use crate::source::{MOST_CLASSES, Relocation, Source};
use crate::summary::{BURN_VERSION, ZOO_VERSION, adapters, backends};
use crate::watch::Watch;

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
    /// What everything random follows from; of one of several trainings of a recipe, all but the split.
    pub seed: u64,
    /// What the split follows from, if it is not `seed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    split_seed: Option<u64>,
    /// How many times each recipe is trained: see [`Protocol::trainings`].
    #[serde(default = "one", skip_serializing_if = "is_one")]
    seeds: usize,
    /// Whether the test images are left alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    no_test: bool,
    /// How long a training may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    budget_seconds: Option<f64>,
    /// The name of the recipe that is trained, if it is not the model's default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// The names of the recipes of a comparison, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) recipes: Vec<String>,
    /// Channels, height, width.
    #[serde(deserialize_with = "possible_shape")]
    shape: [usize; 3],
    /// Training images, validation images not included.
    images: usize,
    /// Of every image in its part; tells whether the images are still the same.
    fingerprint: String,
    /// Class names, in the order of labels.
    #[serde(deserialize_with = "possible_classes")]
    pub classes: Vec<String>,
    /// Where the images are from.
    pub source: Source,
}

/// The largest side of an image that models see.
const LARGEST_SIDE: usize = 4096;

/// A shape that images can have: a config may be a stranger's.
fn possible_shape<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[usize; 3], D::Error> {
    let shape = <[usize; 3]>::deserialize(deserializer)?;
    let [channels, height, width] = shape;
    let is_side = |side| (1..=LARGEST_SIDE).contains(&side);
    if (1..=4).contains(&channels) && is_side(height) && is_side(width) {
        return Ok(shape);
    }
    let expected = format!("1 to 4 channels, and sides of 1 to {LARGEST_SIDE}");
    Err(D::Error::custom(format!("no image has the shape {shape:?}: expected {expected}")))
}

/// As many classes as there can be.
fn possible_classes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let classes = Vec::<String>::deserialize(deserializer)?;
    if (1..=MOST_CLASSES).contains(&classes.len()) {
        return Ok(classes);
    }
    let found = classes.len();
    Err(D::Error::custom(format!("there are {found} classes: expected 1 to {MOST_CLASSES}")))
}

const fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_one(count: &usize) -> bool {
    *count == 1
}

impl RunConfig {
    /// What a run on `splits`, which are those of `source` by the seed of `protocol`, depends on.
    #[must_use]
    pub fn new(source: &Source, splits: &Splits, machines: &[Machine], protocol: Protocol) -> Self {
        let dimensions = Dimensions::of(splits);
        Self {
            zoo_version: ZOO_VERSION.into(),
            burn_version: BURN_VERSION.into(),
            backend: backends(machines),
            adapter: adapters(machines),
            seed: protocol.seed,
            split_seed: None,
            seeds: protocol.trainings,
            no_test: protocol.no_test,
            budget_seconds: protocol.budget.map(|budget| budget.as_secs_f64()),
            recipe: None,
            recipes: Vec::new(),
            shape: dimensions.shape,
            images: dimensions.images,
            fingerprint: splits.fingerprint(),
            classes: splits.classes.clone(),
            source: source.clone(),
        }
    }

    /// What the split follows from, if it is not the seed.
    pub(crate) const fn split_seed(&self) -> Option<u64> {
        self.split_seed
    }

    /// How models of this run are fitted and judged.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        // A file may have any number there.
        let budget = self.budget_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Protocol { seed: self.seed, trainings: self.seeds.max(1), no_test: self.no_test, budget }
    }

    /// The same for one training of one recipe within a comparison.
    pub(crate) fn of_training(&self, contender: &Contender, machine: &Machine, seed: u64) -> Self {
        Self {
            backend: machine.backend.into(),
            adapter: machine.adapter.clone(),
            split_seed: (seed != self.seed).then_some(self.seed),
            seed,
            seeds: 1,
            recipes: Vec::new(),
            recipe: contender.recipe_name.clone(),
            ..self.clone()
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
    pub fn splits(
        &self,
        path: &Path,
        relocation: &Relocation,
        watch: &dyn Watch,
    ) -> Result<Splits, LabError> {
        let source = self.source.relocated(relocation);
        let splits = source.read(watch).splits(self.split_seed.unwrap_or(self.seed))?;
        if splits.fingerprint() != self.fingerprint {
            return Err(LabError::Changed { path: path.into(), data: source.data });
        }
        let Dimensions { shape, classes, images, .. } = Dimensions::of(&splits);
        if (shape, classes, images) != (self.shape, self.classes.len(), self.images) {
            let reason = "has another shape, or other numbers of classes and images, in its config than its images have";
            return Err(LabError::run(path, reason));
        }
        Ok(splits)
    }

    /// Whether a run was made from the same images in the same split as `other`.
    pub(crate) fn has_same_images(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}
