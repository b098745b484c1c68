//! Measuring rows.

use std::collections::HashMap;
use std::time::Instant;

use zoo_backends::Machine;
use zoo_data::Dataset;
use zoo_recipes::{Contender, Dimensions};
use zoo_schema::{Cost, CostMeasure, ImageCounts, ModelResult, RowResult, best_trial};
use zoo_train::search::Settings;

use crate::compare::{seeds, training};
use crate::error::{LabError, in_words};
use crate::lab::Lab;
use crate::protocol::Protocol;
use crate::reproduce::choice::{Chosen, choose};
use crate::reproduce::clues::stopped;
use crate::reproduce::outcome::Outcome;
use crate::reproduce::row::SuiteRow;
use crate::reproduce::witness::Witness;
use crate::source::Source;
use crate::tune::{Search, Start};
use crate::watch::Watch;

/// A quick run: training images (validation included), validation images, test images.
const SAMPLE: [usize; 3] = [1000, 200, 200];
/// A quick run: the settings of a search that are tried, or the trainings that are chosen from.
const SAMPLE_SETTINGS: usize = 2;

/// What rows are measured with.
pub(crate) struct Measurement<'a> {
    pub(crate) source: &'a Source,
    pub(crate) machine: &'a Machine,
    pub(crate) seed: u64,
    pub(crate) watch: &'a dyn Watch,
    /// What starts the process of a trial.
    pub(crate) start: Option<Start<'a>>,
    /// Whether a sample of each row is enough.
    pub(crate) quick: bool,
    /// The models of rows so far that others are compared with, by the rows' names.
    pub(crate) right: HashMap<String, Witness>,
}

