//! Fit one classifier and keep it.

use std::path::Path;

use zoo_backends::Machine;
use zoo_data::Splits;
use zoo_recipes::{Contender, Dimensions};
use zoo_schema::{Comparison, DatasetSummary, EpochRecord};
use zoo_train::Checkpoints;

use crate::answers::write_answers;
use crate::compare::check_memory;
use crate::error::LabError;
use crate::fit::{Keep, Outcome};
use crate::lab::Lab;
use crate::page::write_training;
use crate::protocol::Protocol;
use crate::run::{
    CHECKPOINT, METRICS, MODEL_FILE, RunConfig, TrainingRun, lock, remove_if_nothing_was_saved, write,
    write_result,
};
use crate::source::Source;
use crate::summary::{dataset, of_one};
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
    /// How to fit and to judge.
    pub protocol: Protocol,
}

/// Trains a model in a new run folder, with a checkpoint after each epoch.
///
/// # Errors
/// [`LabError`]; the folder is removed unless there is a checkpoint to go on from.
pub fn train(new: NewRun<'_>, machine: &Machine, watch: &dyn Watch) -> Result<Comparison, LabError> {
    let NewRun { out, contender, source, splits, protocol } = new;
    contender.check(Dimensions::of(splits))?;
    protocol.check(splits)?;
    let machines = std::slice::from_ref(machine);
    check_memory(std::slice::from_ref(&contender), splits, machines, watch)?;
    let config = RunConfig::new(source, splits, machines, protocol);
    let run = TrainingRun::create(out, config, contender, &splits.name)?;
    let lab = Lab { splits, machine, protocol, watch };
    let _lock = lock(&run.path)?;
    follow(&run, &lab).inspect_err(|_| remove_if_nothing_was_saved(&run.path))
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
    let _lock = lock(&run.path)?;
    follow(run, &Lab { splits, machine, protocol: run.config.protocol(), watch })
}

/// Trains until the last epoch and leaves the finished run behind.
fn follow(run: &TrainingRun, lab: &Lab<'_>) -> Result<Comparison, LabError> {
    lab.watch.run(&run.path);
    let (_, comparison) = lab.finish(&run.contender, &run.path, &dataset(lab.splits, lab.protocol))?;
    write_training(run, lab.splits)?;
    Ok(comparison)
}

impl Lab<'_> {
    /// Follows the recipe of `contender` in the folder `path`, from the newest checkpoint there if there is one, and leaves all files of a
    /// finished run there. `dataset` is what results say of the images.
    pub(crate) fn finish(
        &self,
        contender: &Contender,
        path: &Path,
        dataset: &DatasetSummary,
    ) -> Result<(Outcome, Comparison), LabError> {
        let checkpoints = Checkpoints::new(path.join(CHECKPOINT));
        if let Some((_, epochs)) = checkpoints.latest() {
            self.watch.line(&format!("{} goes on after epoch {epochs}", contender.name()));
        }
        let keep = Keep { checkpoints: &checkpoints, on_epoch: &|history| write_metrics(path, history) };
        let outcome = self.fit_and_judge(contender, Some(&keep)).map_err(|error| {
            let kept = checkpoints.latest();
            if error.is_training_stop() {
                return LabError::TrainingStopped { run: kept.map(|_| path.into()) };
            }
            LabError::Training { error: Box::new(error), kept }
        })?;
        write_metrics(path, &outcome.fitted.history)?;
        write_answers(path, &self.answers(vec![outcome.answers.clone()]))?;
        let comparison = of_one(self, dataset.clone(), outcome.result.clone());
        write_result(path, &comparison)?;
        // The model comes last: where it is, the run is finished.
        write(&path.join(MODEL_FILE), &outcome.fitted.model.to_safetensors()?)?;
        Ok((outcome, comparison))
    }
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
