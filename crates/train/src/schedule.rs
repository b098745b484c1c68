//! How the learning rate moves over the steps.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::InvalidConfig;

/// The `[schedule]` of a recipe: a factor on the learning rate at each step. Places in training are shares of its
/// steps, 0 to 1, so that a recipe keeps its shape with any number of epochs.
///
/// Written here rather than taken from Burn, whose cosine schedule rejects learning rates above 1 and rises again
/// after its length, and whose state would have to be saved; a function of the step needs no state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// 1 throughout.
    Constant,
    /// Multiplied by `factor` at each of the milestones (He et al., 2015: by 0.1 after half and three quarters).
    Step {
        /// Where it falls. Default: `[0.5, 0.75]`.
        #[serde(default = "milestones")]
        milestones: Vec<f64>,
        /// What it is multiplied by. Default: 0.1.
        #[serde(default = "tenth")]
        factor: f64,
    },
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
    /// Rises as half a cosine from `start` to 1 over the first `warmup` of the steps, then falls as half a cosine to `floor` (Smith
    /// and Topin, *Super-Convergence*, 2018); the defaults are PyTorch's.
    OneCycle {
        /// The share of the steps that it rises over. Default: 0.3.
        #[serde(default = "rise")]
        warmup: f64,
        /// The factor that it starts with. Default: 0.04.
        #[serde(default = "start")]
        start: f64,
        /// The factor that it ends with. Default: 4e-6.
        #[serde(default = "floor")]
        floor: f64,
    },
    /// Straight lines between points.
    Piecewise {
        /// `[place, factor]` each, the places rising; before the first and after the last the factor is constant. Default: a line from 1
        /// to 0.
        #[serde(default = "falling")]
        points: Vec<[f64; 2]>,
    },
}

fn milestones() -> Vec<f64> {
    vec![0.5, 0.75]
}

fn falling() -> Vec<[f64; 2]> {
    vec![[0.0, 1.0], [1.0, 0.0]]
}

const fn tenth() -> f64 {
    0.1
}

const fn rise() -> f64 {
    0.3
}

const fn start() -> f64 {
    0.04
}

const fn floor() -> f64 {
    4e-6
}

// ANCHOR: half_cosine
/// Half a cosine from `from` to `to`, `place` being 0 to 1.
fn half_cosine(from: f64, to: f64, place: f64) -> f64 {
    to + (from - to) * (1.0 + (PI * place.clamp(0.0, 1.0)).cos()) / 2.0
}
// ANCHOR_END: half_cosine

impl Schedule {
    /// The factor at `step` (from 0) of `steps`.
    #[must_use]
    pub fn factor(&self, step: usize, steps: usize) -> f64 {
        let (step, steps) = (step as f64, steps as f64);
        match self {
            Self::Constant => 1.0,
            Self::Step { milestones, factor } => {
                let passed = milestones.iter().filter(|&place| (place * steps).floor() <= step).count();
                factor.powi(passed as i32)
            }
            // ANCHOR: cosine
            &Self::Cosine { warmup, floor } => {
                let rising = warmup * steps;
                if step < rising {
                    return (step + 1.0) / (rising + 1.0);
                }
                half_cosine(1.0, floor, (step - rising) / (steps - rising).max(1.0))
            }
            // ANCHOR_END: cosine
            &Self::OneCycle { warmup, start, floor } => {
                // As PyTorch counts: the peak is one step before the share, and the floor is the last step's.
                let (peak, last) = (warmup * steps - 1.0, steps - 1.0);
                if step <= peak {
                    return half_cosine(start, 1.0, step / peak.max(1.0));
                }
                half_cosine(1.0, floor, (step - peak) / (last - peak).max(1.0))
            }
            Self::Piecewise { points } => {
                let points = points.iter().map(|&[place, factor]| [(place * steps).floor(), factor]);
                interpolate(points, step)
            }
        }
    }

    /// Checks that all values are in range.
    ///
    /// # Errors
    /// The first value that is not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let share = |key: &str, value| InvalidConfig::share(&format!("schedule.{key}"), value);
        match self {
            Self::Constant => Ok(()),
            Self::Step { milestones, factor } => {
                let valid = rises(milestones.iter().copied());
                let list = format!("{milestones:?}");
                InvalidConfig::check(valid, "schedule.milestones", list, "rising places from 0 to 1")?;
                InvalidConfig::check(
                    *factor > 0.0 && *factor <= 1.0,
                    "schedule.factor",
                    factor,
                    "above 0, at most 1",
                )
            }
            &Self::Cosine { warmup, floor } => {
                share("warmup", warmup)?;
                share("floor", floor)
            }
            &Self::OneCycle { warmup, start, floor } => {
                share("warmup", warmup)?;
                share("start", start)?;
                share("floor", floor)
            }
            Self::Piecewise { points } => {
                let positive = points.iter().all(|&[_, factor]| (0.0..=1.0).contains(&factor));
                let valid = !points.is_empty() && positive && rises(points.iter().map(|&[place, _]| place));
                let expected = "[place, factor] once or more, the places rising from 0 to 1, factors 0 to 1";
                InvalidConfig::check(valid, "schedule.points", format!("{points:?}"), expected)
            }
        }
    }
}