impl Measurement<'_> {
    /// Follows a row, and judges its figures if they can be `judged`. What fails is in the row.
    ///
    /// # Errors
    /// [`LabError::Interrupted`].
    pub(crate) fn measure(
        &mut self,
        row: &SuiteRow,
        dataset: &Dataset,
        judged: bool,
    ) -> Result<RowResult, LabError> {
        let start = Instant::now();
        let images = self.images(row, dataset);
        let settings = self.settings(row);
        let mut outcome = Outcome::default();
        match self.follow(row, settings, images, &mut outcome) {
            Err(LabError::Interrupted) => return Err(LabError::Interrupted),
            Err(error) => outcome.error = Some(in_words(&error)),
            Ok(()) => {}
        }
        let figures = outcome.figures(row, settings.len(), judged);
        let config = match &outcome.result {
            Some(result) => result.config.clone(),
            None => row.contender.config_json()?,
        };
        if let (true, Some(witness)) = (row.is_right, outcome.witness.take()) {
            self.right.insert(row.name.clone(), witness);
        }
        Ok(RowResult {
            row: row.name.clone(),
            title: row.setup.title.clone(),
            source: row.setup.source.clone(),
            own: row.setup.own.clone(),
            config,
            images,
            error: outcome.why_missing(&figures),
            seconds: start.elapsed().as_secs_f64(),
            figures,
            cost: outcome.cost,
            trials: outcome.trials,
            result: outcome.result,
        })
    }

    /// How many images of `dataset` the row takes.
    fn images(&self, row: &SuiteRow, dataset: &Dataset) -> ImageCounts {
        let setup = &row.setup;
        let most = if self.quick { SAMPLE } else { [usize::MAX; 3] };
        let all = setup.images.unwrap_or(usize::MAX).min(dataset.train.len()).min(most[0]);
        let validation = setup.validation.min(most[1]).min(all / 2);
        let test = setup.test.unwrap_or(usize::MAX).min(dataset.test.len()).min(most[2]);
        ImageCounts { train: all - validation, validation, test }
    }

    /// The settings that the row tries. A sample has one at least that something was published for, if any has.
    fn settings<'row>(&self, row: &'row SuiteRow) -> &'row [Settings] {
        let places = row.setup.published.iter().filter_map(|published| published.place(&row.settings));
        let least = places.min().map_or(0, |place| place + 1);
        let most = if self.quick { SAMPLE_SETTINGS.max(least) } else { usize::MAX };
        &row.settings[..row.settings.len().min(most)]
    }

    /// Searches, if the row does, and fits the best if that is looked at.
    fn follow(
        &self,
        row: &SuiteRow,
        settings: &[Settings],
        images: ImageCounts,
        outcome: &mut Outcome,
    ) -> Result<(), LabError> {
        let setup = &row.setup;
        let all = images.train + images.validation;
        let source = Source {
            limit_train: Some(all),
            limit_test: Some(images.test),
            validation: images.validation as f64 / all as f64,
            in_order: setup.in_order,
            ..self.source.clone()
        };
        let shortened = self.quick.then(|| row.contender.estimator.shortened(images.train));
        let shortened = shortened.map(|estimator| row.contender.with_estimator(estimator));
        let contender = shortened.as_ref().unwrap_or(&row.contender);
        let search = Search {
            contender,
            settings,
            source: &source,
            seed: self.seed,
            machine: self.machine,
            folds: setup.folds,
            jobs: None,
            start: self.start,
            watch: self.watch,
        };
        outcome.trials = search.run(Vec::new(), &mut |_| Ok(()))?;
        // Where all figures are those of a setting each, no model is looked at in the end.
        let is_searched = !settings.is_empty();
        if is_searched && setup.published.iter().all(|published| !published.setting.is_empty()) {
            return Ok(());
        }
        match best_trial(&outcome.trials) {
            Some(best) => self.fit(row, &contender.with(&settings[best.trial - 1])?, &source, outcome),
            // Why is in the trials.
            None if is_searched => Ok(()),
            None => self.fit(row, contender, &source, outcome),
        }
    }

    /// Fits the model that a row's figures are of, or the models that a mistake is made with.
    fn fit(
        &self,
        row: &SuiteRow,
        contender: &Contender,
        source: &Source,
        outcome: &mut Outcome,
    ) -> Result<(), LabError> {
        let splits = source.splits(self.seed)?;
        contender.check(Dimensions::of(&splits))?;
        let watch = self.watch.part();
        let protocol = Protocol::new(self.seed);
        let lab = Lab { splits: &splits, machine: self.machine, protocol, watch: &*watch };
        match self.train(row, contender, lab) {
            Ok((result, right)) => {
                if let Some(images) = row.setup.chosen_by {
                    outcome.cost = choice(&right, images, self.seed);
                    if outcome.cost.is_none() {
                        outcome.error =
                            Some("one test image is too few to choose by and to look at others".into());
                    }
                } else if row.is_right || row.setup.against.is_some() {
                    outcome.witness = Some(Witness::of(&lab, contender, (&result, right))?);
                }
                outcome.result = Some(result);
            }
            // What a mistake does to training is what it costs.
            Err(error) if row.setup.against.is_some() && error.is_divergence() => {
                let trainings = self.trainings(row);
                outcome.witness = Some(Witness::of_nothing(&lab, contender, trainings, stopped(&error))?);
            }
            Err(error) => return Err(error),
        }
        if let (Some(against), Some(witness)) = (&row.setup.against, &outcome.witness) {
            outcome.cost = self.right.get(against).and_then(|right| witness.cost(against, right, &lab));
            if outcome.cost.is_none() {
                outcome.error = Some(format!("{against}, which it is compared with, has failed"));
            }
        }
        Ok(())
    }

    /// How many times the row is trained.
    fn trainings(&self, row: &SuiteRow) -> usize {
        if self.quick { row.setup.trainings.min(SAMPLE_SETTINGS) } else { row.setup.trainings }
    }

    /// Trains as often as the row says, with seeds that follow each other. What came of it, and for each training which test images it gets right.
    fn train(
        &self,
        row: &SuiteRow,
        contender: &Contender,
        lab: Lab<'_>,
    ) -> Result<(ModelResult, Vec<Vec<bool>>), LabError> {
        let protocol = Protocol { trainings: self.trainings(row), ..lab.protocol };
        let (mut first, mut right, mut trainings) = (None, Vec::new(), Vec::new());
        for seed in protocol.seeds() {
            let lab = Lab { protocol: lab.protocol.of_training(seed), ..lab };
            let fitted = lab.fit_and_judge(contender, None)?;
            trainings.push(training(seed, &fitted.result));
            right.push(lab.answers(vec![fitted.answers]).right(0));
            first.get_or_insert(fitted.result);
        }
        let result = first.expect("a row is trained once or more");
        let several = (trainings.len() > 1).then(|| seeds(trainings));
        Ok((ModelResult { seeds: several, ..result }, right))
    }
}

/// What is told of the best of several trainings that is chosen by `images` of the test images, half of them at most, and what it is
/// worth; `None` for fewer than two test images.
fn choice(right: &[Vec<bool>], images: usize, seed: u64) -> Option<Cost> {
    let images = images.min(right[0].len() / 2);
    if images == 0 {
        return None;
    }
    let Chosen { told, true_accuracy, interval: (low, high) } = choose(right, images, seed);
    let [told, true_accuracy, low, high] = [told, true_accuracy, low, high].map(|share| 100.0 * share);
    Some(Cost {
        measure: CostMeasure::Choice,
        against: None,
        changes: vec!["the best training is chosen by test images".into()],
        right: true_accuracy,
        wrong: Some(told),
        points: Some(true_accuracy - told),
        low: Some(low),
        high: Some(high),
        images,
        trainings: right.len(),
        named_by: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_test_image_is_too_few_to_choose_by() {
        let right = |images: usize| vec![vec![true; images], vec![false; images]];
        assert_eq!(choice(&right(1), 5, 1), None);
        let cost = choice(&right(2), 5, 1).unwrap();
        assert_eq!((cost.images, cost.right, cost.wrong), (1, 100.0, Some(100.0)));
    }
}
