//! `zoo trial`: one setting, fitted and judged in a process of its own.
//!
//! A trial is a process because Burn's generators are one a process: trials that ran as threads would draw from each other's
//! random numbers. And one that needs more memory than there is, is killed alone: it is a row, not the end of the search.
//!
//! It reads a [`Job`] from stdin, a line of JSON, and writes a [`Report`] to stdout. It ends when stdin does: whoever waits
//! for it keeps the pipe open, and however that process ends, none of its trials computes on for nobody.

use std::io::Read;
use std::time::Instant;

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use zoo_core::Classifier;
use zoo_core::search::Trial;
use zoo_data::{Splits, Subset};
use zoo_train::TestTimeAugmentation;

use super::memory;
use crate::backend::{Backend, Selected};
use crate::cli::UsageError;
use crate::config::Contender;
use crate::failure;
use crate::judge::TRAIN_SAMPLE;
use crate::progress::Progress;
use crate::recipes::{self, Dimensions};
use crate::source::Source;

/// All that a trial needs to know.
#[derive(Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) trial: usize,
    /// TOML, in which numbers are read as they were written, to the last bit.
    pub(super) recipe: String,
    pub(super) source: Source,
    pub(super) seed: u64,
    pub(super) folds: Option<usize>,
    pub(super) backend: String,
}

/// What a trial came to. What was set is known to whoever started it.
#[derive(Serialize, Deserialize)]
pub(super) struct Report {
    #[serde(flatten)]
    pub(super) trial: Trial,
    /// The most memory that it has had, bytes.
    pub(super) peak_memory: Option<u64>,
}

/// Does the job that stands on stdin.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("cannot read stdin")?;
    let job: Job = serde_json::from_str(&line).map_err(|error| {
        UsageError(format!("`zoo trial` is what `zoo tune` starts; stdin has no job of it: {error}"))
    })?;
    end_with_stdin();
    let report = Report { trial: job.follow(), peak_memory: memory::peak() };
    crate::output::print(&serde_json::to_string(&report)?)
}

/// Ends this process when stdin is closed.
fn end_with_stdin() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(1);
    });
}

/// Accuracies of a fit.
struct Accuracies {
    validation: f64,
    training: f64,
}

impl Job {
    /// The figures, or why there are none.
    fn follow(self) -> Trial {
        let start = Instant::now();
        // A panic is a bug, but of one setting: it is told in its row.
        let judged = failure::catch_panic(|| self.judge_folds())
            .unwrap_or_else(|reason| Err(anyhow!("it panicked: {reason}")));
        let seconds = start.elapsed().as_secs_f64();
        let trial = Trial { trial: self.trial, seconds, ..Trial::default() };
        match judged {
            Ok(folds) => {
                let training = folds.iter().map(|fold| fold.training).sum::<f64>() / folds.len() as f64;
                let validation_accuracies = folds.iter().map(|fold| fold.validation).collect();
                Trial { validation_accuracies, training_accuracy: Some(training), ..trial }
            }
            Err(error) => Trial { error: Some(format!("{error:#}")), ..trial },
        }
    }

    fn judge_folds(&self) -> anyhow::Result<Vec<Accuracies>> {
        let contender = Contender::from_table(self.recipe.parse()?, None)?;
        let folds = match self.folds {
            Some(count) => self.source.folds(count, self.seed)?,
            None => vec![self.source.splits(self.seed)?],
        };
        let selected = self.backend.parse::<Backend>()?.select()?;
        failure::catch(&selected, || {
            folds.into_iter().map(|splits| self.judge(&contender, splits, &selected)).collect()
        })
    }

    /// Fits on the training images of `splits` and judges on those that are held out. The test images are no part of it.
    fn judge(
        &self,
        contender: &Contender,
        mut splits: Splits,
        selected: &Selected,
    ) -> anyhow::Result<Accuracies> {
        let held_out = splits.validation.clone();
        anyhow::ensure!(!held_out.is_empty(), "there are no validation images to judge by");
        splits.test = splits.test.split_at(0).0;
        // What is not trained has no epoch to choose, and takes images held out for that as its own.
        if contender.recipe.loss().is_none() {
            splits.validation = held_out.split_at(0).0;
        }
        contender.recipe.validate(Dimensions::of(&splits))?;
        let fitted = contender.recipe.fit(&recipes::Job {
            name: contender.name(),
            splits: &splits,
            selected,
            seed: self.seed,
            progress: Progress::Silent,
            checkpoints: None,
            on_epoch: &|_| Ok(()),
        })?;
        let sample = splits.train.stratified(TRAIN_SAMPLE.min(splits.train.len()), self.seed).0;
        let (classifier, classes) = (fitted.model.classifier(), splits.classes.len());
        Ok(Accuracies {
            validation: accuracy(classifier, &held_out, classes, selected)?,
            training: accuracy(classifier, &sample, classes, selected)?,
        })
    }
}

/// The share of `images` that are classified right, to twelve decimals: that many are read back from JSON as they were written.
fn accuracy(
    classifier: &dyn Classifier,
    images: &Subset,
    classes: usize,
    selected: &Selected,
) -> anyhow::Result<f64> {
    let plain = TestTimeAugmentation::None;
    let scores = zoo_train::score(classifier, images, classes, plain, &selected.device, &mut |_| ())?;
    Ok((scores.top_k_accuracy(&images.labels(), 1) * 1e12).round() / 1e12)
}
