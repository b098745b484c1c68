//! Fit and evaluate classifiers side by side.

use std::path::{Path, PathBuf};

use toml::Table;
use zoo_backends::Machine;
use zoo_data::Splits;
use zoo_recipes::{Contender, Dimensions, RUN, to_table};
use zoo_schema::{Comparison, ModelResult};

use crate::error::{LabError, in_words};
use crate::fit::Judged;
use crate::lab::Lab;
use crate::run::{CONFIG, RunConfig, create, write, write_picture, write_result, write_table};
use crate::summary::comparison;
use crate::watch::Watch;

/// Refuses recipes that the images don't suit.
///
/// # Errors
/// [`LabError::Recipe`] names the recipe and the key.
pub fn check(contenders: &[Contender], splits: &Splits) -> Result<(), LabError> {
    Ok(contenders.iter().try_for_each(|contender| contender.check(Dimensions::of(splits)))?)
}

/// Fits each of `contenders` to the same images on each of `machines`, and judges what comes out. A model that fails is a row with its
/// reason. With several machines each row of a model after the first has the largest difference of a test image's score from that on the
/// first machine.
///
/// # Errors
/// [`LabError`] for a recipe that the images don't suit, before anything is fitted.
pub fn compare(
    contenders: &[Contender],
    splits: &Splits,
    machines: &[Machine],
    seed: u64,
    watch: &dyn Watch,
) -> Result<Comparison, LabError> {
    check(contenders, splits)?;
    let mut results = Vec::new();
    'models: for contender in contenders {
        let mut first = None;
        for machine in machines {
            let lab = Lab { splits, machine, seed, watch };
            let mut is_stopped = false;
            results.push(match lab.fit_and_judge(contender, None) {
                Ok(Judged { mut result, scores, .. }) => {
                    result.score_difference = first.as_ref().map(|first| scores.largest_difference(first));
                    first.get_or_insert(scores);
                    result
                }
                Err(error) => {
                    is_stopped = error.is_training_stop();
                    ModelResult { error: Some(in_words(&error)), ..contender.result(machine)? }
                }
            });
            // Stopped: the rows so far are the result.
            if is_stopped {
                break 'models;
            }
        }
    }
    Ok(comparison(splits, machines, seed, results))
}

/// Writes the folder of a comparison in `out` and returns it: `config.toml`, `result.json`, `result.md`, and learning curves if
/// there are any.
///
/// # Errors
/// [`LabError::Io`]; nothing of the folder is left then.
pub fn keep_comparison(
    out: &Path,
    config: &RunConfig,
    contenders: &[Contender],
    comparison: &Comparison,
) -> Result<PathBuf, LabError> {
    let mut table = Table::from_iter([(RUN.to_string(), to_table(config)?.into())]);
    for contender in contenders {
        table.insert(contender.name().into(), contender.table()?.into());
    }
    create(out, &format!("compare-{}", comparison.dataset.name), |folder| {
        write_table(&folder.join(CONFIG), &table)?;
        write_result(folder, comparison)?;
        write(&folder.join(zoo_report::MARKDOWN_FILE), zoo_report::markdown(comparison).as_bytes())?;
        zoo_report::curves(comparison).map_or(Ok(()), |curves| write_picture(folder, "curves", &curves))
    })
}
