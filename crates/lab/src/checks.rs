//! What can be checked of recipes that learn, before training is worth its time.

use zoo_backends::Machine;
use zoo_data::Splits;
use zoo_recipes::{Contender, Dimensions};
use zoo_schema::{Check, Checks, GradientReport, SanityReport};
use zoo_train::Sampling;

use crate::compare::check;
use crate::error::LabError;
use crate::failure::catch;
use crate::watch::Watch;

/// Compares analytic gradients with numerical ones: of each recipe as it is, and once more with smooth parts where it has others.
/// Max-pooling has no smooth counterpart and keeps its kinks. That is done in double precision on the CPU; what training computes on
/// the `machine` in single precision is then compared with it.
///
/// # Errors
/// [`LabError`] for a recipe that doesn't learn or that the images don't suit, before anything is checked.
pub fn gradients(
    contenders: &[Contender],
    splits: &Splits,
    machine: &Machine,
    sampling: Sampling,
    watch: &dyn Watch,
) -> Result<Checks<GradientReport>, LabError> {
    check_trainable(contenders)?;
    check(contenders, splits)?;
    let mut checks = Vec::new();
    for contender in contenders {
        let smooth = contender.smooth().filter(|smooth| smooth.check(Dimensions::of(splits)).is_ok());
        for contender in [Some(contender), smooth.as_ref()].into_iter().flatten() {
            let Some(trainable) = contender.estimator.trainable() else { continue };
            watch.line(&format!("checking {}", contender.name()));
            let report = catch(machine, || Ok(trainable.gradient_report(splits, machine, sampling)?))?;
            checks.push(Check { recipe: contender.name().into(), passes: report.passes(), report });
        }
    }
    Ok(Checks { dataset: splits.name.clone(), seed: sampling.seed, checks })
}

/// Checks the first loss, the effect of a penalty, and whether a few images are memorised.
///
/// # Errors
/// [`LabError`] for a recipe that doesn't learn or that the images don't suit, before anything is checked; if training fails.
pub fn sanity(
    contenders: &[Contender],
    splits: &Splits,
    machine: &Machine,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Checks<SanityReport>, LabError> {
    check_trainable(contenders)?;
    check(contenders, splits)?;
    let mut checks = Vec::new();
    for contender in contenders {
        let Some(trainable) = contender.estimator.trainable() else { continue };
        watch.line(&format!("checking {}", contender.name()));
        let report = catch(machine, || Ok(trainable.sanity_report(splits, machine, seed)?))?;
        checks.push(Check { recipe: contender.name().into(), passes: report.passes(), report });
    }
    Ok(Checks { dataset: splits.name.clone(), seed, checks })
}

/// Refuses recipes that don't learn.
///
/// # Errors
/// [`LabError::NoGradient`] names the first.
pub fn check_trainable(contenders: &[Contender]) -> Result<(), LabError> {
    match contenders.iter().find(|contender| contender.estimator.trainable().is_none()) {
        Some(other) => Err(LabError::NoGradient { name: other.name().into(), model: other.entry.name }),
        None => Ok(()),
    }
}
