//! One or more models on one dataset: the document of `result.json` and of `zoo compare --json`.
//!
//! Numbers that don't exist (a loss of k-NN, anything of a model that failed) are `null`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::chance::{Pair, Spread};
use crate::dataset::DatasetSummary;
use crate::finding::Finding;
use crate::interval::Interval;
use crate::metrics::{ClassMetrics, ConfusionMatrix, MacroMetrics};

/// The version of the schema of every document of this crate. Fields are only ever added under one version.
pub const SCHEMA: u32 = 1;

/// One or more models on one dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// The version of the schema, [`SCHEMA`].
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// The version of zoo that wrote it.
    pub zoo_version: String,
    /// The version of Burn that it was built with.
    pub burn_version: String,
    /// What was learnt from.
    pub dataset: DatasetSummary,
    /// The backend's name, `flex`; several with commas between them.
    pub backend: String,
    /// The device it ran on, as the driver names it; several with commas between them.
    pub adapter: String,
    /// The machine that this was measured on: processor, cores, memory, system.
    #[serde(default)]
    pub machine: Option<String>,
    /// What everything random follows from.
    pub seed: u64,
    /// One per model and backend, the best by validation accuracy first.
    pub results: Vec<ModelResult>,
    /// What guessing comes to that always says the largest class of the training images.
    #[serde(default)]
    pub majority: Option<Majority>,
    /// Each pair of models on the first backend, and whether chance explains their difference.
    #[serde(default)]
    pub pairs: Vec<Pair>,
    /// Which models can be told apart, in one sentence.
    #[serde(default)]
    pub verdict: Option<String>,
    /// Models that no other beats in both validation accuracy and speed of prediction, the fastest first: see
    /// [`ModelResult::label`].
    #[serde(default)]
    pub pareto_front: Vec<String>,
    /// What is worth knowing before these figures are believed.
    #[serde(default)]
    pub checks: Vec<Finding>,
}

/// What guessing comes to that always says the same class: the one that most training images are of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Majority {
    /// The class.
    pub class: String,
    /// Its share of the validation images; `null` if there are none.
    pub validation_accuracy: Option<f64>,
    /// Its share of the test images; `null` if they were left alone.
    pub test_accuracy: Option<f64>,
}

/// What became of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelResult {
    /// Its name, `knn`.
    pub model: String,
    /// The name of its recipe, if it is not the model's default one: that of the file, without `.toml`.
    #[serde(default)]
    pub recipe: Option<String>,
    /// The backend that it ran on, `flex`.
    pub backend: String,
    /// The folder of its run within that of the comparison.
    #[serde(default)]
    pub folder: Option<String>,
    /// Its recipe, everything resolved.
    pub config: serde_json::Value,
    /// Why there are no figures, if there are none.
    pub error: Option<String>,
    /// Trained numbers; for k-NN the pixel values that it keeps.
    pub parameters: Option<usize>,
    /// The epoch that was kept, from 1: the one with the best validation accuracy. `null` for what isn't trained.
    #[serde(default)]
    pub kept_epoch: Option<usize>,
    /// Steps of the optimizer in a training to the end.
    #[serde(default)]
    pub steps: Option<usize>,
    /// Why training ended before its last epoch, if it did.
    #[serde(default)]
    pub stopped_by: Option<EarlyStop>,
    /// Wall time to fit, validation included.
    pub fit_seconds: Option<f64>,
    /// Wall time to score the test images; if they were left alone, the validation images.
    pub predict_seconds: Option<f64>,
    /// Images per second of that.
    pub predict_images_per_second: Option<f64>,
    /// Figures on the test images.
    pub test: Option<TestMetrics>,
    /// Figures on the test images of the same model evaluated otherwise: with test-time augmentation, or without averaging
    /// its weights.
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// Figures on training images as they are (a sample where there are many).
    pub train: Option<PartMetrics>,
    /// Figures on the validation images.
    pub validation: Option<PartMetrics>,
    /// With several backends: the largest absolute difference of a test image's score from that of the same model on the
    /// first of them.
    pub score_difference: Option<f64>,
    /// One record per epoch; empty for k-NN.
    pub history: Vec<EpochRecord>,
    /// With several seeds: one training per seed. All other figures of this result are those of the first.
    #[serde(default)]
    pub seeds: Option<Seeds>,
}

