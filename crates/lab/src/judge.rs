//! From a classifier to figures.

use std::time::Instant;

use burn::tensor::TensorData;
use zoo_core::{Classifier, Loss, Scores};
use zoo_data::{Splits, Subset};
use zoo_recipes::{Contender, Job, Trainable};
use zoo_schema::{Answer, Calibration, Measure, ModelAnswers, ModelResult, Part, PartMetrics, Variant};
use zoo_train::{TestTimeAugmentation, TrainError, mean_loss, score_augmented};

use crate::error::LabError;
use crate::lab::Lab;

/// The most images that training accuracy is measured on: it is there to be compared with the validation accuracy, and for k-NN
/// each image costs as much as a test image.
pub(crate) const TRAIN_SAMPLE: usize = 2000;

/// Judges classifiers of one recipe.
pub(crate) struct Judge<'a> {
    lab: Lab<'a>,
    contender: &'a Contender,
    /// What the recipe minimises, if it does. Models are judged without label smoothing, so that losses of different recipes compare.
    loss: Option<Loss>,
    augmentation: TestTimeAugmentation,
}

/// What a classifier says of the images that it is judged on.
pub(crate) struct Judged {
    pub(crate) scores: Scores,
    pub(crate) answers: ModelAnswers,
}

impl<'a> Lab<'a> {
    /// Judges classifiers of the recipe of `contender`.
    pub(crate) fn judge(&self, contender: &'a Contender) -> Judge<'a> {
        let estimator = &contender.estimator;
        let loss = estimator.trainable().map(Trainable::loss);
        let (_, images) = self.judged();
        let augmentation = estimator.test_time_augmentation().resolve(images.is_mirrorable());
        Judge { lab: *self, contender, loss, augmentation }
    }

    /// The images that models are judged on in the end: the test images, unless they are left alone.
    pub(crate) fn judged(&self) -> (Part, &'a Subset) {
        let Splits { validation, test, .. } = self.splits;
        if self.protocol.no_test { (Part::Validation, validation) } else { (Part::Test, test) }
    }

    /// What fitting depends on apart from the recipe.
    pub(crate) fn job(&self) -> Job<'a> {
        let Self { splits, machine, protocol, watch } = *self;
        let (seed, budget) = (protocol.seed, protocol.budget);
        Job { splits, machine, seed, budget, checkpoints: None, stop: watch.stop() }
    }
}

