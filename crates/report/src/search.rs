//! What a search has found: validation accuracy against what was tried.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use zoo_schema::{Trial, best_trial};

use crate::axis::Axis;
use crate::canvas::Canvas;
use crate::chart::Chart;
use crate::colours::{Colours, VIRIDIS};
use crate::figure::percent;
use crate::legend::{Legend, draw_marker};
use crate::picture::Picture;
use crate::primitives::{Point, Stroke};
use crate::style::{Ink, MARGIN, TEXT, WHITE};
use crate::words::Heading;

const PLOT_WIDTH: f64 = 640.0;
const PLOT_HEIGHT: f64 = 440.0;
const ACCURACY: &str = "validation accuracy, %";
/// More lines than these can't be told apart.
const MOST_LINES: usize = 35;

/// The picture of the search `name`, and what kind of picture it is:
///
/// - `scatter`, if one key was searched: a dot per fold against the key's value, a line through the means, and bars of one standard
///   deviation over the folds. With other keys whose values are not numbers there is a line for each of their settings.
/// - `map`, if several keys with numbers were: a dot per trial against the two of them that have most values, coloured by its mean
///   accuracy.
///
/// Values that span orders of magnitude are on a logarithmic scale. Trials that failed are left out, and counted.
///
/// `None` if no trial succeeded, or none has settings.
#[must_use]
pub fn search(name: &str, trials: &[Trial]) -> Option<(&'static str, Picture)> {
    let judged: Vec<&Trial> = trials.iter().filter(|trial| is_judged(trial)).collect();
    let mut searched = searched_keys(&judged);
    // The sort is stable: of keys with as many values the first by name.
    searched.sort_by_key(|key| std::cmp::Reverse(values(&judged, key).len()));
    let numeric: Vec<&str> = searched.iter().copied().filter(|key| is_numeric(&judged, key)).collect();
    let notes = notes(name, trials, &judged)?;
    Some(match numeric[..] {
        [first, second, ..] => ("map", map(&judged, [first.min(second), first.max(second)], &notes)),
        [key] => ("scatter", scatter(&judged, key, &searched, &notes)),
        [] => ("scatter", scatter(&judged, searched.first()?, &searched, &notes)),
    })
}

/// Whether a trial has an accuracy.
pub(crate) fn is_judged(trial: &Trial) -> bool {
    trial.validation_accuracy().is_some_and(f64::is_finite)
}

/// The keys whose values differ; of a single trial all keys.
pub(crate) fn searched_keys<'a>(trials: &[&'a Trial]) -> Vec<&'a str> {
    let keys: BTreeSet<&str> =
        trials.iter().flat_map(|trial| trial.settings.keys().map(String::as_str)).collect();
    let differs = |key: &&str| values(trials, key).len() > 1;
    let searched: Vec<&str> = keys.iter().copied().filter(differs).collect();
    if searched.is_empty() { keys.into_iter().collect() } else { searched }
}

/// The values of a key, each once.
pub(crate) fn values(trials: &[&Trial], key: &str) -> BTreeSet<String> {
    trials.iter().map(|trial| setting(trial, key)).collect()
}

pub(crate) fn is_numeric(trials: &[&Trial], key: &str) -> bool {
    trials.iter().all(|trial| number(trial, key).is_some())
}

pub(crate) fn number(trial: &Trial, key: &str) -> Option<f64> {
    trial.settings.get(key)?.as_f64()
}

/// What a key was set to, in words.
pub(crate) fn setting(trial: &Trial, key: &str) -> String {
    match trial.settings.get(key) {
        Some(Value::String(text)) => text.clone(),
        // What was drawn at random has more digits than are worth reading.
        Some(Value::Number(number)) if number.is_f64() => short(number.as_f64().unwrap_or(f64::NAN)),
        Some(value) => value.to_string(),
        None => "default".into(),
    }
}

/// Three digits of a number.
fn short(value: f64) -> String {
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    if rounded != 0.0 && !(1e-3..1e6).contains(&rounded.abs()) {
        format!("{rounded:e}")
    } else {
        rounded.to_string()
    }
}

