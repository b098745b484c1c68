//! What a comparison is of, in words.

use zoo_schema::{Comparison, ModelResult};

use crate::figure::thousands;

/// Whether the rows are not all of one backend.
pub(crate) fn has_several_backends(comparison: &Comparison) -> bool {
    comparison.results.windows(2).any(|pair| pair[0].backend != pair[1].backend)
}

/// The name of a result, with its backend where there are several.
pub(crate) fn name_on(comparison: &Comparison, result: &ModelResult) -> String {
    let name = result.name();
    if has_several_backends(comparison) { format!("{name} on {}", result.backend) } else { name.into() }
}

/// The name, as [`name_on`] has it, of the result with this [label](ModelResult::label).
pub(crate) fn name_of(comparison: &Comparison, label: &str) -> String {
    let result = comparison.results.iter().find(|result| result.label() == label);
    result.map_or_else(|| label.into(), |result| name_on(comparison, result))
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

/// A line for each model that failed: its name, its backend and why.
#[must_use]
pub fn failures(comparison: &Comparison) -> Vec<String> {
    let failed = |result: &ModelResult| {
        result.error.as_ref().map(|error| format!("{} on {} failed: {error}", result.name(), result.backend))
    };
    comparison.results.iter().filter_map(failed).collect()
}

/// `a, b and c`.
pub(crate) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// What is said of figures of a model that was trained several times, which are those of its first training; nothing of any other.
pub(crate) fn first_of(result: &ModelResult) -> String {
    let seeds = result.seeds.as_ref().filter(|seeds| seeds.trainings.len() > 1);
    seeds.map_or_else(String::new, |seeds| format!(", the first of {} trainings", seeds.trainings.len()))
}
