//! More figures on the test images, for those who want to know more than accuracy.

use comfy_table::Table;
use zoo_schema::{Comparison, TestMetrics};

use crate::figure::{DASH, or_dash, percent};
use crate::summary::name_on;
use crate::table::{markdown_table, table, tighten};

/// With a line break where a title may be broken.
const HEADER: [&str; 6] = [
    "model",
    "balanced\naccuracy",
    "Matthews\ncorrelation",
    "Cohen's\nkappa",
    "top-5\naccuracy",
    "expected\ncalibration error",
];

/// A second table for the terminal: balanced accuracy, Matthews correlation, Cohen's kappa, top-5 accuracy and expected
/// calibration error on the test images; a dash where a figure does not exist. Empty if there are no test figures.
#[must_use]
pub fn details(comparison: &Comparison) -> String {
    let titles = HEADER.map(|title| if title.contains('\n') { title.into() } else { format!("\n{title}") });
    let Some(mut table) = filled(table(titles, []), comparison) else { return String::new() };
    tighten(&mut table, [2; HEADER.len() - 1]);
    table.trim_fmt()
}

/// The same in Markdown; `None` if there are no test figures.
pub(crate) fn details_markdown(comparison: &Comparison) -> Option<String> {
    let titles = HEADER.map(|title| title.replace('\n', " "));
    filled(markdown_table(titles, 1..HEADER.len()), comparison).map(|table| table.to_string())
}

fn filled(mut table: Table, comparison: &Comparison) -> Option<Table> {
    for result in &comparison.results {
        let figures = result.test.as_ref().map_or_else(|| [const { DASH }; 5].map(String::from), figures);
        table.add_row(std::iter::once(name_on(comparison, result)).chain(figures));
    }
    comparison.results.iter().any(|result| result.test.is_some()).then_some(table)
}

fn figures(test: &TestMetrics) -> [String; 5] {
    let share = |value: Option<f64>| or_dash(value, |value| percent(value, 1));
    let correlation = |value: Option<f64>| or_dash(value, |value| format!("{value:.3}"));
    let calibration = test.calibration.as_ref();
    [
        share(test.balanced_accuracy),
        correlation(test.matthews_correlation),
        correlation(test.cohen_kappa),
        share(test.top_5_accuracy),
        share(calibration.map(|calibration| calibration.expected_calibration_error)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{comparison, tested};
    use zoo_schema::ModelResult;

    #[test]
    fn figures_that_do_not_exist_are_dashes() {
        let failed = ModelResult::failed("cnn", "flex", serde_json::Value::Null, "out of memory".into());
        let mut svm = tested("svm");
        svm.test.as_mut().unwrap().calibration = None;
        let comparison = comparison(vec![svm, failed]);
        let expected = "\
| model | balanced accuracy | Matthews correlation | Cohen's kappa | top-5 accuracy | expected calibration error |
|-------|-------------------|----------------------|---------------|----------------|----------------------------|
| svm   |            83.3 % |                0.577 |         0.500 |              – |                          – |
| cnn   |                 – |                    – |             – |              – |                          – |";
        assert_eq!(details_markdown(&comparison).unwrap(), expected);
        let text = details(&comparison);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("0.577") && text.lines().nth(2).unwrap().contains("model"), "{text}");
    }

    #[test]
    fn without_test_figures_there_is_no_table() {
        let comparison = comparison(vec![ModelResult::new("svm", "flex", serde_json::Value::Null)]);
        assert_eq!((details(&comparison), details_markdown(&comparison)), (String::new(), None));
    }
}
