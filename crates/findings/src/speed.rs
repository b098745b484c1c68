//! Models that cost more without being better.

use zoo_report::{percent, seconds, thousands};
use zoo_schema::{Comparison, Finding, ModelResult, Severity};

use crate::majority::MAJORITY;
use crate::rows::{about, judged_on, rows};

/// Its name.
pub(super) const CODE: &str = "slower-not-better";

/// How many times as long a model takes, as in skore: below that, the machine and its load decide which is slower.
const TIMES: f64 = 2.0;

/// How many seconds longer it takes, as in skore: what is done within a second is quick, whatever it is a multiple of.
const SECONDS: f64 = 1.0;

/// A model with what it costs and what it is worth.
struct Deal<'a> {
    result: &'a ModelResult,
    /// To fit and to predict.
    seconds: f64,
    /// Of k-NN the pixel values that it keeps.
    parameters: usize,
    accuracy: f64,
}

impl<'a> Deal<'a> {
    fn of(result: &'a ModelResult) -> Option<Self> {
        let seconds = result.fit_seconds? + result.predict_seconds?;
        let accuracy = result.accuracy().or(result.validation_accuracy())?;
        Some(Self { result, seconds, parameters: result.parameters?, accuracy })
    }

    /// Whether `other` is as simple or simpler, and much quicker.
    fn is_dearer_than(&self, other: &Self) -> bool {
        let is_slower = self.seconds >= TIMES * other.seconds && self.seconds - other.seconds >= SECONDS;
        is_slower && other.parameters <= self.parameters
    }

    /// Whether the two were compared, and this one was not shown to be the better.
    fn is_not_better_than(&self, other: &Self, comparison: &Comparison) -> bool {
        let (this, other) = (self.result.label(), other.result.label());
        comparison.pairs.iter().any(|pair| match (pair.a.as_str(), pair.b.as_str()) {
            (a, b) if a == this && b == other => !pair.is_told_apart(),
            (a, b) => a == other && b == this,
        })
    }
}

/// Models that take much longer than a simpler one that they are not shown to be better than.
pub(super) fn slower_not_better(comparison: &Comparison) -> Vec<Finding> {
    let rows = rows(comparison).into_iter().filter(|result| result.model != MAJORITY);
    let deals: Vec<Deal<'_>> = rows.filter_map(Deal::of).collect();
    deals.iter().filter_map(|deal| finding(comparison, deal, &deals)).collect()
}

/// That the most accurate of `others` that are quicker would do, if there is one.
fn finding(comparison: &Comparison, deal: &Deal<'_>, others: &[Deal<'_>]) -> Option<Finding> {
    let would_do =
        |other: &&Deal<'_>| deal.is_dearer_than(other) && deal.is_not_better_than(other, comparison);
    // The first of equals.
    let other = others
        .iter()
        .filter(would_do)
        .reduce(|best, next| if next.accuracy > best.accuracy { next } else { best })?;
    let says = format!(
        "{a} takes {} to fit and predict and {b} {}, and {a} is not shown to be the better: {} of the {} images against {}; {b} would \
         do, with {} parameters instead of {}",
        seconds(deal.seconds),
        seconds(other.seconds),
        percent(deal.accuracy, 1),
        judged_on(comparison).1,
        percent(other.accuracy, 1),
        thousands(other.parameters),
        thousands(deal.parameters),
        a = deal.result.label(),
        b = other.result.label(),
    );
    Some(about(deal.result, CODE, Severity::Note, says))
}

#[cfg(test)]
mod tests {
    use zoo_schema::{Pair, PairTest};

    use super::*;
    use crate::samples;

    fn model(name: &str, right: usize, seconds: f64, parameters: usize) -> ModelResult {
        let mut result = samples::judged(name, right, 1000 - right);
        result.fit_seconds = Some(seconds - 0.25);
        result.predict_seconds = Some(0.25);
        result.parameters = Some(parameters);
        result
    }

    fn pair(a: &str, b: &str, p: f64) -> Pair {
        let (a, b, test) = (a.into(), b.into(), PairTest::McNemar);
        Pair { a, b, difference: 0.01, only_a: 60, only_b: 50, test, p, p_holm: p, images_needed: Some(9000) }
    }

    fn says(results: Vec<ModelResult>, pairs: Vec<Pair>) -> Vec<String> {
        let comparison = Comparison { pairs, ..samples::comparison(results) };
        slower_not_better(&comparison).into_iter().map(|finding| finding.says).collect()
    }

    #[test]
    fn a_simpler_model_would_do() {
        let results = vec![model("cnn", 810, 292.0, 497_240), model("softmax", 800, 4.87, 30_730)];
        let expected = "cnn takes 292 s to fit and predict and softmax 4.87 s, and cnn is not shown to be the better: 81.0 % of \
                        the test images against 80.0 %; softmax would do, with 30,730 parameters instead of 497,240";
        assert_eq!(says(results.clone(), vec![pair("cnn", "softmax", 0.3)]), [expected]);
        assert_eq!(says(results.clone(), vec![pair("cnn", "softmax", 0.01)]), [""; 0], "it is better");
        assert_eq!(says(results, Vec::new()), [""; 0], "who knows");
    }

    #[test]
    fn a_model_that_is_worse_is_not_better() {
        let results = vec![model("softmax", 810, 4.87, 30_730), model("knn", 500, 60.0, 3_072_000)];
        assert_eq!(says(results, vec![pair("softmax", "knn", 0.001)]).len(), 1);
    }

    #[test]
    fn twice_as_long_and_a_second_longer() {
        let times = |slow, quick| {
            let results = vec![model("mlp", 810, slow, 500), model("softmax", 800, quick, 500)];
            says(results, vec![pair("mlp", "softmax", 0.3)]).len()
        };
        assert_eq!(
            [times(20.0, 10.0), times(19.0, 10.0), times(2.0, 1.0), times(1.5, 0.5), times(1.25, 0.5)],
            [1, 0, 1, 1, 0]
        );
    }

    #[test]
    fn what_is_less_simple_would_not_do() {
        let results = vec![model("softmax", 810, 60.0, 30_730), model("knn", 800, 1.0, 3_072_000)];
        assert_eq!(says(results, vec![pair("softmax", "knn", 0.3)]), [""; 0]);
        let results = vec![model("softmax", 500, 60.0, 30_730), model("majority", 500, 1.0, 0)];
        assert_eq!(says(results, vec![pair("softmax", "majority", 1.0)]), [""; 0]);
    }

    #[test]
    fn the_most_accurate_of_those_that_would_do_is_named_once() {
        let results = vec![
            model("cnn", 810, 100.0, 1000),
            model("svm", 780, 2.0, 500),
            model("softmax", 800, 3.0, 500),
        ];
        let pairs = vec![pair("cnn", "svm", 0.2), pair("cnn", "softmax", 0.3), pair("softmax", "svm", 0.2)];
        let said = says(results, pairs);
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("softmax would do"), "{said:?}");
    }
}
