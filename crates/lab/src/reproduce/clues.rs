//! What the program says of a model by itself.

use zoo_recipes::Contender;
use zoo_schema::{Clue, Comparison, ModelResult, SanityReport};

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
        Ok(of_sanity(&report))
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

/// The parts of a report that don't hold.
fn of_sanity(report: &SanityReport) -> Vec<Clue> {
    let SanityReport { chance_loss, first_loss, few_images, few_accuracy, few_steps, .. } = report;
    let percent = 100.0 * few_accuracy;
    let parts = [
        (
            report.starts_at_chance(),
            "first loss",
            format!("fresh weights lose {first_loss:.3}, and chance {chance_loss:.3}"),
        ),
        (
            report.penalty_raises_the_loss() && report.descends_the_penalty(),
            "penalty",
            "a penalty doesn't raise the loss, or the optimizer doesn't lower it".into(),
        ),
        (
            report.overfits(),
            "memorising",
            format!("after {few_steps} steps {percent:.1} % of {few_images} images are right, and not all"),
        ),
    ];
    let failed = parts.into_iter().filter(|(holds, ..)| !holds);
    failed.map(|(_, name, says)| clue(&format!("sanity: {name}"), says)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_that_fails_is_a_clue() {
        let sane = SanityReport {
            chance_loss: 2.303,
            first_loss: 2.4,
            penalised_loss: None,
            penalty_descends: None,
            few_images: 40,
            few_accuracy: 1.0,
            few_loss: 0.01,
            few_steps: 17,
        };
        assert_eq!(of_sanity(&sane), []);
        let broken = SanityReport { first_loss: 87.0, few_accuracy: 0.5, few_steps: 300, ..sane };
        let clues = of_sanity(&broken);
        assert_eq!(
            clues[0],
            clue("sanity: first loss", "fresh weights lose 87.000, and chance 2.303".into())
        );
        assert_eq!(
            clues[1],
            clue("sanity: memorising", "after 300 steps 50.0 % of 40 images are right, and not all".into())
        );
    }
}
