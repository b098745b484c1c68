//! What a classifier is, what it minimises and how it is judged: the vocabulary that every other crate speaks.
//!
//! - [`Classifier`]: images `[batch, 3, 32, 32]` → scores `[batch, classes]`; [`Architecture`]: what makes one.
//! - [`Loss`]: cross-entropy, the multiclass hinge, squared error; [`WeightedLoss`]: each with a weight per class.
//! - [`Scores`], [`information`]: from scores to accuracy, precision, recall, F1, entropy. The figures themselves are types of
//!   `zoo_schema`.
//! - [`image_losses()`]: what cross-entropy and the hinge say of a single image.
//! - [`Unknown`], [`nearest`]: names that nothing has, and what was probably meant.
//!
//! **Generic over the backend.** Since Burn 0.22 a tensor carries its backend in its [`Device`](burn::tensor::Device), at
//! run time; modules have no backend type parameter any more. Here the old rule reads: a model names no backend and runs
//! on whatever device it is given.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use zoo_core::Loss;
//!
//! // Scores that say nothing: each of the nine wrong classes violates its margin by 1.
//! let device = Device::flex();
//! let scores = Tensor::<2>::zeros([2, 10], &device);
//! let labels = Tensor::from_data([3, 7], &device);
//! let loss: f32 = Loss::Hinge { margin: 1.0 }.forward(scores, labels).into_scalar();
//! assert_eq!(loss, 9.0);
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read tensors as they like"))]

pub mod information;

mod class_weights;
mod classifier;
mod features;
mod hidden;
mod image_losses;
mod invalid_config;
mod linear;
mod loss;
mod loss_config;
mod normalizer;
mod parameters;
mod resize;
mod scores;
mod suggestion;
mod weighted_loss;

pub use class_weights::ClassWeights;
pub use classifier::{Architecture, Classifier, InputSpec};
pub use features::{Count, Extractor, Features, Network, WithFeatures};
pub use hidden::{kaiming, linear_layer};
pub use image_losses::image_losses;
pub use invalid_config::InvalidConfig;
pub use linear::{LinearConfig, LinearScores};
pub use loss::Loss;
pub use loss_config::LossConfig;
pub use normalizer::Normalizer;
pub use parameters::parameters;
pub use resize::resize;
pub use scores::Scores;
pub use suggestion::{Unknown, nearest};
pub use weighted_loss::WeightedLoss;
