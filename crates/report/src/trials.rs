//! The trials of a search as a table.

use std::collections::BTreeMap;
use std::path::Path;

use comfy_table::Table;
use serde_json::Value;
use zoo_schema::{SearchResult, Trial};

use crate::escape::for_markdown;
use crate::figure::{or_dash, percent, thousands};
use crate::files::{BEST_FILE, MARKDOWN_FILE};
use crate::notes::check_lines;
use crate::table::{markdown_table, table};

/// How many trials are shown at the terminal; the files have all of them.
const ROWS: usize = 20;
/// The table for the terminal: one row per trial, the best first, twenty at most, and below it the best one and how to train it.
/// `searched` are the keys that differ between trials; the files of the search are in `folder`.
#[must_use]
pub fn search_table(result: &SearchResult, searched: &[String], folder: &Path) -> String {
    let SearchResult { trials, best, .. } = result;
    let table = table(header(result, searched), figures(result, searched));
    let table = fill(table, result, searched, &trials[..trials.len().min(ROWS)]);
    let mut lines = vec![describe(result), table.to_string()];
    if trials.len() > ROWS {
        lines.push(format!("… and {} more in {}", trials.len() - ROWS, folder.join(MARKDOWN_FILE).display()));
    }
    if let Some(best) = best {
        let (settings, accuracy) = (settings_line(&best.settings), percent(best.validation_accuracy, 2));
        lines.push(format!("best: {settings}: validation accuracy {accuracy}"));
        lines.push(format!("train it: zoo train {}", folder.join(BEST_FILE).display()));
    }
    lines.extend(check_lines(&result.checks));
    lines.join("\n")
}

/// The whole table in Markdown, under a line that says what was searched on what; `searched` as for [`search_table`].
#[must_use]
pub fn search_markdown(result: &SearchResult, searched: &[String]) -> String {
    let result = &for_markdown(result);
    let table = markdown_table(header(result, searched), figures(result, searched));
    let mut text = format!("{}\n\n{}\n", describe(result), fill(table, result, searched, &result.trials));
    for (place, line) in check_lines(&result.checks).iter().enumerate() {
        text.extend([if place == 0 { "\n- " } else { "- " }, line, "\n"]);
    }
    text
}

/// Settings as `--set` takes them: `k=5 metric=l1`.
#[must_use]
pub fn settings_line(settings: &BTreeMap<String, Value>) -> String {
    let words = settings.iter().map(|(key, value)| format!("{key}={}", word(value)));
    words.collect::<Vec<_>>().join(" ")
}

/// A value, without quotes around a name.
pub(crate) fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

/// One line: what was searched on which images.
pub(crate) fn describe(result: &SearchResult) -> String {
    let SearchResult { dataset, backend, adapter, seed, .. } = result;
    let name = result.recipe.as_ref().unwrap_or(&result.model);
    let (train, validation) = (thousands(dataset.train), thousands(dataset.validation));
    let images = match result.folds {
        Some(folds) => format!("{train} images in {folds} folds"),
        None => format!("{train} training and {validation} validation images"),
    };
    let (data, trials) = (&dataset.name, result.trials.len());
    format!("{name} on {data}: {trials} trials on {images}; {backend} on {adapter}; seed {seed}")
}

pub(crate) fn has_failures(result: &SearchResult) -> bool {
    result.trials.iter().any(|trial| trial.error.is_some())
}

pub(crate) fn header(result: &SearchResult, searched: &[String]) -> Vec<String> {
    let mut titles = vec!["trial".to_string()];
    titles.extend(searched.iter().cloned());
    titles.push("validation accuracy".into());
    titles.extend(result.folds.map(|_| "deviation".into()));
    titles.extend(["training accuracy".into(), "time".into()]);
    titles.extend(has_failures(result).then(|| "failure".into()));
    titles
}

/// All columns except the reason of a failure, which is the last one.
fn figures(result: &SearchResult, searched: &[String]) -> std::ops::Range<usize> {
    0..header(result, searched).len() - usize::from(has_failures(result))
}

fn fill(mut table: Table, result: &SearchResult, searched: &[String], trials: &[Trial]) -> Table {
    let has_failures = has_failures(result);
    let share = |accuracy: Option<f64>| or_dash(accuracy, |accuracy| percent(accuracy, 2));
    for trial in trials {
        let mut cells = vec![trial.trial.to_string()];
        cells.extend(searched.iter().map(|key| trial.settings.get(key).map_or_else(String::new, word)));
        cells.push(share(trial.validation_accuracy()));
        cells.extend(result.folds.map(|_| share(trial.deviation())));
        cells.extend([share(trial.training_accuracy), format!("{:.1} s", trial.seconds)]);
        cells.extend(has_failures.then(|| trial.error.clone().unwrap_or_default()));
        table.add_row(cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zoo_schema::{Best, SCHEMA};

    use super::*;
    use crate::sample::dataset;

    fn found(count: usize) -> SearchResult {
        let trial = |number: usize| Trial {
            trial: number,
            settings: [("k".to_string(), json!(number)), ("metric".to_string(), json!("l1"))].into(),
            validation_accuracies: vec![0.5, 0.25],
            training_accuracy: Some(1.0),
            seconds: 2.04,
            error: None,
        };
        let mut trials: Vec<Trial> = (1..=count).map(trial).collect();
        let failed = trials.last_mut().unwrap();
        *failed = Trial {
            validation_accuracies: Vec::new(),
            training_accuracy: None,
            error: Some("too large".into()),
            ..failed.clone()
        };
        let settings = trials[0].settings.clone();
        let best = Best { trial: 1, settings, validation_accuracy: 0.375, config: Value::Null };
        SearchResult {
            schema: SCHEMA,
            zoo_version: "0.1.0".into(),
            burn_version: "0.22.1".into(),
            dataset: dataset([5000, 0, 4], &["cat", "dog"]),
            backend: "flex".into(),
            adapter: "CPU".into(),
            machine: None,
            seed: 7,
            model: "knn".into(),
            recipe: None,
            folds: Some(2),
            best: Some(best),
            trials,
            checks: Vec::new(),
        }
    }

    fn searched() -> Vec<String> {
        vec!["k".into(), "metric".into()]
    }

    #[test]
    fn markdown_has_a_row_per_trial_and_reasons_of_failures() {
        let expected = "\
knn on pets: 2 trials on 5,000 images in 2 folds; flex on CPU; seed 7

| trial | k | metric | validation accuracy | deviation | training accuracy |  time | failure   |
|-------|---|--------|---------------------|-----------|-------------------|-------|-----------|
|     1 | 1 |     l1 |             37.50 % |   12.50 % |          100.00 % | 2.0 s |           |
|     2 | 2 |     l1 |                   – |         – |                 – | 2.0 s | too large |
";
        assert_eq!(search_markdown(&found(2), &searched()), expected);
    }

    #[test]
    fn the_terminal_shows_the_first_rows_and_what_to_do_next() {
        let text = search_table(&found(25), &searched(), Path::new("runs/0001"));
        assert_eq!(text.lines().filter(|line| line.contains(" l1 ")).count(), ROWS);
        assert!(text.contains("\n… and 5 more in runs/0001/result.md\n"), "{text}");
        let end =
            "\nbest: k=1 metric=l1: validation accuracy 37.50 %\ntrain it: zoo train runs/0001/best.toml";
        assert!(text.ends_with(end), "{text}");
        assert!(!search_table(&found(20), &searched(), Path::new("runs")).contains("more"));
    }
}
