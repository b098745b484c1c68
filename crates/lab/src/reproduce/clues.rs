//! What the program says of a model by itself.

use zoo_recipes::Contender;
use zoo_schema::{Clue, Comparison, ModelResult};

use crate::error::{LabError, in_words};
use crate::failure::catch;
use crate::lab::Lab;
use crate::summary::{of_one, summary};

impl Lab<'_> {
    /// What `zoo train` says of a training that came to `result`, and what `zoo sanity` says of its recipe.
    ///
    /// # Errors
    /// [`LabError`] if the device fails.
    pub(crate) fn clues(&self, contender: &Contender, result: &ModelResult) -> Result<Vec<Clue>, LabError> {
        let comparison = of_one(self, summary(self.splits), result.clone());
        Ok([findings(&comparison), self.sanity_clues(contender)?].concat())
    }

    /// What `zoo sanity` says of a recipe that isn't sane.
    ///
    /// # Errors
    /// [`LabError`] if the device fails.
    pub(crate) fn sanity_clues(&self, contender: &Contender) -> Result<Vec<Clue>, LabError> {
        let Some(trainable) = contender.estimator.trainable() else { return Ok(Vec::new()) };
        let (splits, seed) = (self.splits, self.protocol.seed);
        let report = catch(self.machine, || Ok(trainable.sanity_report(splits, self.machine, seed)?))?;
        let failures = report.failures().into_iter();
        Ok(failures.map(|(part, says)| clue(&format!("sanity: {part}"), says)).collect())
    }
}

/// What a comparison shows about itself.
pub(crate) fn findings(comparison: &Comparison) -> Vec<Clue> {
    comparison.checks.iter().map(|finding| clue(&finding.code, finding.says.clone())).collect()
}

/// What is said where training stops.
pub(crate) fn stopped(error: &LabError) -> Clue {
    clue("training", in_words(error))
}

fn clue(check: &str, says: String) -> Clue {
    Clue { check: check.into(), says }
}
