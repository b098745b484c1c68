//! `zoo train`: fit one classifier and keep it.

use std::path::Path;

use anyhow::{anyhow, bail};
use zoo_core::result::EpochRecord;
use zoo_data::Splits;
use zoo_train::{Checkpoints, TrainError};

use crate::backend::Selected;
use crate::cli::{GlobalOptions, UsageError};
use crate::config;
use crate::judge::{Outcome, fit_and_judge};
use crate::output::show;
use crate::progress::Progress;
use crate::recipes::{Dimensions, Job};
use crate::runs::{self, RunConfig, TrainingRun};
use crate::source::Source;

/// Somebody has stopped training, and this is how to go on: no failure, but the run is not done either.
#[derive(Debug)]
pub(crate) struct Stopped(pub(crate) String);

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Stopped {}

/// Trains `model` in a new run.
pub(crate) fn start(options: &GlobalOptions, model: &str) -> anyhow::Result<()> {
    let contenders: [_; 1] = config::contenders(options, &[model])?
        .try_into()
        .map_err(|_| UsageError(format!("{model} has several recipes; `zoo compare` takes them all")))?;
    let [contender] = contenders;
    let source = Source::new(options);
    let splits = source.splits(options.seed())?;
    contender.validate(Dimensions::of(&splits))?;
    let selected = options.one_backend()?.select()?;
    let mut config = RunConfig::new(&source, &splits, std::slice::from_ref(&selected), options.seed());
    config.recipe.clone_from(&contender.recipe_name);
    let path = runs::start_training(&options.out(), &config, &contender, &splits.name)?;
    let run = TrainingRun { path, config, contender };
    follow(options, &run, &splits, &selected).inspect_err(|_| run.remove_if_nothing_was_saved())
}

/// Goes on with the run in folder `path`, on any backend.
pub(crate) fn resume(options: &GlobalOptions, path: &Path) -> anyhow::Result<()> {
    options.keep_to_the_run()?;
    let run = TrainingRun::open(path)?;
    if run.path.join(runs::MODEL_FILE).exists() {
        bail!("{} is finished; `zoo evaluate` shows its figures", path.display());
    }
    let splits = run.splits(options)?;
    follow(options, &run, &splits, &options.one_backend()?.select()?)
}

/// Trains until the last epoch and leaves the finished run behind.
fn follow(
    options: &GlobalOptions,
    run: &TrainingRun,
    splits: &Splits,
    selected: &Selected,
) -> anyhow::Result<()> {
    let progress = Progress::of_training(options);
    progress.line(&format!("backend: {selected}\nrun: {}", run.path.display()));
    let checkpoints = Checkpoints::new(run.path.join(runs::CHECKPOINT));
    if let Some((_, epochs)) = checkpoints.latest() {
        progress.line(&format!("going on after epoch {epochs}"));
    }
    let job = Job {
        name: run.contender.name(),
        splits,
        selected,
        seed: run.config.seed,
        progress,
        checkpoints: Some(&checkpoints),
        on_epoch: &|history| write_metrics(run, history),
    };
    let outcome = fit_and_judge(&run.contender, &job);
    if let Err(error) = &outcome
        && let Some(TrainError::Stopped { .. }) = error.downcast_ref()
    {
        let path = run.path.display();
        return Err(match checkpoints.latest() {
            Some(_) => Stopped(format!("stopped; go on with zoo train --resume {path}")).into(),
            None => Stopped("stopped in the first epoch; nothing was saved".into()).into(),
        });
    }
    let outcome = outcome.map_err(|error| match checkpoints.latest() {
        Some((path, epochs)) => anyhow!("{error:#}; epoch {epochs} is kept in {}", path.display()),
        None => anyhow!("{error:#}; nothing was saved"),
    });
    let Outcome { result, fitted, .. } = outcome?;

    write_metrics(run, &fitted.history)?;
    let comparison = run.config.clone().on(selected).comparison(splits, vec![result]);
    runs::write_result(&run.path, &comparison)?;
    // The model comes last: where it is, the run is finished.
    runs::write(&run.path.join(runs::MODEL_FILE), &fitted.model.to_safetensors()?)?;
    show(options, &comparison)
}

/// Writes a line an epoch; nothing for a model that has none.
fn write_metrics(run: &TrainingRun, history: &[EpochRecord]) -> anyhow::Result<()> {
    if history.is_empty() {
        return Ok(());
    }
    let mut lines = String::new();
    for record in history {
        lines += &serde_json::to_string(record)?;
        lines.push('\n');
    }
    runs::write(&run.path.join(runs::METRICS), lines.as_bytes())
}
