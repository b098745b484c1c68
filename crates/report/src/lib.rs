//! Results out: what `zoo_schema` describes as tables for the terminal and in Markdown, and pictures of results, searches and images.
//! Knows the result schema and plain numbers, no tensor and no Burn.
//!
//! - Comparisons: [`terminal_table`], [`markdown()`], [`describe`], [`failures`], the pictures [`curves()`] and [`confusion`].
//! - Searches: [`search_table`], [`search_markdown`], the picture [`search()`].
//! - Reproductions: [`reproduction_table`], [`reproduction_markdown`], [`figure_line`].
//! - Images: [`Grid`] and [`Distances`].
//! - For tables of one's own: [`table()`] and [`markdown_table`], and figures in words: [`percent`], [`or_dash`], [`thousands`],
//!   [`seconds`], [`scientific`].
//!
//! ```
//! let document = r#"{
//!     "schema": 1, "zoo_version": "0.1.0", "burn_version": "0.22.1",
//!     "dataset": {"name": "pets", "train": 90, "validation": 10, "test": 4, "classes": ["cat", "dog"]},
//!     "backend": "flex", "adapter": "CPU", "seed": 42,
//!     "results": [{"model": "svm", "backend": "flex", "config": {}, "parameters": 30730, "history": []}]
//! }"#;
//! let comparison: zoo_schema::Comparison = serde_json::from_str(document)?;
//! let table = zoo_report::terminal_table(&comparison);
//! println!("{table}");
//! assert!(table.contains("30,730"));
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! A [`Picture`] is SVG, and PNG rendered from it. What draws one knows axes (`axis`, `chart`), words (`words`, `legend`), colours
//! (`style`, `colours`) and pixels (`raster`), and puts elements on a `canvas`.

mod axis;
mod canvas;
mod chart;
mod colours;
mod curves;
mod figure;
mod files;
mod grid;
mod legend;
mod matrix;
mod picture;
mod primitives;
mod raster;
#[cfg(test)]
mod rendered;
mod reproduction;
mod search;
mod style;
mod summary;
mod table;
mod trials;
mod words;

use zoo_schema::{Comparison, ModelResult};

pub use comfy_table::Table;

pub use curves::curves;
pub use figure::{or_dash, percent, scientific, seconds, thousands};
pub use files::{BEST_FILE, MARKDOWN_FILE};
pub use grid::{Grid, Mark, Row, Tile};
pub use matrix::{Distances, Side, confusion};
pub use picture::{Picture, PictureError};
pub use raster::Raster;
pub use reproduction::{figure_line, reproduction_markdown, reproduction_table};
pub use search::search;
pub use summary::describe;
pub use table::{markdown_table, table};
pub use trials::{search_markdown, search_table, settings_line};

/// The table for the terminal: one row per model, in the order of the comparison.
#[must_use]
pub fn terminal_table(comparison: &Comparison) -> String {
    fill(table(summary::header(comparison), figures(comparison)), comparison)
}

/// The same table in Markdown, under a line that says what was run on what.
#[must_use]
pub fn markdown(comparison: &Comparison) -> String {
    let table = markdown_table(summary::header(comparison), figures(comparison));
    let mut text = format!("{}\n\n{}\n", describe(comparison), fill(table, comparison));
    for (place, failure) in failures(comparison).into_iter().enumerate() {
        text.extend([if place == 0 { "\n- " } else { "- " }, &failure, "\n"]);
    }
    text
}

/// A line for each model that failed: its name, its backend and why.
#[must_use]
pub fn failures(comparison: &Comparison) -> Vec<String> {
    let failed = |result: &ModelResult| {
        result.error.as_ref().map(|error| format!("{} on {} failed: {error}", result.name(), result.backend))
    };
    comparison.results.iter().filter_map(failed).collect()
}

/// The columns after those of names.
fn figures(comparison: &Comparison) -> std::ops::Range<usize> {
    summary::name_columns(comparison)..summary::header(comparison).len()
}

