//! The folder of a search: `runs/0003-tune-svm-cifar10/`.
//!
//! `config.toml` is there from the start and has all that the search depends on; `trials.jsonl` grows by a line a trial; the
//! rest is written in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use toml::{Table, Value};
use zoo_core::search::{Trial, best};
use zoo_data::Splits;
use zoo_train::search::Settings;

use super::plan::Plan;
use super::result::{Best, Document, Found};
use crate::backend::Selected;
use crate::config::{Contender, RUN, SEARCH, parse, to_table};
use crate::runs::{self, RunConfig, in_file};

pub(super) const BEST: &str = "best.toml";
const LOCK: &str = ".lock";

/// A search at work in a folder. It is over when the process is, however that ends.
struct Lock {
    file: PathBuf,
    _held: File,
}

impl Lock {
    /// # Errors
    /// If a search is at work in `folder`.
    fn take(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join(LOCK);
        let cannot = || format!("cannot lock {}", file.display());
        let held = File::create(&file).with_context(cannot)?;
        match held.try_lock() {
            Ok(()) => Ok(Self { file, _held: held }),
            Err(TryLockError::WouldBlock) => {
                bail!("{}: this search is running already, in another process", folder.display())
            }
            // Some file systems of networks have no locks; whoever searches there has to take care.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                Ok(Self { file, _held: held })
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(cannot),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

/// Settings as they come back from a line of JSON, where floats may lose their last bit.
fn read_back(settings: &Settings) -> anyhow::Result<BTreeMap<String, serde_json::Value>> {
    Ok(serde_json::from_str(&serde_json::to_string(settings)?)?)
}

/// The trials in a file, a line each. A last line without an end is none: its search has been killed, or still runs.
///
/// # Errors
/// If the file can't be read, or a line is no trial.
pub(crate) fn read_trials(file: &Path) -> anyhow::Result<Vec<Trial>> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let lines = bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let read = |(line, text): (usize, &[u8])| {
        let place = || format!("{}, line {}: it is no trial", file.display(), line + 1);
        serde_json::from_slice(text).with_context(place)
    };
    lines.enumerate().map(read).collect()
}

/// A search, and where it stands.
pub(super) struct SearchFolder {
    pub(super) path: PathBuf,
    pub(super) config: RunConfig,
    /// What settings are laid upon.
    pub(super) contender: Contender,
    pub(super) plan: Plan,
    /// Keeps a second search out of the folder.
    _lock: Lock,
}

impl SearchFolder {
    /// Makes the folder of a new search in `out`.
    pub(super) fn create(
        out: &Path,
        config: RunConfig,
        contender: Contender,
        plan: Plan,
        dataset: &str,
    ) -> anyhow::Result<Self> {
        let mut table = contender.table()?;
        table.insert(SEARCH.into(), plan.to_table()?.into());
        table.insert(RUN.into(), to_table(&config)?.into());
        let path = runs::create(out, &format!("tune-{}-{dataset}", contender.name()), |folder| {
            runs::write(&folder.join(runs::CONFIG), toml::to_string(&table)?.as_bytes())
        })?;
        let lock = Lock::take(&path)?;
        Ok(Self { path, config, contender, plan, _lock: lock })
    }

    /// Reads the config of the search in folder `path`.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let (file, mut table) = runs::read_config(path)?;
        let (Some(search), Some(Value::Table(run))) = (table.remove(SEARCH), table.remove(RUN)) else {
            bail!("{} is no search; `zoo tune MODEL` makes one", path.display());
        };
        let plan = in_file(&file, Plan::from_value(search).context("[search]"))?;
        let config: RunConfig = in_file(&file, parse(run).context("[run]"))?;
        let contender = in_file(&file, Contender::from_table(table, config.recipe.clone()))?;
        Ok(Self { path: path.into(), config, contender, plan, _lock: Lock::take(path)? })
    }

    /// The trials of `settings` that have ended. A last line without an end, which a search that was killed may have left, is cut off.
    ///
    /// # Errors
    /// If they can't be read, or are not of these settings: somebody has changed a file.
    pub(super) fn finished(&self, settings: &[Settings]) -> anyhow::Result<Vec<Trial>> {
        let path = self.path.join(runs::TRIALS);
        let cannot = || format!("cannot read {}", path.display());
        if !path.exists() {
            return Ok(Vec::new());
        }
        let bytes = std::fs::read(&path).with_context(cannot)?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        if whole < bytes.len() {
            let file = OpenOptions::new().write(true).open(&path);
            file.and_then(|file| file.set_len(whole as u64)).with_context(cannot)?;
        }
        let trials = read_trials(&path)?;
        let mut numbers = BTreeSet::new();
        for (line, trial) in (1..).zip(&trials) {
            let expected = trial.trial.checked_sub(1).and_then(|place| settings.get(place));
            let expected = expected.map(read_back).transpose()?;
            if expected.as_ref() != Some(&trial.settings) || !numbers.insert(trial.trial) {
                let (file, number) = (path.display(), trial.trial);
                bail!("{file}, line {line}: this is not trial {number} of the search in {}", runs::CONFIG);
            }
        }
        Ok(trials)
    }

    /// Adds a trial that has ended.
    pub(super) fn append(&self, trial: &Trial) -> anyhow::Result<()> {
        let path = self.path.join(runs::TRIALS);
        let line = serde_json::to_string(trial)? + "\n";
        let file = OpenOptions::new().append(true).create(true).open(&path);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// What the search has found: its trials, the best first, and the recipe of the best.
    pub(super) fn found(
        &self,
        trials: &[Trial],
        settings: &[Settings],
        splits: &Splits,
        selected: &Selected,
    ) -> anyhow::Result<Found> {
        let recipe = best(trials).map(|trial| self.contender.with(&settings[trial.trial - 1])).transpose()?;
        let best = match (best(trials), &recipe) {
            (Some(trial), Some(recipe)) => Some(Best {
                trial: trial.trial,
                settings: trial.settings.clone(),
                validation_accuracy: trial.validation_accuracy().unwrap_or_default(),
                config: serde_json::to_value(recipe.recipe.config()?)?,
            }),
            _ => None,
        };
        let document = Document::new(self, trials, splits, selected, best);
        let recipe = recipe.map(|recipe| self.best_config(&recipe)).transpose()?;
        Ok(Found { document, recipe, searched: self.plan.space.searched().map(String::from).collect() })
    }

    /// A config that `zoo train` takes: the recipe, and the images and the seed of the search.
    fn best_config(&self, best: &Contender) -> anyhow::Result<Table> {
        let mut table = best.table()?;
        table.insert(RUN.into(), to_table(&self.config)?.into());
        Ok(table)
    }

    /// Writes what was found.
    pub(super) fn write(&self, found: &Found) -> anyhow::Result<()> {
        if let Some(recipe) = &found.recipe {
            let text = toml::to_string(recipe).map_err(|error| anyhow!("a recipe is TOML: {error}"))?;
            runs::write(&self.path.join(BEST), text.as_bytes())?;
        }
        runs::write(&self.path.join(runs::MARKDOWN), found.markdown().as_bytes())?;
        runs::write_result(&self.path, &found.document)
    }
}
