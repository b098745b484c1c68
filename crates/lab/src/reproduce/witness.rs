//! A measured model, as far as mistakes are compared with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use toml::{Table, Value};
use zoo_recipes::Contender;
use zoo_schema::{Clue, Cost, CostMeasure, ModelResult};
use zoo_statistics::paired_interval;

use crate::chance::Compared;
use crate::error::LabError;
use crate::fit::Outcome;
use crate::lab::Lab;
use crate::reproduce::clues::findings;
use crate::summary::{Summary, summary};

/// A measured model, as far as mistakes are compared with it.
pub(crate) struct Witness {
    config: Table,
    /// What came of it; nothing if training came to nothing.
    seen: Option<Seen>,
    /// What the program says of it.
    clues: Vec<Clue>,
}

/// What a model says of the test images.
struct Seen {
    result: ModelResult,
    /// For each image, by its name, whether it is right.
    right: HashMap<String, bool>,
    /// The images in order.
    names: Vec<String>,
}

impl Witness {
    /// Of a model that was fitted in `lab`.
    ///
    /// # Errors
    /// [`LabError`] if the device fails.
    pub(crate) fn of(lab: &Lab<'_>, contender: &Contender, outcome: &Outcome) -> Result<Self, LabError> {
        let answers = lab.answers(vec![outcome.answers.clone()]);
        let names: Vec<String> = answers.images.iter().map(|image| image.name.clone()).collect();
        let right = names.iter().cloned().zip(answers.right(0)).collect();
        let result = outcome.result.clone();
        let clues = lab.clues(contender, &result)?;
        let config = contender.estimator.config()?;
        Ok(Self { config, seen: Some(Seen { result, right, names }), clues })
    }

    /// Of a training that came to nothing.
    ///
    /// # Errors
    /// [`LabError`] if the device fails.
    pub(crate) fn of_nothing(lab: &Lab<'_>, contender: &Contender, stopped: Clue) -> Result<Self, LabError> {
        let clues = [vec![stopped], lab.sanity_clues(contender)?].concat();
        Ok(Self { config: contender.estimator.config()?, seen: None, clues })
    }

    /// What this model, which was fitted in `lab`, lost against `right`, the model of the row `against`. Where it was judged on fewer images,
    /// so is `right`, and what the program says of the pair counts. `None` if `right` came to nothing.
    pub(crate) fn cost(&self, against: &str, right: &Self, lab: &Lab<'_>) -> Option<Cost> {
        let base = right.seen.as_ref()?;
        let (seen, mut clues) = (self.seen.as_ref(), self.clues.clone());
        let names = seen.map_or(&base.names, |seen| &seen.names);
        let of = |seen: &Seen| -> Vec<bool> {
            names.iter().filter_map(|name| seen.right.get(name).copied()).collect()
        };
        let (right_answers, wrong_answers) = (of(base), seen.map(of));
        if let (Some(seen), Some(wrong)) = (seen, &wrong_answers)
            && names.len() < base.names.len()
        {
            clues.extend(of_pair(lab, (base, &right_answers), (seen, wrong)));
        }
        let known: BTreeSet<&str> = right.clues.iter().map(|clue| clue.check.as_str()).collect();
        clues.retain(|clue| !known.contains(clue.check.as_str()));
        let percent = |answers: &[bool]| {
            100.0 * answers.iter().filter(|&&right| right).count() as f64 / answers.len().max(1) as f64
        };
        let interval = wrong_answers.as_ref().map(|wrong| interval(&right_answers, wrong));
        let (right_percent, wrong_percent) = (percent(&right_answers), wrong_answers.as_deref().map(percent));
        Some(Cost {
            measure: CostMeasure::Paired,
            against: Some(against.into()),
            changes: changes(&right.config, &self.config),
            right: right_percent,
            wrong: wrong_percent,
            points: wrong_percent.map(|wrong| right_percent - wrong),
            low: interval.map(|(low, _)| 100.0 * low),
            high: interval.map(|(_, high)| 100.0 * high),
            images: names.len(),
            named_by: clues,
        })
    }
}

/// What the program says of two models next to each other, and of none of them by itself.
fn of_pair(lab: &Lab<'_>, right: (&Seen, &[bool]), wrong: (&Seen, &[bool])) -> Vec<Clue> {
    let machines = std::slice::from_ref(lab.machine);
    let summary = Summary::new(lab.splits, machines, lab.protocol, summary(lab.splits));
    let compared = |(seen, answers): (&Seen, &[bool])| Compared {
        label: seen.result.label().into(),
        right: vec![answers.to_vec()],
    };
    let results = [right, wrong].map(|(seen, _)| seen.result.clone());
    let mut comparison = summary.comparison(results.into(), &[compared(right), compared(wrong)]);
    comparison.checks.retain(|finding| finding.model.is_none());
    findings(&comparison)
}

/// The 95 % interval of the difference of two accuracies on the same images.
fn interval(right: &[bool], wrong: &[bool]) -> (f64, f64) {
    let only = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|&(a, b)| *a && !*b).count();
    paired_interval(only(right, wrong), only(wrong, right), right.len())
}

/// The keys that have other values in `wrong` than in `right`.
fn changes(right: &Table, wrong: &Table) -> Vec<String> {
    let (right, wrong) = (flat(right), flat(wrong));
    let keys: BTreeSet<&String> = right.keys().chain(wrong.keys()).collect();
    let differing = keys.into_iter().filter(|key| right.get(*key) != wrong.get(*key));
    let change = |key: &String| match (right.get(key), wrong.get(key)) {
        (Some(right), Some(wrong)) => format!("{key} = {wrong} instead of {right}"),
        (None, Some(wrong)) => format!("{key} = {wrong}"),
        (_, None) => format!("no {key}"),
    };
    differing.map(change).collect()
}

/// The values of a table by their whole keys, as TOML writes them.
fn flat(table: &Table) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                values.extend(flat(inner).into_iter().map(|(rest, value)| (format!("{key}.{rest}"), value)));
            }
            value => {
                values.insert(key.clone(), value.to_string());
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_name_whole_keys() {
        let table = |text: &str| text.parse::<Table>().unwrap();
        let right = table("scale = 1.0\n[optimizer]\nlearning_rate = 0.1\nmomentum = 0.9");
        let wrong = table("scale = 1.0\nmistake = \"no_shuffling\"\n[optimizer]\nlearning_rate = 1.0");
        assert_eq!(
            changes(&right, &wrong),
            [
                "mistake = \"no_shuffling\"",
                "optimizer.learning_rate = 1.0 instead of 0.1",
                "no optimizer.momentum"
            ]
        );
        assert!(changes(&right, &right).is_empty());
    }

    #[test]
    fn the_interval_is_that_of_images_on_which_the_two_differ() {
        let right: Vec<bool> = (0..100).map(|image| image < 60).collect();
        let wrong: Vec<bool> = (0..100).map(|image| (45..65).contains(&image)).collect();
        assert_eq!(interval(&right, &wrong), paired_interval(45, 5, 100));
    }
}
