//! What chance allows: pairs of models on the same images, and figures over several trainings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The level at which two models are told apart.
pub const SIGNIFICANCE: f64 = 0.05;

/// Two models on the same images, the more accurate one first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pair {
    /// The more accurate model, as [`ModelResult::label`](crate::ModelResult::label) has it.
    pub a: String,
    /// The other.
    pub b: String,
    /// How much more accurate `a` is: a difference of shares, from 0 to 1.
    pub difference: f64,
    /// Images that only `a` gets right; with several seeds, in their first training.
    pub only_a: usize,
    /// Images that only `b` gets right; with several seeds, in their first training.
    pub only_b: usize,
    /// What `p` is of.
    pub test: PairTest,
    /// The probability of such a difference or a larger one if the two were equally good.
    pub p: f64,
    /// The same for all pairs together, corrected by Holm's method.
    pub p_holm: f64,
    /// How many test images it would take to tell such a difference apart, if it is one, in four of five such comparisons; `null` if
    /// the two are told apart, or equally accurate.
    #[serde(default)]
    pub images_needed: Option<usize>,
}

/// How a pair is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairTest {
    /// McNemar's exact test: of the images that one of two models gets right, each gets half by chance.
    #[serde(rename = "mcnemar")]
    McNemar,
    /// min F′ (Clark, 1973): a difference must be large next to what varies between images and what varies between trainings.
    MinF,
}

/// A figure over several trainings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of a sample: divided by one less than the number of trainings. `null` for one training.
    pub std: Option<f64>,
}

impl Pair {
    /// Whether the two can be told apart: p, corrected, is below [`SIGNIFICANCE`].
    #[must_use]
    pub fn is_told_apart(&self) -> bool {
        self.p_holm < SIGNIFICANCE
    }
}

impl Spread {
    /// Mean and standard deviation of `values`; `None` if there are none.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
        (!values.is_empty()).then_some(Self { mean, std })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_deviation_of_a_sample() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[0.5]), Some(Spread { mean: 0.5, std: None }));
        let spread = Spread::of(&[0.2, 0.4, 0.6]).unwrap();
        assert!((spread.mean - 0.4).abs() < 1e-12 && (spread.std.unwrap() - 0.2).abs() < 1e-12, "{spread:?}");
    }
}
