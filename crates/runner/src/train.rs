//! `zoo train`: fit one classifier and keep it.

use std::path::Path;

use anyhow::bail;
use zoo_train::Checkpoints;

use crate::cli::{GlobalOptions, UsageError};
use crate::compare::{Outcome, fit_and_judge, show};
use crate::config;
use crate::progress::Progress;
use crate::recipes::{self, Job};
use crate::runs::{self, RunConfig, TrainingRun};
use crate::source::Source;

/// Trains `model`, or goes on with the run in `resume`.
pub(crate) fn run(options: &GlobalOptions, model: Option<&str>, resume: Option<&Path>) -> anyhow::Result<()> {
    let progress = Progress::new(options.quiet);
    let selected;
    let (run, splits) = match (model, resume) {
        (Some(model), _) => {
            let entry = recipes::find(model)?;
            let recipe = config::resolve(options, &[entry])?.remove(0);
            let source = Source::new(options);
            let splits = source.splits(options.seed())?;
            recipe.validate(&splits).map_err(|error| UsageError(format!("{}: {error}", entry.name)))?;
            selected = options.one_backend()?.select()?;
            let config = RunConfig::new(&source, &splits, std::slice::from_ref(&selected), options.seed());
            let path = runs::start_training(&options.out, &config, (entry, recipe.as_ref()), &splits.name)?;
            (TrainingRun { path, config, entry, recipe }, splits)
        }
        (None, Some(path)) => {
            options.keep_to_the_run()?;
            let run = TrainingRun::open(path)?;
            if run.path.join(runs::MODEL_FILE).exists() {
                bail!("{} is finished; `zoo evaluate` shows its figures", path.display());
            }
            let splits = run.source(options).splits(run.config.seed)?;
            selected = options.one_backend()?.select()?;
            (run, splits)
        }
        (None, None) => unreachable!("clap asks for one"),
    };
    progress.line(&format!("backend: {selected}\nrun: {}", run.path.display()));

    let folder = run.path.join(runs::CHECKPOINT);
    let checkpoints = Checkpoints::new(&folder);
    if let Some((_, epochs)) = checkpoints.latest() {
        progress.line(&format!("going on after epoch {epochs}"));
    }
    let job = Job {
        model: run.entry.name,
        splits: &splits,
        selected: &selected,
        seed: run.config.seed,
        progress,
        checkpoints: Some(&checkpoints),
    };
    let Outcome { result, fitted, .. } = fit_and_judge(run.recipe.as_ref(), &job)?;

    let mut metrics = String::new();
    for record in &fitted.history {
        metrics += &serde_json::to_string(record)?;
        metrics.push('\n');
    }
    runs::write(&run.path.join(runs::METRICS), metrics.as_bytes())?;
    let comparison = run.config.comparison(&splits, vec![result]);
    runs::write_result(&run.path, &comparison)?;
    // The model comes last: where it is, the run is finished.
    let aside = run.path.join(format!(".{}", runs::MODEL_FILE));
    fitted.model.save(&aside)?;
    std::fs::rename(&aside, run.path.join(runs::MODEL_FILE))?;
    show(options, &comparison)
}
