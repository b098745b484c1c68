//! Values that a configuration may not have.

use std::fmt::Display;

/// A configuration value out of range: which key, what it is, what it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value}: must be {expected}")]
pub struct InvalidConfig {
    /// The key's path, `optimizer.learning_rate`.
    pub key: String,
    /// The value it has.
    pub value: String,
    /// The values it may have.
    pub expected: String,
}

impl InvalidConfig {
    /// Accepts a value that is `valid`; otherwise says what is `expected` of `key`.
    ///
    /// # Errors
    /// If not `valid`.
    pub fn check(valid: bool, key: &str, value: impl Display, expected: &str) -> Result<(), Self> {
        if valid {
            return Ok(());
        }
        Err(Self { key: key.into(), value: value.to_string(), expected: expected.into() })
    }
}
