//! Figures of a fitted model, and `zoo evaluate`.

use std::path::Path;
use std::time::Instant;

use burn::tensor::Device;
use zoo_core::result::{ModelResult, PartMetrics, TestMetrics};
use zoo_core::{Classifier, Loss, Scores};
use zoo_data::{Splits, Subset};

use crate::cli::GlobalOptions;
use crate::compare::show;
use crate::progress::Progress;
use crate::recipes::Recipe;
use crate::runs::{RunConfig, TrainingRun};

/// Training accuracy is measured on so many images at most: it is there to be set beside the test accuracy, and for k-NN
/// each image costs as much as a test image.
const TRAIN_SAMPLE: usize = 2000;

/// A classifier to be judged.
pub(crate) struct Candidate<'a> {
    pub(crate) name: &'a str,
    pub(crate) classifier: &'a dyn Classifier,
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
        Ok(zoo_train::mean_loss(&loss, scores, labels, self.device)?)
    }
}

/// Test-set metrics of a finished run, on any backend.
pub(crate) fn run(options: &GlobalOptions, path: &Path) -> anyhow::Result<()> {
    options.keep_to_the_run()?;
    let run = TrainingRun::open(path)?;
    let file = run.model_file()?;
    let progress = Progress::new(options.quiet);
    let selected = options.one_backend()?.select()?;
    progress.line(&format!("backend: {selected}"));
    let source = run.source(options);
    let splits = source.splits(run.config.seed)?;
    if splits.classes != run.config.classes {
        anyhow::bail!("{} was trained on other classes than {} has now", path.display(), source.data);
    }
    let model = run.recipe.load(&file, run.config.shape, splits.classes.len(), &selected)?;
    let mut result = blank(run.entry.name, selected.backend, run.recipe.as_ref())?;
    let candidate = Candidate {
        name: run.entry.name,
        classifier: model.classifier(),
        loss: run.recipe.loss(),
        device: &selected.device,
        progress,
    };
    candidate.judge(&splits, run.config.seed, &mut result)?;
    let config = RunConfig::new(&source, &splits, std::slice::from_ref(&selected), run.config.seed);
    show(options, &config.comparison(&splits, vec![result]))
}

/// A result that has everything still to come.
pub(crate) fn blank(model: &str, backend: &str, recipe: &dyn Recipe) -> anyhow::Result<ModelResult> {
    let mut result =
        ModelResult::failed(model, backend, serde_json::to_value(recipe.config()?)?, String::new());
    result.error = None;
    Ok(result)
}
