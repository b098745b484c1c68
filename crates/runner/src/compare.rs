//! `zoo compare`: fit and evaluate classifiers side by side.

use anyhow::Context;
use zoo_core::Scores;
use zoo_core::result::{Comparison, ModelResult};

use crate::backend::Selected;
use crate::cli::GlobalOptions;
use crate::config;
use crate::evaluate::{Candidate, blank};
use crate::failure;
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
    let written = runs::write_comparison(&options.out, &config, &pairs, &comparison);
    show(options, &comparison)?;
    progress.line(&format!("written to {}", written?.display()));
    let failures = zoo_report::failures(&comparison);
    if failures.is_empty() { Ok(()) } else { Err(anyhow::anyhow!(failures.join("\n"))) }
}

/// What became of one job.
pub(crate) struct Outcome {
    pub(crate) result: ModelResult,
    /// The scores of the test images.
    pub(crate) scores: Scores,
    pub(crate) fitted: Fitted,
}

/// Follows `recipe` and judges what comes out.
///
/// # Errors
/// What went wrong; if a GPU refused something, which one and what to lower.
pub(crate) fn fit_and_judge(recipe: &dyn Recipe, job: &Job<'_>) -> anyhow::Result<Outcome> {
    if !job.selected.gpu {
        return fit_and_judge_on(recipe, job);
    }
    failure::catch(|| fit_and_judge_on(recipe, job)).with_context(|| {
        format!(
            "{} refused; lower train.batch_size or the sizes of the network, or use --backend cpu",
            job.selected.adapter
        )
    })
}

fn fit_and_judge_on(recipe: &dyn Recipe, job: &Job<'_>) -> anyhow::Result<Outcome> {
    let fitted = recipe.fit(job)?;
    let mut result = blank(job.model, job.selected.backend, recipe)?;
    result.parameters = Some(fitted.parameters);
    result.fit_seconds = Some(fitted.seconds);
    result.history.clone_from(&fitted.history);
    let candidate = Candidate {
        name: job.model,
        classifier: fitted.model.classifier(),
        loss: recipe.loss(),
        device: &job.selected.device,
        progress: job.progress,
    };
    let scores = candidate.judge(job.splits, job.seed, &mut result)?;
    if let Some(test) = &result.test {
        let seconds = fitted.seconds + result.predict_seconds.unwrap_or(0.0);
        let (model, accuracy) = (job.model, 100.0 * test.accuracy);
        job.progress.line(&format!("{model}: test accuracy {accuracy:.1} % after {seconds:.1} s"));
    }
    Ok(Outcome { result, scores, fitted })
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
