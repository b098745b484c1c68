//! Mini-batch gradient descent for any model of [`zoo_core::Architecture`]:
//! θ ← θ − η ∇_θ L (tutorial 3.5), with the optimizers and schedules that a [`Recipe`] names.
//!
//! **Why a plain loop.** Burn brings a training stack of its own (`SupervisedTraining`). Here an epoch must follow from
//! (seed, epoch) only, so that a run that was interrupted ends with the same weights as one that was not; the best epoch
//! is chosen by validation accuracy; and what is shown and recorded is the caller's to decide. Burn's checkpoints don't
//! keep the order of the data, its loaders are asynchronous, and its renderer owns the terminal. The loop in [`Training::fit`] is
//! two screens of code on Burn's modules, autodiff and optimizers, and can be read in one sitting.
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use burn::tensor::Device;
//! use zoo_data::shapes10;
//! use zoo_softmax::SoftmaxConfig;
//! use zoo_train::{Recipe, Training};
//!
//! let recipe: Recipe<SoftmaxConfig> = toml::from_str(
//!     r#"
//!     architecture = {}
//!     loss = { kind = "cross_entropy" }
//!     optimizer = { kind = "sgd", learning_rate = 0.01, momentum = 0.9 }
//!     schedule = { kind = "cosine" }
//!     train = { epochs = 2, batch_size = 32 }
//!     "#,
//! )?;
//! let splits = shapes10::generate(300, 50, 42).hold_out(0.1, 42)?;
//! let device = Device::flex();
//! let training = Training::new(&recipe, &splits, &device, 42)?;
//! let fitted = training.fit(training.draw(&device), &mut |_| ControlFlow::Continue(()))?;
//! assert_eq!(fitted.history.len(), 2);
//! let scores = zoo_train::score(&fitted.model, &splits.test, &device)?;
//! assert_eq!(scores.len(), 50);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read tensors as they like"))]

mod checkpoint;
mod clip;
mod ema;
mod error;
mod evaluate;
mod fit;
mod gradcheck;
mod input;
mod learning;
mod lookahead;
mod looks;
mod mistake;
mod optimizer;
mod parameters;
mod random;
mod random_search;
mod recipe;
mod rows;
mod sanity;
mod schedule;
pub mod search;
mod state;
mod tally;
#[cfg(test)]
mod tests;
mod training;
mod training_mode;
mod tries;
mod warm_up;
mod weights;

pub use checkpoint::Checkpoints;
pub use ema::Ema;
pub use error::TrainError;
pub use evaluate::{TestTimeAugmentation, mean_loss, score, score_augmented};
pub use gradcheck::Sampling;
pub use input::input_spec;
pub use learning::Learning;
pub use lookahead::Lookahead;
pub use mistake::Mistake;
pub use optimizer::{Adam, Group, Groups, Lion, Muon, Optimizer, RmsProp, Sgd};
pub use random_search::RandomSearch;
pub use recipe::{EvaluateConfig, Recipe, TrainConfig};
pub use rows::Rows;
pub use schedule::Schedule;
pub use state::Fitted;
pub use training::{Event, Training};
pub use training_mode::TrainingMode;
