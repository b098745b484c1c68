//! A search for the settings that do best on images held out.
//!
//! A [`Plan`] says what is tried, a [`Search`] runs the trials, [`SearchFolder`] is what stays on disk, and [`Found`] what comes out.

mod folder;
mod found;
mod plan;
mod search;
mod trial;

use zoo_backends::Machine;
use zoo_data::Splits;
use zoo_recipes::Contender;

use crate::error::LabError;
use crate::source::{Relocation, Source};
use crate::watch::Watch;

pub use folder::{SearchFolder, read_trials};
pub use found::Found;
pub use plan::Plan;
pub use search::{Search, Start};
pub use trial::{TrialJob, TrialReport};

/// Tries the settings of `plan` for `contender`, one after another in this process, and leaves nothing on disk.
///
/// # Errors
/// [`LabError`] for a plan that can't be followed on these images. A trial that fails is a row with its reason.
pub fn tune(
    contender: &Contender,
    plan: &Plan,
    source: &Source,
    machine: &Machine,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Found, LabError> {
    let (splits, settings) = (source.splits(seed)?, plan.settings(seed)?);
    plan.check(contender, seed)?;
    plan.check_images(&splits)?;
    let search = Search {
        contender,
        settings: &settings,
        source,
        seed,
        machine,
        folds: plan.folds,
        jobs: None,
        start: None,
        watch,
    };
    let trials = search.run(Vec::new(), &mut |_| Ok(()))?;
    Found::new(&search, plan, &splits, &trials)
}

/// How the trials of a search on disk run.
#[derive(Clone, Copy)]
pub struct Conduct<'a> {
    /// Where to compute.
    pub machine: &'a Machine,
    /// Where the images are now, if they have moved.
    pub relocation: &'a Relocation,
    /// How many trials run at once; `None` for as many as cores and memory allow.
    pub jobs: Option<usize>,
    /// What starts the process of a trial.
    pub start: Option<Start<'a>>,
    /// Who watches.
    pub watch: &'a dyn Watch,
}

/// Runs the trials that a search on disk is missing, and leaves the finished search there.
///
/// # Errors
/// [`LabError::SearchStopped`] if a trial was stopped from outside; if a file can't be written. A trial that fails is a row with its
/// reason.
pub fn follow(folder: &SearchFolder, splits: &Splits, conduct: Conduct<'_>) -> Result<Found, LabError> {
    let Conduct { machine, relocation, jobs, start, watch } = conduct;
    watch.run(&folder.path);
    let settings = folder.plan.settings(folder.config.seed)?;
    let finished = folder.finished(&settings)?;
    if !finished.is_empty() {
        watch.line(&format!("{} of {} trials are done", finished.len(), settings.len()));
    }
    let search = Search {
        contender: &folder.contender,
        settings: &settings,
        source: &folder.config.source.relocated(relocation),
        seed: folder.config.seed,
        machine,
        folds: folder.plan.folds,
        jobs,
        start,
        watch,
    };
    let trials = search.run(finished, &mut |trial| folder.append(trial)).map_err(|error| match error {
        LabError::Interrupted => LabError::SearchStopped { folder: folder.path.clone() },
        error => error,
    })?;
    let found = Found::new(&search, &folder.plan, splits, &trials)?;
    folder.write(&found)?;
    Ok(found)
}
