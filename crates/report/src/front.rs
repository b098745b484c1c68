//! What accuracy costs: models by how accurate they are and how long they take.

use zoo_schema::{Comparison, ModelResult};

use crate::axis::Axis;
use crate::canvas::Canvas;
use crate::chart::Chart;
use crate::picture::Picture;
use crate::primitives::{Point, Stroke};
use crate::style::{Ink, MARGIN, NAME, QUIET_TEXT, WHITE};
use crate::summary::name_on;
use crate::words;

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 320.0;
const RADIUS: f64 = 5.0;
/// From a dot to its name.
const APART: f64 = 10.0;
/// Names are this far from each other, from line to line.
const LINE: f64 = 15.0;
const WIDEST_NAME: f64 = 180.0;
/// Names end this far above the bottom of the picture: above the axis.
const BELOW: f64 = 56.0;

/// What a model's accuracy is set against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// Milliseconds to classify an image.
    Prediction,
    /// Seconds to fit.
    Training,
}

impl Cost {
    fn of(self, result: &ModelResult) -> Option<f64> {
        let cost = match self {
            Self::Prediction => result.predict_images_per_second.map(|rate| 1000.0 / rate),
            Self::Training => result.fit_seconds,
        };
        cost.filter(|cost| cost.is_finite() && *cost >= 0.0)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Prediction => "time to classify an image, ms",
            Self::Training => "time to fit, s",
        }
    }
}

/// A model as a dot.
struct Dot {
    name: String,
    ink: Ink,
    cost: f64,
    accuracy: f64,
    is_on_front: bool,
}

/// A dot per model: its accuracy on validation images (on test images where there are none) against `cost`. Those that no other beats in
/// both are filled and joined by a line: the Pareto front. `None` if there are fewer than two models to draw.
pub(crate) fn front(comparison: &Comparison, cost: Cost) -> Option<Picture> {
    let (dots, part) = dots(comparison, cost);
    if dots.len() < 2 {
        return None;
    }
    let x = Axis::of_settings(dots.iter().map(|dot| dot.cost));
    let y = Axis::around(dots.iter().map(|dot| dot.accuracy));
    let mut canvas = Canvas::default();
    let chart = Chart::new((0.0, 10.0, WIDTH - MARGIN, HEIGHT - 10.0), &x, &y);
    chart.draw(&mut canvas, cost.name(), &format!("{part} accuracy, %"), true);
    let mut front: Vec<&Dot> = dots.iter().filter(|dot| dot.is_on_front).collect();
    front.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let line: Vec<Point> = front.iter().map(|dot| chart.at((dot.cost, dot.accuracy))).collect();
    if line.len() > 1 {
        canvas.line(&line, Stroke { opacity: 0.6, ..Stroke::new(QUIET_TEXT, 1.5) });
    }
    for dot in &dots {
        let at = chart.at((dot.cost, dot.accuracy));
        canvas.circle(at, RADIUS, if dot.is_on_front { dot.ink.colour } else { WHITE }, 1.0);
        canvas.ring(at, RADIUS, Stroke::new(dot.ink.colour, 2.0));
    }
    draw_names(&mut canvas, &chart, &dots);
    Some(canvas.finish(WIDTH, HEIGHT))
}

/// The models that have both figures, and the part of the data that accuracies are of.
fn dots(comparison: &Comparison, cost: Cost) -> (Vec<Dot>, &'static str) {
    let is_validated = comparison.results.iter().any(|result| result.validation_accuracy().is_some());
    let dot = |(place, result): (usize, &ModelResult)| {
        let accuracy = if is_validated { result.validation_accuracy() } else { result.accuracy() };
        let (cost, accuracy) = (cost.of(result)?, 100.0 * accuracy?);
        Some(Dot {
            name: name_on(comparison, result),
            ink: Ink::new(place),
            cost,
            accuracy,
            is_on_front: false,
        })
    };
    let mut dots: Vec<Dot> = comparison.results.iter().enumerate().filter_map(dot).collect();
    let points: Vec<Point> = dots.iter().map(|dot| (dot.cost, dot.accuracy)).collect();
    let beats = |a: Point, b: Point| a.0 <= b.0 && a.1 >= b.1 && a != b;
    for (dot, &point) in dots.iter_mut().zip(&points) {
        dot.is_on_front = !points.iter().any(|&other| beats(other, point));
    }
    (dots, if is_validated { "validation" } else { "test" })
}

