//! What rules look at: models with figures, shares with what chance allows around them, and keys of recipes.

use serde_json::Value;
use zoo_report::percent;
use zoo_schema::{Comparison, Finding, Interval, ModelResult, Severity, Spread};

/// The share of right answers on some images; of several trainings the mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    /// The share.
    pub(super) accuracy: f64,
    /// How many images it is of.
    pub(super) images: usize,
    /// Its 95 % interval.
    pub(super) interval: Interval,
}

impl Share {
    /// `None` unless there is such a share.
    fn new(mean: Option<Spread>, accuracy: Option<f64>, images: Option<usize>) -> Option<Self> {
        let accuracy = mean.map(|spread| spread.mean).or(accuracy)?;
        let images = images.filter(|images| *images > 0)?;
        let right = (accuracy * images as f64).round() as usize;
        let is_share = (0.0..=1.0).contains(&accuracy);
        is_share.then(|| Self { accuracy, images, interval: Interval::wilson(right, images) })
    }

    /// Of the training images.
    pub(super) fn of_train(result: &ModelResult) -> Option<Self> {
        let (mean, part) = (result.seeds.as_ref().and_then(|seeds| seeds.train), result.train);
        Self::new(mean, part.map(|part| part.accuracy), part.map(|part| part.images))
    }

    /// Of the validation images.
    pub(super) fn of_validation(result: &ModelResult) -> Option<Self> {
        let (mean, part) = (result.seeds.as_ref().and_then(|seeds| seeds.validation), result.validation);
        Self::new(mean, part.map(|part| part.accuracy), part.map(|part| part.images))
    }

    /// Of the test images.
    pub(super) fn of_test(result: &ModelResult) -> Option<Self> {
        let (mean, test) = (result.seeds.as_ref().and_then(|seeds| seeds.test), result.test.as_ref());
        let images = test.map(|test| test.confusion.counts().iter().flatten().sum());
        Self::new(mean, test.map(|test| test.accuracy), images)
    }

    /// Whether it is larger than `other` by more than chance allows for: their intervals don't overlap.
    pub(super) fn is_above(&self, other: &Self) -> bool {
        self.interval.low > other.interval.high
    }

    /// In percent, as tables have it.
    pub(super) fn percent(&self) -> String {
        percent(self.accuracy, 1)
    }
}

/// The models that have figures, each on the first backend that it has figures on.
pub(super) fn rows(comparison: &Comparison) -> Vec<&ModelResult> {
    let place = |result: &ModelResult| {
        let mut backends = comparison.backend.split(',').map(str::trim);
        backends.position(|backend| backend == result.backend).unwrap_or(usize::MAX)
    };
    let succeeded: Vec<_> = comparison.results.iter().filter(|result| result.error.is_none()).collect();
    let is_first = |result: &&ModelResult| {
        let mut same = succeeded.iter().filter(|other| other.name() == result.name());
        same.all(|other| place(other) >= place(result))
    };
    succeeded.iter().copied().filter(is_first).collect()
}

/// The rows of models that are trained.
pub(super) fn trained(comparison: &Comparison) -> Vec<&ModelResult> {
    rows(comparison).into_iter().filter(|result| !result.history.is_empty()).collect()
}

/// Whether a model's weights come from gradients, not from trying.
pub(super) fn is_descent(result: &ModelResult) -> bool {
    let kind = value(result, "optimizer.kind").and_then(Value::as_str);
    !kind.is_some_and(|kind| kind.starts_with("random"))
}

/// The value of `key`, `train.epochs`, in a model's recipe.
pub(super) fn value<'a>(result: &'a ModelResult, key: &str) -> Option<&'a Value> {
    result.config.pointer(&format!("/{}", key.replace('.', "/")))
}

/// How many epochs a model's recipe asks for; one that is not whole counts as one.
pub(super) fn epochs(result: &ModelResult) -> Option<usize> {
    value(result, "train.epochs").and_then(Value::as_f64).map(|epochs| epochs.ceil() as usize)
}

/// A finding about one model.
pub(super) fn about(result: &ModelResult, code: &str, severity: Severity, says: String) -> Finding {
    Finding { code: code.into(), severity, model: Some(result.label().into()), says }
}

/// A finding about the images, or about several models.
pub(super) fn in_general(code: &str, severity: Severity, says: String) -> Finding {
    Finding { code: code.into(), severity, model: None, says }
}

/// `a, b or c`, with any other word for `or`.
pub(super) fn listed(words: &[String], conjunction: &str) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [words @ .., last] => format!("{} {conjunction} {last}", words.join(", ")),
    }
}

/// Which images a comparison's models are told apart on, and how many there are: the test images, or the validation images if those
/// of the test were left alone.
pub(super) fn judged_on(comparison: &Comparison) -> (usize, &'static str) {
    if comparison.results.iter().any(|result| result.test.is_some()) {
        (comparison.dataset.test, "test")
    } else {
        (comparison.dataset.validation, "validation")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn means_over_seeds_are_what_tables_show() {
        let mut result = samples::trained("mlp", (0.9, 1000), (0.5, 100));
        let spread = Some(Spread { mean: 0.6, std: None });
        result.seeds = Some(zoo_schema::Seeds {
            trainings: Vec::new(),
            validation: spread,
            test: None,
            train: None,
            macro_f1: None,
        });
        let share = Share::of_validation(&result).unwrap();
        assert_eq!((share.percent().as_str(), share.images), ("60.0 %", 100));
        assert_eq!(Share::of_train(&result).unwrap().percent(), "90.0 %");
        assert!(share.interval.low < 0.6 && 0.6 < share.interval.high);
    }

    #[test]
    fn keys_of_recipes() {
        let result = samples::trained("mlp", (0.9, 1000), (0.5, 100));
        assert_eq!(value(&result, "augment.flip").and_then(Value::as_str), Some("none"));
        assert_eq!((value(&result, "augment.colour"), epochs(&result)), (None, Some(8)));
        assert!(is_descent(&result));
    }

    #[test]
    fn words_in_a_row() {
        let words = ["a", "b", "c"].map(String::from);
        let rows = [0, 1, 2, 3].map(|count| listed(&words[..count], "or"));
        assert_eq!(rows, ["", "a", "a or b", "a, b or c"]);
    }
}