/// What the trials come to, in a sentence or two; `None` if there is none.
fn notes(name: &str, trials: &[Trial], judged: &[&Trial]) -> Option<String> {
    let judged: Vec<Trial> = judged.iter().map(|&trial| trial.clone()).collect();
    let best = best_trial(&judged)?;
    let settings = best.settings.keys().map(|key| format!("{key} = {}", setting(best, key)));
    let accuracy = percent(best.validation_accuracy()?, 1);
    let settings: Vec<String> = settings.collect();
    let failed = match trials.len() - judged.len() {
        0 => String::new(),
        failed => format!(" {failed} of {} trials failed and are left out.", trials.len()),
    };
    Some(format!("{name}. Best: {accuracy} at {}.{failed}", settings.join(", ")))
}

/// Trials that differ only in the key along the axis, in its order.
struct Line<'a> {
    name: String,
    /// Each with its place on the axis.
    trials: Vec<(f64, &'a Trial)>,
}

impl Line<'_> {
    /// The mean over the folds and their standard deviation, in percent.
    fn means(&self) -> impl Iterator<Item = (Point, f64)> {
        self.trials.iter().filter_map(|(x, trial)| {
            let (mean, deviation) = (trial.validation_accuracy()?, trial.deviation().unwrap_or(0.0));
            Some(((*x, 100.0 * mean), 100.0 * deviation))
        })
    }

    /// The accuracy of each fold, in percent.
    fn folds(&self) -> impl Iterator<Item = Point> {
        let folds = |trial: &Trial| trial.validation_accuracies.clone();
        self.trials.iter().flat_map(move |(x, trial)| folds(trial).into_iter().map(|fold| (*x, 100.0 * fold)))
    }
}

/// Accuracy against one key.
fn scatter(trials: &[&Trial], key: &str, searched: &[&str], notes: &str) -> Picture {
    let names: Vec<String> = values(trials, key).into_iter().collect();
    let is_numeric = is_numeric(trials, key);
    let place = |trial: &Trial| {
        let place = || names.iter().position(|name| *name == setting(trial, key)).unwrap_or(0) as f64;
        if is_numeric { number(trial, key).unwrap_or_else(place) } else { place() }
    };
    let others: Vec<&str> = searched.iter().copied().filter(|other| *other != key).collect();
    let lines = lines(trials, &others, place);
    let x = if is_numeric {
        Axis::of_settings(trials.iter().map(|trial| place(trial)))
    } else {
        Axis::of_names(&names)
    };
    let ends = |line: &Line| {
        line.means()
            .flat_map(|((_, mean), deviation)| [mean - deviation, mean + deviation])
            .collect::<Vec<_>>()
    };
    let folds = |line: &Line| line.folds().map(|(_, fold)| fold).collect::<Vec<_>>();
    let heights: Vec<f64> = lines.iter().flat_map(|line| [ends(line), folds(line)].concat()).collect();
    let y = Axis::around(heights.into_iter());

    let has_folds = trials.iter().any(|trial| trial.validation_accuracies.len() > 1);
    let explanation = if has_folds {
        " Small dots are folds, large ones their means, and bars one standard deviation."
    } else {
        ""
    };
    let named = if lines.len() > 1 && lines.len() <= MOST_LINES { &lines[..] } else { &[] };
    let legend = Legend::new(named.iter().map(|line| line.name.as_str()), Vec::new());
    let legend_width = if named.is_empty() { 0.0 } else { legend.width() + 2.0 * MARGIN };
    let width = PLOT_WIDTH + 2.0 * MARGIN + legend_width;
    let heading = Heading::new(
        &format!("Validation accuracy against {key}"),
        &format!("{notes}{explanation}"),
        width - 2.0 * MARGIN,
    );
    let top = MARGIN + heading.height();
    let mut canvas = Canvas::default();
    heading.draw(&mut canvas, MARGIN, MARGIN);
    let chart = Chart::new((MARGIN, top, PLOT_WIDTH, PLOT_HEIGHT), &x, &y);
    chart.draw(&mut canvas, key, ACCURACY, false);
    for (place, line) in lines.iter().enumerate().rev() {
        line.draw(&mut canvas, &chart, Ink::new(place), is_numeric);
    }
    if !named.is_empty() {
        legend.draw(&mut canvas, PLOT_WIDTH + 3.0 * MARGIN, top);
    }
    canvas.finish(width, (top + PLOT_HEIGHT).max(top + legend.height()) + MARGIN)
}

