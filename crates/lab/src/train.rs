//! Fit one classifier and keep it.

use std::path::Path;

use zoo_backends::Machine;
use zoo_data::Splits;
use zoo_recipes::{Contender, Dimensions};
use zoo_schema::{Comparison, EpochRecord};
use zoo_train::Checkpoints;

use crate::error::LabError;
use crate::fit::{Judged, Keep};
use crate::lab::Lab;
use crate::run::{
    CHECKPOINT, METRICS, MODEL_FILE, RunConfig, TrainingRun, start_training, write, write_result,
};
use crate::source::Source;
use crate::summary::comparison;
use crate::watch::Watch;

/// A training run that has no folder yet.
pub struct NewRun<'a> {
    /// Where its folder is made.
    pub out: &'a Path,
    /// The recipe.
    pub contender: Contender,
    /// Where the images are from.
    pub source: &'a Source,
    /// The images.
    pub splits: &'a Splits,
    /// What everything random follows from.
    pub seed: u64,
}

/// Trains a model in a new run folder, with a checkpoint after each epoch.
///
/// # Errors
/// [`LabError`]; the folder is removed unless there is a checkpoint to go on from.
pub fn train(new: NewRun<'_>, machine: &Machine, watch: &dyn Watch) -> Result<Comparison, LabError> {
    let NewRun { out, contender, source, splits, seed } = new;
    contender.check(Dimensions::of(splits))?;
    let mut config = RunConfig::new(source, splits, std::slice::from_ref(machine), seed);
    config.recipe.clone_from(&contender.recipe_name);
    let path = start_training(out, &config, &contender, &splits.name)?;
    let run = TrainingRun { path, config, contender };
    follow(&run, splits, machine, watch).inspect_err(|_| run.remove_if_nothing_was_saved())
}

/// Goes on with a run that was interrupted, on any machine: it ends with the same weights as one that was not.
///
/// # Errors
/// [`LabError`] if it is finished, or training fails.
pub fn resume(
    run: &TrainingRun,
    splits: &Splits,
    machine: &Machine,
    watch: &dyn Watch,
) -> Result<Comparison, LabError> {
    run.check_unfinished()?;
    follow(run, splits, machine, watch)
}

/// Trains until the last epoch and leaves the finished run behind.
fn follow(
    run: &TrainingRun,
    splits: &Splits,
    machine: &Machine,
    watch: &dyn Watch,
) -> Result<Comparison, LabError> {
    watch.line(&format!("run: {}", run.path.display()));
    let checkpoints = Checkpoints::new(run.path.join(CHECKPOINT));
    if let Some((_, epochs)) = checkpoints.latest() {
        watch.line(&format!("going on after epoch {epochs}"));
    }
    let keep = Keep { checkpoints: &checkpoints, on_epoch: &|history| write_metrics(&run.path, history) };
    let lab = Lab { splits, machine, seed: run.config.seed, watch };
    let judged = lab.fit_and_judge(&run.contender, Some(&keep)).map_err(|error| {
        let kept = checkpoints.latest();
        if error.is_training_stop() {
            return LabError::TrainingStopped { run: kept.map(|_| run.path.clone()) };
        }
        LabError::Training { error: Box::new(error), kept }
    });
    let Judged { result, fitted, .. } = judged?;

    write_metrics(&run.path, &fitted.history)?;
    let comparison = comparison(splits, std::slice::from_ref(machine), run.config.seed, vec![result]);
    write_result(&run.path, &comparison)?;
    // The model comes last: where it is, the run is finished.
    write(&run.path.join(MODEL_FILE), &fitted.model.to_safetensors()?)?;
    Ok(comparison)
}

/// Writes a line per epoch; nothing for a model that has none.
fn write_metrics(folder: &Path, history: &[EpochRecord]) -> Result<(), LabError> {
    if history.is_empty() {
        return Ok(());
    }
    let mut lines = String::new();
    for record in history {
        lines += &serde_json::to_string(record)?;
        lines.push('\n');
    }
    write(&folder.join(METRICS), lines.as_bytes())
}
