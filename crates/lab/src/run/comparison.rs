//! The run of a comparison: a folder with a training run for each of its models.

use std::path::{Path, PathBuf};

use toml::{Table, Value};
use zoo_recipes::{Contender, MODEL, RUN, Registry, parse, to_table};

use crate::error::LabError;
use crate::run::config::RunConfig;
use crate::run::folder::{CONFIG, RESULT, create, read_config, write_table};

/// The run of a comparison.
#[derive(Debug)]
pub struct ComparisonRun {
    /// Its folder.
    pub path: PathBuf,
    /// What it depends on apart from its recipes.
    pub config: RunConfig,
    /// Its recipes.
    pub contenders: Vec<Contender>,
}

impl ComparisonRun {
    /// Makes the folder of a new run in `out`, with its config.
    ///
    /// # Errors
    /// [`LabError::Io`]; nothing of the folder is left then.
    pub fn create(
        out: &Path,
        mut config: RunConfig,
        contenders: impl IntoIterator<Item = Contender>,
        dataset: &str,
    ) -> Result<Self, LabError> {
        let contenders: Vec<Contender> = contenders.into_iter().collect();
        config.recipes = contenders.iter().map(|contender| contender.name().into()).collect();
        let mut table = Table::from_iter([(RUN.to_string(), to_table(&config)?.into())]);
        for contender in &contenders {
            table.insert(contender.name().into(), contender.table()?.into());
        }
        let name = format!("compare-{dataset}");
        let path = create(out, &name, |folder| write_table(&folder.join(CONFIG), &table))?;
        Ok(Self { path, config, contenders })
    }

    /// Reads the config of the run in folder `path`.
    ///
    /// # Errors
    /// [`LabError`] if it is not the folder of such a run, or its config has been changed to what can't be.
    pub fn open(registry: &Registry, path: &Path) -> Result<Self, LabError> {
        let (file, mut table) = read_config(path)?;
        let run = table.remove(RUN).and_then(|value| value.try_into::<Table>().ok());
        let (Some(run), false) = (run, table.contains_key(MODEL)) else {
            return Err(LabError::run(path, "is not the run of a comparison; `zoo compare` makes one"));
        };
        let wrong = |error| LabError::file(&file, format!("[run]: {error}"));
        let config: RunConfig = parse(run).map_err(wrong)?;
        if config.recipes.is_empty() {
            return Err(LabError::run(path, "is not the run of a comparison that keeps its models"));
        }
        let contenders = config.recipes.iter().map(|name| {
            let Some(Value::Table(recipe)) = table.remove(name) else {
                return Err(LabError::file(&file, format!("[run] names {name}, which has no table")));
            };
            let named = recipe.get(MODEL).and_then(Value::as_str) != Some(name);
            let contender = Contender::from_table(
                registry,
                &file.display().to_string(),
                recipe,
                named.then(|| name.clone()),
            )?;
            contender.estimator.check(config.dimensions()).map_err(|error| LabError::file(&file, error))?;
            Ok(contender)
        });
        let contenders = contenders.collect::<Result<_, _>>()?;
        Ok(Self { path: path.into(), config, contenders })
    }

    /// Removes the folder of a run without models: there is nothing to go on with.
    pub(crate) fn remove_if_nothing_was_saved(&self) {
        if self.members().is_empty() && !self.path.join(RESULT).exists() {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }

    /// The folders of its training runs that are there.
    pub(crate) fn members(&self) -> Vec<PathBuf> {
        let mut members = Vec::new();
        for contender in &self.contenders {
            let own = self.path.join(contender.name());
            let several = std::fs::read_dir(&own).into_iter().flatten().flatten().map(|entry| entry.path());
            let mut candidates: Vec<PathBuf> = several.collect();
            candidates.sort();
            candidates.insert(0, own);
            members.extend(candidates.into_iter().filter(|path| path.join(CONFIG).is_file()));
        }
        members
    }
}
