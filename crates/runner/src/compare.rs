//! `zoo compare`: fit and evaluate classifiers side by side.

use zoo_core::result::ModelResult;
use zoo_train::TrainError;

use crate::backend::Selected;
use crate::cli::GlobalOptions;
use crate::config;
use crate::judge::{Outcome, fit_and_judge};
use crate::output::show;
use crate::progress::Progress;
use crate::recipes::{Dimensions, Job};
use crate::runs::{self, RunConfig};
use crate::source::Source;

/// What is compared if nothing is named.
const DEFAULT: [&str; 4] = ["knn", "softmax", "svm", "cnn"];

/// Compares `models`: names, or files with recipes.
pub(crate) fn run(options: &GlobalOptions, models: &[String]) -> anyhow::Result<()> {
    let models: Vec<&str> = models.iter().map(String::as_str).collect();
    let contenders = config::contenders(options, if models.is_empty() { &DEFAULT } else { &models })?;
    let source = Source::new(options);
    let splits = source.splits(options.seed())?;
    for contender in &contenders {
        contender.validate(Dimensions::of(&splits))?;
    }
    runs::check_writable(&options.out())?;
    let progress = Progress::of_training(options);
    let selected =
        options.backend.iter().map(|backend| backend.select()).collect::<anyhow::Result<Vec<Selected>>>()?;
    for selected in &selected {
        progress.line(&format!("backend: {selected}"));
    }

    let mut results = Vec::new();
    'models: for contender in &contenders {
        let mut first = None;
        for selected in &selected {
            let job = Job {
                name: contender.name(),
                splits: &splits,
                selected,
                seed: options.seed(),
                progress,
                checkpoints: None,
                on_epoch: &|_| Ok(()),
            };
            let mut stopped = false;
            // One model's failure is a row, not the end of the others.
            results.push(match fit_and_judge(contender, &job) {
                Ok(Outcome { mut result, scores, .. }) => {
                    result.score_difference = first.as_ref().map(|first| scores.largest_difference(first));
                    first.get_or_insert(scores);
                    result
                }
                Err(error) => {
                    stopped = matches!(error.downcast_ref(), Some(TrainError::Stopped { .. }));
                    let failed = contender.result(selected)?;
                    ModelResult { error: Some(format!("{error:#}")), ..failed }
                }
            });
            // Whoever stops training gets what there is so far.
            if stopped {
                break 'models;
            }
        }
    }

    let config = RunConfig::new(&source, &splits, &selected, options.seed());
    let comparison = config.comparison(&splits, results);
    let written = runs::write_comparison(&options.out(), &config, &contenders, &comparison);
    show(options, &comparison)?;
    progress.line(&format!("written to {}", written?.display()));
    let failures = zoo_report::failures(&comparison);
    if failures.is_empty() { Ok(()) } else { Err(anyhow::anyhow!(failures.join("\n"))) }
}
