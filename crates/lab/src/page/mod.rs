//! `report.html`: what a run has found, as a page that people can look at.

mod comparison;
mod decisions;
mod merged;
mod origin;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::Table;
use zoo_data::Splits;
use zoo_recipes::{Contender, MODEL, REPRODUCE, Registry, SEARCH};
use zoo_report::{BEST_FILE, PAGE_FILE, reproduction_page, search_page};
use zoo_schema::{Comparison, Reproduction, SearchResult};

use crate::answers::read_answers;
use crate::error::{LabError, in_words};
use crate::page::comparison::{Member, Shown};
use crate::page::origin::{described, of_search, of_suite};
use crate::run::{ComparisonRun, RunConfig, TrainingRun, lock, read_config, read_result, write};
use crate::source::Relocation;
use crate::tune::Plan;
use crate::watch::Watch;

/// Writes `report.html` of the run in the folder of `paths`; of several, which must be of the same images, that of all their models side
/// by side, in a new run folder in `out`. Returns where the page is.
///
/// # Errors
/// [`LabError`] if a folder is not that of a finished run, or several are not of the same images.
pub fn report(
    registry: &Registry,
    paths: &[PathBuf],
    relocation: &Relocation,
    out: &Path,
    watch: &dyn Watch,
) -> Result<PathBuf, LabError> {
    match paths {
        [path] => of_run(registry, path, relocation, watch),
        paths => merged::report(registry, paths, relocation, out, watch),
    }
}

/// Writes the page of the run in folder `path`, whatever it is of.
fn of_run(
    registry: &Registry,
    path: &Path,
    relocation: &Relocation,
    watch: &dyn Watch,
) -> Result<PathBuf, LabError> {
    let (_, table) = read_config(path)?;
    // What a process left behind that was killed while it wrote the page; one that is at work there still is not in the way.
    let _ = lock(path).map(drop);
    if table.contains_key(REPRODUCE) {
        return write_suite(path, &read_result(path)?);
    }
    if table.contains_key(SEARCH) {
        let result = read_result(path)?;
        let (config, searched) = (described(path)?.0, searched(&table, &result));
        return write_search(path, &config, &searched, &result);
    }
    let run = Run::open(registry, path)?;
    let (splits, missing) = run.splits(relocation, watch);
    write_page(path, &run.shown(splits.as_ref(), missing).html())
}

/// Writes the page of a comparison, whose results are in its folder.
pub(crate) fn write_comparison(run: &ComparisonRun, splits: &Splits) -> Result<(), LabError> {
    let run = Run::of_comparison(&run.path, &run.config, &run.contenders)?;
    write_page(&run.path, &run.shown(Some(splits), Vec::new()).html()).map(|_| ())
}

/// Writes the page of a training run, whose results are in its folder.
pub(crate) fn write_training(run: &TrainingRun, splits: &Splits) -> Result<(), LabError> {
    let run = Run::of_training(run)?;
    write_page(&run.path, &run.shown(Some(splits), Vec::new()).html()).map(|_| ())
}

/// The keys that a search was over: those of its plan; if that can't be read, those of its trials.
fn searched(table: &Table, result: &SearchResult) -> Vec<String> {
    let plan = table.get(SEARCH).and_then(|search| Plan::from_value(search.clone()).ok());
    let keys = || result.trials.iter().flat_map(|trial| trial.settings.keys().cloned());
    plan.map_or_else(
        || keys().collect::<BTreeSet<String>>().into_iter().collect(),
        |plan| plan.space.searched().map(String::from).collect(),
    )
}

/// Writes the page of a search over the keys `searched`.
pub(crate) fn write_search(
    path: &Path,
    config: &RunConfig,
    searched: &[String],
    result: &SearchResult,
) -> Result<PathBuf, LabError> {
    let best = result.best.as_ref().map(|_| format!("zoo train {}", origin::quoted(&path.join(BEST_FILE))));
    let provenance = of_search(path, config, result);
    let page =
        search_page(result, searched, &best.unwrap_or_default(), &provenance, zoo_findings::explanation);
    write_page(path, &page)
}

/// Writes the page of a suite.
pub(crate) fn write_suite(path: &Path, reproduction: &Reproduction) -> Result<PathBuf, LabError> {
    let (config, table) = described(path)?;
    write_page(path, &reproduction_page(reproduction, &of_suite(path, &config, &table, reproduction)))
}

fn write_page(folder: &Path, page: &str) -> Result<PathBuf, LabError> {
    let file = folder.join(PAGE_FILE);
    write(&file, page.as_bytes())?;
    Ok(file)
}

/// The run of a comparison or of one model, as it is on disk.
struct Run {
    path: PathBuf,
    config: RunConfig,
    members: Vec<Member>,
    comparison: Comparison,
}

impl Run {
    fn open(registry: &Registry, path: &Path) -> Result<Self, LabError> {
        // A training run names its model.
        if read_config(path)?.1.contains_key(MODEL) {
            return Self::of_training(&TrainingRun::open(registry, path)?);
        }
        let run = ComparisonRun::open(registry, path)?;
        Self::of_comparison(path, &run.config, &run.contenders)
    }

    fn of_comparison(path: &Path, config: &RunConfig, contenders: &[Contender]) -> Result<Self, LabError> {
        let comparison: Comparison = read_result(path)?;
        let member = |contender: &Contender| {
            let label = contender.name().to_owned();
            let result = comparison.results.iter().find(|result| result.label() == label);
            // Of several trainings the first.
            let first = result.and_then(|result| result.seeds.as_ref()?.trainings.first()?.folder.clone());
            let folder = path.join(first.unwrap_or_else(|| label.clone()));
            Member::new(label, contender, folder)
        };
        let members = contenders.iter().map(member).collect::<Result<_, _>>()?;
        Ok(Self { path: path.into(), config: config.clone(), members, comparison })
    }

    fn of_training(run: &TrainingRun) -> Result<Self, LabError> {
        let comparison: Comparison = read_result(&run.path)?;
        let label = comparison.results.first().map_or_else(String::new, |result| result.label().into());
        let member = Member::new(label, &run.contender, run.path.clone())?;
        Ok(Self { path: run.path.clone(), config: run.config.clone(), members: vec![member], comparison })
    }

    /// The images of the run, or why they can't be shown.
    fn splits(&self, relocation: &Relocation, watch: &dyn Watch) -> (Option<Splits>, Vec<String>) {
        match self.config.splits(&self.path, relocation, watch) {
            Ok(splits) => (Some(splits), Vec::new()),
            Err(error) => (None, vec![format!("The images can't be shown: {}.", in_words(&error))]),
        }
    }

    fn shown<'a>(&self, splits: Option<&'a Splits>, mut missing: Vec<String>) -> Shown<'a> {
        let answers = match read_answers(&self.path) {
            Ok(answers) => Some(answers),
            Err(error) => {
                missing.push(format!("Single images are not told apart: {}.", in_words(&error)));
                None
            }
        };
        Shown {
            comparison: self.comparison.clone(),
            answers,
            members: self.members.clone(),
            splits,
            provenance: origin::of_runs(std::slice::from_ref(self)),
            missing,
            config: self.config.clone(),
        }
    }
}
