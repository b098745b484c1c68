//! What a search over hyperparameters finds: one line per trial in `trials.jsonl`, and the `result.json` of the whole search.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dataset::DatasetSummary;
use crate::finding::Finding;

/// One setting that was tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trial {
    /// Its number, from 1, in the order of the plan.
    pub trial: usize,
    /// What was set, by key: `optimizer.learning_rate`.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// Accuracy on the images held out, of the best epoch: one value per fold, or a single one without cross-validation.
    /// Empty if the trial failed.
    pub validation_accuracies: Vec<f64>,
    /// Accuracy on training images (a sample where there are many), the mean over folds.
    pub training_accuracy: Option<f64>,
    /// Wall time, all folds together.
    pub seconds: f64,
    /// Why there are no figures, if there are none.
    pub error: Option<String>,
}

/// A whole search: the document of its `result.json` and of `zoo tune --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchResult {
    /// The version of the schema, [`SCHEMA`](crate::SCHEMA).
    #[schemars(extend("const" = crate::SCHEMA))]
    pub schema: u32,
    /// The version of zoo that wrote it.
    pub zoo_version: String,
    /// The version of Burn that it was built with.
    pub burn_version: String,
    /// What was learnt from. With cross-validation no image is held out except in its fold.
    pub dataset: DatasetSummary,
    /// The backend's name, `flex`.
    pub backend: String,
    /// The device it ran on, as the driver names it.
    pub adapter: String,
    /// The machine that this was measured on: processor, cores, memory, system.
    #[serde(default)]
    pub machine: Option<String>,
    /// What everything random follows from.
    pub seed: u64,
    /// The model whose hyperparameters were searched, `knn`.
    pub model: String,
    /// The name of its recipe, if it is not the model's default one.
    pub recipe: Option<String>,
    /// The number of folds of the cross-validation; `None` without it.
    pub folds: Option<usize>,
    /// The trial to go on with; `None` if all trials have failed.
    pub best: Option<Best>,
    /// The best first, failures last.
    pub trials: Vec<Trial>,
    /// What is worth knowing before the best setting is believed.
    #[serde(default)]
    pub checks: Vec<Finding>,
}

/// The trial to go on with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Best {
    /// Its number, [`Trial::trial`].
    pub trial: usize,
    /// What was set, by key.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// The mean over folds, if there are several.
    pub validation_accuracy: f64,
    /// Its recipe, everything resolved.
    pub config: serde_json::Value,
}

impl Trial {
    /// The mean validation accuracy over the folds; `None` if the trial failed.
    #[must_use]
    pub fn validation_accuracy(&self) -> Option<f64> {
        let accuracies = &self.validation_accuracies;
        (!accuracies.is_empty()).then(|| accuracies.iter().sum::<f64>() / accuracies.len() as f64)
    }

    /// The standard deviation of the validation accuracy over the folds (divided by their number, as NumPy's `std`); `None` if there is
    /// only one fold, or none.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        let mean = self.validation_accuracy()?;
        let accuracies = &self.validation_accuracies;
        let squares: f64 = accuracies.iter().map(|accuracy| (accuracy - mean).powi(2)).sum();
        (accuracies.len() > 1).then(|| (squares / accuracies.len() as f64).sqrt())
    }
}

/// The trial with the best mean validation accuracy, the first of equals; `None` if all have failed.
#[must_use]
pub fn best_trial(trials: &[Trial]) -> Option<&Trial> {
    let judged = trials.iter().filter_map(|trial| Some((trial, trial.validation_accuracy()?)));
    let best = judged.reduce(|best, other| if other.1 > best.1 { other } else { best });
    best.map(|(trial, _)| trial)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(number: usize, accuracies: &[f64]) -> Trial {
        Trial { trial: number, validation_accuracies: accuracies.into(), ..Trial::default() }
    }

    #[test]
    fn mean_and_deviation_over_folds() {
        let two = trial(1, &[0.2, 0.4]);
        assert!((two.validation_accuracy().unwrap() - 0.3).abs() < 1e-12);
        assert!((two.deviation().unwrap() - 0.1).abs() < 1e-12);
        assert_eq!(trial(1, &[0.5]).deviation(), None);
        assert_eq!(trial(1, &[]).validation_accuracy(), None);
    }

    #[test]
    fn the_best_is_the_first_of_equals_and_no_failure() {
        let trials = [trial(1, &[]), trial(2, &[0.4]), trial(3, &[0.5]), trial(4, &[0.5])];
        assert_eq!(best_trial(&trials).unwrap().trial, 3);
        assert_eq!(best_trial(&trials[..1]), None);
    }
}
