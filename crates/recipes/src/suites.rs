//! Suites of published results: recipes that say what to expect of them.

use crate::text::recipe;

/// A suite by its folder in `configs/`, and its rows, each with its text.
macro_rules! suite {
    ($suite:literal: $($row:literal),+ $(,)?) => {
        ($suite, &[$(($row, recipe!($suite, "/", $row))),+])
    };
}

/// The suites that are compiled in: a name, and rows in the order of the course, each with its text.
pub const SUITES: [(&str, &[(&str, &str)]); 3] = [
    suite!(
        "cs231n":
        "nearest-neighbour-l1",
        "nearest-neighbour-l2",
        "knn-5000-k1",
        "knn-5000-k1-official",
        "knn-5000-k10",
        "knn-5000-k10-official",
        "knn-cross-validation",
        "knn-cross-validation-official",
        "random-search",
        "random-local-search",
        "svm",
        "softmax",
        "two-layer-default",
        "two-layer-tuned",
        "features-svm",
        "features-softmax",
        "features-two-layer",
        "convnet-three-layer",
        "convnet-open",
    ),
    suite!(
        "cifar10-networks":
        "airbench-32-64-64",
        "airbench-32-128-128",
        "airbench93",
        "airbench94",
        "resnet20",
    ),
    suite!(
        "mistakes":
        "correct",
        "no-shuffling",
        "learning-rate-large",
        "learning-rate-small",
        "gradients-add-up",
        "labels-off-by-one",
        "not-scaled",
        "not-centred",
        "test-statistics",
        "training-mode",
        "small-test-set",
        "chosen-by-test",
    ),
];
