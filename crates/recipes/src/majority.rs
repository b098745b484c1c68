//! The majority classifier, which counts.

use std::path::Path;
use std::time::Instant;

use toml::Table;
use zoo_backends::Machine;
use zoo_core::{Classifier, InvalidConfig};
use zoo_majority::{Majority, MajorityConfig};

use crate::error::RecipeError;
use crate::estimator::{Dimensions, Estimator, Fitted, Job, Model, Observe};
use crate::table::to_table;
use crate::tensors::LARGEST;
use crate::weights::{load_bytes, save};

impl Estimator for MajorityConfig {
    fn config(&self) -> Result<Table, RecipeError> {
        to_table(self)
    }

    fn check(&self, _: Dimensions) -> Result<(), InvalidConfig> {
        Ok(())
    }

    /// Counts the training images; those that were held out for validation are left alone, as by everything that learns.
    fn fit(&self, job: &Job<'_>, _: Observe<'_>) -> Result<Fitted, RecipeError> {
        let start = Instant::now();
        let images = job.splits.train.class_counts(job.splits.classes.len());
        let model = FittedMajority(Majority::new(&images, &job.machine.device));
        Ok(Fitted::untrained(model, start))
    }

    fn load(
        &self,
        path: &Path,
        dimensions: Dimensions,
        machine: &Machine,
    ) -> Result<Box<dyn Model>, RecipeError> {
        let mut majority = Majority::new(&vec![0; dimensions.classes], &machine.device);
        let wrong = |reason: String| RecipeError::Load { path: path.into(), reason };
        let file = zoo_files::read(path, LARGEST).map_err(|error| wrong(error.to_string()))?;
        load_bytes(&mut majority, &file).map_err(wrong)?;
        Ok(Box::new(FittedMajority(majority)))
    }

    fn shortened(&self, _: usize) -> Box<dyn Estimator> {
        Box::new(*self)
    }

    /// Shares are probabilities.
    fn claims_probabilities(&self) -> bool {
        true
    }
}

/// The shares of the classes.
struct FittedMajority(Majority);

impl Model for FittedMajority {
    fn classifier(&self) -> &dyn Classifier {
        &self.0
    }

    /// The shares.
    fn parameters(&self) -> usize {
        self.0.classes()
    }

    /// `shares` `[classes]`, F32.
    fn to_safetensors(&self) -> Result<Vec<u8>, RecipeError> {
        save(&self.0)
    }
}
