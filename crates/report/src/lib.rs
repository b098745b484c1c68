//! Results out: what `zoo_schema` describes as tables for the terminal and in Markdown, pictures of results, searches and images, and pages.
//! Knows the result schema and plain numbers, no tensor and no Burn.
//!
//! - Comparisons: [`describe`] says of what, [`terminal_table`] and [`table_within`] have a row per model, [`notes`] go below it,
//!   [`details`] has more figures, [`failures`] what went wrong; [`markdown()`] is all of that, [`csv()`] all figures. [`curves()`] and
//!   [`confusion`] are pictures. The notes one by one: [`legend_line`], [`majority_line`], [`variants_line`], [`epochs_lines`],
//!   [`front_line`], [`check_lines`]; [`wrapped`] breaks them into lines.
//! - What models say of single images: [`answers_table`]; of image files: [`predictions_table`], [`predictions_csv`]. What is found in a
//!   dataset: [`audit_tables`].
//! - Searches: [`search_table`], [`search_markdown`], the picture [`search()`].
//! - Reproductions: [`reproduction_table`], [`reproduction_markdown`], [`figure_line`].
//! - Images: [`Grid`] and [`Distances`].
//! - Pages: [`ComparisonPage`], [`search_page`], [`reproduction_page`]; for the terminal [`terminal_pictures`].
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

mod answers;
mod audit;
mod axis;
mod bars;
mod canvas;
mod chart;
mod colours;
mod column;
mod costs;
mod curves;
mod details;
mod escape;
mod figure;
mod files;
mod front;
mod grid;
mod layout;
mod legend;
mod letters;
mod markup;
mod matrix;
mod notes;
mod page;
mod parallel;
mod picture;
mod predictions;
mod primitives;
mod raster;
mod reliability;
#[cfg(test)]
mod rendered;
mod reproduction;
#[cfg(test)]
mod sample;
mod search;
mod spreadsheet;
mod style;
mod summary;
mod table;
mod terminal;
mod trials;
mod verdict;
mod words;

use std::fmt::Write;

use zoo_schema::Comparison;

pub use comfy_table::Table;

pub use answers::answers_table;
pub use audit::{audit_tables, audit_title};
pub use costs::cost_line;
pub use curves::curves;
pub use details::details;
pub use figure::{or_dash, percent, scientific, seconds, thousands};
pub use files::{BEST_FILE, CSV_FILE, MARKDOWN_FILE, PAGE_FILE};
pub use grid::{Grid, Mark, Row, Tile};
pub use layout::{table_within, terminal_table};
pub use matrix::{Distances, Side, confusion};
pub use notes::{
    check_lines, epochs_lines, front_line, legend_line, majority_line, notes, variants_line, wrapped,
};
pub use page::{ComparisonPage, Decision, Explain, Provenance, reproduction_page, search_page};
pub use picture::{Picture, PictureError};
pub use predictions::{PredictionColumn, predictions_csv, predictions_csv_titles, predictions_table};
pub use raster::Raster;
pub use reproduction::{figure_line, reproduction_markdown, reproduction_table};
pub use search::search;
pub use spreadsheet::csv;
pub use summary::{describe, failures};
pub use table::{markdown_table, table};
pub use terminal::terminal_pictures;
pub use trials::{search_markdown, search_table, settings_line};

/// A comparison in Markdown: a line that says what was run on what, the table with all columns, what is said below it, the checks, what
/// failed, and the table of [`details`].
#[must_use]
pub fn markdown(comparison: &Comparison) -> String {
    let comparison = &escape::for_markdown(comparison);
    let mut text = format!("{}\n\n{}\n", describe(comparison), layout::whole_table(comparison));
    let lists = [
        ("", notes::sentences(comparison, "bold:")),
        ("## Checks\n\n", check_lines(&comparison.checks)),
        ("## Failures\n\n", failures(comparison)),
    ];
    for (title, lines) in lists {
        for (place, line) in lines.iter().enumerate() {
            let before = if place == 0 { format!("\n{title}") } else { String::new() };
            let _ = writeln!(text, "{before}- {line}");
        }
    }
    if let Some(table) = details::details_markdown(comparison) {
        let _ = writeln!(text, "\n## More figures\n\n{table}");
    }
    text
}

