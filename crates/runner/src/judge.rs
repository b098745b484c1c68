//! From a recipe to figures: fit, then judge.

use std::time::Instant;

use burn::tensor::Device;
use zoo_core::result::{ModelResult, PartMetrics, TestMetrics};
use zoo_core::{Classifier, Loss, Scores};
use zoo_data::{Splits, Subset};

use crate::failure;
use crate::progress::Progress;
use crate::recipes::{Fitted, Job, Recipe};

/// Training accuracy is measured on so many images at most: it is there to be set beside the test accuracy, and for k-NN
/// each image costs as much as a test image.
const TRAIN_SAMPLE: usize = 2000;

/// What became of one job.
pub(crate) struct Outcome {
    pub(crate) result: ModelResult,
    /// The scores of the test images.
    pub(crate) scores: Scores,
    pub(crate) fitted: Fitted,
}

/// Follows `recipe` and judges what comes out.
///
/// # Errors
/// What went wrong; if a GPU refused something, which one and what to lower.
pub(crate) fn fit_and_judge(recipe: &dyn Recipe, job: &Job<'_>) -> anyhow::Result<Outcome> {
    failure::catch(job.selected, || {
        let fitted = recipe.fit(job)?;
        let mut result =
            ModelResult::new(job.model, job.selected.backend, serde_json::to_value(recipe.config()?)?);
        result.parameters = Some(fitted.model.parameters());
        result.fit_seconds = Some(fitted.seconds);
        result.history.clone_from(&fitted.history);
        let candidate = Candidate {
            name: job.model,
            classifier: fitted.model.classifier(),
            loss: recipe.loss(),
            device: &job.selected.device,
            progress: job.progress,
        };
        let scores = candidate.judge(job.splits, job.seed, &mut result)?;
        if let Some(test) = &result.test {
            let seconds = fitted.seconds + result.predict_seconds.unwrap_or(0.0);
            let (model, accuracy) = (job.model, 100.0 * test.accuracy);
            job.progress.line(&format!("{model}: test accuracy {accuracy:.1} % after {seconds:.1} s"));
        }
        Ok(Outcome { result, scores, fitted })
    })
}

/// A classifier to be judged.
pub(crate) struct Candidate<'a> {
    pub(crate) name: &'a str,
    pub(crate) classifier: &'a dyn Classifier,
    /// What it was trained with. It is judged without label smoothing, so that losses of different recipes compare.
    pub(crate) loss: Option<Loss>,
    pub(crate) device: &'a Device,
    pub(crate) progress: Progress,
}

impl Candidate<'_> {
    /// Judges the classifier on every part of the data, the test images last. Fills what is not about fitting, and returns
    /// the scores of the test images.
    pub(crate) fn judge(
        &self,
        splits: &Splits,
        seed: u64,
        result: &mut ModelResult,
    ) -> anyhow::Result<Scores> {
        let sample = splits.train.stratified(TRAIN_SAMPLE.min(splits.train.len()), seed).0;
        result.train = self.part(&sample, &splits.classes)?;
        // k-NN has the validation images among its neighbours.
        if self.loss.is_some() {
            result.validation = self.part(&splits.validation, &splits.classes)?;
        }
        let start = Instant::now();
        let scores = self.score(&splits.test, splits.classes.len())?;
        let seconds = start.elapsed().as_secs_f64();
        result.predict_seconds = Some(seconds);
        result.predict_images_per_second = Some(splits.test.len() as f64 / seconds);
        let labels = splits.test.labels();
        let loss = self.mean_loss(&scores, &labels)?;
        result.test = Some(TestMetrics::new(&scores, &labels, &splits.classes, loss));
        Ok(scores)
    }

    fn part(&self, subset: &Subset, classes: &[String]) -> anyhow::Result<Option<PartMetrics>> {
        if subset.is_empty() {
            return Ok(None);
        }
        let (scores, labels) = (self.score(subset, classes.len())?, subset.labels());
        let loss = self.mean_loss(&scores, &labels)?;
        Ok(Some(PartMetrics { images: subset.len(), accuracy: scores.top_k_accuracy(&labels, 1), loss }))
    }

    fn score(&self, subset: &Subset, classes: usize) -> anyhow::Result<Scores> {
        let template = format!("{} predicts {{wide_bar}} {{pos}}/{{len}} images {{eta:>4}}", self.name);
        let bar = self.progress.bar(subset.len() as u64, &template);
        let mut progress = |done: usize| bar.set(done as u64);
        Ok(zoo_train::score(self.classifier, subset, classes, self.device, &mut progress)?)
    }

    fn mean_loss(&self, scores: &Scores, labels: &[usize]) -> anyhow::Result<Option<f64>> {
        let Some(loss) = self.loss else { return Ok(None) };
        Ok(zoo_train::mean_loss(&loss.without_smoothing(), scores, labels, self.device)?)
    }
}
