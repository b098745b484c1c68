//! From a recipe to a model and its figures.

use std::ops::ControlFlow;

use zoo_core::Scores;
use zoo_recipes::{Contender, Fitted, Job};
use zoo_schema::{EpochRecord, ModelAnswers, ModelResult};
use zoo_train::{Checkpoints, Event, TestTimeAugmentation};

use crate::error::LabError;
use crate::failure::catch;
use crate::judge::Judged;
use crate::lab::Lab;

/// A fitted model with its figures.
pub(crate) struct Outcome {
    pub(crate) result: ModelResult,
    /// The scores of the images that it is judged on.
    pub(crate) scores: Scores,
    /// What it says of them.
    pub(crate) answers: ModelAnswers,
    pub(crate) fitted: Fitted,
}

/// Where a run is kept while it trains.
pub(crate) struct Keep<'a> {
    /// Where each epoch is saved, and continued from.
    pub(crate) checkpoints: &'a Checkpoints,
    /// Hears of every epoch, with the records of all before it.
    pub(crate) on_epoch: &'a dyn Fn(&[EpochRecord]) -> Result<(), LabError>,
}

impl Lab<'_> {
    /// Follows the recipe of `contender` and judges what comes out.
    ///
    /// # Errors
    /// What went wrong; if a GPU refused something, which one and what to lower.
    pub(crate) fn fit_and_judge(
        &self,
        contender: &Contender,
        keep: Option<&Keep<'_>>,
    ) -> Result<Outcome, LabError> {
        catch(self.machine, || {
            let fitted = self.fit(contender, keep)?;
            let mut result = contender.result(self.machine)?;
            result.parameters = Some(fitted.model.parameters());
            result.fit_seconds = Some(fitted.seconds);
            result.kept_epoch = fitted.kept_epoch;
            result.stopped_by = fitted.stopped_by;
            result.history.clone_from(&fitted.history);
            let trainable = contender.estimator.trainable();
            result.steps = trainable.map(|trainable| trainable.steps(self.splits.train.len()));
            let judge = self.judge(contender);
            let Judged { scores, answers } = judge.judge(fitted.model.classifier(), &mut result)?;
            if let Some(model) = &fitted.without_ema {
                let plain = TestTimeAugmentation::None;
                result.variants.push(judge.variant("without_ema", model.classifier(), plain)?);
            }
            self.report(contender, &result);
            Ok(Outcome { result, scores, answers, fitted })
        })
    }

    /// Follows the recipe of `contender`.
    ///
    /// # Errors
    /// What went wrong.
    pub(crate) fn fit(&self, contender: &Contender, keep: Option<&Keep<'_>>) -> Result<Fitted, LabError> {
        let job = Job { checkpoints: keep.map(|keep| keep.checkpoints), ..self.job() };
        let mut listener = contender.estimator.trainable().map(|trainable| {
            let images = trainable.images_per_epoch(self.splits.train.len());
            let epochs = trainable.epochs(self.splits.train.len());
            self.watch.training(contender.name(), images, epochs)
        });
        let mut kept = Ok(());
        let fitted = contender.estimator.fit(&job, &mut |event| {
            let answer = listener.as_mut().map_or(ControlFlow::Continue(()), |listener| listener(&event));
            if let (Event::Epoch(history), Some(keep)) = (event, keep) {
                kept = (keep.on_epoch)(history);
            }
            if kept.is_err() { ControlFlow::Break(()) } else { answer }
        });
        // That it was stopped is what came of a file that couldn't be written.
        kept?;
        Ok(fitted?)
    }

    /// Says how a model did.
    fn report(&self, contender: &Contender, result: &ModelResult) {
        let percent = |accuracy: f64| zoo_report::percent(accuracy, 1);
        let mut figures = Vec::new();
        if let (Some(epoch), Some(trainable)) = (result.kept_epoch, contender.estimator.trainable()) {
            let epochs = trainable.epochs(self.splits.train.len());
            figures.push(format!("kept epoch {epoch} of {epochs}"));
        }
        figures
            .extend(result.validation_accuracy().map(|accuracy| format!("validation {}", percent(accuracy))));
        figures.extend(result.accuracy().map(|accuracy| format!("test {}", percent(accuracy))));
        let variants = result.variants.iter();
        figures.extend(
            variants
                .map(|variant| format!("{} {}", variant.name.replace('_', " "), percent(variant.accuracy))),
        );
        let seconds = result.fit_seconds.unwrap_or(0.0) + result.predict_seconds.unwrap_or(0.0);
        self.watch.line(&format!("{}: {} after {seconds:.1} s", contender.name(), figures.join(", ")));
    }
}
