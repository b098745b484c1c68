//! A loss as a recipe says it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::class_weights::ClassWeights;
use crate::invalid_config::InvalidConfig;
use crate::loss::Loss;

/// The `[loss]` of a recipe; its `kind` is one of `cross_entropy`, `hinge` and `mean_squared_error`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Grammar", into = "Grammar")]
pub struct LossConfig {
    /// What is minimised.
    pub kind: Loss,
    /// How much each class counts in it. Default: every image counts the same.
    pub class_weights: ClassWeights,
}

/// [`LossConfig`] as a recipe writes it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    deny_unknown_fields,
    expecting = "internally tagged enum Loss"
)]
enum Grammar {
    /// The softmax of the scores read as probabilities.
    CrossEntropy {
        /// The share of the target that is spread over all classes. Default: 0.
        #[serde(default)]
        label_smoothing: f64,
        #[serde(default)]
        class_weights: ClassWeights,
    },
    /// The multiclass SVM's loss, a sum over the wrong classes.
    Hinge {
        /// How much the right score must exceed each other. Default: 1.
        #[serde(default = "one")]
        margin: f64,
        #[serde(default)]
        class_weights: ClassWeights,
    },
    /// Half the squared distance of the scores from the one-hot target.
    MeanSquaredError {
        #[serde(default)]
        class_weights: ClassWeights,
    },
}

const fn one() -> f64 {
    1.0
}

impl LossConfig {
    /// Checks that all values are in range, and suit images of `classes` classes.
    ///
    /// # Errors
    /// The first value that does not.
    pub fn validate(&self, classes: usize) -> Result<(), InvalidConfig> {
        self.kind.validate()?;
        self.class_weights.validate(classes)
    }
}

/// The loss with every image counting the same.
impl From<Loss> for LossConfig {
    fn from(kind: Loss) -> Self {
        Self { kind, class_weights: ClassWeights::None }
    }
}

impl From<Grammar> for LossConfig {
    fn from(grammar: Grammar) -> Self {
        let (kind, class_weights) = match grammar {
            Grammar::CrossEntropy { label_smoothing, class_weights } => {
                (Loss::CrossEntropy { label_smoothing }, class_weights)
            }
            Grammar::Hinge { margin, class_weights } => (Loss::Hinge { margin }, class_weights),
            Grammar::MeanSquaredError { class_weights } => (Loss::MeanSquaredError, class_weights),
        };
        Self { kind, class_weights }
    }
}

impl From<LossConfig> for Grammar {
    fn from(LossConfig { kind, class_weights }: LossConfig) -> Self {
        match kind {
            Loss::CrossEntropy { label_smoothing } => Self::CrossEntropy { label_smoothing, class_weights },
            Loss::Hinge { margin } => Self::Hinge { margin, class_weights },
            Loss::MeanSquaredError => Self::MeanSquaredError { class_weights },
        }
    }
}
