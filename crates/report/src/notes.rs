//! What is said below the table of a comparison: how to read it, what it says, and what to be wary of.

use zoo_schema::{Comparison, EarlyStop, Finding, ModelResult, Variant};

use crate::column::{Column, columns, interval, several_trainings};
use crate::figure::{percent, thousands};
use crate::summary::{name_of, name_on};
use crate::table::width;

/// What goes below the table at the terminal, a line each: all of [`legend_line`], [`majority_line`], the verdict, [`variants_line`],
/// [`epochs_lines`], [`front_line`] and [`check_lines`] that there is.
#[must_use]
pub fn notes(comparison: &Comparison) -> Vec<String> {
    let mut lines = sentences(comparison, "*");
    lines.extend(check_lines(&comparison.checks));
    lines
}

/// All [`notes`] but the checks; `best` is as for [`legend_line`].
pub(crate) fn sentences(comparison: &Comparison, best: &str) -> Vec<String> {
    let mut lines = of_table(comparison, best);
    lines.extend(front_line(comparison));
    lines
}

/// The same without the front, which a page has next to its drawing.
pub(crate) fn of_table(comparison: &Comparison, best: &str) -> Vec<String> {
    let mut lines = Vec::from_iter(legend_line(comparison, best));
    lines.extend(majority_line(comparison));
    lines.extend(comparison.verdict.clone());
    lines.extend(variants_line(comparison));
    lines.extend(epochs_lines(comparison));
    lines
}