/// Why training ended before its last epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EarlyStop {
    /// It had used up its time.
    Budget,
    /// The best epoch was too long ago.
    Patience,
}

/// One recipe trained several times, with other weights, order and augmentation each time; the images are the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Seeds {
    /// One per training.
    pub trainings: Vec<Training>,
    /// Of the validation accuracy.
    pub validation: Option<Spread>,
    /// Of the test accuracy.
    pub test: Option<Spread>,
    /// Of the accuracy on training images.
    pub train: Option<Spread>,
    /// Of the macro F1.
    pub macro_f1: Option<Spread>,
}

/// One of several trainings of a recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Training {
    /// What weights, order and augmentation follow from.
    pub seed: u64,
    /// The folder of its run within that of the comparison.
    pub folder: Option<String>,
    /// The epoch that was kept, from 1.
    pub kept_epoch: Option<usize>,
    /// Wall time to fit, validation included.
    pub fit_seconds: Option<f64>,
    /// Accuracy on the validation images.
    pub validation_accuracy: Option<f64>,
    /// Accuracy on the test images.
    pub test_accuracy: Option<f64>,
    /// Accuracy on training images.
    pub train_accuracy: Option<f64>,
    /// Macro F1 on the test images.
    pub macro_f1: Option<f64>,
}

/// Accuracy and loss on a part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PartMetrics {
    /// How many images the figures come from.
    pub images: usize,
    /// The share of right predictions.
    pub accuracy: f64,
    /// Its 95 % interval: see [`Interval::wilson`].
    #[serde(default)]
    pub accuracy_interval: Option<Interval>,
    /// Mean loss, without regularization.
    pub loss: Option<f64>,
}

/// Accuracy and loss on the test images of a model that is evaluated in another way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Variant {
    /// What is different: `mirror`, `mirror_and_shifts`, `shifts` (test-time augmentation), `without_ema`.
    pub name: String,
    /// The share of right predictions.
    pub accuracy: f64,
    /// Its 95 % interval: see [`Interval::wilson`].
    #[serde(default)]
    pub accuracy_interval: Option<Interval>,
    /// Mean loss, without regularization.
    pub loss: Option<f64>,
}

/// All figures on the test images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestMetrics {
    /// The share of right predictions.
    pub accuracy: f64,
    /// Its 95 % interval: see [`Interval::wilson`].
    #[serde(default)]
    pub accuracy_interval: Option<Interval>,
    /// The mean recall of the classes that have images: accuracy as if all classes were of one size.
    #[serde(default)]
    pub balanced_accuracy: Option<f64>,
    /// The correlation of classes and answers: see [`ConfusionMatrix::matthews_correlation`].
    #[serde(default)]
    pub matthews_correlation: Option<f64>,
    /// Agreement of classes and answers beyond chance: see [`ConfusionMatrix::cohen_kappa`].
    #[serde(default)]
    pub cohen_kappa: Option<f64>,
    /// Whether the model is right as often as it claims to be; `null` if it claims no probabilities.
    #[serde(default)]
    pub calibration: Option<Calibration>,
    /// The share of images whose label is among the five largest scores; `null` with no more than five classes, and for k-NN of fewer
    /// than five votes. A class without a vote is no guess.
    #[serde(default)]
    pub top_5_accuracy: Option<f64>,
    /// Mean loss, without regularization.
    pub loss: Option<f64>,
    /// Unweighted means over the classes.
    #[serde(rename = "macro")]
    pub macro_average: MacroMetrics,
    /// The figures of each class.
    pub per_class: Vec<NamedClassMetrics>,
    /// Counts; row = true class, column = predicted class.
    pub confusion: ConfusionMatrix,
}

/// A class's name with its figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NamedClassMetrics {
    /// The class's name.
    pub class: String,
    /// Its figures.
    #[serde(flatten)]
    pub metrics: ClassMetrics,
}

