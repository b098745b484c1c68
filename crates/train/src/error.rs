//! Why training can fail.

use std::path::PathBuf;

use zoo_core::InvalidConfig;

/// Why training ended early.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The loss, or a weight, is infinite or not a number any more.
    #[error(
        "training diverged: loss or weights are not finite at step {step} of epoch {epoch} (mean loss {loss}, learning \
         rate {learning_rate:.3e}); lower optimizer.learning_rate"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The step of the epoch, from 1.
        step: usize,
        /// The mean loss of the epoch so far.
        loss: f64,
        /// The learning rate at that step.
        learning_rate: f64,
    },
    /// A score is infinite or not a number.
    #[error("the model's scores are not finite: its weights have diverged; lower optimizer.learning_rate")]
    NotFinite,
    /// The recipe doesn't suit the model or the images.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// The observer asked to stop.
    #[error("stopped during epoch {epoch}")]
    Stopped {
        /// The epoch, from 1.
        epoch: usize,
    },
    /// The device reported an error.
    #[error("the device failed: {0}")]
    Device(String),
    /// A checkpoint can't be written or read.
    #[error("checkpoint {}: {reason}", path.display())]
    Checkpoint {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}
