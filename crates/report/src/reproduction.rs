//! Published against measured.

use std::fmt::Write;

use comfy_table::Table;
use zoo_schema::{Figure, Reproduction, RowResult, Verdict};

use crate::costs::{costs_markdown, costs_table, details, has_costs, summary};
use crate::escape::for_markdown;
use crate::figure::{DASH, of_hundred, or_dash, seconds};
use crate::table::{markdown_table, table};

const HEADER: [&str; 6] = ["result", "measured on", "published", "measured", "verdict", "time"];
/// Which of these columns hold figures.
const FIGURES: [usize; 3] = [2, 3, 5];
/// What a list of what is our own begins with.
pub(crate) const MET: &str = "Met, not reproduced, because of what is our own:";
/// What a list of mistakes begins with.
const WRONG: &str = "What is wrong, on which images it was measured, and what the checks say:";

/// Whether anything was published for a row.
pub(crate) fn has_figures(reproduction: &Reproduction) -> bool {
    reproduction.rows.iter().any(|row| !row.figures.is_empty())
}

/// The table for the terminal: one row per figure, or per mistake, with a line below that counts.
#[must_use]
pub fn reproduction_table(reproduction: &Reproduction) -> String {
    let mut parts = vec![heading(reproduction)];
    if has_figures(reproduction) {
        parts.push(fill(table(HEADER, FIGURES), reproduction, |row| row.title.clone()));
    }
    if has_costs(reproduction) {
        parts.push(costs_table(reproduction));
    }
    parts.push(counts(reproduction));
    parts.join("\n")
}

/// The same in Markdown, and below it the tolerance of each figure with the reason for it, and what each mistake is and what is said of it.
#[must_use]
pub fn reproduction_markdown(reproduction: &Reproduction) -> String {
    let reproduction = &for_markdown(reproduction);
    let mut text = format!("{}\n\n", heading(reproduction));
    if has_figures(reproduction) {
        let title = |row: &RowResult| format!("{} ({})", row.title, row.source);
        let _ = writeln!(text, "{}\n", fill(markdown_table(HEADER, FIGURES), reproduction, title));
    }
    if has_costs(reproduction) {
        let _ = writeln!(text, "{}\n", costs_markdown(reproduction));
    }
    let _ = writeln!(text, "{}", counts(reproduction));
    for (title, lines) in [
        ("Tolerances:", tolerances(reproduction)),
        (MET, own_rows(reproduction)),
        (WRONG, details(reproduction)),
    ] {
        if !lines.is_empty() {
            let _ = writeln!(text, "\n{title}\n");
        }
        for line in lines {
            let _ = writeln!(text, "- {line}");
        }
    }
    for failure in failed_rows(reproduction) {
        let _ = writeln!(text, "\n{failure}");
    }
    text
}

/// How far each figure may lie from what was published, and why.
pub(crate) fn tolerances(reproduction: &Reproduction) -> Vec<String> {
    let mut lines = Vec::new();
    for row in &reproduction.rows {
        for (place, figure) in row.figures.iter().enumerate() {
            // Figures of a row with the same tolerance for the same reason are said once.
            let before = &row.figures[..place];
            let is_same =
                |other: &Figure| (other.tolerance, &other.reason) == (figure.tolerance, &figure.reason);
            if !before.iter().any(is_same) {
                let Figure { measure, tolerance, reason, .. } = figure;
                let unit = if *tolerance == 1.0 { "point" } else { "points" };
                lines.push(format!("{}, {measure}: {tolerance} {unit}; {reason}.", row.title));
            }
        }
    }
    lines
}

/// What is our own in rows that are, and how it differs from what was published.
pub(crate) fn own_rows(reproduction: &Reproduction) -> Vec<String> {
    let own = |row: &RowResult| row.own.as_ref().map(|own| format!("{}: {own}.", row.title));
    reproduction.rows.iter().filter_map(own).collect()
}

/// A line for each row that failed.
pub(crate) fn failed_rows(reproduction: &Reproduction) -> Vec<String> {
    let failed = |row: &RowResult| row.error.as_ref().map(|error| format!("{} failed: {error}", row.title));
    reproduction.rows.iter().filter_map(failed).collect()
}

/// A figure in a line: `validation 38.1 % (published 40.0 %): reproduced`.
#[must_use]
pub fn figure_line(figure: &Figure) -> String {
    let name = name(figure);
    format!("{name} {} (published {}): {}", measured(figure), published(figure), verdict(figure))
}

/// What was measured on what.
pub(crate) fn heading(reproduction: &Reproduction) -> String {
    let Reproduction { suite, dataset, backend, adapter, seed, zoo_version, burn_version, .. } = reproduction;
    let order = match (reproduction.official, reproduction.cifar10) {
        (true, _) => ", the official images in their order",
        (false, true) => ", not the official images in their order",
        (false, false) => "",
    };
    let quick = if reproduction.quick { "; a sample of each row" } else { "" };
    format!(
        "{suite} on {}{order}; {backend} on {adapter}; seed {seed}; zoo {zoo_version}, Burn {burn_version}{quick}",
        dataset.name
    )
}

pub(crate) fn counts(reproduction: &Reproduction) -> String {
    let count = |verdict, words: &str| match reproduction.count(verdict) {
        0 => None,
        count => Some(format!("{count} {words}")),
    };
    let counts = [
        count(Verdict::Reproduced, "reproduced"),
        count(Verdict::Met, "met"),
        count(Verdict::Missed, "missed"),
        count(Verdict::Failed, "failed"),
        count(Verdict::NotJudged, "not judged"),
    ];
    let seconds_of_all: f64 = reproduction.rows.iter().map(|row| row.seconds).sum();
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let counts = Some(counts.join(", ")).filter(|counts| !counts.is_empty());
    let counts: Vec<String> = [counts, summary(reproduction)].into_iter().flatten().collect();
    let counts = if counts.is_empty() { "nothing measured".into() } else { counts.join("; ") };
    format!("{counts}; {} in all", seconds(seconds_of_all))
}

