//! What trained models see in image files: the document of `zoo predict --json`, a list of [`Prediction`].

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one run sees in one image, the likeliest class first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Prediction {
    /// The image file.
    pub image: PathBuf,
    /// The folder of the run.
    pub run: PathBuf,
    /// The name of its model, `cnn`.
    pub model: String,
    /// The classes with the largest scores, in descending order.
    pub classes: Vec<Guess>,
}

/// A class and how likely the model takes it to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Guess {
    /// The name of the class.
    pub class: String,
    /// From 0 to 1.
    pub probability: f32,
}