/// What marks and intervals in the table mean: `* the best of its column; intervals are 95 % (Wilson)`. `best` is how the best figure is
/// marked. `None` if there is nothing to explain.
#[must_use]
pub fn legend_line(comparison: &Comparison, best: &str) -> Option<String> {
    let columns = columns(comparison);
    let mut parts = Vec::new();
    if columns.iter().any(Column::has_best) {
        parts.push(format!("{best} the best of its column"));
    }
    if columns.iter().any(Column::has_intervals) {
        parts.push("intervals are 95 % (Wilson)".into());
    }
    let trainings =
        comparison.results.iter().filter_map(several_trainings).map(|seeds| seeds.trainings.len());
    if let Some(most) = trainings.max() {
        parts.push(format!(
            "×{most}: mean ± standard deviation of {most} trainings, fit and images/s of the first"
        ));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// What guessing comes to: `always the largest class (cat): 10.0 % of the validation images, 10.0 % of the test images`.
#[must_use]
pub fn majority_line(comparison: &Comparison) -> Option<String> {
    let majority = comparison.majority.as_ref()?;
    let of = |accuracy: Option<f64>, images| {
        accuracy.map(|accuracy| format!("{} of the {images} images", percent(accuracy, 1)))
    };
    let shares = [of(majority.validation_accuracy, "validation"), of(majority.test_accuracy, "test")];
    let shares: Vec<String> = shares.into_iter().flatten().collect();
    (!shares.is_empty())
        .then(|| format!("always the largest class ({}): {}", majority.class, shares.join(", ")))
}

/// Test accuracies of models that were also evaluated in another way: `cnn with mirror: 88.0 % (87.3–88.6)`, all in one line.
#[must_use]
pub fn variants_line(comparison: &Comparison) -> Option<String> {
    let variant = |name: &str, variant: &Variant| {
        let interval = variant.accuracy_interval.map(|around| format!(" {}", interval(around)));
        let (title, accuracy) = (variant_title(&variant.name), percent(variant.accuracy, 1));
        format!("{name} {title}: {accuracy}{}", interval.unwrap_or_default())
    };
    let variants = comparison.results.iter().flat_map(|result| {
        let name = name_on(comparison, result);
        result.variants.iter().map(move |other| variant(&name, other))
    });
    let variants: Vec<String> = variants.collect();
    (!variants.is_empty()).then(|| variants.join("; "))
}

/// A variant's name in words.
fn variant_title(name: &str) -> String {
    match name {
        "mirror" => "with mirror".into(),
        "mirror_and_shifts" => "with mirror and shifts".into(),
        "shifts" => "with shifts".into(),
        "without_ema" => "without EMA".into(),
        other => other.replace('_', " "),
    }
}

/// Which epochs were kept, in one line, unless all are the last ones; and a line for each model whose training ended early.
#[must_use]
pub fn epochs_lines(comparison: &Comparison) -> Vec<String> {
    let trained = || comparison.results.iter().filter(|result| !result.history.is_empty());
    let kept = trained().filter_map(|result| Some((result, result.kept_epoch?)));
    let kept: Vec<_> = kept.map(|(result, epoch)| (result, epoch, result.history.len())).collect();
    let mut lines = Vec::new();
    if kept.iter().any(|(_, epoch, last)| epoch != last) {
        let kept = kept
            .into_iter()
            .map(|(result, epoch, last)| format!("{} {epoch} of {last}", name_on(comparison, result)));
        lines.push(format!("kept epochs: {}", kept.collect::<Vec<_>>().join(", ")));
    }
    lines.extend(trained().filter_map(|result| stop_line(comparison, result)));
    lines
}

/// `cnn stopped after epoch 5 of 8: its time was used up`.
fn stop_line(comparison: &Comparison, result: &ModelResult) -> Option<String> {
    let reason = match result.stopped_by? {
        EarlyStop::Budget => "its time was used up".to_owned(),
        EarlyStop::Patience => match result.kept_epoch {
            Some(best) => format!("none was better than epoch {best} for too long"),
            None => "the best one was too long ago".into(),
        },
    };
    // A recipe may end in the middle of an epoch, which has a record, too.
    let epochs = result.config.pointer("/train/epochs").and_then(serde_json::Value::as_f64);
    let of = epochs.map(|epochs| format!(" of {}", epochs.ceil())).unwrap_or_default();
    let (name, last) = (name_on(comparison, result), result.history.len());
    Some(format!("{name} stopped after epoch {last}{of}: {reason}"))
}

/// The models that no other beats in both accuracy and speed: `no model is both more accurate and faster than: softmax (41.2 %,
/// 268,077 images/s), cnn (86.7 %, 3,374 images/s)`. `None` unless models were compared.
#[must_use]
pub fn front_line(comparison: &Comparison) -> Option<String> {
    let compared = comparison.results.iter().filter(|result| result.error.is_none()).count();
    let on_front = |label: &String| {
        let result = comparison.results.iter().find(|result| result.label() == label);
        let figures = result.map(|result| {
            let accuracy = result.validation_accuracy().or(result.accuracy()).map(|share| percent(share, 1));
            let speed = result.predict_images_per_second;
            let speed = speed.map(|rate| format!("{} images/s", thousands(rate.round() as usize)));
            [accuracy, speed].into_iter().flatten().collect::<Vec<_>>().join(", ")
        });
        format!("{} ({})", name_of(comparison, label), figures.unwrap_or_default())
    };
    let front: Vec<String> = comparison.pareto_front.iter().map(on_front).collect();
    let is_telling = compared > 1 && !front.is_empty();
    is_telling.then(|| format!("no model is both more accurate and faster than: {}", front.join(", ")))
}

/// What is worth knowing before figures are believed, warnings first: `warning[over-fitted]: cnn …`, `note[not-converged]: svm …`.
#[must_use]
pub fn check_lines(checks: &[Finding]) -> Vec<String> {
    let mut checks: Vec<&Finding> = checks.iter().collect();
    checks.sort_by_key(|finding| finding.severity);
    checks.into_iter().map(check_line).collect()
}

fn check_line(Finding { code, severity, says, .. }: &Finding) -> String {
    format!("{}[{code}]: {says}", severity.name())
}

/// A text in lines of at most `columns` columns of a terminal, broken at blanks; those after the first are indented by two. A word that
/// is longer stays whole.
#[must_use]
pub fn wrapped(text: &str, columns: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("  {word}")),
            None => lines.push(word.into()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
