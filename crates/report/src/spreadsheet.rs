//! All figures of a comparison as CSV, for spreadsheets and data frames.

use std::fmt::Display;

use csv::Writer;
use zoo_schema::{Comparison, Interval, ModelResult, Spread};

use crate::column::{several_trainings, test_interval};

/// All figures of a comparison, unrounded, with a row per model in the order of the comparison; shares are from 0 to 1. What does not
/// exist is empty.
///
/// With several trainings of a model (`seeds`) the accuracies and the macro F1 are means over them, which have a standard deviation
/// (`validation_std`, `test_std`) instead of an interval; all other figures are those of the first training.
#[must_use]
pub fn csv(comparison: &Comparison) -> String {
    let nothing = ModelResult::new("", "", serde_json::Value::Null);
    let header = cells(&nothing).map(|(title, _)| title.to_owned());
    let rows = comparison.results.iter().map(|result| cells(result).map(|(_, value)| value));
    written(std::iter::once(header).chain(rows))
}

fn written<const CELLS: usize>(rows: impl Iterator<Item = [String; CELLS]>) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("memory takes all rows, and each has the same number of cells");
    }
    let bytes = writer.into_inner().expect("memory takes all bytes");
    String::from_utf8(bytes).expect("cells are text, and so is what is between them")
}

/// The title and the value of each cell of a row.
fn cells(result: &ModelResult) -> [(&'static str, String); 30] {
    let test = result.test.as_ref();
    let macro_average = test.map(|test| test.macro_average);
    let (validation_interval, test_interval) = (validation_interval(result), test_interval(result));
    let seeds = several_trainings(result);
    let deviation = |spread: Option<Spread>| text(spread.and_then(|spread| spread.std));
    let mean = |spread: Option<Spread>, value: Option<f64>| text(spread.map(|spread| spread.mean).or(value));
    [
        ("backend", result.backend.clone()),
        ("recipe", result.recipe.clone().unwrap_or_default()),
        ("model", result.model.clone()),
        ("seeds", text(result.seeds.as_ref().map(|seeds| seeds.trainings.len()))),
        ("validation_accuracy", text(result.validation_accuracy())),
        ("validation_low", text(validation_interval.map(|interval| interval.low))),
        ("validation_high", text(validation_interval.map(|interval| interval.high))),
        ("validation_std", deviation(seeds.and_then(|seeds| seeds.validation))),
        ("test_accuracy", text(result.accuracy())),
        ("test_low", text(test_interval.map(|interval| interval.low))),
        ("test_high", text(test_interval.map(|interval| interval.high))),
        ("test_std", deviation(seeds.and_then(|seeds| seeds.test))),
        (
            "train_accuracy",
            mean(seeds.and_then(|seeds| seeds.train), result.train.map(|train| train.accuracy)),
        ),
        ("balanced_accuracy", text(test.and_then(|test| test.balanced_accuracy))),
        ("macro_precision", text(macro_average.map(|average| average.precision))),
        ("macro_recall", text(macro_average.map(|average| average.recall))),
        ("macro_f1", mean(seeds.and_then(|seeds| seeds.macro_f1), macro_average.map(|average| average.f1))),
        ("matthews_correlation", text(test.and_then(|test| test.matthews_correlation))),
        ("cohen_kappa", text(test.and_then(|test| test.cohen_kappa))),
        ("top_5_accuracy", text(test.and_then(|test| test.top_5_accuracy))),
        ("test_loss", text(test.and_then(|test| test.loss))),
        ("expected_calibration_error", text(calibration_error(result))),
        ("parameters", text(result.parameters)),
        ("kept_epoch", text(result.kept_epoch)),
        ("steps", text(result.steps)),
        ("fit_seconds", text(result.fit_seconds)),
        ("predict_seconds", text(result.predict_seconds)),
        ("images_per_second", text(result.predict_images_per_second)),
        ("score_difference", text(result.score_difference)),
        ("error", result.error.clone().unwrap_or_default()),
    ]
}

/// A value as it is, or nothing.
fn text(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// The interval of the accuracy on validation images; with several trainings there is none of their mean.
fn validation_interval(result: &ModelResult) -> Option<Interval> {
    let interval = result.validation.and_then(|part| part.accuracy_interval);
    interval.filter(|_| several_trainings(result).is_none())
}

fn calibration_error(result: &ModelResult) -> Option<f64> {
    let calibration = result.test.as_ref()?.calibration.as_ref()?;
    Some(calibration.expected_calibration_error)
}

#[cfg(test)]
mod tests {
    use zoo_schema::Variant;

    use super::*;
    use crate::sample::{comparison, judged, named, trained};

    /// The values of a column, from its title on.
    fn column<'a>(text: &'a str, title: &str) -> Vec<&'a str> {
        let lines = || text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let place = lines().next().unwrap().iter().position(|cell| *cell == title).expect(title);
        lines().skip(1).map(|line| line[place]).collect()
    }

    #[test]
    fn every_figure_has_a_column() {
        let cnn = judged("cnn", [0.871, 0.8705, 0.994, 0.8698], 497_240, 292.25, 3374.5);
        let cnn = ModelResult { recipe: Some("cnn_wide".into()), kept_epoch: Some(7), ..cnn };
        let knn = trained(judged("knn", [0.35, 0.349, 0.45, 0.337], 153_600_000, 1.24, 2451.0), 3, 0.25);
        let text = csv(&comparison(vec![cnn, knn, named("svm")]));
        assert_eq!(text.lines().count(), 4, "{text}");
        for (title, values) in [
            ("backend", ["flex", "flex", "flex"]),
            ("recipe", ["cnn_wide", "", ""]),
            ("model", ["cnn", "knn", "svm"]),
            ("seeds", ["", "3", ""]),
            ("validation_accuracy", ["0.871", "0.35", ""]),
            ("validation_std", ["", "0.25", ""]),
            ("test_accuracy", ["0.8705", "0.349", ""]),
            ("test_std", ["", "0.25", ""]),
            ("train_accuracy", ["0.994", "0.45", ""]),
            ("macro_f1", ["0.8698", "0.337", ""]),
            ("cohen_kappa", ["0.5", "0.5", ""]),
            ("test_loss", ["", "", ""]),
            ("parameters", ["497240", "153600000", ""]),
            ("kept_epoch", ["7", "", ""]),
            ("fit_seconds", ["292.25", "1.24", ""]),
            ("images_per_second", ["3374.5", "2451", ""]),
        ] {
            assert_eq!(column(&text, title), values, "{title} in\n{text}");
        }
        for title in ["validation_low", "validation_high", "test_low", "test_high"] {
            let values = column(&text, title);
            assert!(values[0].parse::<f64>().is_ok() && values[1..] == ["", ""], "{title} in\n{text}");
        }
    }

    #[test]
    fn commas_and_quotes_stay_in_their_cells() {
        let mut failed = named("cnn");
        failed.error = Some("no \"memory\", none".into());
        failed.variants =
            vec![Variant { name: "mirror".into(), accuracy: 0.5, accuracy_interval: None, loss: None }];
        let text = csv(&comparison(vec![failed]));
        assert!(text.ends_with(",\"no \"\"memory\"\", none\"\n"), "{text}");
        let titles = text.lines().next().unwrap();
        assert!(
            titles.chars().all(|letter| letter == '_' || letter == ',' || letter.is_ascii_alphanumeric())
        );
    }
}