/// Whether places in training come one after the other.
fn rises(places: impl Iterator<Item = f64> + Clone) -> bool {
    places.clone().all(|place| (0.0..=1.0).contains(&place))
        && places.is_sorted_by(|left, right| left < right)
}

/// The line through `points` at `at`.
fn interpolate(points: impl Iterator<Item = [f64; 2]>, at: f64) -> f64 {
    let mut before: Option<[f64; 2]> = None;
    for [place, factor] in points {
        if at <= place {
            return before
                .map_or(factor, |[from, start]| start + (factor - start) * (at - from) / (place - from));
        }
        before = Some([place, factor]);
    }
    before.map_or(1.0, |[_, factor]| factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(schedule: &Schedule, steps: usize) -> Vec<f64> {
        (0..=steps).map(|step| schedule.factor(step, steps)).collect()
    }

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
        for schedule in [
            Schedule::Cosine { warmup: 0.2, floor: 0.0 },
            Schedule::OneCycle { warmup: 0.21, start: 0.04, floor: 0.0 },
        ] {
            let factors = factors(&schedule, 100);
            assert!(factors[..20].is_sorted() && factors[0] > 0.0 && factors[19] < 1.0);
            assert_eq!(factors[20], 1.0);
            assert!(factors[20..].iter().rev().is_sorted());
        }
    }

    #[test]
    fn steps_fall_at_milestones() {
        let schedule = Schedule::Step { milestones: milestones(), factor: 0.5 };
        let factors = factors(&schedule, 20);
        assert_eq!(
            (factors[9], factors[10], factors[14], factors[15], factors[20]),
            (1.0, 0.5, 0.5, 0.25, 0.25)
        );
    }

    #[test]
    fn lines_between_points() {
        let schedule = Schedule::Piecewise { points: vec![[0.0, 0.2], [0.23, 1.0], [1.0, 0.07]] };
        let factors = factors(&schedule, 476);
        // 23 % of 476 steps are 109.
        for (step, expected) in [(0, 0.2), (108, 0.2 + 0.8 * 108.0 / 109.0), (109, 1.0), (476, 0.07)] {
            assert!((factors[step] - expected).abs() < 1e-12, "{step}: {}", factors[step]);
        }
        assert!(factors[..109].is_sorted() && factors[109..].iter().rev().is_sorted());
        let schedule = Schedule::Piecewise { points: vec![[0.5, 0.3]] };
        assert_eq!((schedule.factor(0, 10), schedule.factor(9, 10)), (0.3, 0.3));
    }

    #[test]
    fn tiny_trainings_have_finite_factors() {
        let points = vec![[0.0, 0.2], [0.01, 1.0], [1.0, 0.0]];
        for schedule in [
            Schedule::Cosine { warmup: 0.5, floor: 0.0 },
            Schedule::OneCycle { warmup: rise(), start: start(), floor: floor() },
            Schedule::Piecewise { points },
            Schedule::Step { milestones: milestones(), factor: 0.1 },
        ] {
            for steps in 1..5 {
                let factors = factors(&schedule, steps);
                assert!(
                    factors.iter().all(|factor| (0.0..=1.0).contains(factor)),
                    "{schedule:?} {factors:?}"
                );
            }
        }
    }

    #[test]
    fn out_of_range() {
        assert!(Schedule::Cosine { warmup: 1.0, floor: 0.0 }.validate().is_err());
        assert!(Schedule::Cosine { warmup: 0.0, floor: -0.1 }.validate().is_err());
        assert!(Schedule::Cosine { warmup: 0.1, floor: 0.1 }.validate().is_ok());
        assert!(Schedule::OneCycle { warmup: 0.1, start: 1.0, floor: 0.1 }.validate().is_err());
        assert!(Schedule::Step { milestones: vec![0.5, 0.5], factor: 0.1 }.validate().is_err());
        assert!(Schedule::Step { milestones: vec![], factor: 0.0 }.validate().is_err());
        let piecewise = |points: &[[f64; 2]]| Schedule::Piecewise { points: points.into() }.validate();
        assert!(piecewise(&[[0.0, 0.0], [1.0, 1.0]]).is_ok());
        assert!(piecewise(&[]).is_err() && piecewise(&[[0.5, 1.0], [0.4, 1.0]]).is_err());
        assert!(piecewise(&[[0.0, 2.0]]).is_err() && piecewise(&[[1.5, 1.0]]).is_err());
    }
}
