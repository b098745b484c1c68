//! What models learnt from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name, sizes and classes of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Training images of each class, those held out not included.
    #[serde(default)]
    pub train_per_class: Vec<usize>,
    /// Test images of which there is an equal one, pixel by pixel, among the training or validation images.
    #[serde(default)]
    pub duplicates: Vec<Duplicate>,
}

/// A test image that is among the images that models learn from, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Duplicate {
    /// The name of the test image.
    pub test: String,
    /// The name of the training or validation image.
    pub train: String,
}
