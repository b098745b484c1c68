//! The folder of a search: `runs/0003-tune-svm-cifar10/`.
//!
//! `config.toml` is there from the start and has all that the search depends on; `trials.jsonl` grows by a line per trial; the
//! rest is written in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use toml::Value;
use zoo_files::Lock;
use zoo_recipes::{Contender, RUN, Registry, SEARCH, parse, to_table};
use zoo_schema::Trial;
use zoo_train::search::Settings;

use crate::error::LabError;
use crate::page::write_search;
use crate::run::{
    CONFIG, LARGEST, RunConfig, TRIALS, create, lock, read_config, write, write_result, write_table,
};
use crate::tune::found::Found;
use crate::tune::plan::Plan;

/// Settings as they come back from a line of JSON.
fn read_back(settings: &Settings) -> Result<BTreeMap<String, serde_json::Value>, LabError> {
    Ok(serde_json::from_str(&serde_json::to_string(settings)?)?)
}

/// The trials in a file, a line each. A last line without an end doesn't count: its search has been killed, or still runs.
///
/// # Errors
/// [`LabError`] if the file can't be read, or a line is not a trial.
pub fn read_trials(file: &Path) -> Result<Vec<Trial>, LabError> {
    let bytes = zoo_files::read(file, LARGEST).map_err(LabError::io("read", file))?;
    let lines = bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let read = |(place, text): (usize, &[u8])| {
        let wrong = |error| LabError::Line {
            path: file.into(),
            line: place + 1,
            reason: format!("it is not a trial: {error}"),
        };
        serde_json::from_slice(text).map_err(wrong)
    };
    lines.enumerate().map(read).collect()
}

/// A search on disk, locked against other processes.
#[derive(Debug)]
pub struct SearchFolder {
    /// Its folder.
    pub path: PathBuf,
    /// What it depends on apart from its recipe and its plan.
    pub config: RunConfig,
    /// What settings are laid upon.
    pub contender: Contender,
    /// What it tries.
    pub plan: Plan,
    /// Keeps a second search out of the folder.
    _lock: Lock,
}

impl SearchFolder {
    /// Makes the folder of a new search in `out`.
    ///
    /// # Errors
    /// [`LabError::Io`]; nothing of the folder is left then.
    pub fn create(
        out: &Path,
        config: RunConfig,
        contender: Contender,
        plan: Plan,
        dataset: &str,
    ) -> Result<Self, LabError> {
        let mut table = contender.table()?;
        table.insert(SEARCH.into(), plan.to_table()?.into());
        table.insert(RUN.into(), to_table(&config)?.into());
        let path = create(out, &format!("tune-{}-{dataset}", contender.name()), |folder| {
            write_table(&folder.join(CONFIG), &table)
        })?;
        let lock = lock(&path).inspect_err(|_| {
            let _ = std::fs::remove_dir_all(&path);
        })?;
        Ok(Self { path, config, contender, plan, _lock: lock })
    }

    /// Reads the config of the search in folder `path`.
    ///
    /// # Errors
    /// [`LabError`] if it is not the folder of a search, or its config has been changed to what can't be.
    pub fn open(registry: &Registry, path: &Path) -> Result<Self, LabError> {
        let (file, mut table) = read_config(path)?;
        let (Some(search), Some(Value::Table(run))) = (table.remove(SEARCH), table.remove(RUN)) else {
            return Err(LabError::run(path, "is not a search; `zoo tune MODEL` makes one"));
        };
        let wrong = |reason: String| LabError::file(&file, reason);
        let plan = Plan::from_value(search).map_err(|error| wrong(format!("[search]: {error}")))?;
        let config: RunConfig = parse(run).map_err(|error| wrong(format!("[run]: {error}")))?;
        let origin = file.display().to_string();
        let contender = Contender::from_table(registry, &origin, table, config.recipe.clone())?;
        Ok(Self { path: path.into(), config, contender, plan, _lock: lock(path)? })
    }

    /// The trials of `settings` that have ended. A last line without an end, which a search that was killed may have left, is cut off.
    ///
    /// # Errors
    /// [`LabError`] if they can't be read, or are not of these settings: a file has been changed.
    pub(crate) fn finished(&self, settings: &[Settings]) -> Result<Vec<Trial>, LabError> {
        let path = self.path.join(TRIALS);
        if !path.exists() {
            return Ok(Vec::new());
        }
        let bytes = zoo_files::read(&path, LARGEST).map_err(LabError::io("read", &path))?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        if whole < bytes.len() {
            let file = OpenOptions::new().write(true).open(&path);
            file.and_then(|file| file.set_len(whole as u64)).map_err(LabError::io("write", &path))?;
        }
        let trials = read_trials(&path)?;
        let mut numbers = BTreeSet::new();
        for (line, trial) in (1..).zip(&trials) {
            let expected = trial.trial.checked_sub(1).and_then(|place| settings.get(place));
            let expected = expected.map(read_back).transpose()?;
            if expected.as_ref() != Some(&trial.settings) || !numbers.insert(trial.trial) {
                let reason = format!("this is not trial {} of the search in {CONFIG}", trial.trial);
                return Err(LabError::Line { path, line, reason });
            }
        }
        Ok(trials)
    }

    /// Adds a trial that has ended.
    pub(crate) fn append(&self, trial: &Trial) -> Result<(), LabError> {
        let path = self.path.join(TRIALS);
        let line = serde_json::to_string(trial)? + "\n";
        let file = OpenOptions::new().append(true).create(true).open(&path);
        let append = |mut file: File| file.write_all(line.as_bytes()).and_then(|()| file.sync_data());
        file.and_then(append).map_err(LabError::io("write", path))
    }

    /// Writes what was found.
    pub(crate) fn write(&self, found: &Found) -> Result<(), LabError> {
        if let Some(best) = &found.best {
            // What `zoo train` takes: the recipe, and the images and the seed of the search.
            let mut table = best.table()?;
            table.insert(RUN.into(), to_table(&self.config)?.into());
            write_table(&self.path.join(zoo_report::BEST_FILE), &table)?;
        }
        let markdown = zoo_report::search_markdown(&found.result, &found.searched);
        write(&self.path.join(zoo_report::MARKDOWN_FILE), markdown.as_bytes())?;
        write_result(&self.path, &found.result)?;
        write_search(&self.path, &self.config, &found.searched, &found.result).map(|_| ())
    }
}
