//! `zoo compare`: fit and evaluate classifiers side by side.

use zoo_core::result::ModelResult;

use crate::backend::Selected;
use crate::cli::{GlobalOptions, UsageError};
use crate::config;
use crate::judge::{Outcome, fit_and_judge};
use crate::output::show;
use crate::progress::Progress;
use crate::recipes::{self, Dimensions, Entry, Job};
use crate::runs::{self, RunConfig};
use crate::source::Source;

/// Compares `models`, all of them if none is named.
pub(crate) fn run(options: &GlobalOptions, models: &[String]) -> anyhow::Result<()> {
    let entries = find(models)?;
    let recipes = config::resolve(options, &entries)?;
    let source = Source::new(options);
    let splits = source.splits(options.seed())?;
    for (entry, recipe) in entries.iter().zip(&recipes) {
        let valid = recipe.validate(Dimensions::of(&splits));
        valid.map_err(|error| UsageError(format!("{}: {error}", entry.name)))?;
    }
    runs::check_writable(&options.out())?;
    let progress = Progress::new(options.quiet);
    let selected =
        options.backend.iter().map(|backend| backend.select()).collect::<anyhow::Result<Vec<Selected>>>()?;
    for selected in &selected {
        progress.line(&format!("backend: {selected}"));
    }

    let mut results = Vec::new();
    for (entry, recipe) in entries.iter().zip(&recipes) {
        let mut first = None;
        for selected in &selected {
            let job = Job {
                model: entry.name,
                splits: &splits,
                selected,
                seed: options.seed(),
                progress,
                checkpoints: None,
                on_epoch: &|_| Ok(()),
            };
            // One model's failure is a row, not the end of the others.
            results.push(match fit_and_judge(recipe.as_ref(), &job) {
                Ok(Outcome { mut result, scores, .. }) => {
                    result.score_difference = first.as_ref().map(|first| scores.largest_difference(first));
                    first.get_or_insert(scores);
                    result
                }
                Err(error) => {
                    let config = serde_json::to_value(recipe.config()?)?;
                    ModelResult::failed(entry.name, selected.backend, config, format!("{error:#}"))
                }
            });
        }
    }

    let config = RunConfig::new(&source, &splits, &selected, options.seed());
    let comparison = config.comparison(&splits, results);
    let pairs: Vec<_> = entries.iter().copied().zip(recipes.iter().map(AsRef::as_ref)).collect();
    let written = runs::write_comparison(&options.out(), &config, &pairs, &comparison);
    show(options, &comparison)?;
    progress.line(&format!("written to {}", written?.display()));
    let failures = zoo_report::failures(&comparison);
    if failures.is_empty() { Ok(()) } else { Err(anyhow::anyhow!(failures.join("\n"))) }
}

fn find(models: &[String]) -> Result<Vec<&'static Entry>, UsageError> {
    if models.is_empty() {
        return Ok(recipes::ENTRIES.iter().collect());
    }
    for (place, model) in models.iter().enumerate() {
        if models[..place].contains(model) {
            return Err(UsageError(format!("{model} is named twice; one row a model")));
        }
    }
    models.iter().map(|name| recipes::find(name)).collect()
}
