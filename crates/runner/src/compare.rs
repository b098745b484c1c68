//! `zoo compare`: fit and evaluate classifiers side by side.

use zoo_core::result::{Comparison, ModelResult};

use crate::cli::GlobalOptions;
use crate::config;
use crate::evaluate::{Candidate, blank};
use crate::progress::Progress;
use crate::recipes::{self, Entry, Fitted, Job, Recipe};
use crate::runs::{self, RunConfig};
use crate::source::Source;

/// Compares `models`, all of them if none is named.
pub(crate) fn run(options: &GlobalOptions, models: &[String]) -> anyhow::Result<()> {
    let entries: Vec<&'static Entry> = if models.is_empty() {
        recipes::ENTRIES.iter().collect()
    } else {
        models.iter().map(|name| recipes::find(name)).collect::<Result<_, _>>()?
    };
    let recipes = config::resolve(options, &entries)?;
    let source = Source::new(options);
    let splits = source.splits(options.seed())?;
    for (entry, recipe) in entries.iter().zip(&recipes) {
        recipe
            .validate(&splits)
            .map_err(|error| crate::cli::UsageError(format!("{}: {error}", entry.name)))?;
    }
    let progress = Progress::new(options.quiet);
    let selected = options.backend.select()?;
    progress.line(&format!("backend: {selected}"));

    let mut results = Vec::new();
    for (entry, recipe) in entries.iter().zip(&recipes) {
        let job = Job {
            model: entry.name,
            splits: &splits,
            device: &selected.device,
            seed: options.seed(),
            progress,
            checkpoints: None,
        };
        // One model's failure is a row, not the end of the others.
        results.push(match fit_and_judge(recipe.as_ref(), &job) {
            Ok((result, _)) => result,
            Err(error) => {
                ModelResult::failed(entry.name, serde_json::to_value(recipe.config()?)?, format!("{error:#}"))
            }
        });
    }

    let config = RunConfig::new(&source, &splits, &selected, options.seed());
    let comparison = config.comparison(&splits, results);
    let pairs: Vec<_> = entries.iter().copied().zip(recipes.iter().map(AsRef::as_ref)).collect();
    let written = runs::write_comparison(&options.out, &config, &pairs, &comparison);
    show(options, &comparison)?;
    progress.line(&format!("written to {}", written?.display()));
    let failures = zoo_report::failures(&comparison);
    if failures.is_empty() { Ok(()) } else { Err(anyhow::anyhow!(failures.join("\n"))) }
}

/// Follows `recipe` and judges what comes out.
pub(crate) fn fit_and_judge(recipe: &dyn Recipe, job: &Job<'_>) -> anyhow::Result<(ModelResult, Fitted)> {
    let fitted = recipe.fit(job)?;
    let mut result = blank(job.model, recipe)?;
    result.parameters = Some(fitted.parameters);
    result.fit_seconds = Some(fitted.seconds);
    result.history.clone_from(&fitted.history);
    let candidate = Candidate {
        name: job.model,
        classifier: fitted.model.classifier(),
        loss: recipe.loss(),
        device: job.device,
        progress: job.progress,
    };
    candidate.judge(job.splits, job.seed, &mut result)?;
    if let Some(test) = &result.test {
        let seconds = fitted.seconds + result.predict_seconds.unwrap_or(0.0);
        job.progress.line(&format!(
            "{}: test accuracy {:.1} % after {seconds:.1} s",
            job.model,
            100.0 * test.accuracy
        ));
    }
    Ok((result, fitted))
}

/// Prints the table, or the document.
pub(crate) fn show(options: &GlobalOptions, comparison: &Comparison) -> anyhow::Result<()> {
    if options.json {
        println!("{}", serde_json::to_string_pretty(comparison)?);
    } else {
        println!("{}\n{}", zoo_report::describe(comparison), zoo_report::terminal_table(comparison));
    }
    Ok(())
}
