//! The run of one model.

use std::path::{Path, PathBuf};

use toml::{Table, Value};
use zoo_backends::Machine;
use zoo_data::Splits;
use zoo_recipes::{Contender, MODEL, Model, RUN, Registry, SEARCH, parse, to_table};
use zoo_train::Checkpoints;

use crate::error::LabError;
use crate::run::config::RunConfig;
use crate::run::folder::{CHECKPOINT, CONFIG, MODEL_FILE, create, read_config, write_table};
use crate::source::Relocation;

/// A training run that is read back.
#[derive(Debug)]
pub struct TrainingRun {
    /// Its folder.
    pub path: PathBuf,
    /// What it depends on apart from its recipe.
    pub config: RunConfig,
    /// Its recipe.
    pub contender: Contender,
}

/// Makes the folder of a training run, with its config.
pub(crate) fn start_training(
    out: &Path,
    config: &RunConfig,
    contender: &Contender,
    dataset: &str,
) -> Result<PathBuf, LabError> {
    let mut table = contender.table()?;
    table.insert(RUN.into(), to_table(config)?.into());
    create(out, &format!("train-{}-{dataset}", contender.name()), |folder| {
        write_table(&folder.join(CONFIG), &table)
    })
}

impl TrainingRun {
    /// Reads the config of the run in folder `path`.
    ///
    /// # Errors
    /// [`LabError`] if it is not the folder of such a run, or its config has been changed to what can't be.
    pub fn open(registry: &Registry, path: &Path) -> Result<Self, LabError> {
        let (file, mut table) = read_config(path)?;
        if table.contains_key(SEARCH) {
            let best = path.join("best.toml");
            let reason =
                format!("is a search, which keeps no model; `zoo train {}` makes one", best.display());
            return Err(LabError::run(path, reason));
        }
        let run = table.remove(RUN).and_then(|value| value.try_into::<Table>().ok());
        let (Some(run), Some(Value::String(_))) = (run, table.get(MODEL)) else {
            return Err(LabError::run(path, "is not the run of one model; `zoo train MODEL` makes one"));
        };
        let wrong = |error| LabError::file(&file, format!("[run]: {error}"));
        let config: RunConfig = parse(run).map_err(wrong)?;
        let origin = file.display().to_string();
        let contender = Contender::from_table(registry, &origin, table, config.recipe.clone())?;
        let valid = contender.estimator.check(config.dimensions());
        valid.map_err(|error| LabError::file(&file, error))?;
        Ok(Self { path: path.into(), config, contender })
    }

    /// Whether this run was made from the same images in the same split as `other`.
    pub(crate) fn has_same_images(&self, other: &Self) -> bool {
        self.config.has_same_images(&other.config)
    }

    /// The images of the run, which may be somewhere else now.
    ///
    /// # Errors
    /// [`LabError::Changed`] if they are not the same any more.
    pub fn splits(&self, relocation: &Relocation) -> Result<Splits, LabError> {
        self.config.splits(&self.path, relocation)
    }

    /// Removes the folder of a run that failed before its first checkpoint: there is nothing to go on with.
    pub(crate) fn remove_if_nothing_was_saved(&self) {
        if Checkpoints::new(self.path.join(CHECKPOINT)).latest().is_none() {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }

    /// Refuses a run that is finished.
    ///
    /// # Errors
    /// [`LabError::Run`].
    pub fn check_unfinished(&self) -> Result<(), LabError> {
        if self.path.join(MODEL_FILE).exists() {
            return Err(LabError::run(&self.path, "is finished; `zoo evaluate` shows its figures"));
        }
        Ok(())
    }

    /// The finished model.
    ///
    /// # Errors
    /// [`LabError`] if the run is not finished, or its model can't be loaded.
    pub fn model(&self, machine: &Machine) -> Result<Box<dyn Model>, LabError> {
        let (file, dimensions) = (self.model_file()?, self.config.dimensions());
        Ok(self.contender.estimator.load(&file, dimensions, machine)?)
    }

    /// The file of the finished model.
    ///
    /// # Errors
    /// [`LabError::Run`] if the run is not finished.
    pub fn model_file(&self) -> Result<PathBuf, LabError> {
        let file = self.path.join(MODEL_FILE);
        if !file.is_file() {
            let advice = format!("`zoo train --resume {}` finishes it", self.path.display());
            let reason = format!("is not finished: it has no {MODEL_FILE}; {advice}");
            return Err(LabError::run(&self.path, reason));
        }
        Ok(file)
    }
}
