//! What a comparison comes to, in words and cells.

use zoo_core::result::{Comparison, ModelResult};

/// Whether the rows are not all of one backend.
pub(crate) fn has_several_backends(comparison: &Comparison) -> bool {
    comparison.results.windows(2).any(|pair| pair[0].backend != pair[1].backend)
}

/// The other ways of evaluation that any of the results has figures of, each once.
fn variants(comparison: &Comparison) -> Vec<&str> {
    let mut names = Vec::new();
    for variant in comparison.results.iter().flat_map(|result| &result.variants) {
        if !names.contains(&variant.name.as_str()) {
            names.push(variant.name.as_str());
        }
    }
    names
}

/// A variant's name in words.
fn variant_title(name: &str) -> String {
    match name {
        "mirror" => "with mirror".into(),
        "mirror_and_shifts" => "with mirror and shifts".into(),
        "without_ema" => "without EMA".into(),
        other => other.replace('_', " "),
    }
}

/// How many columns at the left hold names and not figures.
pub(crate) fn name_columns(comparison: &Comparison) -> usize {
    if has_several_backends(comparison) { 2 } else { 1 }
}

/// The titles of the columns.
pub(crate) fn header(comparison: &Comparison) -> Vec<String> {
    let several = has_several_backends(comparison);
    let mut titles = vec!["model".to_owned()];
    titles.extend(several.then(|| "backend".into()));
    titles.push("test accuracy".into());
    titles.extend(variants(comparison).into_iter().map(variant_title));
    let others = ["macro precision", "macro recall", "macro F1", "parameters", "fit", "predict, images/s"];
    titles.extend(others.map(Into::into));
    titles.extend(several.then(|| "score difference".into()));
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
    let mut cells = vec![result.name().to_owned()];
    if several {
        cells.push(result.backend.clone());
    }
    cells.push(percent(result.accuracy()));
    cells.extend(variants(comparison).into_iter().map(|name| {
        percent(result.variants.iter().find(|variant| variant.name == name).map(|variant| variant.accuracy))
    }));
    cells.extend([
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
#[must_use]
pub fn thousands(number: usize) -> String {
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
    fn variants_are_named_in_words() {
        assert_eq!(
            ["mirror", "mirror_and_shifts", "without_ema", "at_64_pixels"].map(variant_title),
            ["with mirror", "with mirror and shifts", "without EMA", "at 64 pixels"]
        );
    }

    #[test]
    fn seconds_have_three_digits() {
        assert_eq!([0.014, 9.5, 75.04].map(seconds), ["0.01 s", "9.50 s", "75.0 s"]);
    }
}
