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

    /// Accepts a share, 0 ≤ `value` < 1: of images that are dropped, of what is kept of a mean. It is below 1 as an `f32`, too, which is
    /// computed with.
    ///
    /// # Errors
    /// If `value` is outside, or not a number.
    pub fn share(key: &str, value: f64) -> Result<(), Self> {
        Self::check((0.0..1.0).contains(&value) && (value as f32) < 1.0, key, value, "at least 0 and below 1")
    }

    /// Accepts a finite `value` > 0.
    ///
    /// # Errors
    /// If `value` is 0, negative, infinite or not a number.
    pub fn positive(key: &str, value: f64) -> Result<(), Self> {
        Self::check(value > 0.0 && value.is_finite(), key, value, "above 0")
    }

    /// Accepts a finite `value` ≥ 0.
    ///
    /// # Errors
    /// If `value` is negative, infinite or not a number.
    pub fn not_negative(key: &str, value: f64) -> Result<(), Self> {
        Self::check(value >= 0.0 && value.is_finite(), key, value, "at least 0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_and_numbers_that_are_not_finite() {
        let accepted = |check: fn(&str, f64) -> Result<(), InvalidConfig>| {
            [-0.5, 0.0, 0.5, 1.0, f64::INFINITY, f64::NAN].map(|value| check("key", value).is_ok())
        };
        assert_eq!(accepted(InvalidConfig::share), [false, true, true, false, false, false]);
        assert_eq!(accepted(InvalidConfig::positive), [false, false, true, true, false, false]);
        assert_eq!(accepted(InvalidConfig::not_negative), [false, true, true, true, false, false]);
        assert!(InvalidConfig::share("key", 1.0 - 1e-9).is_err());
        let error = InvalidConfig::share("ema.decay", 1.0).unwrap_err().to_string();
        assert_eq!(error, "ema.decay = 1: must be at least 0 and below 1");
    }
}