impl Judge<'_> {
    /// Judges a classifier on every part of the data, the test images last. Fills what is not about fitting.
    pub(crate) fn judge(
        &self,
        classifier: &dyn Classifier,
        result: &mut ModelResult,
    ) -> Result<Judged, LabError> {
        let Splits { train, validation, .. } = self.lab.splits;
        let sample = train.stratified(TRAIN_SAMPLE.min(train.len()), self.lab.protocol.seed).0;
        result.train = self.part(classifier, &sample)?;
        let before = self.contender.estimator.without_held_out(&self.lab.job())?;
        let held_out = before.as_ref().map_or(classifier, |model| model.classifier());
        result.validation = self.part(held_out, validation)?;
        let (part, images) = self.lab.judged();
        let judged = if part == Part::Validation { held_out } else { classifier };
        let start = Instant::now();
        let scores = self.score(judged, images, TestTimeAugmentation::None)?;
        let seconds = start.elapsed().as_secs_f64();
        result.predict_seconds = Some(seconds);
        result.predict_images_per_second = Some(images.len() as f64 / seconds);
        let answers = self.answers(judged, &scores)?;
        if part == Part::Test {
            let labels = images.labels();
            let loss = self.mean_loss(&scores, &labels)?;
            let votes = self.contender.estimator.neighbours().map(|knn| knn.k);
            let test = scores.test_metrics(&labels, &self.lab.splits.classes, votes, loss);
            result.test = Some(zoo_schema::TestMetrics {
                calibration: calibration(&answers, &scores, &labels),
                ..test
            });
        }
        if self.augmentation != TestTimeAugmentation::None {
            let name = self.augmentation.name();
            result.variants.push(self.variant(name, judged, self.augmentation)?);
        }
        Ok(Judged { scores, answers })
    }

    /// The images that models are judged on in the end, scored in another way, or by another classifier.
    pub(crate) fn variant(
        &self,
        name: &str,
        classifier: &dyn Classifier,
        augmentation: TestTimeAugmentation,
    ) -> Result<Variant, LabError> {
        let (_, images) = self.lab.judged();
        let PartMetrics { accuracy, accuracy_interval, loss, .. } =
            self.metrics(&self.score(classifier, images, augmentation)?, images)?;
        Ok(Variant { name: name.into(), accuracy, accuracy_interval, loss })
    }

    fn part(&self, classifier: &dyn Classifier, subset: &Subset) -> Result<Option<PartMetrics>, LabError> {
        if subset.is_empty() {
            return Ok(None);
        }
        self.metrics(&self.score(classifier, subset, TestTimeAugmentation::None)?, subset).map(Some)
    }

    fn metrics(&self, scores: &Scores, images: &Subset) -> Result<PartMetrics, LabError> {
        let labels = images.labels();
        let right =
            scores.predictions().iter().zip(&labels).filter(|(answer, label)| answer == label).count();
        Ok(PartMetrics::new(right, labels.len(), self.mean_loss(scores, &labels)?))
    }

    fn score(
        &self,
        classifier: &dyn Classifier,
        subset: &Subset,
        augmentation: TestTimeAugmentation,
    ) -> Result<Scores, LabError> {
        let work = format!("{} predicts", self.contender.name());
        let mut progress = self.lab.watch.progress(&work, subset.len());
        let device = &self.lab.machine.device;
        Ok(score_augmented(classifier, subset, augmentation, device, &mut *progress)?)
    }

    fn mean_loss(&self, scores: &Scores, labels: &[usize]) -> Result<Option<f64>, LabError> {
        let Some(loss) = self.loss else { return Ok(None) };
        Ok(mean_loss(&loss.without_smoothing(), scores, labels, &self.lab.machine.device)?)
    }

    /// The class with the largest score of each image, and how sure the classifier is of it: its probability, or else its score.
    fn answers(&self, classifier: &dyn Classifier, scores: &Scores) -> Result<ModelAnswers, LabError> {
        let (measure, values) = if self.contender.estimator.claims_probabilities() {
            (Measure::Probability, self.probabilities(classifier, scores)?)
        } else {
            (Measure::Score, scores.rows().flatten().copied().collect())
        };
        let classes = &self.lab.splits.classes;
        let answer =
            |(class, values): (usize, &[f32])| Answer { class: classes[class].clone(), value: values[class] };
        let answers = scores.predictions().into_iter().zip(values.chunks_exact(classes.len()));
        Ok(ModelAnswers {
            model: self.contender.name().into(),
            measure,
            answers: answers.map(answer).collect(),
        })
    }

    /// The probabilities that the classifier makes of its scores, `[images, classes]`.
    fn probabilities(&self, classifier: &dyn Classifier, scores: &Scores) -> Result<Vec<f32>, LabError> {
        if scores.is_empty() {
            return Ok(Vec::new());
        }
        let values: Vec<f32> = scores.rows().flatten().copied().collect();
        let data = TensorData::new(values, [scores.len(), scores.classes()]);
        let tensor = zoo_kernels::upload(data, &self.lab.machine.device);
        let failed = |error: String| TrainError::Device(error);
        let data = zoo_kernels::read(classifier.probabilities(tensor));
        let data = data.map_err(|error| failed(error.to_string()))?;
        Ok(data.convert::<f32>().try_to_vec().map_err(|error| failed(error.to_string()))?)
    }
}

/// Whether a model is right as often as its probabilities say; `None` if it claims none.
fn calibration(answers: &ModelAnswers, scores: &Scores, labels: &[usize]) -> Option<Calibration> {
    if answers.measure != Measure::Probability {
        return None;
    }
    let right = scores.predictions().into_iter().zip(labels).map(|(answer, &label)| answer == label);
    Calibration::new(answers.answers.iter().map(|answer| answer.value).zip(right))
}
