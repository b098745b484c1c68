//! What a classifier is, what it minimises and how it is judged: the vocabulary that every other crate speaks.
//!
//! - [`Classifier`]: images `[batch, 3, 32, 32]` → scores `[batch, classes]`; [`Architecture`]: what makes one.
//! - [`Loss`]: cross-entropy, the multiclass hinge, squared error.
//! - [`Scores`], [`ConfusionMatrix`], [`information`]: from scores to accuracy, precision, recall, F1, entropy.
//! - [`Verdict`]: what cross-entropy and the hinge say of a single image.
//! - [`result`]: the schema of `result.json`; [`search`]: that of `trials.jsonl`; [`reproduction`]: that of `zoo reproduce`.
//!
//! **Generic over the backend.** Since Burn 0.22 a tensor carries its backend in its [`Device`](burn::tensor::Device), at
//! run time; modules have no backend type parameter any more. Here the old rule reads: a model names no backend and runs
//! on whatever device it is given.

pub mod information;
pub mod reproduction;
pub mod result;
pub mod search;

mod classifier;
mod config;
mod features;
mod hidden;
mod linear;
mod loss;
mod metrics;
mod normalizer;
mod scores;
mod verdict;

pub use classifier::{Architecture, Classifier, InputSpec};
pub use config::InvalidConfig;
pub use features::Features;
pub use hidden::{hidden_layer, kaiming};
pub use linear::{LinearArchitecture, LinearScores};
pub use loss::Loss;
pub use metrics::{ClassMetrics, ConfusionMatrix, MacroMetrics};
pub use normalizer::Normalizer;
pub use scores::Scores;
pub use verdict::Verdict;
