//! Results for the tests of rules.

use serde_json::json;
use zoo_schema::{Comparison, ConfusionMatrix, EpochRecord, ModelResult, PartMetrics, TestMetrics};

/// `results` on 1,000 training images of cats and dogs, 100 validation images and 1,000 test images.
pub(super) fn comparison(results: Vec<ModelResult>) -> Comparison {
    let document = json!({
        "schema": 1, "zoo_version": "0.1.0", "burn_version": "0.22.1",
        "dataset": {
            "name": "pets", "train": 1000, "validation": 100, "test": 1000, "classes": ["cat", "dog"],
            "train_per_class": [500, 500]
        },
        "backend": "flex", "adapter": "CPU", "seed": 42, "results": [],
        "majority": {"class": "cat", "validation_accuracy": 0.5, "test_accuracy": 0.5}
    });
    Comparison { results, ..serde_json::from_value(document).unwrap() }
}

/// A trained model that is right on this share of this number of training images, and of validation images. Its best epoch is the one
/// before the last.
pub(super) fn trained(model: &str, train: (f64, usize), validation: (f64, usize)) -> ModelResult {
    let config = json!({
        "model": model,
        "architecture": {"features": "pixels", "dropout": 0.0},
        "loss": {"kind": "cross_entropy"},
        "optimizer": {"kind": "sgd", "learning_rate": 0.01, "weight_decay": 0.001},
        "augment": {"flip": "none", "crop": 2, "cutout": 0},
        "train": {"epochs": 8.0, "batch_size": 512}
    });
    let mut result = ModelResult::new(model, "flex", config);
    result.train = Some(part(train));
    result.validation = Some(part(validation));
    result.kept_epoch = Some(7);
    result.steps = Some(1000);
    let losses = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];
    result.history = (1..).zip(losses).map(|(epoch, loss)| record(epoch, loss)).collect();
    result
}

/// An epoch with this training loss, on which three of four training images are right.
pub(super) fn record(epoch: usize, train_loss: f64) -> EpochRecord {
    EpochRecord { epoch, train_loss, train_accuracy: 0.75, ..EpochRecord::default() }
}

/// A model that was only judged on test images, all of them cats: this number of them right, and this number wrong.
pub(super) fn judged(model: &str, right: usize, wrong: usize) -> ModelResult {
    let mut result = ModelResult::new(model, "flex", json!({"model": model}));
    let predictions: Vec<usize> = (0..right + wrong).map(|image| usize::from(image >= right)).collect();
    let confusion = ConfusionMatrix::new(&vec![0; right + wrong], &predictions, 2);
    result.test = Some(TestMetrics::new(confusion, None, None, &["cat".into(), "dog".into()]));
    result
}

fn part((accuracy, images): (f64, usize)) -> PartMetrics {
    PartMetrics { images, accuracy, accuracy_interval: None, loss: None }
}