/// What one epoch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: usize,
    /// Mean loss over the epoch's batches as they were trained on, without regularization.
    pub train_loss: f64,
    /// Accuracy over the epoch's batches as they were trained on.
    pub train_accuracy: f64,
    /// Mean loss on the validation images.
    pub validation_loss: Option<f64>,
    /// Accuracy on the validation images.
    pub validation_accuracy: Option<f64>,
    /// Accuracy on the validation images with the averaged weights, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema_validation_accuracy: Option<f64>,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// ‖Δθ‖ / ‖θ‖ of the epoch's last step, θ being all trained parameters of two or more dimensions, before it: about 1e-3 is
    /// healthy (CS231n, *neural-networks-3*, "Ratio of weights:updates"). It falls with the learning rate, to almost 0 where a schedule ends
    /// there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_ratio: Option<f64>,
    /// Wall time, validation included.
    pub seconds: f64,
}

impl TestMetrics {
    /// All figures that follow from `confusion`, with those that do not: the top-5 accuracy and the mean loss, where they exist. `classes` are the
    /// names of the classes, in the order of labels.
    ///
    /// # Panics
    /// If there is not one name per class.
    #[must_use]
    pub fn new(
        confusion: ConfusionMatrix,
        top_5_accuracy: Option<f64>,
        loss: Option<f64>,
        classes: &[String],
    ) -> Self {
        assert_eq!(confusion.counts().len(), classes.len(), "one name per class");
        let per_class = classes
            .iter()
            .zip(confusion.per_class())
            .map(|(class, metrics)| NamedClassMetrics { class: class.clone(), metrics })
            .collect();
        Self {
            accuracy: confusion.accuracy(),
            accuracy_interval: Some(Interval::wilson(confusion.right(), confusion.images())),
            balanced_accuracy: Some(confusion.balanced_accuracy()),
            matthews_correlation: Some(confusion.matthews_correlation()),
            cohen_kappa: confusion.cohen_kappa(),
            calibration: None,
            top_5_accuracy,
            loss,
            macro_average: confusion.macro_average(),
            per_class,
            confusion,
        }
    }
}

impl TestMetrics {
    /// The classes' names, in the order of the confusion matrix; `None` if there is not one per row, or no row.
    #[must_use]
    pub fn class_names(&self) -> Option<Vec<&str>> {
        let names: Vec<&str> = self.per_class.iter().map(|class| class.class.as_str()).collect();
        let is_whole = !names.is_empty() && names.len() == self.confusion.counts().len();
        is_whole.then_some(names)
    }
}

impl ModelResult {
    /// The result of a model of which nothing is known yet.
    #[must_use]
    pub fn new(model: &str, backend: &str, config: serde_json::Value) -> Self {
        Self {
            model: model.into(),
            recipe: None,
            backend: backend.into(),
            folder: None,
            config,
            error: None,
            parameters: None,
            kept_epoch: None,
            steps: None,
            stopped_by: None,
            fit_seconds: None,
            predict_seconds: None,
            predict_images_per_second: None,
            test: None,
            variants: Vec::new(),
            train: None,
            validation: None,
            score_difference: None,
            history: Vec::new(),
            seeds: None,
        }
    }

    /// The result of a model that could not be fitted or evaluated.
    #[must_use]
    pub fn failed(model: &str, backend: &str, config: serde_json::Value, error: String) -> Self {
        Self { error: Some(error), ..Self::new(model, backend, config) }
    }

    /// The name of its recipe, or of its model if that is its default one.
    #[must_use]
    pub fn name(&self) -> &str {
        self.recipe.as_ref().unwrap_or(&self.model)
    }

    /// What tells it apart from the other results of a comparison: its folder, or else its name.
    #[must_use]
    pub fn label(&self) -> &str {
        self.folder.as_deref().unwrap_or(self.name())
    }

    /// The accuracy on the test images, if there is one; with several seeds the mean.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        let mean = self.seeds.as_ref().and_then(|seeds| seeds.test).map(|spread| spread.mean);
        mean.or(self.test.as_ref().map(|test| test.accuracy))
    }

    /// The accuracy on the validation images, if there is one; with several seeds the mean.
    #[must_use]
    pub fn validation_accuracy(&self) -> Option<f64> {
        let mean = self.seeds.as_ref().and_then(|seeds| seeds.validation).map(|spread| spread.mean);
        mean.or(self.validation.map(|part| part.accuracy))
    }
}

