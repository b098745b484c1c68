//! From an error to a sentence and an exit code.

use std::process::ExitCode;

use zoo_backends::BackendError;
use zoo_data::DataError;
use zoo_lab::{LabError, in_words};
use zoo_recipes::RecipeError;

/// Why a command did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Options don't go together.
    #[error("error: {0}")]
    Usage(String),
    /// The work failed, or was stopped.
    #[error("{}", lab_words(.0))]
    Lab(#[from] LabError),
    /// What was found doesn't hold, line by line; it has been shown.
    #[error("error: {}", .0.join("\n"))]
    Findings(Vec<String>),
    /// What was found can't be shown.
    #[error("error: cannot write to stdout: {0}")]
    Output(std::io::Error),
    /// A process is not as it should be.
    #[error("error: {action}: {source}")]
    Process {
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl Failure {
    /// 2 for wrong usage, 1 for everything else.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => 2,
            Self::Lab(error) if error.is_usage() => 2,
            Self::Lab(_) | Self::Findings(_) | Self::Output(_) | Self::Process { .. } => 1,
        })
    }

    /// Whether it says that work was stopped, or may: then one word on that is enough.
    pub(crate) const fn is_of_stop(&self) -> bool {
        match self {
            Self::Lab(error) => error.is_stop(),
            Self::Findings(_) => true,
            Self::Usage(_) | Self::Output(_) | Self::Process { .. } => false,
        }
    }

    /// Nothing, or what doesn't hold.
    pub(crate) fn unless_empty(findings: Vec<String>) -> Result<(), Self> {
        if findings.is_empty() { Ok(()) } else { Err(Self::Findings(findings)) }
    }
}

/// Stopped work is not an error.
fn lab_words(error: &LabError) -> String {
    if error.is_stop() { error.to_string() } else { format!("error: {}", in_words(error)) }
}

macro_rules! of_lab {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Lab(error.into())
            }
        })*
    };
}

of_lab!(BackendError, DataError, RecipeError, serde_json::Error);
