//! From what came of a row to its figures.

use std::collections::BTreeMap;

use zoo_schema::{Cost, Figure, ModelResult, Trial, Verdict, best_trial};

use crate::reproduce::row::{Measure, Published, SuiteRow};
use crate::reproduce::witness::Witness;

/// What came of a row, as far as it got.
#[derive(Default)]
pub(crate) struct Outcome {
    /// A trial of each of the row's settings, or of the first of them if a sample was run.
    pub(crate) trials: Vec<Trial>,
    /// The model that was fitted in the end.
    pub(crate) result: Option<ModelResult>,
    /// What is known of the model where mistakes are compared.
    pub(crate) witness: Option<Witness>,
    /// What a mistake costs.
    pub(crate) cost: Option<Cost>,
    /// What went wrong.
    pub(crate) error: Option<String>,
}

impl Outcome {
    /// The figures of `row`, `judged` or not, except those of settings behind the first `tried`.
    pub(crate) fn figures(&self, row: &SuiteRow, tried: usize, judged: bool) -> Vec<Figure> {
        let published = row.setup.published.iter().map(|one| (one, one.place(&row.settings)));
        let published = published.filter(|(_, place)| place.is_none_or(|place| place < tried));
        let figures = published.flat_map(|(published, place)| self.figures_of(published, place));
        let verdict = |figure: &Figure| match figure.measured {
            Some(_) if !judged => Verdict::NotJudged,
            _ => figure.judged(row.setup.own.is_some()),
        };
        figures.map(|figure| Figure { verdict: verdict(&figure), ..figure }).collect()
    }

    /// Why some of `figures`, which are this outcome's, are missing; `None` if none is.
    pub(crate) fn why_missing(&self, figures: &[Figure]) -> Option<String> {
        if self.error.is_some() {
            return self.error.clone();
        }
        let missing = figures.iter().find(|figure| figure.measured.is_none())?;
        // Where no setting is named the best one is missing: all of them have failed.
        let is_its_trial = |trial: &&Trial| {
            missing.setting.iter().all(|(key, value)| trial.settings.get(key) == Some(value))
        };
        let mut trials = self.trials.iter().filter(is_its_trial);
        let failed = trials.find_map(|trial| Some((trial.trial, trial.error.as_ref()?)));
        Some(match failed {
            Some((number, error)) if !missing.setting.is_empty() || best_trial(&self.trials).is_none() => {
                format!("trial {number}: {error}")
            }
            _ => format!("this model has no figure for {}", missing.measure),
        })
    }

    /// The figures that `published` asks for, of the setting at `place` or of the best.
    fn figures_of(&self, published: &Published, place: Option<usize>) -> Vec<Figure> {
        let name = published.measure.name();
        let measured = self.measured(published, place);
        let figure = |(fold, (low, high)): (usize, (Option<f64>, Option<f64>))| Figure {
            measure: if published.is_by_fold() { format!("{name}, fold {}", fold + 1) } else { name.into() },
            setting: setting(published),
            low,
            high,
            tolerance: published.tolerance,
            reason: published.reason.clone(),
            measured: measured.get(fold).map(|accuracy| 100.0 * accuracy),
            verdict: Verdict::NotJudged,
        };
        published.ranges().into_iter().enumerate().map(figure).collect()
    }

    /// What came out, 0 to 1: a number, or one per fold if folds are published; nothing if it is missing.
    fn measured(&self, published: &Published, place: Option<usize>) -> Vec<f64> {
        let Some(place) = place else {
            return self
                .result
                .as_ref()
                .and_then(|result| published.measure.of(result))
                .into_iter()
                .collect();
        };
        let Some(trial) = self.trials.iter().find(|trial| trial.trial == place + 1) else {
            return Vec::new();
        };
        match published.measure {
            Measure::Validation if published.is_by_fold() => trial.validation_accuracies.clone(),
            Measure::Validation => trial.validation_accuracy().into_iter().collect(),
            Measure::Training => trial.training_accuracy.into_iter().collect(),
            Measure::Test | Measure::Mirror | Measure::MirrorAndShifts => Vec::new(),
        }
    }
}

