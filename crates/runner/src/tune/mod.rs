//! `zoo tune`: a search for the settings that do best on images held out.
//!
//! [`plan`] says what is tried, [`search`] starts a process a trial, [`trial`] is what happens in it, [`folder`] is what
//! stays on disk, and [`result`] what somebody sees in the end.

mod folder;
mod memory;
mod plan;
mod result;
mod search;
pub(crate) mod trial;

use std::path::Path;

use anyhow::anyhow;
use zoo_data::{DataError, Splits};

use crate::backend::Selected;
use crate::cli::{GlobalOptions, TuneArguments, UsageError};
use crate::config::{self, Contender};
use crate::output::{print, print_json};
use crate::progress::Progress;
use crate::runs::RunConfig;
use crate::source::Source;
use folder::SearchFolder;
pub(crate) use folder::read_trials;
use plan::Plan;
pub(crate) use search::{Interrupted, Search};

pub(crate) fn run(options: &GlobalOptions, arguments: &TuneArguments) -> anyhow::Result<()> {
    match (&arguments.model, &arguments.resume) {
        (Some(model), _) => {
            start(&options.with_those_of_files(std::slice::from_ref(model))?, model, arguments)
        }
        (None, Some(path)) => resume(options, path, arguments),
        (None, None) => unreachable!("clap asks for one of the two"),
    }
}

/// Searches the settings of `model` in a new folder.
fn start(options: &GlobalOptions, model: &str, arguments: &TuneArguments) -> anyhow::Result<()> {
    // What is set is tried with the rest of a setting, so that the kinds among it come first.
    let unset = GlobalOptions { set: Vec::new(), ..options.clone() };
    let contenders: [Contender; 1] = config::contenders(&unset, &[model])?
        .try_into()
        .map_err(|_| UsageError(format!("{model} has several recipes; `zoo tune` takes a file with one")))?;
    let [contender] = contenders;
    let file = config::is_file(model).then_some(Path::new(model));
    let plan = Plan::asked(arguments, &options.set, file, &contender)?;
    let settings = plan.settings(options.seed())?;
    for one in &settings {
        contender.with(one)?;
    }

    let source = Source::new(options);
    let splits = source.splits(options.seed())?;
    check_images(&splits, plan.folds)?;
    let selected = options.one_backend()?.select()?;
    let mut config = RunConfig::new(&source, &splits, std::slice::from_ref(&selected), options.seed());
    config.recipe.clone_from(&contender.recipe_name);
    let folder = SearchFolder::create(&options.out(), config, contender, plan, &splits.name)?;
    follow(options, &folder, &splits, &selected, arguments.jobs)
}

/// Goes on with the search in folder `path`, on any backend.
fn resume(options: &GlobalOptions, path: &Path, arguments: &TuneArguments) -> anyhow::Result<()> {
    options.keep_to_the_run()?;
    let folder = SearchFolder::open(path)?;
    let splits = folder.config.splits(options, path)?;
    follow(options, &folder, &splits, &options.one_backend()?.select()?, arguments.jobs)
}

/// Refuses images that no trial could be judged by.
fn check_images(splits: &Splits, folds: Option<usize>) -> anyhow::Result<()> {
    let available = splits.train.len() + splits.validation.len();
    match folds {
        None if splits.validation.is_empty() => {
            let reason = "without validation images there is nothing to judge by; use --validation above 0, or --folds";
            Err(UsageError(reason.into()).into())
        }
        Some(folds) if folds > available => Err(DataError::Folds { folds, available }.into()),
        _ => Ok(()),
    }
}

/// Runs the trials that are missing, and leaves the finished search behind.
fn follow(
    options: &GlobalOptions,
    folder: &SearchFolder,
    splits: &Splits,
    selected: &Selected,
    jobs: Option<usize>,
) -> anyhow::Result<()> {
    let progress = Progress::new(options.quiet);
    progress.line(&format!("backend: {selected}\nrun: {}", folder.path.display()));
    let settings = folder.plan.settings(folder.config.seed)?;
    let finished = folder.finished(&settings)?;
    if !finished.is_empty() {
        progress.line(&format!("{} of {} trials are done", finished.len(), settings.len()));
    }
    let search = Search {
        contender: &folder.contender,
        settings: &settings,
        source: &folder.config.source(options),
        seed: folder.config.seed,
        backend: options.one_backend()?,
        gpu: selected.gpu,
        folds: folder.plan.folds,
        jobs,
        progress,
    };
    let trials = search.run(finished, &mut |trial| folder.append(trial)).map_err(|error| {
        match error.downcast_ref() {
            Some(Interrupted) => {
                let text = format!("stopped; go on with zoo tune --resume {}", folder.path.display());
                crate::train::Stopped(text).into()
            }
            None => error,
        }
    })?;

    let found = folder.found(&trials, &settings, splits, selected)?;
    folder.write(&found)?;
    if options.json {
        print_json(&found.document)?;
    } else {
        print(&found.text(&folder.path))?;
    }
    progress.line(&format!("written to {}", folder.path.display()));
    match (&found.document.best, trials.first()) {
        (None, Some(first)) => {
            let reason = first.error.as_deref().unwrap_or_default();
            Err(anyhow!("no trial has succeeded; trial {}: {reason}", first.trial))
        }
        _ => Ok(()),
    }
}
