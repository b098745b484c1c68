//! From a classifier to figures.

use std::time::Instant;

use zoo_core::{Classifier, Loss, Scores};
use zoo_data::{Splits, Subset};
use zoo_recipes::{Contender, Trainable};
use zoo_schema::{ModelResult, PartMetrics, Variant};
use zoo_train::{TestTimeAugmentation, mean_loss, score_augmented};

use crate::error::LabError;
use crate::lab::Lab;

/// The most images that training accuracy is measured on: it is there to be compared with the test accuracy, and for k-NN
/// each image costs as much as a test image.
pub(crate) const TRAIN_SAMPLE: usize = 2000;

/// Judges classifiers of one recipe.
pub(crate) struct Judge<'a> {
    lab: Lab<'a>,
    name: &'a str,
    /// What the recipe minimises, if it does. Models are judged without label smoothing, so that losses of different recipes compare.
    loss: Option<Loss>,
    augmentation: TestTimeAugmentation,
}

impl<'a> Lab<'a> {
    /// Judges classifiers of the recipe of `contender`.
    pub(crate) fn judge(&self, contender: &'a Contender) -> Judge<'a> {
        let estimator = &contender.estimator;
        let loss = estimator.trainable().map(Trainable::loss);
        let augmentation = estimator.test_time_augmentation();
        Judge { lab: *self, name: contender.name(), loss, augmentation }
    }
}

impl Judge<'_> {
    /// Judges a classifier on every part of the data, the test images last. Fills what is not about fitting, and returns the
    /// scores of the test images.
    pub(crate) fn judge(
        &self,
        classifier: &dyn Classifier,
        result: &mut ModelResult,
    ) -> Result<Scores, LabError> {
        let Splits { train, validation, test, .. } = self.lab.splits;
        let sample = train.stratified(TRAIN_SAMPLE.min(train.len()), self.lab.seed).0;
        result.train = self.part(classifier, &sample)?;
        // What isn't trained has the validation images among its neighbours.
        if self.loss.is_some() {
            result.validation = self.part(classifier, validation)?;
        }
        let start = Instant::now();
        let scores = self.score(classifier, test, TestTimeAugmentation::None)?;
        let seconds = start.elapsed().as_secs_f64();
        result.predict_seconds = Some(seconds);
        result.predict_images_per_second = Some(test.len() as f64 / seconds);
        let labels = test.labels();
        let loss = self.mean_loss(&scores, &labels)?;
        result.test = Some(scores.test_metrics(&labels, &self.lab.splits.classes, loss));
        if self.augmentation != TestTimeAugmentation::None {
            let name = self.augmentation.name();
            result.variants.push(self.variant(name, classifier, self.augmentation)?);
        }
        Ok(scores)
    }

    /// The test images scored in another way, or by another classifier.
    pub(crate) fn variant(
        &self,
        name: &str,
        classifier: &dyn Classifier,
        augmentation: TestTimeAugmentation,
    ) -> Result<Variant, LabError> {
        let test = &self.lab.splits.test;
        let (scores, labels) = (self.score(classifier, test, augmentation)?, test.labels());
        let loss = self.mean_loss(&scores, &labels)?;
        Ok(Variant { name: name.into(), accuracy: scores.top_k_accuracy(&labels, 1), loss })
    }

    fn part(&self, classifier: &dyn Classifier, subset: &Subset) -> Result<Option<PartMetrics>, LabError> {
        if subset.is_empty() {
            return Ok(None);
        }
        let (scores, labels) = (self.score(classifier, subset, TestTimeAugmentation::None)?, subset.labels());
        let loss = self.mean_loss(&scores, &labels)?;
        Ok(Some(PartMetrics { images: subset.len(), accuracy: scores.top_k_accuracy(&labels, 1), loss }))
    }

    fn score(
        &self,
        classifier: &dyn Classifier,
        subset: &Subset,
        augmentation: TestTimeAugmentation,
    ) -> Result<Scores, LabError> {
        let mut progress = self.lab.watch.progress(&format!("{} predicts", self.name), subset.len());
        let device = &self.lab.machine.device;
        Ok(score_augmented(classifier, subset, augmentation, device, &mut *progress)?)
    }

    fn mean_loss(&self, scores: &Scores, labels: &[usize]) -> Result<Option<f64>, LabError> {
        let Some(loss) = self.loss else { return Ok(None) };
        Ok(mean_loss(&loss.without_smoothing(), scores, labels, &self.lab.machine.device)?)
    }
}
