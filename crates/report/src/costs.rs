//! What deliberate mistakes cost.

use comfy_table::Table;
use zoo_schema::{Cost, CostMeasure, ModelResult, Reproduction, RowResult};

use crate::figure::{DASH, of_hundred, or_dash, seconds, thousands};
use crate::table::{markdown_table, table};

const HEADER: [&str; 6] = ["mistake", "without", "with it", "points lost", "named by", "time"];
/// Which of these columns hold figures.
const FIGURES: [usize; 4] = [1, 2, 3, 5];

/// Whether a row is a deliberate mistake.
pub(crate) fn has_costs(reproduction: &Reproduction) -> bool {
    reproduction.rows.iter().any(|row| row.cost.is_some())
}

/// Rows that are mistakes, or what mistakes are compared with.
pub(crate) fn rows(reproduction: &Reproduction) -> impl Iterator<Item = &RowResult> {
    let has_costs = has_costs(reproduction);
    reproduction.rows.iter().filter(move |row| has_costs && row.figures.is_empty())
}

/// The table for the terminal.
pub(crate) fn costs_table(reproduction: &Reproduction) -> String {
    fill(table(HEADER, FIGURES), reproduction, |row| row.title.clone())
}

/// The same in Markdown.
pub(crate) fn costs_markdown(reproduction: &Reproduction) -> String {
    fill(markdown_table(HEADER, FIGURES), reproduction, |row| format!("{} ({})", row.title, row.source))
}

/// A mistake in a line: `48.0 % instead of 52.7 %, 4.7 points lost (3.9 to 5.5); named by not-converged`.
#[must_use]
pub fn cost_line(cost: &Cost) -> String {
    let named = format!("named by {}", named_by(cost));
    match cost.wrong {
        Some(wrong) => {
            let (wrong, right) = (of_hundred(wrong, 1), of_hundred(cost.right, 1));
            format!("{wrong} instead of {right}, {} points lost; {named}", points(cost))
        }
        None => format!("no model instead of {}; {named}", of_hundred(cost.right, 1)),
    }
}

/// How many points a mistake costs, with their interval.
pub(crate) fn points(cost: &Cost) -> String {
    let (Some(points), Some(low), Some(high)) = (cost.points, cost.low, cost.high) else {
        return "all".into();
    };
    // Without the sign of what is rounded to 0.
    let [points, low, high] = [points, low, high].map(|value| (10.0 * value).round() / 10.0 + 0.0);
    format!("{points:.1} ({low:.1} to {high:.1})")
}

/// The checks that name a mistake.
pub(crate) fn named_by(cost: &Cost) -> String {
    if cost.named_by.is_empty() {
        return "nothing".into();
    }
    cost.named_by.iter().map(|clue| clue.check.as_str()).collect::<Vec<_>>().join(", ")
}

/// How many mistakes there are, and how many of them cost something and are named.
pub(crate) fn summary(reproduction: &Reproduction) -> Option<String> {
    let costs: Vec<&Cost> = reproduction.rows.iter().filter_map(|row| row.cost.as_ref()).collect();
    let count = |of: &dyn Fn(&Cost) -> bool| costs.iter().filter(|cost| of(cost)).count();
    let (within, named) = (count(&Cost::is_within_chance), count(&|cost: &Cost| !cost.named_by.is_empty()));
    let mistakes = if costs.len() == 1 { "mistake" } else { "mistakes" };
    let seen = costs.len() - within;
    (!costs.is_empty()).then(|| {
        format!(
            "{} {mistakes}: {seen} seen in the accuracy, {within} within chance; {named} named by a check",
            costs.len()
        )
    })
}

/// What is different in each row, on what it was measured, and what the checks say.
pub(crate) fn details(reproduction: &Reproduction) -> Vec<String> {
    let detail = |row: &RowResult| {
        let cost = row.cost.as_ref()?;
        let trainings = if cost.trainings == 1 { "training" } else { "trainings" };
        let measured = format!("{} {trainings}, {} test images", cost.trainings, thousands(cost.images));
        let measured = match cost.measure {
            CostMeasure::Paired => measured,
            CostMeasure::Choice => format!("{measured} to choose by and the others"),
        };
        let said = cost.named_by.iter().map(|clue| format!(" {}: {}.", clue.check, clue.says));
        let changes = cost.changes.join(", ");
        Some(format!("{}: {changes}; {measured}.{}", row.title, said.collect::<String>()))
    };
    reproduction.rows.iter().filter_map(detail).collect()
}

/// The accuracy without the mistake; of a row that has none, its own.
pub(crate) fn right(row: &RowResult) -> Option<f64> {
    let own = || row.result.as_ref().and_then(ModelResult::accuracy).map(|accuracy| 100.0 * accuracy);
    row.cost.as_ref().map_or_else(own, |cost| Some(cost.right))
}

