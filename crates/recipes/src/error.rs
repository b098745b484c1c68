//! What can be wrong with a recipe, and what can go wrong while one is followed.

use std::fmt::Display;
use std::path::PathBuf;

use zoo_core::{InvalidConfig, Unknown};
use zoo_train::TrainError;

/// Why a recipe can't be had or followed.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// Neither a model nor a recipe has that name.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// A file or an option says something that no recipe can have.
    #[error("{origin}: {reason}")]
    Layer {
        /// The file, or the option with its value.
        origin: String,
        /// What is wrong, and where in it.
        reason: String,
    },
    /// A recipe that was stored with a run has been changed to what can't be.
    #[error("{origin}: {reason}")]
    Stored {
        /// The file.
        origin: String,
        /// What is wrong, and where in it.
        reason: String,
    },
    /// A recipe doesn't suit the images.
    #[error("{name}: {invalid}")]
    Config {
        /// The recipe's name.
        name: String,
        /// The key that is out of range.
        invalid: InvalidConfig,
    },
    /// A recipe, a result or a model can't be written.
    #[error("cannot write {what}: {reason}")]
    Write {
        /// What was to be written.
        what: &'static str,
        /// Why it can't be.
        reason: String,
    },
    /// A model can't be read from a file.
    #[error("cannot load {}: {reason}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Training failed, or was stopped.
    #[error(transparent)]
    Train(#[from] TrainError),
}

impl RecipeError {
    /// Whether what was asked for is wrong, so that nothing was tried.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Layer { .. } | Self::Config { .. })
    }

    /// An error of the layer that came from `origin`.
    pub fn layer(origin: impl Into<String>, reason: impl Display) -> Self {
        Self::Layer { origin: origin.into(), reason: reason.to_string() }
    }
}

impl From<InvalidConfig> for RecipeError {
    fn from(invalid: InvalidConfig) -> Self {
        Self::Train(invalid.into())
    }
}
