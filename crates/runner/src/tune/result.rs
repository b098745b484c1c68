//! What a search has found: `result.json`, and the table of its trials.

use std::collections::BTreeMap;
use std::path::Path;

use comfy_table::{CellAlignment, presets};
use serde::Serialize;
use serde_json::Value;
use zoo_core::result::{DatasetSummary, SCHEMA};
use zoo_core::search::Trial;
use zoo_data::Splits;
use zoo_report::thousands;

use super::folder::{BEST, SearchFolder};
use crate::backend::Selected;
use crate::runs::{self, MARKDOWN};

/// So many trials are shown at the terminal; the files have all of them.
const ROWS: usize = 20;

/// The document of `result.json` and of `--json`.
#[derive(Serialize)]
pub(super) struct Document {
    schema: u32,
    zoo_version: String,
    burn_version: String,
    /// With cross-validation no image is held out but in its fold.
    dataset: DatasetSummary,
    backend: String,
    adapter: String,
    seed: u64,
    model: &'static str,
    recipe: Option<String>,
    folds: Option<usize>,
    /// `None` if all trials have failed.
    pub(super) best: Option<Best>,
    /// The best first, failures last.
    trials: Vec<Trial>,
}

/// The trial to go on with.
#[derive(Serialize)]
pub(super) struct Best {
    pub(super) trial: usize,
    pub(super) settings: BTreeMap<String, Value>,
    /// The mean over folds, if there are several.
    pub(super) validation_accuracy: f64,
    /// Its recipe, everything resolved.
    pub(super) config: Value,
}

impl Document {
    pub(super) fn new(
        folder: &SearchFolder,
        trials: &[Trial],
        splits: &Splits,
        selected: &Selected,
        best: Option<Best>,
    ) -> Self {
        let (config, folds) = (folder.config.clone().on(selected), folder.plan.folds);
        let mut dataset = runs::summary(splits);
        if folds.is_some() {
            dataset.train += std::mem::take(&mut dataset.validation);
        }
        let mut trials = trials.to_vec();
        let accuracy = |trial: &Trial| trial.validation_accuracy().unwrap_or(-1.0);
        trials.sort_by(|left, right| accuracy(right).total_cmp(&accuracy(left)));
        Self {
            schema: SCHEMA,
            zoo_version: config.zoo_version,
            burn_version: config.burn_version,
            dataset,
            backend: config.backend,
            adapter: config.adapter,
            seed: config.seed,
            model: folder.contender.entry.name,
            recipe: config.recipe,
            folds,
            best,
            trials,
        }
    }

    /// One line: what was searched on which images.
    fn describe(&self) -> String {
        let Self { dataset, backend, adapter, seed, .. } = self;
        let name = self.recipe.as_deref().unwrap_or(self.model);
        let (train, validation) = (thousands(dataset.train), thousands(dataset.validation));
        let images = match self.folds {
            Some(folds) => format!("{train} images in {folds} folds"),
            None => format!("{train} training and {validation} validation images"),
        };
        let (data, trials) = (&dataset.name, self.trials.len());
        format!("{name} on {data}: {trials} trials on {images}; {backend} on {adapter}; seed {seed}")
    }
}

/// A search that is done.
pub(super) struct Found {
    pub(super) document: Document,
    /// The recipe of the best trial, with its model and what it was run on.
    pub(super) recipe: Option<toml::Table>,
    /// The keys that differ between trials.
    pub(super) searched: Vec<String>,
}

impl Found {
    /// What the terminal shows; the files stand in `folder`.
    pub(super) fn text(&self, folder: &Path) -> String {
        let Document { trials, best, .. } = &self.document;
        let table = self.table(zoo_report::table(self.header()), &trials[..trials.len().min(ROWS)]);
        let mut lines = vec![self.document.describe(), table.to_string()];
        if trials.len() > ROWS {
            lines.push(format!("… and {} more in {}", trials.len() - ROWS, folder.join(MARKDOWN).display()));
        }
        if let Some(best) = best {
            let (settings, accuracy) = (words(&best.settings), percent(best.validation_accuracy));
            lines.push(format!("best: {settings}: validation accuracy {accuracy}"));
            lines.push(format!("train it: zoo train {}", folder.join(BEST).display()));
        }
        lines.join("\n")
    }

