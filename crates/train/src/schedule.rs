//! How the learning rate moves over the steps.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};
use zoo_core::InvalidConfig;

/// The `[schedule]` of a recipe: a factor on the learning rate at each step.
///
/// Written here rather than taken from Burn, whose cosine schedule rejects learning rates above 1 and rises again
/// after its length, and whose state would have to be saved; a function of the step needs no state.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// 1 throughout.
    Constant,
    /// Rises linearly over the first `warmup` of the steps, then falls as half a cosine to `floor` (Loshchilov and Hutter,
    /// 2017, without restarts): floor + (1 − floor) · (1 + cos π t) / 2, t from 0 to 1.
    Cosine {
        /// The share of the steps that it rises over. Default: 0.
        #[serde(default)]
        warmup: f64,
        /// The factor that it ends with. Default: 0.
        #[serde(default)]
        floor: f64,
    },
    /// Rises linearly from `start` to 1 over the first `warmup` of the steps, then falls linearly to `floor`.
    Linear {
        /// The share of the steps that it rises over. Default: 0.
        #[serde(default)]
        warmup: f64,
        /// The factor that it starts with. Default: 0.
        #[serde(default)]
        start: f64,
        /// The factor that it ends with. Default: 0.
        #[serde(default)]
        floor: f64,
    },
}

impl Schedule {
    /// The factor at `step` (from 0) of `steps`.
    #[must_use]
    pub fn factor(&self, step: usize, steps: usize) -> f64 {
        match *self {
            Self::Constant => 1.0,
            Self::Cosine { warmup, floor } => {
                let rising = warmup * steps as f64;
                let step = step as f64;
                if step < rising {
                    return (step + 1.0) / (rising + 1.0);
                }
                let place = (step - rising) / (steps as f64 - rising).max(1.0);
                floor + (1.0 - floor) * (1.0 + (PI * place.min(1.0)).cos()) / 2.0
            }
            Self::Linear { warmup, start, floor } => {
                let (step, steps) = (step as f64, steps as f64);
                let peak = (warmup * steps).floor();
                if step < peak {
                    return start + (1.0 - start) * step / peak;
                }
                1.0 - (1.0 - floor) * ((step - peak) / (steps - peak).max(1.0)).min(1.0)
            }
        }
    }

    /// Accepts a schedule whose values are in range.
    ///
    /// # Errors
    /// The first value that is not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let share = |key: &str, value: f64| {
            let key = format!("schedule.{key}");
            InvalidConfig::check((0.0..1.0).contains(&value), &key, value, "at least 0 and below 1")
        };
        let (warmup, start, floor) = match *self {
            Self::Constant => return Ok(()),
            Self::Cosine { warmup, floor } => (warmup, 0.0, floor),
            Self::Linear { warmup, start, floor } => (warmup, start, floor),
        };
        share("warmup", warmup)?;
        share("start", start)?;
        share("floor", floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_falls_from_one_to_the_floor() {
        let cosine = Schedule::Cosine { warmup: 0.0, floor: 0.1 };
        assert_eq!(cosine.factor(0, 100), 1.0);
        assert!((cosine.factor(50, 100) - 0.55).abs() < 1e-12);
        assert!((cosine.factor(100, 100) - 0.1).abs() < 1e-12);
        assert!((cosine.factor(200, 100) - 0.1).abs() < 1e-12);
        assert_eq!(Schedule::Constant.factor(7, 10), 1.0);
    }

    #[test]
    fn warm_up_rises_to_one() {
        let cosine = Schedule::Cosine { warmup: 0.2, floor: 0.0 };
        let factors: Vec<f64> = (0..100).map(|step| cosine.factor(step, 100)).collect();
        assert!(factors[..20].is_sorted() && factors[0] > 0.0 && factors[19] < 1.0);
        assert_eq!(factors[20], 1.0);
        assert!(factors[20..].iter().rev().is_sorted());
    }

    #[test]
    fn linear_rises_and_falls() {
        let linear = Schedule::Linear { warmup: 0.23, start: 0.2, floor: 0.07 };
        let factors: Vec<f64> = (0..=476).map(|step| linear.factor(step, 476)).collect();
        // 23 % of 476 steps are 109.
        for (step, expected) in [(0, 0.2), (108, 0.2 + 0.8 * 108.0 / 109.0), (109, 1.0), (476, 0.07)] {
            assert!((factors[step] - expected).abs() < 1e-12, "{step}: {}", factors[step]);
        }
        assert!(factors[..109].is_sorted() && factors[109..].iter().rev().is_sorted());
    }

    #[test]
    fn out_of_range() {
        assert!(Schedule::Cosine { warmup: 1.0, floor: 0.0 }.validate().is_err());
        assert!(Schedule::Cosine { warmup: 0.0, floor: -0.1 }.validate().is_err());
        assert!(Schedule::Cosine { warmup: 0.1, floor: 0.1 }.validate().is_ok());
        assert!(Schedule::Linear { warmup: 0.1, start: 1.0, floor: 0.1 }.validate().is_err());
    }
}
