//! Comparisons for tests.

use zoo_schema::{
    Comparison, ConfusionMatrix, DatasetSummary, Interval, ModelResult, PartMetrics, SCHEMA, Seeds, Spread,
    TestMetrics, Training,
};

/// A dataset of `images` for training, validation and test.
pub(crate) fn dataset(images: [usize; 3], classes: &[&str]) -> DatasetSummary {
    let [train, validation, test] = images;
    DatasetSummary {
        name: "pets".into(),
        train,
        validation,
        test,
        classes: classes.iter().map(ToString::to_string).collect(),
        train_per_class: Vec::new(),
        duplicates: Vec::new(),
    }
}

/// Results on images of cats and dogs.
pub(crate) fn comparison(results: Vec<ModelResult>) -> Comparison {
    Comparison {
        schema: SCHEMA,
        zoo_version: "0.1.0".into(),
        burn_version: "0.22.1".into(),
        dataset: dataset([90, 10, 4], &["cat", "dog"]),
        backend: "flex".into(),
        adapter: "CPU".into(),
        machine: None,
        seed: 7,
        results,
        majority: None,
        pairs: Vec::new(),
        verdict: None,
        pareto_front: Vec::new(),
        checks: Vec::new(),
    }
}

/// A model without figures.
pub(crate) fn named(name: &str) -> ModelResult {
    ModelResult::new(name, "flex", serde_json::Value::Null)
}

/// A model that finds the only cat and two of three dogs of the test images.
pub(crate) fn tested(name: &str) -> ModelResult {
    let confusion = ConfusionMatrix::new(&[0, 1, 1, 1], &[0, 0, 1, 1], 2);
    let classes = ["cat".to_string(), "dog".to_string()];
    ModelResult { test: Some(TestMetrics::new(confusion, None, None, &classes)), ..named(name) }
}

/// A model with all figures of the table: `shares` of validation, test and training images, and the macro F1.
pub(crate) fn judged(name: &str, shares: [f64; 4], parameters: usize, fit: f64, speed: f64) -> ModelResult {
    let [validation, test, train, f1] = shares;
    let part = |share: f64, images: usize| PartMetrics::new((share * images as f64) as usize, images, None);
    let mut result = tested(name);
    let metrics = result.test.as_mut().expect("it is tested");
    metrics.accuracy = test;
    metrics.accuracy_interval = Some(Interval::wilson((1e4 * test) as usize, 10_000));
    metrics.macro_average.f1 = f1;
    ModelResult {
        validation: Some(part(validation, 5000)),
        train: Some(part(train, 5000)),
        parameters: Some(parameters),
        fit_seconds: Some(fit),
        predict_seconds: Some(1e4 / speed),
        predict_images_per_second: Some(speed),
        ..result
    }
}

/// The same model trained `count` times, whose accuracies differ by `std`.
pub(crate) fn trained(result: ModelResult, count: u64, std: f64) -> ModelResult {
    let training = |seed| Training {
        seed,
        folder: None,
        kept_epoch: None,
        fit_seconds: result.fit_seconds,
        validation_accuracy: result.validation_accuracy(),
        test_accuracy: result.accuracy(),
        train_accuracy: None,
        macro_f1: None,
    };
    let spread = |mean: Option<f64>| mean.map(|mean| Spread { mean, std: (count > 1).then_some(std) });
    let seeds = Seeds {
        trainings: (0..count).map(training).collect(),
        validation: spread(result.validation_accuracy()),
        test: spread(result.accuracy()),
        train: spread(result.train.map(|train| train.accuracy)),
        macro_f1: spread(result.test.as_ref().map(|test| test.macro_average.f1)),
    };
    ModelResult { seeds: Some(seeds), ..result }
}
