//! Suites of published results: recipes that say what to expect of them.

use crate::text::recipe;

/// The text of a row in `configs/`.
macro_rules! row {
    ($suite:literal, $row:literal) => {
        ($row, recipe!($suite, "/", $row))
    };
}

/// The suites that are compiled in: a name, and rows in the order of the course, each with its text.
pub const SUITES: [(&str, &[(&str, &str)]); 2] = [
    (
        "cs231n",
        &[
            row!("cs231n", "nearest-neighbour-l1"),
            row!("cs231n", "nearest-neighbour-l2"),
            row!("cs231n", "knn-5000-k1"),
            row!("cs231n", "knn-5000-k1-official"),
            row!("cs231n", "knn-5000-k10"),
            row!("cs231n", "knn-5000-k10-official"),
            row!("cs231n", "knn-cross-validation"),
            row!("cs231n", "knn-cross-validation-official"),
            row!("cs231n", "random-search"),
            row!("cs231n", "random-local-search"),
            row!("cs231n", "svm"),
            row!("cs231n", "softmax"),
            row!("cs231n", "two-layer-default"),
            row!("cs231n", "two-layer-tuned"),
            row!("cs231n", "features-svm"),
            row!("cs231n", "features-softmax"),
            row!("cs231n", "features-two-layer"),
            row!("cs231n", "convnet-three-layer"),
            row!("cs231n", "convnet-open"),
        ],
    ),
    (
        "cifar10-networks",
        &[
            row!("cifar10-networks", "airbench-32-64-64"),
            row!("cifar10-networks", "airbench-32-128-128"),
            row!("cifar10-networks", "airbench93"),
            row!("cifar10-networks", "airbench94"),
            row!("cifar10-networks", "resnet20"),
        ],
    ),
];