impl PartMetrics {
    /// `right` right predictions of `images`, with the mean loss if there is one.
    #[must_use]
    pub fn new(right: usize, images: usize, loss: Option<f64>) -> Self {
        Self {
            images,
            accuracy: right as f64 / images.max(1) as f64,
            accuracy_interval: Some(Interval::wilson(right, images)),
            loss,
        }
    }
}

impl Comparison {
    /// Puts the best validation accuracy first and failures last; without validation images, the best test accuracy. Equals keep
    /// their order.
    pub fn sort(&mut self) {
        let by_validation = self.results.iter().any(|result| result.validation_accuracy().is_some());
        let key = |result: &ModelResult| {
            let accuracy = if by_validation { result.validation_accuracy() } else { result.accuracy() };
            accuracy.unwrap_or(-1.0)
        };
        self.results.sort_by(|left, right| key(right).total_cmp(&key(left)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_holds_its_names() {
        let confusion = ConfusionMatrix::new(&[0, 0], &[0, 1], 2);
        let classes = ["cat".to_string(), "dog".to_string()];
        let mut result = ModelResult::new("svm", "flex", serde_json::json!({"k": 1}));
        result.test = Some(TestMetrics::new(confusion, None, Some(0.5), &classes));
        let json = serde_json::to_value(&result).unwrap();
        assert_eq!(json["test"]["macro"]["recall"], 0.25);
        assert_eq!(json["test"]["per_class"][0]["class"], "cat");
        assert_eq!(json["test"]["per_class"][0]["support"], 2);
        assert_eq!(json["test"]["confusion"], serde_json::json!([[1, 1], [0, 0]]));
        assert_eq!(json["error"], serde_json::Value::Null);
        assert_eq!(serde_json::from_value::<ModelResult>(json).unwrap(), result);
    }

    #[test]
    fn failures_sort_last() {
        let result = |name: &str, right: bool| {
            let mut result = ModelResult::new(name, "flex", serde_json::Value::Null);
            let confusion = ConfusionMatrix::new(&[0], &[usize::from(!right)], 2);
            result.test = Some(TestMetrics::new(confusion, None, None, &["a".into(), "b".into()]));
            result
        };
        let mut comparison = Comparison {
            schema: SCHEMA,
            zoo_version: String::new(),
            burn_version: String::new(),
            dataset: DatasetSummary {
                name: String::new(),
                train: 0,
                validation: 0,
                test: 1,
                classes: Vec::new(),
                train_per_class: Vec::new(),
                duplicates: Vec::new(),
            },
            backend: String::new(),
            adapter: String::new(),
            machine: None,
            seed: 0,
            results: vec![
                ModelResult::failed("failed", "flex", serde_json::Value::Null, "no".into()),
                result("wrong", false),
                result("right", true),
            ],
            majority: None,
            pairs: Vec::new(),
            verdict: None,
            pareto_front: Vec::new(),
            checks: Vec::new(),
        };
        comparison.sort();
        let order: Vec<_> = comparison.results.iter().map(|result| result.model.as_str()).collect();
        assert_eq!(order, ["right", "wrong", "failed"]);
    }

    #[test]
    fn validation_comes_before_test() {
        let result = |name: &str, validation: usize, test: usize| {
            let mut result = ModelResult::new(name, "flex", serde_json::Value::Null);
            result.validation = Some(PartMetrics::new(validation, 100, None));
            let labels = vec![0; 100];
            let answers: Vec<usize> = (0..100).map(|image| usize::from(image >= test)).collect();
            let confusion = ConfusionMatrix::new(&labels, &answers, 2);
            result.test = Some(TestMetrics::new(confusion, None, None, &["a".into(), "b".into()]));
            result
        };
        let lucky = result("lucky", 80, 90);
        let mut comparison: Comparison = serde_json::from_value(serde_json::json!({
            "schema": 1, "zoo_version": "", "burn_version": "", "backend": "", "adapter": "", "seed": 0, "results": [],
            "dataset": {"name": "", "train": 0, "validation": 100, "test": 100, "classes": []},
        }))
        .unwrap();
        comparison.results = vec![lucky, result("better", 85, 80)];
        comparison.sort();
        assert_eq!(comparison.results[0].model, "better");
    }
}