fn fill(mut table: Table, reproduction: &Reproduction, title: impl Fn(&RowResult) -> String) -> String {
    for row in &reproduction.rows {
        for (place, figure) in row.figures.iter().enumerate() {
            let first = place == 0;
            let only_first = |text: String| if first { text } else { String::new() };
            table.add_row([
                only_first(title(row)),
                name(figure),
                published(figure),
                measured(figure),
                verdict(figure),
                only_first(seconds(row.seconds)),
            ]);
        }
    }
    table.to_string()
}

pub(crate) fn name(figure: &Figure) -> String {
    let settings = figure.setting.iter().map(|(key, value)| format!(", {key} = {value}"));
    format!("{}{}", figure.measure, settings.collect::<String>())
}

/// A published number with the digits that it was published with, at least one of them behind the point.
fn as_published(value: f64) -> String {
    format!("{value:?} %")
}

pub(crate) fn published(figure: &Figure) -> String {
    match (figure.low, figure.high) {
        (Some(low), Some(high)) if low == high => as_published(low),
        (Some(low), Some(high)) => format!("{low:?} to {}", as_published(high)),
        (Some(low), None) => format!("≥ {}", as_published(low)),
        (None, Some(high)) => format!("≤ {}", as_published(high)),
        (None, None) => DASH.into(),
    }
}

pub(crate) fn measured(figure: &Figure) -> String {
    or_dash(figure.measured, |value| of_hundred(value, 2))
}

pub(crate) fn verdict(figure: &Figure) -> String {
    match figure.verdict {
        Verdict::Reproduced => "reproduced".into(),
        Verdict::Met => "met".into(),
        Verdict::Missed => {
            let by = figure.difference().unwrap_or_default();
            format!("missed by {by:+.2} points (± {})", figure.tolerance)
        }
        Verdict::Failed => "failed".into(),
        Verdict::NotJudged => "not judged".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use zoo_schema::{DatasetSummary, ImageCounts, SCHEMA};

    use super::*;
    use crate::sample::dataset;

    fn figure(measure: &str, (low, high): (Option<f64>, Option<f64>), measured: Option<f64>) -> Figure {
        let figure = Figure {
            measure: measure.into(),
            setting: BTreeMap::new(),
            low,
            high,
            tolerance: 1.0,
            reason: "a draw".into(),
            measured,
            verdict: Verdict::NotJudged,
        };
        Figure { verdict: figure.judged(false), ..figure }
    }

    fn reproduction() -> Reproduction {
        let row = RowResult {
            row: "svm".into(),
            title: "linear SVM".into(),
            source: "CS231n".into(),
            own: None,
            config: serde_json::Value::Null,
            images: ImageCounts { train: 49_000, validation: 1000, test: 10_000 },
            error: None,
            seconds: 12.34,
            cost: None,
            figures: vec![
                figure("validation", (Some(40.0), Some(40.0)), Some(38.0)),
                figure("test", (Some(37.25), Some(38.0)), Some(38.125)),
            ],
            trials: Vec::new(),
            result: None,
        };
        let failed = RowResult {
            title: "k-NN".into(),
            own: Some("the distance is ours".into()),
            error: Some("out of memory".into()),
            figures: vec![Figure {
                setting: BTreeMap::from([("k".into(), 5.into())]),
                ..figure("test", (Some(30.0), None), None)
            }],
            ..row.clone()
        };
        Reproduction {
            schema: SCHEMA,
            suite: "cs231n".into(),
            zoo_version: "0.1.0".into(),
            burn_version: "0.22.1".into(),
            dataset: DatasetSummary { name: "cifar10".into(), ..dataset([50_000, 0, 10_000], &[]) },
            cifar10: true,
            official: false,
            quick: false,
            backend: "flex".into(),
            adapter: "CPU".into(),
            machine: None,
            seed: 42,
            rows: vec![row, failed],
        }
    }

    #[test]
    fn markdown_has_a_line_per_figure_and_the_reasons() {
        let expected = "\
cs231n on cifar10, not the official images in their order; flex on CPU; seed 42; zoo 0.1.0, Burn 0.22.1

| result              | measured on | published      | measured | verdict                      | time   |
|---------------------|-------------|----------------|----------|------------------------------|--------|
| linear SVM (CS231n) | validation  |         40.0 % |  38.00 % | missed by -2.00 points (± 1) | 12.3 s |
|                     | test        | 37.25 to 38.0 % |  38.12 % | reproduced                   |        |
| k-NN (CS231n)       | test, k = 5 |       ≥ 30.0 % |        – | failed                       | 12.3 s |

1 reproduced, 1 missed, 1 failed; 24.7 s in all

Tolerances:

- linear SVM, validation: 1 point; a draw.
- k-NN, test: 1 point; a draw.

Met, not reproduced, because of what is our own:

- k-NN: the distance is ours.

k-NN failed: out of memory
";
        let text = reproduction_markdown(&reproduction());
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace('-', "");
        assert_eq!(flat(&text), flat(expected), "{text}");
    }

    #[test]
    fn the_terminal_says_the_same() {
        let text = reproduction_table(&reproduction());
        for part in ["linear SVM", "≥ 30.0 %", "38.12 %", "missed by -2.00 points", "1 failed; 24.7 s in all"]
        {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        let line = figure_line(&reproduction().rows[0].figures[1]);
        assert_eq!(line, "test 38.12 % (published 37.25 to 38.0 %): reproduced");
    }
}
