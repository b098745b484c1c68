//! One or more models on one dataset: the document of `result.json` and of `zoo compare --json`.
//!
//! Numbers that don't exist (a loss of k-NN, anything of a model that failed) are `null`.

use serde::{Deserialize, Serialize};

use crate::metrics::{ClassMetrics, ConfusionMatrix, MacroMetrics};

/// The version of the schema of every document of this crate. Fields are only ever added under one version.
pub const SCHEMA: u32 = 1;

/// One or more models on one dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// [`SCHEMA`].
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
    /// What everything random follows from.
    pub seed: u64,
    /// One per model and backend.
    pub results: Vec<ModelResult>,
}

/// Name, sizes and classes of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetSummary {
    /// `cifar10`, `shapes10`, or a folder's name.
    pub name: String,
    /// Images that gradient descent learns from.
    pub train: usize,
    /// Images held out to choose epochs and hyperparameters by.
    pub validation: usize,
    /// Images that the final figures come from.
    pub test: usize,
    /// Class names, in the order of labels.
    pub classes: Vec<String>,
}

/// What became of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelResult {
    /// Its name, `knn`.
    pub model: String,
    /// The name of its recipe, if it is not the model's default one: that of the file, without `.toml`.
    #[serde(default)]
    pub recipe: Option<String>,
    /// The backend that it ran on, `flex`.
    pub backend: String,
    /// Its recipe, everything resolved.
    pub config: serde_json::Value,
    /// Why there are no figures, if there are none.
    pub error: Option<String>,
    /// Trained numbers; for k-NN the pixel values that it keeps.
    pub parameters: Option<usize>,
    /// Wall time to fit, validation included.
    pub fit_seconds: Option<f64>,
    /// Wall time to score the test images.
    pub predict_seconds: Option<f64>,
    /// Test images per second.
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
}

/// Accuracy and loss on a part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartMetrics {
    /// How many images the figures come from.
    pub images: usize,
    /// The share of right predictions.
    pub accuracy: f64,
    /// Mean loss, without regularisation.
    pub loss: Option<f64>,
}

/// Accuracy and loss on the test images of a model that is evaluated in another way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// What is different: `mirror`, `mirror_and_shifts` (test-time augmentation), `without_ema`.
    pub name: String,
    /// The share of right predictions.
    pub accuracy: f64,
    /// Mean loss, without regularisation.
    pub loss: Option<f64>,
}

/// All figures on the test images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestMetrics {
    /// The share of right predictions.
    pub accuracy: f64,
    /// The share of images whose label is among the five largest scores.
    pub top_5_accuracy: f64,
    /// Mean loss, without regularisation.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedClassMetrics {
    /// The class's name.
    pub class: String,
    /// Its figures.
    #[serde(flatten)]
    pub metrics: ClassMetrics,
}

/// What one epoch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: usize,
    /// Mean loss over the epoch's batches as they were trained on, without regularisation.
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
    /// All figures that follow from `confusion`, with those that do not: the top-5 accuracy and the mean loss. `classes` are the
    /// names of the classes, in the order of labels.
    ///
    /// # Panics
    /// If there is not one name per class.
    #[must_use]
    pub fn new(
        confusion: ConfusionMatrix,
        top_5_accuracy: f64,
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
            top_5_accuracy,
            loss,
            macro_average: confusion.macro_average(),
            per_class,
            confusion,
        }
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
            config,
            error: None,
            parameters: None,
            fit_seconds: None,
            predict_seconds: None,
            predict_images_per_second: None,
            test: None,
            variants: Vec::new(),
            train: None,
            validation: None,
            score_difference: None,
            history: Vec::new(),
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

    /// The accuracy on the test images, if there is one.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        self.test.as_ref().map(|test| test.accuracy)
    }
}

impl Comparison {
    /// Puts the best test accuracy first and failures last; equals keep their order.
    pub fn sort(&mut self) {
        let key = |result: &ModelResult| result.accuracy().unwrap_or(-1.0);
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
        result.test = Some(TestMetrics::new(confusion, 1.0, Some(0.5), &classes));
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
            result.test = Some(TestMetrics::new(confusion, 1.0, None, &["a".into(), "b".into()]));
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
            },
            backend: String::new(),
            adapter: String::new(),
            seed: 0,
            results: vec![
                ModelResult::failed("failed", "flex", serde_json::Value::Null, "no".into()),
                result("wrong", false),
                result("right", true),
            ],
        };
        comparison.sort();
        let order: Vec<_> = comparison.results.iter().map(|result| result.model.as_str()).collect();
        assert_eq!(order, ["right", "wrong", "failed"]);
    }
}
