//! Trainings that ended too early.

use zoo_report::percent;
use zoo_schema::{Comparison, EarlyStop, Finding, ModelResult, Severity};

use crate::overfitting;
use crate::rows::{about, epochs, trained, value};

/// Its name.
pub(super) const CODE: &str = "not-converged";

/// The share of the training loss by which it must have fallen in the last epoch. In the book softmax's falls by 0.3 % per epoch from its
/// fifth to its tenth, when its accuracy hardly moves any more (`docs/course/sanity-checks.md`).
const FALL: f64 = 0.01;

/// The share of right training images from which on a falling loss says nothing: it falls then because scores grow, and would do so for
/// ever.
const LEARNT: f64 = 0.99;

/// Trained models that would have learnt more in more time.
pub(super) fn not_converged(comparison: &Comparison) -> Vec<Finding> {
    trained(comparison).into_iter().filter_map(finding).collect()
}

fn finding(result: &ModelResult) -> Option<Finding> {
    match result.stopped_by {
        Some(EarlyStop::Budget) => Some(about(result, CODE, Severity::Warning, out_of_time(result))),
        Some(EarlyStop::Patience) => None,
        // What memorises would memorise more: `over-fitted` says so.
        None if overfitting::gap(result).is_some() => None,
        None => Some(about(result, CODE, Severity::Note, still_falling(result)?)),
    }
}

fn out_of_time(result: &ModelResult) -> String {
    let of = epochs(result).map_or_else(String::new, |epochs| format!(" of {epochs}"));
    format!(
        "{} was stopped by its budget after epoch {}{of}, and its figures are those of a training cut short: raise --budget, or set \
         train.epochs to what fits into it",
        result.label(),
        result.history.len(),
    )
}

fn still_falling(result: &ModelResult) -> Option<String> {
    let [.., before, last] = result.history.as_slice() else { return None };
    let fall = 1.0 - last.train_loss / before.train_loss;
    // A little room for a fall that is one percent in decimals. What is no number is no fall.
    let falls =
        before.train_loss > 0.0 && before.train_loss.is_finite() && (FALL - 1e-9..=1.0).contains(&fall);
    let is_best = result.kept_epoch == Some(last.epoch);
    (is_best && falls && last.train_accuracy < LEARNT).then(|| {
        let key = value(result, "train.epochs").map_or("epochs", |_| "train.epochs");
        format!(
            "{} keeps its last epoch, {}, in which its training loss still fell by {}: it would learn more with more {key}",
            result.label(),
            last.epoch,
            percent(fall, 1),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn says(result: &ModelResult) -> Vec<String> {
        let findings = not_converged(&samples::comparison(vec![result.clone()]));
        findings.into_iter().map(|finding| finding.says).collect()
    }

    fn falling(before: f64, last: f64) -> ModelResult {
        let mut result = samples::trained("cnn", (0.75, 2000), (0.7, 1000));
        result.history.truncate(6);
        result.history.extend([samples::record(7, before), samples::record(8, last)]);
        result.kept_epoch = Some(8);
        result
    }

    #[test]
    fn the_last_epoch_is_the_best_and_the_loss_falls() {
        let expected = "cnn keeps its last epoch, 8, in which its training loss still fell by 6.2 %: it would learn more \
                        with more train.epochs";
        assert_eq!(says(&falling(0.5, 0.469)), [expected]);
    }

    #[test]
    fn a_fall_of_one_percent_is_the_least() {
        assert_eq!(says(&falling(1.0, 0.99)).len(), 1);
        for (before, last) in [(1.0, 0.991), (1.0, 1.1), (0.0, 0.0), (1.0, f64::NAN), (f64::INFINITY, 1.0)] {
            assert_eq!(says(&falling(before, last)), [""; 0], "{before} to {last}");
        }
    }

    #[test]
    fn what_has_had_its_best_epoch_has_converged() {
        assert_eq!(says(&samples::trained("cnn", (0.75, 2000), (0.7, 1000))), [""; 0]);
        let stopped = ModelResult { stopped_by: Some(EarlyStop::Patience), ..falling(0.5, 0.4) };
        assert_eq!(says(&stopped), [""; 0]);
    }

    #[test]
    fn once_all_images_are_right_the_loss_falls_for_ever() {
        let mut result = falling(0.002, 0.001);
        result.history[7].train_accuracy = 1.0;
        assert_eq!(says(&result), [""; 0]);
    }

    #[test]
    fn what_memorises_needs_no_more_epochs() {
        let mut result = falling(0.5, 0.4);
        result.validation = samples::trained("cnn", (0.75, 2000), (0.5, 1000)).validation;
        assert_eq!(says(&result), [""; 0]);
    }

    #[test]
    fn one_epoch_has_no_trend() {
        let mut result = falling(0.5, 0.4);
        result.history.drain(..7);
        assert_eq!(says(&result), [""; 0]);
    }

    #[test]
    fn a_budget_is_said() {
        let mut result = falling(0.5, 0.6);
        result.history.truncate(3);
        result.stopped_by = Some(EarlyStop::Budget);
        let expected = "cnn was stopped by its budget after epoch 3 of 8, and its figures are those of a training cut short: \
                        raise --budget, or set train.epochs to what fits into it";
        assert_eq!(says(&result), [expected]);
        assert_eq!(not_converged(&samples::comparison(vec![result.clone()]))[0].severity, Severity::Warning);
        result.config = serde_json::Value::Null;
        assert!(says(&result)[0].starts_with("cnn was stopped by its budget after epoch 3, and"));
    }
}
