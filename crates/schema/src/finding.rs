//! What is worth knowing before figures are believed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that a comparison or a search shows about itself. Each code has a section in `docs/checks.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// A stable name, `over-fitted`.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// The model that it is about, as [`ModelResult::label`](crate::ModelResult::label) has it; `null` if it is about the images, or
    /// several models.
    pub model: Option<String>,
    /// A sentence with the figures.
    pub says: String,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The figures are not what they seem to be.
    Warning,
    /// Something can be made better.
    Note,
}

impl Severity {
    /// `warning` or `note`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}
