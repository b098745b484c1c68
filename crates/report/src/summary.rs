//! What a comparison comes to, in words and cells.

use zoo_core::result::{Comparison, ModelResult};

/// Whether the rows are not all of one backend.
fn has_several_backends(comparison: &Comparison) -> bool {
    comparison.results.windows(2).any(|pair| pair[0].backend != pair[1].backend)
}

/// The titles of the columns.
pub(crate) fn header(comparison: &Comparison) -> Vec<&'static str> {
    let mut titles = vec!["model"];
    let several = has_several_backends(comparison);
    if several {
        titles.push("backend");
    }
    titles.extend(["test accuracy", "macro precision", "macro recall", "macro F1", "parameters", "fit"]);
    titles.push("predict, images/s");
    if several {
        titles.push("score difference");
    }
    titles
}

/// One line: the data, the device, the seed and the versions.
#[must_use]
pub fn describe(comparison: &Comparison) -> String {
    let data = &comparison.dataset;
    format!(
        "{}: {} training, {} validation and {} test images of {} classes; {} on {}; seed {}; zoo {}, Burn {}",
        data.name,
        thousands(data.train),
        thousands(data.validation),
        thousands(data.test),
        data.classes.len(),
        comparison.backend,
        comparison.adapter,
        comparison.seed,
        comparison.zoo_version,
        comparison.burn_version,
    )
}

/// The cells of one model, a dash where there is no figure.
pub(crate) fn row(comparison: &Comparison, result: &ModelResult) -> Vec<String> {
    let test = result.test.as_ref();
    let several = has_several_backends(comparison);
    let percent = |value: Option<f64>| cell(value, |value| format!("{:.1} %", 100.0 * value));
    let mut cells = vec![result.model.clone()];
    if several {
        cells.push(result.backend.clone());
    }
    cells.extend([
        percent(test.map(|test| test.accuracy)),
        percent(test.map(|test| test.macro_average.precision)),
        percent(test.map(|test| test.macro_average.recall)),
        percent(test.map(|test| test.macro_average.f1)),
        cell(result.parameters, thousands),
        cell(result.fit_seconds, seconds),
        cell(result.predict_images_per_second, |rate| thousands(rate.round() as usize)),
    ]);
    if several {
        cells.push(cell(result.score_difference, scientific));
    }
    cells
}

fn cell<T>(value: Option<T>, format: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "–".into(), format)
}

fn seconds(seconds: f64) -> String {
    let digits = if seconds < 10.0 { 2 } else { 1 };
    format!("{seconds:.digits$} s")
}

/// 0.00123 as 1.2e-3.
fn scientific(number: f64) -> String {
    if number == 0.0 { "0".into() } else { format!("{number:.1e}") }
}

/// 1234567 as 1,234,567.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_three() {
        assert_eq!(
            [0, 999, 1000, 123_456, 1_234_567].map(thousands),
            ["0", "999", "1,000", "123,456", "1,234,567"]
        );
    }

    #[test]
    fn seconds_have_three_digits() {
        assert_eq!([0.014, 9.5, 75.04].map(seconds), ["0.01 s", "9.50 s", "75.0 s"]);
    }
}