#[cfg(test)]
mod tests {
    use zoo_schema::{ModelResult, PartMetrics, Variant};

    use super::*;
    use crate::sample::{self, named, tested};

    fn comparison() -> Comparison {
        let svm = ModelResult {
            parameters: Some(30_730),
            fit_seconds: Some(75.0),
            predict_images_per_second: Some(12_345.6),
            validation: Some(PartMetrics::new(8, 10, None)),
            ..tested("svm")
        };
        let failed = ModelResult { error: Some("out of memory".into()), ..named("cnn") };
        sample::comparison(vec![svm, failed])
    }

    #[test]
    fn markdown_has_a_row_per_model_and_names_failures() {
        let mut comparison = comparison();
        comparison.verdict = Some("no two models can be told apart".into());
        comparison.checks = vec![zoo_schema::Finding {
            code: "few-images".into(),
            severity: zoo_schema::Severity::Warning,
            model: None,
            says: "there are 4 test images".into(),
        }];
        let expected = "\
pets: 90 training, 10 validation and 4 test images of 2 classes; flex on CPU; seed 7; zoo 0.1.0, Burn 0.22.1

| model | validation |               test | macro F1 | parameters |    fit | images/s |
|-------|------------|--------------------|----------|------------|--------|----------|
| svm   |     80.0 % | 75.0 % (30.1–95.4) |   73.3 % |     30,730 | 75.0 s |   12,346 |
| cnn   |          – |                  – |        – |          – |      – |        – |

- intervals are 95 % (Wilson)
- no two models can be told apart

## Checks

- warning[few-images]: there are 4 test images

## Failures

- cnn on flex failed: out of memory

## More figures

| model | balanced accuracy | Matthews correlation | Cohen's kappa | top-5 accuracy | expected calibration error |
|-------|-------------------|----------------------|---------------|----------------|----------------------------|
| svm   |            83.3 % |                0.577 |         0.500 |              – |                          – |
| cnn   |                 – |                    – |             – |              – |                          – |
";
        assert_eq!(markdown(&comparison), expected);
    }

    #[test]
    fn the_best_are_bold_and_recipes_have_their_names() {
        let mut comparison = comparison();
        comparison.results[0].variants =
            vec![Variant { name: "mirror".into(), accuracy: 0.765, accuracy_interval: None, loss: None }];
        let parameters = Some(1_234_567);
        let other = ModelResult { recipe: Some("cnn_wide".into()), parameters, ..tested("cnn") };
        comparison.results.insert(1, other);
        comparison.results[2].recipe = Some("cnn_deep".into());
        let text = markdown(&comparison);
        let cells = |line: usize| -> Vec<_> {
            text.lines().nth(line).unwrap().split('|').map(str::trim).skip(1).take(5).collect()
        };
        assert_eq!(cells(4), ["svm", "80.0 %", "75.0 % (30.1–95.4)", "73.3 %", "**30,730**"]);
        assert_eq!(cells(5), ["cnn_wide", "–", "75.0 % (30.1–95.4)", "73.3 %", "1.23 M"]);
        assert_eq!(cells(6)[0], "cnn_deep");
        assert!(text.contains("\n- bold: the best of its column; intervals"), "{text}");
        assert!(text.contains("\n- svm with mirror: 76.5 %\n"), "{text}");
        assert_eq!(failures(&comparison), ["cnn_deep on flex failed: out of memory"]);
    }

    #[test]
    fn the_terminal_table_says_the_same() {
        let table = terminal_table(&comparison());
        for cell in ["svm", "75.0 %", "80.0 %", "73.3 %", "30,730", "12,346", "–"] {
            assert!(table.contains(cell), "{cell} is not in\n{table}");
        }
        assert_eq!(failures(&comparison()), ["cnn on flex failed: out of memory"]);
    }
}
