//! The settings of a search next to each other: an axis per key, a line per trial.

use zoo_schema::Trial;

use crate::axis::Axis;
use crate::canvas::Canvas;
use crate::colours::VIRIDIS;
use crate::picture::Picture;
use crate::primitives::{Anchor, Point, Stroke, Text};
use crate::search::{is_judged, is_numeric, number, searched_keys, setting, values};
use crate::style::{FRAME, LABEL, MARGIN, NAME, TEXT};
use crate::words;

const HEIGHT: f64 = 360.0;
/// Between two axes: as much as there is room for, within these limits.
const ROOM: f64 = 640.0;
const LEAST_APART: f64 = 130.0;
const MOST_APART: f64 = 260.0;
const ABOVE: f64 = 34.0;
const BELOW: f64 = 16.0;
/// More keys than these are too many for a page.
const MOST: usize = 9;

/// An axis of one key, or that of accuracy.
struct Key<'a> {
    name: String,
    axis: Axis,
    place: Box<dyn Fn(&Trial) -> f64 + 'a>,
}

/// A line per trial across an axis per searched key, the last one being the validation accuracy; the lighter a line, the more accurate.
/// The best is drawn thick. `None` with fewer than two keys or two trials: the other pictures show those.
pub(crate) fn parallel(trials: &[Trial]) -> Option<Picture> {
    let judged: Vec<&Trial> = trials.iter().filter(|trial| is_judged(trial)).collect();
    let searched = searched_keys(&judged);
    if searched.len() < 2 || searched.len() > MOST || judged.len() < 2 {
        return None;
    }
    let accuracy = |trial: &Trial| 100.0 * trial.validation_accuracy().unwrap_or_default();
    let mut keys: Vec<Key<'_>> = searched.iter().map(|name| key(&judged, name)).collect();
    let axis = Axis::around(judged.iter().map(|trial| accuracy(trial)));
    keys.push(Key { name: "accuracy, %".into(), axis, place: Box::new(accuracy) });
    let colours = Axis::spanning(judged.iter().map(|trial| accuracy(trial)));

    let apart = (ROOM / (keys.len() - 1) as f64).clamp(LEAST_APART, MOST_APART);
    let label = |key: &Key<'_>| words::widest(key.axis.labels(), &LABEL).min(LEAST_APART - 30.0);
    let left = MARGIN + label(&keys[0]) + 10.0;
    let width = left + apart * (keys.len() - 1) as f64 + 0.5 * words::width("accuracy, %", &NAME) + MARGIN;
    let mut canvas = Canvas::default();
    let at = |number: usize, trial: &Trial| -> Point {
        let key = &keys[number];
        let share = key.axis.share((key.place)(trial));
        (left + apart * number as f64, ABOVE + (HEIGHT - ABOVE - BELOW) * (1.0 - share))
    };
    let mut ascending = judged.clone();
    ascending.reverse();
    ascending.sort_by(|a, b| accuracy(a).total_cmp(&accuracy(b)));
    for (place, trial) in ascending.iter().enumerate() {
        let line: Vec<Point> = (0..keys.len()).map(|number| at(number, trial)).collect();
        let is_best = place + 1 == ascending.len();
        if is_best {
            canvas.line(&line, Stroke::new(TEXT, 5.0));
        }
        let colour = VIRIDIS.at(colours.share(accuracy(trial)));
        canvas.line(&line, Stroke::new(colour, if is_best { 3.0 } else { 1.75 }));
    }
    for (number, key) in keys.iter().enumerate() {
        draw_axis(&mut canvas, key, left + apart * number as f64);
    }
    Some(canvas.finish(width, HEIGHT))
}

fn key<'a>(trials: &[&Trial], name: &'a str) -> Key<'a> {
    if is_numeric(trials, name) {
        let place = move |trial: &Trial| number(trial, name).unwrap_or_default();
        let axis = Axis::of_settings(trials.iter().map(|trial| place(trial)));
        return Key { name: name.into(), axis, place: Box::new(place) };
    }
    let names: Vec<String> = values(trials, name).into_iter().collect();
    let axis = Axis::of_names(&names);
    let place = move |trial: &Trial| {
        names.iter().position(|value| *value == setting(trial, name)).unwrap_or(0) as f64
    };
    Key { name: name.into(), axis, place: Box::new(place) }
}

fn draw_axis(canvas: &mut Canvas, key: &Key<'_>, x: f64) {
    let (top, bottom) = (ABOVE, HEIGHT - BELOW);
    canvas.line(&[(x, top), (x, bottom)], Stroke::new(FRAME, 1.5));
    let to_the_left = Text { anchor: Anchor::End, ..LABEL };
    for tick in key.axis.ticks() {
        let y = top + (bottom - top) * (1.0 - key.axis.share(tick.value));
        canvas.line(&[(x - 4.0, y), (x, y)], Stroke::new(FRAME, 1.0));
        canvas.text((x - 7.0, y), &words::fitted(&tick.label, &LABEL, LEAST_APART - 30.0), &to_the_left);
    }
    // The last part of a key says most: `optimizer.learning_rate`.
    let name = words::fitted(key.name.rsplit('.').next().unwrap_or_default(), &NAME, LEAST_APART - 8.0);
    canvas.text((x, 0.5 * ABOVE - 4.0), &name, &Text { anchor: Anchor::Middle, ..NAME });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rendered::rendered;

    fn trial(number: usize, rate: f64, metric: &str) -> Trial {
        let settings = BTreeMap::from([
            ("optimizer.learning_rate".to_owned(), rate.into()),
            ("metric".to_owned(), metric.into()),
        ]);
        let accuracies = vec![0.1 * number as f64];
        Trial { trial: number, settings, validation_accuracies: accuracies, ..Trial::default() }
    }

    #[test]
    fn a_line_per_trial_across_all_keys() {
        let failed = Trial { validation_accuracies: Vec::new(), ..trial(4, 0.5, "l2") };
        let trials = [trial(1, 1e-4, "l1"), trial(2, 1e-2, "l2"), trial(3, 1.0, "l1"), failed];
        let picture = parallel(&trials).unwrap();
        rendered(&picture);
        let lines =
            picture.svg().lines().filter(|line| line.contains("<polyline") && line.matches(',').count() == 3);
        assert_eq!(lines.count(), 4, "three trials, the best twice");
        for words in [">learning_rate<", ">metric<", ">accuracy, %<", ">l2<"] {
            assert!(picture.svg().contains(words), "{words}");
        }
        assert_eq!(parallel(&trials[..1]), None);
    }
}
