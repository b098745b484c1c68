//! What trained models see in image files: the document of `zoo predict --json`, a list of [`Prediction`]; `--jsonl` has one per line.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one run sees in one image, the likeliest class first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Prediction {
    /// The image file. What is not Unicode in its path is replaced by �.
    pub image: PathBuf,
    /// The folder of the run.
    pub run: PathBuf,
    /// The name of its model, `cnn`.
    pub model: String,
    /// The classes with the largest scores, in descending order; empty if the image can't be read. Of k-nearest neighbours those that
    /// have a vote.
    pub classes: Vec<Guess>,
    /// Of k-nearest neighbours the training images that voted, the nearest first; no more than classes are asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<NearestImage>,
    /// Why the image can't be read, if it can't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A class, and how sure the model is of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Guess {
    /// The name of the class.
    pub class: String,
    /// How likely the model takes the class to be, from 0 to 1; `null` for a model that claims no probabilities, such as an SVM.
    pub probability: Option<f32>,
    /// The class's score, by which classes are ordered: the larger, the surer, on a scale of the model's own.
    #[serde(default)]
    pub score: Option<f32>,
}

/// A training image that is near to the one that is looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NearestImage {
    /// Its name within the data of the run; `null` if the run is of an older version, which kept no names.
    pub image: Option<String>,
    /// The name of its class.
    pub class: String,
    /// How far it is by the run's metric: Σ |q − t| for L1, √Σ (q − t)² for L2, over pixels from 0 to 255.
    pub distance: f64,
}