fn fill(mut table: Table, comparison: &Comparison) -> String {
    for result in &comparison.results {
        table.add_row(summary::row(comparison, result));
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use zoo_schema::{ConfusionMatrix, DatasetSummary, SCHEMA, TestMetrics, Variant};

    use super::*;

    fn comparison() -> Comparison {
        let classes = vec!["cat".to_string(), "dog".to_string()];
        let confusion = ConfusionMatrix::new(&[0, 1, 1, 1], &[0, 0, 1, 1], 2);
        let mut svm = ModelResult::new("svm", "flex", serde_json::Value::Null);
        svm.test = Some(TestMetrics::new(confusion, 1.0, None, &classes));
        svm.parameters = Some(30_730);
        svm.fit_seconds = Some(75.0);
        svm.predict_images_per_second = Some(12_345.6);
        Comparison {
            schema: SCHEMA,
            zoo_version: "0.1.0".into(),
            burn_version: "0.22.1".into(),
            dataset: DatasetSummary { name: "pets".into(), train: 90, validation: 10, test: 4, classes },
            backend: "flex".into(),
            adapter: "CPU".into(),
            seed: 7,
            results: vec![
                svm,
                ModelResult::failed("cnn", "flex", serde_json::Value::Null, "out of memory".into()),
            ],
        }
    }

    #[test]
    fn markdown_has_a_row_per_model_and_names_failures() {
        let expected = "\
pets: 90 training, 10 validation and 4 test images of 2 classes; flex on CPU; seed 7; zoo 0.1.0, Burn 0.22.1

| model | test accuracy | macro precision | macro recall | macro F1 | parameters |    fit | predict, images/s |
|-------|---------------|-----------------|--------------|----------|------------|--------|-------------------|
| svm   |        75.0 % |          75.0 % |       83.3 % |   73.3 % |     30,730 | 75.0 s |            12,346 |
| cnn   |             – |               – |            – |        – |          – |      – |                 – |

- cnn on flex failed: out of memory
";
        assert_eq!(markdown(&comparison()), expected);
    }

    #[test]
    fn several_backends_have_a_column_and_a_difference() {
        let mut comparison = comparison();
        comparison.results[0].backend = "wgpu".into();
        comparison.results[0].score_difference = Some(0.000_123);
        let text = markdown(&comparison);
        assert!(text.contains("| model | backend | test accuracy "), "{text}");
        assert!(text.contains("| score difference |") && text.contains("1.2e-4"), "{text}");
        assert!(
            !markdown(&super::tests::comparison()).contains("backend"),
            "one backend is in the line above"
        );
    }

    #[test]
    fn variants_have_columns_and_recipes_names() {
        let mut comparison = comparison();
        let variant = |name: &str, accuracy| Variant { name: name.into(), accuracy, loss: None };
        comparison.results[0].variants = vec![variant("mirror", 0.765), variant("without_ema", 0.5)];
        let mut other = ModelResult::new("cnn", "flex", serde_json::Value::Null);
        other.recipe = Some("cnn_wide".into());
        other.variants = vec![variant("without_ema", 0.25)];
        comparison.results.insert(1, other);
        comparison.results[2].recipe = Some("cnn_deep".into());
        let text = markdown(&comparison);
        let cells = |line: usize| -> Vec<_> {
            text.lines().nth(line).unwrap().split('|').map(str::trim).skip(1).take(5).collect()
        };
        assert_eq!(cells(2), ["model", "test accuracy", "with mirror", "without EMA", "macro precision"]);
        assert_eq!(cells(4), ["svm", "75.0 %", "76.5 %", "50.0 %", "75.0 %"]);
        assert_eq!(cells(5), ["cnn_wide", "–", "–", "25.0 %", "–"]);
        assert_eq!(cells(6)[0], "cnn_deep");
        assert_eq!(failures(&comparison), ["cnn_deep on flex failed: out of memory"]);
    }

    #[test]
    fn the_terminal_table_says_the_same() {
        let table = terminal_table(&comparison());
        for cell in ["svm", "75.0 %", "83.3 %", "73.3 %", "30,730", "12,346", "–"] {
            assert!(table.contains(cell), "{cell} is not in\n{table}");
        }
        assert_eq!(failures(&comparison()), ["cnn on flex failed: out of memory"]);
    }
}