/// The names next to their dots, none on another name or dot: one that would be moves to the other side, or up or down.
fn draw_names(canvas: &mut Canvas, chart: &Chart<'_>, dots: &[Dot]) {
    let at = |dot: &Dot| chart.at((dot.cost, dot.accuracy));
    let bottom = HEIGHT - BELOW;
    // From the left to the right, and the middle.
    let mut taken: Vec<(f64, f64, f64)> =
        dots.iter().map(at).map(|(x, y)| (x - RADIUS, x + RADIUS, y)).collect();
    let mut order: Vec<&Dot> = dots.iter().collect();
    order.sort_by(|a, b| b.accuracy.total_cmp(&a.accuracy));
    for dot in order {
        let (x, y) = at(dot);
        let name = words::fitted(&dot.name, &NAME, WIDEST_NAME);
        let width = words::width(&name, &NAME);
        let is_free = |&(left, middle): &(f64, f64)| {
            let collides = |&(from, to, other): &(f64, f64, f64)| {
                left < to && left + width > from && (middle - other).abs() < LINE
            };
            left > chart.left()
                && left + width < WIDTH
                && (0.5 * LINE..bottom).contains(&middle)
                && !taken.iter().any(collides)
        };
        let sides = [x + APART, x - APART - width];
        let steps =
            (0..2 * dots.len() as i32 + 2).map(|step| if step % 2 == 0 { step / 2 } else { -(step / 2 + 1) });
        let places = steps.flat_map(|step| sides.map(|left| (left, y + f64::from(step) * LINE)));
        let (left, middle) = places.clone().find(is_free).unwrap_or((sides[0], y));
        taken.push((left, left + width, middle));
        canvas.text((left, middle), &name, &NAME);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rendered::rendered;
    use crate::sample::{comparison, judged};

    fn models(figures: &[(&str, f64, f64, f64)]) -> Comparison {
        let model = |&(name, accuracy, fit, speed): &(&str, f64, f64, f64)| {
            judged(name, [accuracy, accuracy, 0.9, 0.8], 10, fit, speed)
        };
        comparison(figures.iter().map(model).collect())
    }

    #[test]
    fn the_front_is_what_nothing_beats_in_both() {
        let models = models(&[
            ("cnn", 0.87, 90.0, 2e3),
            ("svm", 0.41, 2.0, 8e4),
            ("softmax", 0.42, 1.0, 9e4),
            ("knn", 0.35, 0.1, 1e3),
        ]);
        let on_front = |cost| {
            let dots = dots(&models, cost).0;
            dots.into_iter().filter(|dot| dot.is_on_front).map(|dot| dot.name).collect::<Vec<_>>()
        };
        assert_eq!(on_front(Cost::Prediction), ["cnn", "softmax"]);
        assert_eq!(on_front(Cost::Training), ["cnn", "softmax", "knn"]);
        for cost in [Cost::Prediction, Cost::Training] {
            rendered(&front(&models, cost).unwrap());
        }
    }

    #[test]
    fn names_do_not_lie_on_each_other() {
        let names: Vec<String> = (0..9).map(|model| format!("a model with a long name {model}")).collect();
        let figures: Vec<_> = names.iter().map(|name| (name.as_str(), 0.5, 1.0, 1e3)).collect();
        let svg = front(&models(&figures), Cost::Training).unwrap().svg().to_owned();
        let number = |line: &str, key: &str| -> f64 {
            line.split(key).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
        };
        let place = |line: &str| (number(line, " x=\""), number(line, " y=\""));
        let places: Vec<(f64, f64)> =
            svg.lines().filter(|line| line.contains(">a model")).map(place).collect();
        assert_eq!(places.len(), 9);
        for (number, one) in places.iter().enumerate() {
            for other in &places[..number] {
                let (apart, below) = ((one.0 - other.0).abs(), (one.1 - other.1).abs());
                assert!(apart > 150.0 || below > 14.0, "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn one_model_has_no_front() {
        assert_eq!(front(&models(&[("cnn", 0.87, 90.0, 2e3)]), Cost::Training), None);
    }
}
