//! One setting, fitted and judged: in a process of its own, or in this one.
//!
//! A trial is a process because Burn's generators are one per process: trials that ran as threads would draw from each other's
//! random numbers. And one that needs more memory than there is, is killed by itself: it is a row, not the end of the search.
//!
//! The process is given a [`TrialJob`] in one line of JSON and answers with a [`TrialReport`].

use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use toml::Table;
use zoo_backends::{Backend, Machine, catch_panic};
use zoo_core::Classifier;
use zoo_data::{Splits, Subset};
use zoo_recipes::{Contender, Dimensions, Registry};
use zoo_schema::Trial;

use crate::error::{LabError, in_words};
use crate::failure::catch;
use crate::judge::TRAIN_SAMPLE;
use crate::lab::Lab;
use crate::memory;
use crate::protocol::Protocol;
use crate::source::Source;
use crate::watch::Silent;

/// All that a trial needs to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrialJob {
    pub(crate) trial: usize,
    /// TOML, in which numbers are read as they were written, to the last bit.
    pub(crate) recipe: String,
    pub(crate) source: Source,
    /// The folder of decoded photos.
    pub(crate) cache: Option<PathBuf>,
    pub(crate) seed: u64,
    pub(crate) folds: Option<usize>,
    pub(crate) backend: String,
}

/// What a trial came to. What was set is known to the process that started it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrialReport {
    #[serde(flatten)]
    pub(crate) trial: Trial,
    /// The most memory that the process has had, bytes.
    pub(crate) peak_memory: Option<u64>,
}

impl TrialJob {
    /// Does the job. What fails is in the report.
    #[must_use]
    pub fn follow(&self, registry: &Registry) -> TrialReport {
        let trial = timed(self.trial, || self.judge(registry));
        TrialReport { trial, peak_memory: memory::peak() }
    }

    fn judge(&self, registry: &Registry) -> Result<Vec<Accuracies>, LabError> {
        let wrong = |error: toml::de::Error| LabError::file("the recipe of a trial", error);
        let table: Table = self.recipe.parse().map_err(wrong)?;
        let contender = Contender::from_table(registry, "the recipe of a trial", table, None)?;
        let source = Source { cache: self.cache.clone(), ..self.source.clone() };
        let folds = folds(&source, self.folds, self.seed)?;
        let machine = self.backend.parse::<Backend>()?.select()?;
        judge_folds(&contender, &folds, &machine, self.seed)
    }
}

/// The images of a search: folds, or the validation share of the source.
pub(crate) fn folds(source: &Source, folds: Option<usize>, seed: u64) -> Result<Vec<Splits>, LabError> {
    match folds {
        Some(count) => source.folds(count, seed),
        None => Ok(vec![source.splits(seed)?]),
    }
}

/// Accuracies of a fit.
pub(crate) struct Accuracies {
    validation: f64,
    training: f64,
}

/// Trial `number`: the figures that `work` comes to, or why there are none, and how long it took.
pub(crate) fn timed(number: usize, work: impl FnOnce() -> Result<Vec<Accuracies>, LabError>) -> Trial {
    let start = Instant::now();
    // A panic is a bug, but of one setting: it is told in its row.
    let judged = match catch_panic(work) {
        Ok(judged) => judged.map_err(|error| in_words(&error)),
        Err(reason) => Err(format!("it panicked: {reason}")),
    };
    let seconds = start.elapsed().as_secs_f64();
    let trial = Trial { trial: number, seconds, ..Trial::default() };
    match judged {
        Ok(folds) => {
            let training = folds.iter().map(|fold| fold.training).sum::<f64>() / folds.len() as f64;
            let validation_accuracies = folds.iter().map(|fold| fold.validation).collect();
            Trial { validation_accuracies, training_accuracy: Some(training), ..trial }
        }
        Err(error) => Trial { error: Some(error), ..trial },
    }
}

/// Fits and judges on each of `folds`.
pub(crate) fn judge_folds(
    contender: &Contender,
    folds: &[Splits],
    machine: &Machine,
    seed: u64,
) -> Result<Vec<Accuracies>, LabError> {
    catch(machine, || folds.iter().map(|splits| judge(contender, splits.clone(), machine, seed)).collect())
}

/// Fits on the training images of `splits` and judges on those that are held out. The test images are not used.
fn judge(
    contender: &Contender,
    mut splits: Splits,
    machine: &Machine,
    seed: u64,
) -> Result<Accuracies, LabError> {
    let held_out = splits.validation.clone();
    if held_out.is_empty() {
        return Err(LabError::NothingToJudgeBy);
    }
    splits.test = splits.test.split_at(0).0;
    // What is not trained has no epoch to choose, and takes images held out for that as its own.
    if contender.estimator.trainable().is_none() {
        splits.validation = held_out.split_at(0).0;
    }
    // The reason by itself: a trial has no name.
    contender.estimator.check(Dimensions::of(&splits)).map_err(zoo_train::TrainError::from)?;
    let lab = Lab { splits: &splits, machine, protocol: Protocol::new(seed), watch: &Silent };
    let fitted = lab.fit(contender, None)?;
    let sample = splits.train.stratified(TRAIN_SAMPLE.min(splits.train.len()), seed).0;
    let classifier = fitted.model.classifier();
    Ok(Accuracies {
        validation: accuracy(classifier, &held_out, machine)?,
        training: accuracy(classifier, &sample, machine)?,
    })
}

/// The share of `images` that are classified right, to twelve decimals: that many are read back from JSON as they were written.
fn accuracy(classifier: &dyn Classifier, images: &Subset, machine: &Machine) -> Result<f64, LabError> {
    let scores = zoo_train::score(classifier, images, &machine.device)?;
    Ok((scores.top_k_accuracy(&images.labels(), 1) * 1e12).round() / 1e12)
}