    /// The whole table, in Markdown.
    pub(super) fn markdown(&self) -> String {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::ASCII_MARKDOWN).set_header(self.header());
        format!("{}\n\n{}\n", self.document.describe(), self.table(table, &self.document.trials))
    }

    fn has_failures(&self) -> bool {
        self.document.trials.iter().any(|trial| trial.error.is_some())
    }

    fn header(&self) -> Vec<String> {
        let mut titles = vec!["trial".to_string()];
        titles.extend(self.searched.iter().cloned());
        titles.push("validation accuracy".into());
        titles.extend(self.document.folds.map(|_| "deviation".into()));
        titles.extend(["training accuracy".into(), "time".into()]);
        titles.extend(self.has_failures().then(|| "failure".into()));
        titles
    }

    fn table(&self, mut table: comfy_table::Table, trials: &[Trial]) -> comfy_table::Table {
        let failure = if self.has_failures() { table.column_count().checked_sub(1) } else { None };
        for (place, column) in table.column_iter_mut().enumerate() {
            let left = Some(place) == failure;
            column.set_cell_alignment(if left { CellAlignment::Left } else { CellAlignment::Right });
        }
        let or_dash = |accuracy: Option<f64>| accuracy.map_or_else(|| "–".into(), percent);
        for trial in trials {
            let mut cells = vec![trial.trial.to_string()];
            cells.extend(
                self.searched.iter().map(|key| trial.settings.get(key).map_or_else(String::new, word)),
            );
            cells.push(or_dash(trial.validation_accuracy()));
            cells.extend(self.document.folds.map(|_| or_dash(trial.deviation())));
            cells.extend([or_dash(trial.training_accuracy), format!("{:.1} s", trial.seconds)]);
            cells.extend(failure.map(|_| trial.error.clone().unwrap_or_default()));
            table.add_row(cells);
        }
        table
    }
}

/// 0.41234 as 41.23 %.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Settings as `--set` takes them.
pub(super) fn words(settings: &BTreeMap<String, Value>) -> String {
    let words = settings.iter().map(|(key, value)| format!("{key}={}", word(value)));
    words.collect::<Vec<_>>().join(" ")
}

/// A value, without quotes around a name.
fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(count: usize) -> Found {
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
        let classes = vec!["cat".into(), "dog".into()];
        let document = Document {
            schema: SCHEMA,
            zoo_version: "0.1.0".into(),
            burn_version: "0.22.1".into(),
            dataset: DatasetSummary { name: "pets".into(), train: 5000, validation: 0, test: 4, classes },
            backend: "flex".into(),
            adapter: "CPU".into(),
            seed: 7,
            model: "knn",
            recipe: None,
            folds: Some(2),
            best: Some(best),
            trials,
        };
        Found { document, recipe: None, searched: vec!["k".into(), "metric".into()] }
    }

    #[test]
    fn markdown_has_a_row_a_trial_and_reasons_of_failures() {
        let expected = "\
knn on pets: 2 trials on 5,000 images in 2 folds; flex on CPU; seed 7

| trial | k | metric | validation accuracy | deviation | training accuracy |  time | failure   |
|-------|---|--------|---------------------|-----------|-------------------|-------|-----------|
|     1 | 1 |     l1 |             37.50 % |   12.50 % |          100.00 % | 2.0 s |           |
|     2 | 2 |     l1 |                   – |         – |                 – | 2.0 s | too large |
";
        assert_eq!(found(2).markdown(), expected);
    }

    #[test]
    fn the_terminal_shows_the_first_rows_and_what_to_do_next() {
        let text = found(25).text(Path::new("runs/0001"));
        assert_eq!(text.lines().filter(|line| line.contains(" l1 ")).count(), ROWS);
        assert!(text.contains("\n… and 5 more in runs/0001/result.md\n"), "{text}");
        let end =
            "\nbest: k=1 metric=l1: validation accuracy 37.50 %\ntrain it: zoo train runs/0001/best.toml";
        assert!(text.ends_with(end), "{text}");
        assert!(!found(20).text(Path::new("runs")).contains("more"));
    }
}
