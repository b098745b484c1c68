//! Searches that ended where they should have gone on.

use serde_json::Value as Json;
use toml::{Table, Value};
use zoo_schema::{Finding, SearchResult, Severity, Trial};

use crate::rows::in_general;

/// Its name.
pub(super) const CODE: &str = "edge-of-search";

/// The share of a range, on the logarithmic scale that it is drawn from, that counts as its end. A wider one would be met by
/// chance too often: two ends of a twentieth each are met by a tenth of all draws.
const MARGIN: f64 = 0.05;

/// The fewest values of a list: of two, either is at an end.
const VALUES: usize = 3;

/// What a search could choose a key from.
struct Span {
    /// The largest value of its lower end.
    low: f64,
    /// The smallest value of its upper end.
    high: f64,
    /// As the search has it.
    words: String,
}

/// An end of a span.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Low,
    High,
}

/// Keys whose best value is at an end of what was searched. `space` has for each key a list of values, or a string `LOW..HIGH`.
pub(super) fn edge_of_search(space: &Table, result: &SearchResult) -> Vec<Finding> {
    let mut spans = Vec::new();
    read(space, "", &mut spans);
    spans.iter().filter_map(|(key, span)| finding(key, span, result)).collect()
}

fn finding(key: &str, span: &Span, result: &SearchResult) -> Option<Finding> {
    let best = result.best.as_ref()?;
    let value = best.settings.get(key)?;
    let end = span.end(value)?;
    // A trial that is as good somewhere else shows that it is not the end that matters.
    let is_as_good = |trial: &&Trial| trial.validation_accuracy() >= Some(best.validation_accuracy);
    let mut equals = result.trials.iter().filter(is_as_good).filter_map(|trial| trial.settings.get(key));
    let is_only_there = equals.all(|value| span.end(value) == Some(end));
    let (side, further) = if end == End::Low { ("lower", "smaller") } else { ("upper", "larger") };
    is_only_there.then(|| {
        let says = format!(
            "the best {key} is {value}, at the {side} end of what was searched ({}): search {further} values as well",
            span.words
        );
        let model = Some(result.recipe.as_ref().unwrap_or(&result.model).clone());
        Finding { model, ..in_general(CODE, Severity::Note, says) }
    })
}

/// The keys below `table` whose values have an order, with what they were chosen from.
fn read(table: &Table, path: &str, spans: &mut Vec<(String, Span)>) {
    for (key, value) in table {
        let key = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match value {
            Value::Table(below) => read(below, &key, spans),
            Value::Array(values) => spans.extend(Span::list(values).map(|span| (key, span))),
            Value::String(range) => spans.extend(Span::range(range).map(|span| (key, span))),
            _ => {}
        }
    }
}

impl Span {
    /// `None` for values without an order, or too few.
    fn list(values: &[Value]) -> Option<Self> {
        let number = |value: &Value| value.as_float().or(value.as_integer().map(|whole| whole as f64));
        let mut numbers = values.iter().map(number).collect::<Option<Vec<f64>>>()?;
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        let (&low, &high) = (numbers.first()?, numbers.last()?);
        let words: Vec<String> = values.iter().map(ToString::to_string).collect();
        (numbers.len() >= VALUES).then(|| Self { low, high, words: words.join(", ") })
    }

    /// `LOW..HIGH`; `None` for anything else, and for less than three whole numbers.
    fn range(range: &str) -> Option<Self> {
        let (low, high) = range.split_once("..")?;
        let (low, high) = (low.trim(), high.trim());
        let whole = low.parse::<i64>().ok().zip(high.parse::<i64>().ok());
        let is_short = whole.is_some_and(|(low, high)| high.saturating_sub(low) < VALUES as i64 - 1);
        let (low, high): (f64, f64) = (low.parse().ok()?, high.parse().ok()?);
        let margin = (high / low).powf(MARGIN);
        let is_range = 0.0 < low && low < high && high.is_finite() && !is_short;
        is_range.then(|| Self { low: low * margin, high: high / margin, words: range.trim().into() })
    }