/// A line for each setting of `others`.
fn lines<'a>(trials: &[&'a Trial], others: &[&str], place: impl Fn(&Trial) -> f64) -> Vec<Line<'a>> {
    let mut lines: BTreeMap<Vec<String>, Line<'a>> = BTreeMap::new();
    for trial in trials {
        let settings: Vec<String> = others.iter().map(|key| setting(trial, key)).collect();
        let name = others.iter().zip(&settings).map(|(key, setting)| format!("{key} = {setting}"));
        let name = name.collect::<Vec<_>>().join(", ");
        let line = lines.entry(settings).or_insert_with(|| Line { name, trials: Vec::new() });
        line.trials.push((place(trial), trial));
    }
    let sorted = lines.into_values().map(|mut line| {
        line.trials.sort_by(|left, right| left.0.total_cmp(&right.0));
        line
    });
    sorted.collect()
}

impl Line<'_> {
    fn draw(&self, canvas: &mut Canvas, chart: &Chart<'_>, ink: Ink, connected: bool) {
        let stroke = Stroke { width: 1.5, ..ink.line() };
        // A single fold is its own mean.
        let has_folds = self.trials.iter().any(|(_, trial)| trial.validation_accuracies.len() > 1);
        for fold in self.folds().filter(|_| has_folds) {
            canvas.circle(chart.at(fold), 2.5, ink.colour, 0.4);
        }
        if connected {
            let means: Vec<Point> = self.means().map(|(mean, _)| chart.at(mean)).collect();
            canvas.line(&means, stroke);
        }
        for ((x, mean), deviation) in self.means() {
            let (low, high) = (chart.at((x, mean - deviation)), chart.at((x, mean + deviation)));
            if deviation > 0.0 {
                canvas.line(&[low, high], stroke);
                for (x, y) in [low, high] {
                    canvas.line(&[(x - 4.0, y), (x + 4.0, y)], stroke);
                }
            }
            canvas.circle(chart.at((x, mean)), 3.5, ink.colour, 1.0);
            draw_marker(canvas, chart.at((x, mean)), ink);
        }
    }
}

/// Two keys against each other.
fn map(trials: &[&Trial], [x_key, y_key]: [&str; 2], notes: &str) -> Picture {
    let place = |trial: &Trial, key: &str| number(trial, key).unwrap_or(0.0);
    let accuracy = |trial: &&Trial| 100.0 * trial.validation_accuracy().unwrap_or(0.0);
    let axis = |key: &str| Axis::of_settings(trials.iter().map(|trial| place(trial, key)));
    let (x, y) = (axis(x_key), axis(y_key));
    let colours = Axis::spanning(trials.iter().map(accuracy));

    let width = PLOT_WIDTH + 4.0 * MARGIN + Colours::bar_width(&colours);
    let title = format!("Validation accuracy against {x_key} and {y_key}");
    let heading = Heading::new(&title, &format!("{notes} The best is ringed."), width - 2.0 * MARGIN);
    let top = MARGIN + heading.height();
    let mut canvas = Canvas::default();
    heading.draw(&mut canvas, MARGIN, MARGIN);
    let chart = Chart::new((MARGIN, top, PLOT_WIDTH, PLOT_HEIGHT), &x, &y);
    chart.draw(&mut canvas, x_key, y_key, true);
    // The best come last and lie above others at the same place; of equals the first.
    let mut ascending = trials.to_vec();
    ascending.reverse();
    ascending.sort_by(|left, right| accuracy(left).total_cmp(&accuracy(right)));
    for trial in &ascending {
        let point = chart.at((place(trial, x_key), place(trial, y_key)));
        canvas.circle(point, 6.5, VIRIDIS.at(colours.share(accuracy(trial))), 1.0);
        canvas.ring(point, 6.5, Stroke::new(WHITE, 0.75));
    }
    if let Some(best) = ascending.last() {
        canvas.ring(chart.at((place(best, x_key), place(best, y_key))), 10.0, Stroke::new(TEXT, 1.5));
    }
    let bar = (PLOT_WIDTH + 3.0 * MARGIN, top, PLOT_HEIGHT - 60.0);
    VIRIDIS.draw_bar(&mut canvas, bar, &colours, ACCURACY);
    canvas.finish(width, top + PLOT_HEIGHT + MARGIN)
}

#[cfg(test)]
mod tests;
