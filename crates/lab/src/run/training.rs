//! The run of one model.

use std::path::{Path, PathBuf};

use toml::{Table, Value};
use zoo_backends::Machine;
use zoo_data::Splits;
use zoo_recipes::{Contender, MODEL, Model, RUN, Registry, SEARCH, is_whole, parse, to_table};
use zoo_train::Checkpoints;

use crate::error::LabError;
use crate::run::comparison::ComparisonRun;
use crate::run::config::RunConfig;
use crate::run::folder::{CHECKPOINT, CONFIG, MODEL_FILE, create, create_at, read_config, write_table};
use crate::source::Relocation;
use crate::watch::Watch;

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

impl TrainingRun {
    /// Makes the folder of a new run in `out`, with its config.
    ///
    /// # Errors
    /// [`LabError::Io`]; nothing of the folder is left then.
    pub(crate) fn create(
        out: &Path,
        mut config: RunConfig,
        contender: Contender,
        dataset: &str,
    ) -> Result<Self, LabError> {
        config.recipe.clone_from(&contender.recipe_name);
        let name = format!("train-{}-{dataset}", contender.name());
        let path = create(out, &name, |folder| write_config(folder, &config, &contender))?;
        Ok(Self { path, config, contender })
    }

    /// The runs that the folder `path` has: itself, or those of a comparison.
    ///
    /// # Errors
    /// [`LabError`] if it has none.
    pub fn open_all(registry: &Registry, path: &Path) -> Result<Vec<Self>, LabError> {
        match ComparisonRun::open(registry, path) {
            Ok(comparison) => comparison.members().iter().map(|path| Self::open(registry, path)).collect(),
            Err(_) => Ok(vec![Self::open(registry, path)?]),
        }
    }

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
            return Err(LabError::run(path, not_of_one_model(registry, path)));
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
    pub fn splits(&self, relocation: &Relocation, watch: &dyn Watch) -> Result<Splits, LabError> {
        self.config.splits(&self.path, relocation, watch)
    }

    /// Refuses a run that is finished.
    ///
    /// # Errors
    /// [`LabError::Run`].
    pub fn check_unfinished(&self) -> Result<(), LabError> {
        if is_finished(&self.path) {
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
        if !is_finished(&self.path) {
            let advice = format!("`zoo train --resume {}` finishes it", self.path.display());
            let has = if file.is_file() { "is not whole" } else { "isn't there" };
            let reason = format!("is not finished: its {MODEL_FILE} {has}; {advice}");
            return Err(LabError::run(&self.path, reason));
        }
        Ok(file)
    }
}

/// What a folder is instead of the run of one model.
fn not_of_one_model(registry: &Registry, path: &Path) -> String {
    let members = ComparisonRun::open(registry, path).map(|run| run.members()).unwrap_or_default();
    if members.is_empty() {
        return "is not the run of one model; `zoo train MODEL` makes one".into();
    }
    let members: Vec<String> = members.iter().map(|member| member.display().to_string()).collect();
    format!("is a comparison; name one of its models: {}", members.join(", "))
}

/// Writes the config of a training run.
fn write_config(folder: &Path, config: &RunConfig, contender: &Contender) -> Result<(), LabError> {
    let mut table = contender.table()?;
    table.insert(RUN.into(), to_table(config)?.into());
    write_table(&folder.join(CONFIG), &table)
}

/// Makes the folder `path` of a training run within that of a comparison, unless it is there.
pub(crate) fn create_member(path: &Path, config: &RunConfig, contender: &Contender) -> Result<(), LabError> {
    if path.join(CONFIG).exists() {
        return Ok(());
    }
    create_at(path, |folder| write_config(folder, config, contender))
}

/// Whether the training run in folder `path` is finished: its model is written last. One that is not whole is made again.
pub(crate) fn is_finished(path: &Path) -> bool {
    is_whole(&path.join(MODEL_FILE))
}

/// Removes the folder of a run that failed before its first checkpoint: there is nothing to go on with.
pub(crate) fn remove_if_nothing_was_saved(path: &Path) {
    if Checkpoints::new(path.join(CHECKPOINT)).latest().is_none() {
        let _ = std::fs::remove_dir_all(path);
    }
}
