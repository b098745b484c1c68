//! A row of a comparison: all trainings of one recipe on one machine.

use zoo_core::Scores;
use zoo_schema::{Answers, ModelAnswers, ModelResult, Seeds, Spread, Training};

use crate::chance::Compared;
use crate::compare::{Member, Trained};
use crate::protocol::Protocol;

/// What `result` says of a training with `seed`, which has no folder.
pub(crate) fn training(seed: u64, result: &ModelResult) -> Training {
    Training {
        seed,
        folder: None,
        kept_epoch: result.kept_epoch,
        fit_seconds: result.fit_seconds,
        validation_accuracy: result.validation.map(|part| part.accuracy),
        test_accuracy: result.test.as_ref().map(|test| test.accuracy),
        train_accuracy: result.train.map(|part| part.accuracy),
        macro_f1: result.test.as_ref().map(|test| test.macro_average.f1),
    }
}

/// Several trainings, with means and deviations.
pub(crate) fn seeds(trainings: Vec<Training>) -> Seeds {
    let spread = |figure: fn(&Training) -> Option<f64>| {
        Spread::of(&trainings.iter().filter_map(figure).collect::<Vec<_>>())
    };
    Seeds {
        validation: spread(|training| training.validation_accuracy),
        test: spread(|training| training.test_accuracy),
        train: spread(|training| training.train_accuracy),
        macro_f1: spread(|training| training.macro_f1),
        trainings,
    }
}

/// All trainings of one recipe on one machine.
pub(super) struct Row {
    label: String,
    /// What is known before the first training: recipe and backend.
    blank: ModelResult,
    is_on_first_machine: bool,
    trainings: Vec<(u64, String, Trained)>,
    error: Option<String>,
    is_several: bool,
}

impl Row {
    pub(super) fn new(label: String, blank: ModelResult, is_on_first_machine: bool) -> Self {
        Self { label, blank, is_on_first_machine, trainings: Vec::new(), error: None, is_several: false }
    }

    /// Adds a training. `first` are the scores on the first machine, which those on the others are compared with.
    pub(super) fn push(&mut self, member: Member<'_>, mut trained: Trained, first: &mut Option<Scores>) {
        self.is_several = member.folder != self.label;
        if let Some(scores) = trained.scores.take()
            && self.trainings.is_empty()
        {
            trained.result.score_difference = first.as_ref().map(|first| scores.largest_difference(first));
            first.get_or_insert(scores);
        }
        trained.answers.model.clone_from(&member.folder);
        self.trainings.push((member.seed, member.folder, trained));
    }

    /// Adds a training that failed.
    pub(super) fn fail(&mut self, member: &Member<'_>, reason: String, protocol: Protocol) {
        self.error =
            Some(if protocol.trainings > 1 { format!("seed {}: {reason}", member.seed) } else { reason });
    }

    /// The row in the schema.
    pub(super) fn result(&self) -> ModelResult {
        let base = self.trainings.first().map_or(&self.blank, |(_, _, trained)| &trained.result);
        ModelResult {
            error: self.error.clone(),
            seeds: self.is_several.then(|| self.seeds()),
            ..base.clone()
        }
    }

    fn seeds(&self) -> Seeds {
        let training = |(seed, folder, trained): &(u64, String, Trained)| {
            let folder = trained.result.folder.as_ref().map(|_| folder.clone());
            Training { folder, ..training(*seed, &trained.result) }
        };
        seeds(self.trainings.iter().map(training).collect())
    }

    /// What each of its models says, called by its folder.
    pub(super) fn answers(&self) -> impl Iterator<Item = ModelAnswers> {
        self.trainings.iter().map(|(_, _, trained)| trained.answers.clone())
    }

    /// The row as it is compared with others, unless it failed or is on another machine than the first. `images` has the classes.
    pub(super) fn compared(&self, images: &Answers) -> Option<Compared> {
        if self.error.is_some() || self.trainings.is_empty() || !self.is_on_first_machine {
            return None;
        }
        let right = |trained: &Trained| {
            let pairs = trained.answers.answers.iter().zip(&images.images);
            pairs.map(|(answer, image)| answer.class == image.class).collect()
        };
        let right = self.trainings.iter().map(|(_, _, trained)| right(trained)).collect();
        Some(Compared { label: self.label.clone(), right })
    }
}