/// The setting of a published figure, as results have it.
fn setting(published: &Published) -> BTreeMap<String, serde_json::Value> {
    let json = |value: &toml::Value| serde_json::to_value(value).unwrap_or_default();
    published.setting.iter().map(|(key, value)| (key.clone(), json(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row with a mean, figures by fold, and one of the best model.
    fn row() -> SuiteRow {
        let text = r#"
            model = "knn"
            [row]
            title = "t"
            source = "s"
            folds = 2
            search.k = [1, 5, 9]
            [[row.published]]
            measure = "validation"
            setting = { k = 1 }
            value = 30.0
            tolerance = 1.0
            reason = ""
            [[row.published]]
            measure = "validation"
            setting = { k = 5 }
            folds = [40.0, 50.0]
            tolerance = 0.0
            reason = ""
            [[row.published]]
            measure = "test"
            at_least = 10.0
            tolerance = 0.0
            reason = ""
        "#;
        SuiteRow::new(&zoo_recipes::Registry::zoo(), "r", "file", text.parse().unwrap()).unwrap()
    }

    fn trial(number: usize, accuracies: &[f64]) -> Trial {
        let settings = BTreeMap::from([("k".to_string(), [1, 5, 9][number - 1].into())]);
        Trial { trial: number, settings, validation_accuracies: accuracies.into(), ..Trial::default() }
    }

    /// What figures measured, and what became of them.
    fn read(figures: &[Figure]) -> Vec<(&str, Option<f64>, Verdict)> {
        figures.iter().map(|figure| (figure.measure.as_str(), figure.measured, figure.verdict)).collect()
    }

    #[test]
    fn figures_are_those_of_their_settings_and_folds() {
        let trials = vec![trial(1, &[0.25, 0.375]), trial(2, &[0.375, 0.5]), trial(3, &[0.0, 0.0])];
        let outcome = Outcome { trials, ..Outcome::default() };
        let figures = outcome.figures(&row(), 3, true);
        assert_eq!(
            read(&figures),
            [
                ("validation", Some(31.25), Verdict::Missed),
                ("validation, fold 1", Some(37.5), Verdict::Missed),
                ("validation, fold 2", Some(50.0), Verdict::Reproduced),
                ("test", None, Verdict::Failed),
            ]
        );
        assert_eq!(outcome.why_missing(&figures).unwrap(), "this model has no figure for test");
        assert_eq!(outcome.why_missing(&figures[..3]), None);
    }

    #[test]
    fn what_is_our_own_is_met() {
        let mut row = row();
        row.setup.own = Some("the distance".into());
        let trials = vec![trial(1, &[0.25, 0.375]), trial(2, &[0.375, 0.5])];
        let figures = Outcome { trials, ..Outcome::default() }.figures(&row, 2, true);
        let verdicts: Vec<Verdict> = figures.iter().map(|figure| figure.verdict).collect();
        assert_eq!(verdicts, [Verdict::Missed, Verdict::Missed, Verdict::Met, Verdict::Failed]);
    }

    #[test]
    fn a_sample_judges_nothing_and_has_no_figures_of_what_it_left_out() {
        let outcome = Outcome { trials: vec![trial(1, &[0.25, 0.375])], ..Outcome::default() };
        let figures = outcome.figures(&row(), 1, false);
        let expected = [("validation", Some(31.25), Verdict::NotJudged), ("test", None, Verdict::Failed)];
        assert_eq!(read(&figures), expected);
    }

    #[test]
    fn a_setting_that_failed_says_why() {
        let failed = Trial { error: Some("k is too large".into()), ..trial(2, &[]) };
        let outcome = Outcome { trials: vec![trial(1, &[0.3, 0.3]), failed], ..Outcome::default() };
        let figures = outcome.figures(&row(), 2, true);
        assert_eq!(figures[1].verdict, Verdict::Failed);
        assert_eq!(outcome.why_missing(&figures).unwrap(), "trial 2: k is too large");
        let test = outcome.why_missing(&figures[3..]).unwrap();
        assert_eq!(test, "this model has no figure for test", "it isn't to blame for that");
        let outcome = Outcome { error: Some("no fit".into()), ..outcome };
        assert_eq!(outcome.why_missing(&figures[..1]).unwrap(), "no fit");
        assert_eq!(figures[0].verdict, Verdict::Reproduced, "what was measured counts all the same");
    }
}
