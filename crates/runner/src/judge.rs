//! From a recipe to figures: fit, then judge.

use std::time::Instant;

use burn::tensor::Device;
use zoo_core::result::{ModelResult, PartMetrics, TestMetrics, Variant};
use zoo_core::{Classifier, Loss, Scores};
use zoo_data::{Splits, Subset};
use zoo_train::TestTimeAugmentation;

use crate::config::Contender;
use crate::failure;
use crate::progress::Progress;
use crate::recipes::{Fitted, Job};

/// Training accuracy is measured on so many images at most: it is there to be set beside the test accuracy, and for k-NN
/// each image costs as much as a test image.
pub(crate) const TRAIN_SAMPLE: usize = 2000;

/// What became of one job.
pub(crate) struct Outcome {
    pub(crate) result: ModelResult,
    /// The scores of the test images.
    pub(crate) scores: Scores,
    pub(crate) fitted: Fitted,
}

/// Follows the recipe of `contender` and judges what comes out.
///
/// # Errors
/// What went wrong; if a GPU refused something, which one and what to lower.
pub(crate) fn fit_and_judge(contender: &Contender, job: &Job<'_>) -> anyhow::Result<Outcome> {
    failure::catch(job.selected, || {
        let fitted = contender.recipe.fit(job)?;
        let mut result = contender.result(job.selected)?;
        result.parameters = Some(fitted.model.parameters());
        result.fit_seconds = Some(fitted.seconds);
        result.history.clone_from(&fitted.history);
        let judge = Judge::new(contender, job.splits, &job.selected.device, job.progress);
        let scores = judge.judge(fitted.model.classifier(), job.seed, &mut result)?;
        if let Some(model) = &fitted.without_ema {
            let plain = TestTimeAugmentation::None;
            result.variants.push(judge.variant("without_ema", model.classifier(), plain)?);
        }
        report(job, &fitted, &result);
        Ok(Outcome { result, scores, fitted })
    })
}

/// Says how a model did.
fn report(job: &Job<'_>, fitted: &Fitted, result: &ModelResult) {
    let Some(test) = &result.test else { return };
    let percent = |accuracy: f64| format!("{:.1} %", 100.0 * accuracy);
    let variants = result
        .variants
        .iter()
        .map(|variant| format!(" ({}: {})", variant.name.replace('_', " "), percent(variant.accuracy)));
    let (name, accuracy, variants) = (job.name, percent(test.accuracy), variants.collect::<String>());
    let seconds = fitted.seconds + result.predict_seconds.unwrap_or(0.0);
    job.progress.line(&format!("{name}: test accuracy {accuracy}{variants} after {seconds:.1} s"));
}

/// Judges classifiers of one recipe.
pub(crate) struct Judge<'a> {
    name: &'a str,
    /// What the recipe minimises. Models are judged without label smoothing, so that losses of different recipes compare.
    loss: Option<Loss>,
    augmentation: TestTimeAugmentation,
    splits: &'a Splits,
    device: &'a Device,
    progress: Progress,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(
        contender: &'a Contender,
        splits: &'a Splits,
        device: &'a Device,
        progress: Progress,
    ) -> Self {
        let Contender { recipe, .. } = contender;
        let (loss, augmentation) = (recipe.loss(), recipe.test_time_augmentation());
        Self { name: contender.name(), loss, augmentation, splits, device, progress }
    }

    /// Judges a classifier on every part of the data, the test images last. Fills what is not about fitting, and returns the
    /// scores of the test images.
    pub(crate) fn judge(
        &self,
        classifier: &dyn Classifier,
        seed: u64,
        result: &mut ModelResult,
    ) -> anyhow::Result<Scores> {
        let Splits { train, validation, test, .. } = self.splits;
        let sample = train.stratified(TRAIN_SAMPLE.min(train.len()), seed).0;
        result.train = self.part(classifier, &sample)?;
        // k-NN has the validation images among its neighbours.
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
        result.test = Some(TestMetrics::new(&scores, &labels, &self.splits.classes, loss));
        if self.augmentation != TestTimeAugmentation::None {
            let name = self.augmentation.name();
            result.variants.push(self.variant(name, classifier, self.augmentation)?);
        }
        Ok(scores)
    }

    /// The test images scored in another way, or by another classifier.
    fn variant(
        &self,
        name: &str,
        classifier: &dyn Classifier,
        augmentation: TestTimeAugmentation,
    ) -> anyhow::Result<Variant> {
        let test = &self.splits.test;
        let (scores, labels) = (self.score(classifier, test, augmentation)?, test.labels());
        let loss = self.mean_loss(&scores, &labels)?;
        Ok(Variant { name: name.into(), accuracy: scores.top_k_accuracy(&labels, 1), loss })
    }

    fn part(&self, classifier: &dyn Classifier, subset: &Subset) -> anyhow::Result<Option<PartMetrics>> {
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
    ) -> anyhow::Result<Scores> {
        let template = format!("{} predicts {{wide_bar}} {{pos}}/{{len}} images {{eta:>4}}", self.name);
        let bar = self.progress.bar(subset.len() as u64, &template);
        let mut progress = |done: usize| bar.set(done as u64);
        let classes = self.splits.classes.len();
        Ok(zoo_train::score(classifier, subset, classes, augmentation, self.device, &mut progress)?)
    }

    fn mean_loss(&self, scores: &Scores, labels: &[usize]) -> anyhow::Result<Option<f64>> {
        let Some(loss) = self.loss else { return Ok(None) };
        Ok(zoo_train::mean_loss(&loss.without_smoothing(), scores, labels, self.device)?)
    }
}
