//! Mini-batch gradient descent for any model of [`zoo_core::Architecture`]:
//! θ ← θ − η ∇_θ L (tutorial 3.5), with the optimizers and schedules that a [`Recipe`] names.
//!
//! **Why a plain loop.** Burn brings a training stack of its own (`SupervisedTraining`). Here an epoch must follow from
//! (seed, epoch) alone, so that a run that was interrupted ends with the same weights as one that was not; the best epoch
//! is chosen by validation accuracy; and what is shown and recorded is the caller's to decide. Burn's checkpoints don't
//! keep the order of the data, its loaders are asynchronous, and its renderer owns the terminal. The loop in [`Training::fit`] is
//! two screens on Burn's modules, autodiff and optimizers, and can be read in one sitting.

mod checkpoint;
mod clip;
mod ema;
mod evaluate;
mod fit;
mod gradcheck;
mod input;
mod lookahead;
mod optimizer;
mod parameters;
mod random;
mod random_search;
mod recipe;
mod sanity;
mod schedule;
pub mod search;
#[cfg(test)]
mod tests;
mod weights;

pub use checkpoint::Checkpoints;
pub use ema::Ema;
pub use evaluate::{TestTimeAugmentation, mean_loss, score};
pub use fit::{Event, Fitted, TrainError, Training};
pub use gradcheck::{Derivative, GradientReport, Sampling};
pub use input::input_spec;
pub use lookahead::Lookahead;
pub use optimizer::{Adam, Group, Groups, Optimizer, RmsProp, Sgd};
pub use random_search::{RandomLocalSearch, RandomSearch};
pub use recipe::{EvaluateConfig, Recipe, TrainConfig};
pub use sanity::SanityReport;
pub use schedule::Schedule;