fn fill(mut table: Table, reproduction: &Reproduction, title: impl Fn(&RowResult) -> String) -> String {
    for row in rows(reproduction) {
        let of_cost = |text: fn(&Cost) -> String| or_dash(row.cost.as_ref(), text);
        table.add_row([
            title(row),
            or_dash(right(row), |value| of_hundred(value, 1)),
            of_cost(|cost| cost.wrong.map_or_else(|| "no model".into(), |value| of_hundred(value, 1))),
            of_cost(points),
            row.cost.as_ref().map_or_else(|| DASH.into(), named_by),
            seconds(row.seconds),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use zoo_schema::{Clue, ImageCounts};

    use super::*;
    use crate::sample::{dataset, tested};
    use crate::{reproduction_markdown, reproduction_table};

    fn row(title: &str, cost: Option<Cost>, result: Option<ModelResult>) -> RowResult {
        RowResult {
            row: title.into(),
            title: title.into(),
            source: "a course".into(),
            own: None,
            config: serde_json::Value::Null,
            images: ImageCounts { train: 90, validation: 10, test: 4 },
            error: None,
            seconds: 2.0,
            figures: Vec::new(),
            cost,
            trials: Vec::new(),
            result,
        }
    }

    fn cost(wrong: Option<f64>, interval: Option<(f64, f64)>, checks: &[&str]) -> Cost {
        let clue = |check: &&str| Clue { check: (*check).into(), says: "it is wrong".into() };
        Cost {
            measure: CostMeasure::Paired,
            against: Some("correct".into()),
            changes: vec!["optimizer.learning_rate = 0.2 instead of 0.02".into()],
            right: 75.0,
            wrong,
            points: wrong.map(|wrong| 75.0 - wrong),
            low: interval.map(|(low, _)| low),
            high: interval.map(|(_, high)| high),
            images: 4,
            trainings: 3,
            named_by: checks.iter().map(clue).collect(),
        }
    }

    pub(crate) fn mistakes() -> Reproduction {
        Reproduction {
            schema: zoo_schema::SCHEMA,
            suite: "mistakes".into(),
            zoo_version: "0.1.0".into(),
            burn_version: "0.22.1".into(),
            dataset: dataset([90, 10, 4], &["cat", "dog"]),
            cifar10: false,
            official: false,
            quick: false,
            backend: "flex".into(),
            adapter: "CPU".into(),
            machine: None,
            seed: 7,
            rows: vec![
                row("nothing wrong", None, Some(tested("mlp"))),
                row("too slow", Some(cost(Some(50.0), Some((-3.24, 53.24)), &[])), None),
                row("too fast", Some(cost(None, None, &["training", "sanity: memorising"])), None),
            ],
        }
    }

    #[test]
    fn a_line_per_mistake_with_what_names_it() {
        let expected = "\
mistakes on pets; flex on CPU; seed 7; zoo 0.1.0, Burn 0.22.1

| mistake                  | without |  with it |         points lost | named by                     |   time |
|--------------------------|---------|----------|---------------------|------------------------------|--------|
| nothing wrong (a course) |  75.0 % |        – |                   – | –                            | 2.00 s |
| too slow (a course)      |  75.0 % |   50.0 % | 25.0 (-3.2 to 53.2) | nothing                      | 2.00 s |
| too fast (a course)      |  75.0 % | no model |                 all | training, sanity: memorising | 2.00 s |

2 mistakes: 1 seen in the accuracy, 1 within chance; 1 named by a check; 6.00 s in all

What is wrong, on which images it was measured, and what the checks say:

- too slow: optimizer.learning_rate = 0.2 instead of 0.02; 3 trainings, 4 test images.
- too fast: optimizer.learning_rate = 0.2 instead of 0.02; 3 trainings, 4 test images. training: it is wrong. sanity: memorising: it is wrong.
";
        assert_eq!(reproduction_markdown(&mistakes()), expected);
        let text = reproduction_table(&mistakes());
        assert!(text.contains("too slow") && !text.contains("published"), "{text}");
    }

    #[test]
    fn a_line_says_what_came_of_it() {
        let line = cost_line(&cost(Some(50.0), Some((-3.24, 53.24)), &["not-converged"]));
        assert_eq!(line, "50.0 % instead of 75.0 %, 25.0 (-3.2 to 53.2) points lost; named by not-converged");
        assert_eq!(points(&cost(Some(75.02), Some((-0.04, 0.0)), &[])), "0.0 (0.0 to 0.0)");
        let line = cost_line(&cost(None, None, &[]));
        assert_eq!(line, "no model instead of 75.0 %; named by nothing");
    }
}
