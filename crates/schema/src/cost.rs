//! What a deliberate mistake costs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A deliberate mistake: what it costs, and what names it. All figures are in percent and percentage points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// What `right` and `wrong` are, and so what the interval is of.
    pub measure: CostMeasure,
    /// The row that does it right; `null` if the row is compared with itself.
    pub against: Option<String>,
    /// What is different in the recipe: `optimizer.learning_rate = 0.2 instead of 0.02`.
    pub changes: Vec<String>,
    /// The accuracy without the mistake.
    pub right: f64,
    /// The accuracy with it; `null` if training came to nothing.
    pub wrong: Option<f64>,
    /// How many points are lost, `right` − `wrong`; below 0 where the mistake makes the figure look better.
    pub points: Option<f64>,
    /// The lower end of the 95 % interval of `points`.
    pub low: Option<f64>,
    /// The upper end of the 95 % interval of `points`.
    pub high: Option<f64>,
    /// How many test images `wrong` is measured on.
    pub images: usize,
    /// How many trainings there were of the recipe with the mistake.
    pub trainings: usize,
    /// The checks of the program that name the mistake and say nothing where it isn't made; empty if none does.
    pub named_by: Vec<Clue>,
}

/// What the two accuracies of a [`Cost`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CostMeasure {
    /// Those of two recipes on the same test images, one without the mistake, as means over trainings. The interval is that of min F′
    /// ([`PairTest::MinF`](crate::PairTest::MinF)): what other trainings and other test images could have shown.
    Paired,
    /// Those of one model, chosen of several as the best on some of the test images: on the others, and on those that it was chosen
    /// by. Both are means over many draws of those images, and the interval has 95 % of the draws.
    Choice,
}

/// Something that the program says of a mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Clue {
    /// What says it: the code of a [`Finding`](crate::Finding); `sanity: first loss`, `sanity: penalty`, `sanity: memorising`, those of
    /// `zoo sanity`; or `training`, which stopped.
    pub check: String,
    /// What it says.
    pub says: String,
}

impl Cost {
    /// Whether chance explains it: 0 is within the interval. A training that came to nothing is not explained so.
    #[must_use]
    pub fn is_within_chance(&self) -> bool {
        self.low.zip(self.high).is_some_and(|(low, high)| low <= 0.0 && high >= 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_chance_explains_has_nothing_within() {
        let cost = |low, high| Cost {
            measure: CostMeasure::Paired,
            against: Some("correct".into()),
            changes: Vec::new(),
            right: 50.0,
            wrong: None,
            points: None,
            low,
            high,
            images: 100,
            trainings: 3,
            named_by: Vec::new(),
        };
        assert!(cost(Some(-0.3), Some(0.5)).is_within_chance());
        assert!(
            !cost(Some(0.1), Some(0.5)).is_within_chance()
                && !cost(Some(-2.0), Some(-0.1)).is_within_chance()
        );
        assert!(!cost(None, None).is_within_chance());
    }
}
