//! What the checks before training find: the documents of `zoo gradcheck --json` and `zoo sanity --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far the first loss may be from that of chance, as a share of it.
const TOLERANCE: f64 = 0.25;

/// The checks of several recipes on one dataset; `R` is [`GradientReport`] or [`SanityReport`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Checks<R> {
    /// The name of the dataset.
    pub dataset: String,
    /// What everything random follows from.
    pub seed: u64,
    /// One per recipe.
    pub checks: Vec<Check<R>>,
}

/// The check of one recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check<R> {
    /// The name of the recipe.
    pub recipe: String,
    /// Whether everything holds.
    pub passes: bool,
    /// What was found. Its fields are fields of the check.
    #[serde(flatten)]
    pub report: R,
}

/// One derivative, computed in both ways.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Derivative {
    /// The value as PyTorch would write it, `linear.weight[3, 17]`; without an index the derivative is along a random direction.
    pub parameter: String,
    /// By automatic differentiation.
    pub analytic: f64,
    /// By centred differences.
    pub numerical: f64,
    /// The relative error.
    pub error: f64,
}

/// What a check of gradients has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GradientReport {
    /// The parts of the loss that have kinks.
    pub kinks: Vec<String>,
    /// The loss at θ, without penalty.
    pub loss: f64,
    /// How many parameters were checked; a weight matrix counts as one.
    pub parameters: usize,
    /// How many derivatives were checked.
    pub derivatives: usize,
    /// How many of them were on a kink.
    pub on_kinks: usize,
    /// The derivative with the largest error.
    pub worst: Derivative,
    /// The largest error that is accepted.
    pub tolerance: f64,
    /// The gradient as training computes it, where it is furthest from this one; `None` if they weren't compared.
    pub trained: Option<Deviation>,
}

/// How far the gradient by one parameter that training computes in `f32` is from the one in `f64`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deviation {
    /// The parameter as PyTorch would write it, `linear.weight`.
    pub parameter: String,
    /// ‖g − g′‖ / ‖g‖; ‖g‖ is taken to be a hundredth of the whole gradient's length at least.
    pub error: f64,
    /// The largest error that is accepted.
    pub tolerance: f64,
}

impl GradientReport {
    /// Whether automatic differentiation gives the gradient, as far as was checked.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.worst.error <= self.tolerance
    }

    /// Whether it does, and training computes the same.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.is_right() && self.trained.as_ref().is_none_or(Deviation::passes)
    }
}

impl Deviation {
    /// Whether training computes the same gradient.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.error <= self.tolerance
    }
}

/// What the checks of one recipe have found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SanityReport {
    /// The loss of scores that are all 0.
    pub chance_loss: f64,
    /// The loss of fresh weights, BatchNorm with the statistics of the batch.
    pub first_loss: f64,
    /// The same with the penalty of λ = 1; `None` for an optimizer without penalty, and for weights that are all 0.
    pub penalised_loss: Option<f64>,
    /// Whether a step of the optimizer from gradients that are 0 lowers the penalty; `None` where there is none.
    pub penalty_descends: Option<bool>,
    /// How many images were to be memorised.
    pub few_images: usize,
    /// The accuracy on them in the end.
    pub few_accuracy: f64,
    /// Their loss in the end.
    pub few_loss: f64,
    /// Steps until they were all right, or until the check gave up.
    pub few_steps: usize,
}

impl SanityReport {
    /// Whether the loss of fresh weights is about that of chance: at most a quarter of it more or less.
    #[must_use]
    pub fn starts_at_chance(&self) -> bool {
        (self.first_loss / self.chance_loss - 1.0).abs() <= TOLERANCE
    }

    /// Whether a penalty raises the loss, if there is one.
    #[must_use]
    pub fn penalty_raises_the_loss(&self) -> bool {
        self.penalised_loss.is_none_or(|loss| loss > self.first_loss)
    }

    /// Whether the optimizer descends the penalty, if there is one.
    #[must_use]
    pub fn descends_the_penalty(&self) -> bool {
        self.penalty_descends.unwrap_or(true)
    }

