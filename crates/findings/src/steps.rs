//! Trainings of few steps.

use serde_json::Value;
use zoo_report::thousands;
use zoo_schema::{Comparison, Finding, ModelResult, Severity};

use crate::rows::{about, is_descent, trained, value};

/// Its name.
pub(super) const CODE: &str = "too-few-steps";

/// The steps that a training should have. Momentum of 0.9 averages over ten steps, running statistics of BatchNorm over about as many, and
/// schedules that warm up spend a fifth of all steps on it; below a hundred steps little else is left. The default recipes make 1,392 and
/// more on CIFAR-10.
const STEPS: usize = 100;

/// Models whose training had fewer steps than it takes to learn something.
pub(super) fn too_few_steps(comparison: &Comparison) -> Vec<Finding> {
    let rows = trained(comparison).into_iter();
    rows.filter_map(|result| finding(result, comparison.dataset.train)).collect()
}

fn finding(result: &ModelResult, images: usize) -> Option<Finding> {
    let steps = result.steps.filter(|steps| *steps < STEPS && is_descent(result))?;
    let number = |key| value(result, key).and_then(Value::as_f64);
    let whence = match (number("train.batch_size"), number("train.epochs")) {
        (Some(batch), Some(epochs)) => {
            let (images, batch) = (thousands(images), thousands(batch as usize));
            format!(" ({images} training images, train.batch_size={batch}, train.epochs={epochs})")
        }
        _ => String::new(),
    };
    let says = format!(
        "{} is trained in {steps} {}{whence}, too few to judge it by: set a smaller train.batch_size or more train.epochs",
        result.label(),
        if steps == 1 { "step" } else { "steps" },
    );
    Some(about(result, CODE, Severity::Warning, says))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn says(steps: Option<usize>, change: impl FnOnce(&mut ModelResult)) -> Vec<String> {
        let mut result = samples::trained("cnn", (0.5, 1000), (0.5, 100));
        result.steps = steps;
        change(&mut result);
        too_few_steps(&samples::comparison(vec![result])).into_iter().map(|finding| finding.says).collect()
    }

    #[test]
    fn few_steps_are_told_with_where_they_come_from() {
        let expected = "cnn is trained in 16 steps (1,000 training images, train.batch_size=512, train.epochs=8), too few to \
                        judge it by: set a smaller train.batch_size or more train.epochs";
        assert_eq!(says(Some(16), |_| ()), [expected]);
        let expected = "cnn is trained in 1 step, too few to judge it by: set a smaller train.batch_size or more train.epochs";
        assert_eq!(says(Some(1), |result| result.config = Value::Null), [expected]);
    }

    #[test]
    fn a_hundred_are_enough() {
        assert_eq!((says(Some(99), |_| ()).len(), says(Some(100), |_| ()).len()), (1, 0));
        assert_eq!(says(None, |_| ()), [""; 0]);
    }

    #[test]
    fn what_is_found_by_trying_makes_no_steps() {
        let tries =
            |result: &mut ModelResult| result.config["optimizer"]["kind"] = "random_local_search".into();
        assert_eq!(says(Some(16), tries), [""; 0]);
    }
}
