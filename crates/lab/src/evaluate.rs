//! Test-set metrics of a finished run, or of weights from elsewhere, on any machine.

use std::path::Path;

use zoo_core::Scores;
use zoo_recipes::{Contender, Dimensions, Model};
use zoo_schema::Comparison;

use crate::error::LabError;
use crate::failure::catch;
use crate::judge::Judged;
use crate::lab::Lab;
use crate::run::TrainingRun;
use crate::summary::{dataset, of_one};

/// What a model comes to on the test images.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Its figures.
    pub comparison: Comparison,
    /// Its scores of the test images.
    pub scores: Scores,
}

/// Evaluates the model of `run` on the images of `lab`, which are the run's ([`TrainingRun::splits`]).
///
/// # Errors
/// [`LabError`] if the run is not finished, or its model can't be loaded.
pub fn evaluate(run: &TrainingRun, lab: &Lab<'_>) -> Result<Evaluation, LabError> {
    run.model_file()?;
    judge(&run.contender, &|| run.model(lab.machine), lab)
}

/// Evaluates the network of `contender` with the weights in `file`, which have PyTorch's names and layouts.
///
/// # Errors
/// [`LabError`] if the weights can't be loaded, or the model has none.
pub fn evaluate_weights(contender: &Contender, file: &Path, lab: &Lab<'_>) -> Result<Evaluation, LabError> {
    contender.check(Dimensions::of(lab.splits))?;
    let Some(trainable) = contender.estimator.trainable() else {
        return Err(LabError::NoWeights { name: contender.name().into(), model: contender.entry.name });
    };
    judge(contender, &|| Ok(trainable.load_weights(file, lab.splits, lab.machine)?), lab)
}

fn judge(
    contender: &Contender,
    load: &dyn Fn() -> Result<Box<dyn Model>, LabError>,
    lab: &Lab<'_>,
) -> Result<Evaluation, LabError> {
    let (result, scores) = catch(lab.machine, || {
        let model = load()?;
        let mut result = contender.result(lab.machine)?;
        result.parameters = Some(model.parameters());
        let Judged { scores, .. } = lab.judge(contender).judge(model.classifier(), &mut result)?;
        Ok((result, scores))
    })?;
    Ok(Evaluation { comparison: of_one(lab, dataset(lab.splits, lab.protocol), result), scores })
}