    /// The end that `value` is at. Nothing is below 0, which turns a part of learning off, and no count is below 1.
    fn end(&self, value: &Json) -> Option<End> {
        let number = value.as_f64()?;
        let is_least = number == 0.0 || value.as_i64() == Some(1);
        // Of a search that is resumed, numbers were read from a file and may have lost their last bit.
        let room = number.abs() * 1e-9;
        if number - room <= self.low && !is_least {
            Some(End::Low)
        } else if number + room >= self.high {
            Some(End::High)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;
    use zoo_schema::Best;

    use super::*;

    /// A search of trials with these settings and accuracies, the best first.
    fn result(trials: &[(Json, f64)]) -> SearchResult {
        let settings =
            |settings: &Json| -> BTreeMap<String, Json> { serde_json::from_value(settings.clone()).unwrap() };
        let best = trials.first().map(|(best, accuracy)| Best {
            trial: 1,
            settings: settings(best),
            validation_accuracy: *accuracy,
            config: json!({}),
        });
        let trial = |(place, (one, accuracy)): (usize, &(Json, f64))| Trial {
            trial: place + 1,
            settings: settings(one),
            validation_accuracies: vec![*accuracy],
            ..Trial::default()
        };
        let document = json!({
            "schema": 1, "zoo_version": "0.1.0", "burn_version": "0.22.1",
            "dataset": {"name": "pets", "train": 900, "validation": 100, "test": 0, "classes": ["cat", "dog"]},
            "backend": "flex", "adapter": "CPU", "seed": 42, "model": "softmax", "recipe": null, "folds": null,
            "best": null, "trials": []
        });
        let trials = trials.iter().enumerate().map(trial).collect();
        SearchResult { best, trials, ..serde_json::from_value(document).unwrap() }
    }

    fn says(space: &str, trials: &[(Json, f64)]) -> Vec<String> {
        let space: Table = toml::from_str(space).unwrap();
        edge_of_search(&space, &result(trials)).into_iter().map(|finding| finding.says).collect()
    }

    /// How much is said of a best value of `k`.
    fn of_k(values: &str, best: impl Into<Json>) -> usize {
        says(&format!("k = {values}"), &[([("k".to_string(), best.into())].into_iter().collect(), 0.5)]).len()
    }

    #[test]
    fn the_end_of_a_list() {
        let space = "\"optimizer.learning_rate\" = [0.001, 0.1, 0.01]\n\"optimizer.weight_decay\" = [0.0, 0.001, 0.01]\n";
        let best = json!({"optimizer.learning_rate": 0.1, "optimizer.weight_decay": 0.001});
        let other = json!({"optimizer.learning_rate": 0.01, "optimizer.weight_decay": 0.01});
        let expected = "the best optimizer.learning_rate is 0.1, at the upper end of what was searched (0.001, 0.1, 0.01): search \
                        larger values as well";
        assert_eq!(says(space, &[(best, 0.42), (other, 0.41)]), [expected]);
    }

    #[test]
    fn the_end_of_a_range_in_a_table() {
        let space = "[optimizer]\nlearning_rate = \"0.001..0.1\"\n";
        let expected = "the best optimizer.learning_rate is 0.00123, at the lower end of what was searched (0.001..0.1): search \
                        smaller values as well";
        let best = |rate: f64| vec![(json!({"optimizer.learning_rate": rate}), 0.42)];
        assert_eq!(says(space, &best(0.00123)), [expected]);
        // A twentieth of two powers of ten is a factor of 1.26.
        for (rate, count) in [(0.00125, 1), (0.00127, 0), (0.01, 0), (0.079, 0), (0.08, 1), (0.1, 1)] {
            assert_eq!(says(space, &best(rate)).len(), count, "{rate}");
        }
    }

    #[test]
    fn few_values_and_values_without_order_have_no_end() {
        assert_eq!((of_k("[3, 5]", 5), of_k("[3, 5, 7]", 7)), (0, 1));
        assert_eq!((of_k("\"3..4\"", 4), of_k("\"3..5\"", 5)), (0, 1));
        assert_eq!(of_k("[[50], [100], [200]]", json!([200])), 0);
        assert_eq!(of_k("[\"a\", \"b\", \"c\"]", "c"), 0);
        assert_eq!(of_k("[true, false]", true), 0);
        assert_eq!((of_k("\"\"", 1), of_k("\"5..\"", 5), of_k("5", 5)), (0, 0, 0));
    }

    #[test]
    fn nothing_is_below_the_least() {
        assert_eq!((of_k("[0.0, 0.1, 0.2]", 0.0), of_k("[1, 3, 5]", 1), of_k("[3, 5, 7]", 3)), (0, 0, 1));
    }

    #[test]
    fn a_number_may_have_lost_its_last_bit() {
        let ends = [0.003_f64.next_up(), 0.3_f64.next_down(), 0.03];
        assert_eq!(ends.map(|end| of_k("[0.003, 0.03, 0.3]", end)), [1, 1, 0]);
    }

    #[test]
    fn what_is_as_good_elsewhere_needs_no_search() {
        let trial = |k: usize, accuracy: f64| (json!({"k": k}), accuracy);
        assert_eq!(says("k = [3, 5, 7]", &[trial(7, 0.5), trial(5, 0.5)]), [""; 0]);
        assert_eq!(says("k = [3, 5, 7]", &[trial(7, 0.5), trial(3, 0.5)]), [""; 0]);
        assert_eq!(says("k = [3, 5, 7]", &[trial(7, 0.5), trial(7, 0.5), trial(5, 0.49)]).len(), 1);
    }

    #[test]
    fn a_search_without_a_best_has_none() {
        assert_eq!(says("k = [3, 5, 7]", &[]), [""; 0]);
        assert_eq!(says("k = [3, 5, 7]", &[(json!({}), 0.5)]), [""; 0]);
    }
}
