//! A measured model, as far as mistakes are compared with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use toml::{Table, Value};
use zoo_recipes::Contender;
use zoo_schema::{Clue, Cost, CostMeasure, ModelResult};
use zoo_statistics::min_f;

use crate::chance::Compared;
use crate::error::LabError;
use crate::lab::Lab;
use crate::reproduce::clues::findings;
use crate::summary::{Summary, summary};

/// A measured model, as far as mistakes are compared with it.
pub(crate) struct Witness {
    config: Table,
    trainings: usize,
    /// What came of it; nothing if training came to nothing.
    seen: Option<Seen>,
    /// What the program says of it.
    clues: Vec<Clue>,
}

/// What several trainings say of the test images.
struct Seen {
    result: ModelResult,
    /// For each training, whether each image is right.
    right: Vec<Vec<bool>>,
    /// The names of the images.
    names: Vec<String>,
}

impl Seen {
    /// For each training, whether each of the images `names` is right; all of them are known.
    fn of(&self, names: &[String]) -> Vec<Vec<bool>> {
        let places: HashMap<&str, usize> =
            self.names.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
        let places: Vec<usize> = names.iter().filter_map(|name| places.get(name.as_str()).copied()).collect();
        self.right.iter().map(|right| places.iter().map(|&place| right[place]).collect()).collect()
    }
}

impl Witness {
    /// Of trainings in `lab` that came to `result`; `right` says for each of them which test images it gets right.
    ///
    /// # Errors
    /// [`LabError`] if the device fails.
    pub(crate) fn of(
        lab: &Lab<'_>,
        contender: &Contender,
        (result, right): (&ModelResult, Vec<Vec<bool>>),
    ) -> Result<Self, LabError> {
        let names = lab.answers(Vec::new()).images.into_iter().map(|image| image.name).collect();
        let clues = lab.clues(contender, result)?;
        let (config, trainings) = (contender.estimator.config()?, right.len());
        Ok(Self { config, trainings, seen: Some(Seen { result: result.clone(), right, names }), clues })
    }

    /// Of `trainings`, one of which came to nothing.
    ///
    /// # Errors
    /// [`LabError`] if the device fails.
    pub(crate) fn of_nothing(
        lab: &Lab<'_>,
        contender: &Contender,
        trainings: usize,
        stopped: Clue,
    ) -> Result<Self, LabError> {
        let clues = [vec![stopped], lab.sanity_clues(contender)?].concat();
        Ok(Self { config: contender.estimator.config()?, trainings, seen: None, clues })
    }

    /// What these trainings in `lab` lost against `right`, those of the row `against`. Where they were judged on fewer images, so are those,
    /// and what the program says of the pair counts. `None` if `right` came to nothing.
    pub(crate) fn cost(&self, against: &str, right: &Self, lab: &Lab<'_>) -> Option<Cost> {
        let base = right.seen.as_ref()?;
        let (seen, mut clues) = (self.seen.as_ref(), self.clues.clone());
        let names = seen.map_or(&base.names, |seen| &seen.names);
        if let Some(seen) = seen
            && names.len() < base.names.len()
        {
            clues.extend(of_pair(lab, base, seen));
        }
        let known: BTreeSet<&str> = right.clues.iter().map(|clue| clue.check.as_str()).collect();
        clues.retain(|clue| !known.contains(clue.check.as_str()));
        let right_answers = base.of(names);
        let found = seen.map(|seen| (percent(&seen.right), min_f(&right_answers, &seen.right)));
        let interval = found.and_then(|(_, found)| found.interval);
        Some(Cost {
            measure: CostMeasure::Paired,
            against: Some(against.into()),
            changes: changes(&right.config, &self.config),
            right: percent(&right_answers),
            wrong: found.map(|(wrong, _)| wrong),
            points: found.map(|(_, found)| 100.0 * found.difference),
            low: interval.map(|(low, _)| 100.0 * low),
            high: interval.map(|(_, high)| 100.0 * high),
            images: names.len(),
            trainings: self.trainings,
            named_by: clues,
        })
    }
}

/// The mean accuracy of trainings.
fn percent(right: &[Vec<bool>]) -> f64 {
    let answers = right.iter().flatten();
    100.0 * answers.clone().filter(|&&right| right).count() as f64 / answers.count().max(1) as f64
}

/// What the program says of two models next to each other on the images of the second, and of none of them by itself.
fn of_pair(lab: &Lab<'_>, right: &Seen, wrong: &Seen) -> Vec<Clue> {
    let machines = std::slice::from_ref(lab.machine);
    let summary = Summary::new(lab.splits, machines, lab.protocol, summary(lab.splits));
    let compared = [right, wrong]
        .map(|seen| Compared { label: seen.result.label().into(), right: seen.of(&wrong.names) });
    let results = [right, wrong].map(|seen| seen.result.clone());
    let mut comparison = summary.comparison(results.into(), &compared);
    comparison.checks.retain(|finding| finding.model.is_none());
    findings(&comparison)
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
    fn answers_are_found_by_the_names_of_images() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<String>>();
        let seen = Seen {
            result: ModelResult::new("mlp", "flex", serde_json::Value::Null),
            right: vec![vec![true, false, false], vec![true, true, false]],
            names: names(&["a", "b", "c"]),
        };
        assert_eq!(seen.of(&names(&["b", "a"])), [[false, true], [true, true]]);
        assert_eq!(percent(&seen.of(&names(&["b"]))), 50.0);
    }
}