    /// Whether a few images are memorised.
    #[must_use]
    pub fn overfits(&self) -> bool {
        self.few_accuracy == 1.0
    }

    /// Whether all of it holds.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.failures().is_empty()
    }

    /// What doesn't hold: which part, `first loss`, `penalty` or `memorising`, and in words.
    #[must_use]
    pub fn failures(&self) -> Vec<(&'static str, String)> {
        let Self { chance_loss, first_loss, few_images, few_accuracy, few_steps, .. } = self;
        let percent = 100.0 * few_accuracy;
        let parts = [
            (
                self.starts_at_chance(),
                "first loss",
                format!("fresh weights lose {first_loss:.3}, and chance {chance_loss:.3}"),
            ),
            (
                self.penalty_raises_the_loss(),
                "penalty",
                format!("a penalty doesn't raise the loss of {first_loss:.3}"),
            ),
            (
                self.descends_the_penalty(),
                "penalty",
                "a step of the optimizer doesn't lower the penalty".into(),
            ),
            (
                self.overfits(),
                "memorising",
                format!(
                    "after {few_steps} steps {percent:.1} % of {few_images} images are right, and not all"
                ),
            ),
        ];
        let failed = parts.into_iter().filter(|(holds, ..)| !holds);
        failed.map(|(_, part, says)| (part, says)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sane() -> SanityReport {
        SanityReport {
            chance_loss: 2.0,
            first_loss: 2.5,
            penalised_loss: None,
            penalty_descends: None,
            few_images: 40,
            few_accuracy: 1.0,
            few_loss: 0.01,
            few_steps: 17,
        }
    }

    #[test]
    fn a_report_is_flat_and_can_be_read_back() {
        let check = Check { recipe: "softmax".into(), passes: true, report: sane() };
        let checks = Checks { dataset: "shapes10".into(), seed: 7, checks: vec![check] };
        let json = serde_json::to_string(&checks).unwrap();
        assert_eq!(
            json,
            r#"{"dataset":"shapes10","seed":7,"checks":[{"recipe":"softmax","passes":true,"chance_loss":2.0,"first_loss":2.5,"penalised_loss":null,"penalty_descends":null,"few_images":40,"few_accuracy":1.0,"few_loss":0.01,"few_steps":17}]}"#
        );
        assert_eq!(serde_json::from_str::<Checks<SanityReport>>(&json).unwrap(), checks);
    }

    #[test]
    fn each_part_can_fail() {
        assert!(sane().passes());
        for broken in [
            SanityReport { first_loss: 2.6, ..sane() },
            SanityReport { penalised_loss: Some(2.5), ..sane() },
            SanityReport { penalty_descends: Some(false), ..sane() },
            SanityReport { few_accuracy: 0.975, ..sane() },
        ] {
            assert!(!broken.passes(), "{broken:?}");
        }
        let broken = SanityReport { first_loss: 87.0, few_accuracy: 0.5, few_steps: 300, ..sane() };
        let expected = [
            ("first loss", "fresh weights lose 87.000, and chance 2.000".to_owned()),
            ("memorising", "after 300 steps 50.0 % of 40 images are right, and not all".to_owned()),
        ];
        assert_eq!(broken.failures(), expected);
    }

    #[test]
    fn a_gradient_is_right_up_to_its_tolerance() {
        let report = |error| GradientReport {
            kinks: vec!["relu".into()],
            loss: 2.3,
            parameters: 1,
            derivatives: 2,
            on_kinks: 0,
            worst: Derivative { parameter: "linear.weight".into(), analytic: 1.0, numerical: 1.0, error },
            tolerance: 1e-4,
            trained: None,
        };
        assert!(report(1e-4).passes() && !report(2e-4).passes());
        assert!(!report(f64::NAN).passes(), "no number is not right");
        let trained = |error| {
            let deviation = Deviation { parameter: "linear.weight".into(), error, tolerance: 1e-3 };
            GradientReport { trained: Some(deviation), ..report(0.0) }
        };
        assert!(trained(1e-3).passes() && !trained(2e-3).passes() && !trained(f64::NAN).passes());
    }
}
