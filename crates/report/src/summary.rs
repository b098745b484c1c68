//! What a comparison comes to, in words and cells.

use zoo_schema::{Comparison, ModelResult};

use crate::figure::{or_dash, percent, scientific, seconds, thousands};

/// Whether the rows are not all of one backend.
pub(crate) fn has_several_backends(comparison: &Comparison) -> bool {
    comparison.results.windows(2).any(|pair| pair[0].backend != pair[1].backend)
}

/// The name of a result, with its backend where there are several.
pub(crate) fn name_on(comparison: &Comparison, result: &ModelResult) -> String {
    let name = result.name();
    if has_several_backends(comparison) { format!("{name} on {}", result.backend) } else { name.into() }
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
    let share = |value: Option<f64>| or_dash(value, |value| percent(value, 1));
    let mut cells = vec![result.name().to_owned()];
    if several {
        cells.push(result.backend.clone());
    }
    cells.push(share(result.accuracy()));
    cells.extend(variants(comparison).into_iter().map(|name| {
        share(result.variants.iter().find(|variant| variant.name == name).map(|variant| variant.accuracy))
    }));
    cells.extend([
        share(test.map(|test| test.macro_average.precision)),
        share(test.map(|test| test.macro_average.recall)),
        share(test.map(|test| test.macro_average.f1)),
        or_dash(result.parameters, thousands),
        or_dash(result.fit_seconds, seconds),
        or_dash(result.predict_images_per_second, |rate| thousands(rate.round() as usize)),
    ]);
    if several {
        cells.push(or_dash(result.score_difference, scientific));
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_named_in_words() {
        assert_eq!(
            ["mirror", "mirror_and_shifts", "without_ema", "at_64_pixels"].map(variant_title),
            ["with mirror", "with mirror and shifts", "without EMA", "at 64 pixels"]
        );
    }
}
