//! What a search has found.

use zoo_data::Splits;
use zoo_recipes::Contender;
use zoo_schema::{Best, SCHEMA, SearchResult, Trial, best_trial};

use crate::error::LabError;
use crate::summary::{self, BURN_VERSION, ZOO_VERSION};
use crate::tune::plan::Plan;
use crate::tune::search::Search;

/// A search that is done.
#[derive(Debug)]
pub struct Found {
    /// Its trials, the best first, in the schema.
    pub result: SearchResult,
    /// The recipe of the best trial; `None` if all have failed.
    pub best: Option<Contender>,
    /// The keys that differ between trials.
    pub searched: Vec<String>,
}

impl Found {
    /// What `search`, which followed `plan` on the images of `splits`, has found with its `trials`.
    pub(crate) fn new(
        search: &Search<'_>,
        plan: &Plan,
        splits: &Splits,
        trials: &[Trial],
    ) -> Result<Self, LabError> {
        let Search { contender, settings, machine, seed, .. } = *search;
        let first = best_trial(trials);
        let recipe = first.map(|trial| contender.with(&settings[trial.trial - 1])).transpose()?;
        let best = match (first, &recipe) {
            (Some(trial), Some(recipe)) => Some(Best {
                trial: trial.trial,
                settings: trial.settings.clone(),
                validation_accuracy: trial.validation_accuracy().unwrap_or_default(),
                config: recipe.config_json()?,
            }),
            _ => None,
        };
        let mut dataset = summary::summary(splits);
        // With cross-validation no image is held out except in its fold.
        if plan.folds.is_some() {
            dataset.train += std::mem::take(&mut dataset.validation);
        }
        let mut trials = trials.to_vec();
        let accuracy = |trial: &Trial| trial.validation_accuracy().unwrap_or(-1.0);
        trials.sort_by(|left, right| accuracy(right).total_cmp(&accuracy(left)));
        let mut result = SearchResult {
            schema: SCHEMA,
            zoo_version: ZOO_VERSION.into(),
            burn_version: BURN_VERSION.into(),
            dataset,
            backend: machine.backend.into(),
            adapter: machine.adapter.clone(),
            machine: Some(summary::machine()),
            seed,
            model: contender.entry.name.into(),
            recipe: contender.recipe_name.clone(),
            folds: plan.folds,
            best,
            trials,
            checks: Vec::new(),
        };
        result.checks = zoo_findings::of_search(&plan.space.to_table(), &result);
        Ok(Self { result, best: recipe, searched: plan.space.searched().map(String::from).collect() })
    }

    /// Refuses a search without a trial that succeeded.
    ///
    /// # Errors
    /// [`LabError::NoTrial`] with the reason of the first.
    pub fn accept(&self) -> Result<(), LabError> {
        match (&self.best, self.result.trials.first()) {
            (None, Some(first)) => {
                let reason = first.error.clone().unwrap_or_default();
                Err(LabError::NoTrial { trial: first.trial, reason })
            }
            _ => Ok(()),
        }
    }
}
