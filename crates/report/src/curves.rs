//! The learning curves of a comparison as one picture.

use zoo_schema::{Comparison, EpochRecord, ModelResult};

use crate::axis::{Axis, below};
use crate::canvas::Canvas;
use crate::chart::Chart;
use crate::figure::thousands;
use crate::legend::{Legend, draw_marker};
use crate::picture::Picture;
use crate::primitives::{Area, Point, Text};
use crate::style::{Ink, LABEL, MARGIN, TEXT};
use crate::summary::name_on;
use crate::words::Heading;

const WIDTH: f64 = 900.0;
const LEAST_HEIGHT: f64 = 420.0;
/// What the first panel shows.
const LOSS: &str = "loss";
/// The size of a panel on its own.
const PANEL_WIDTH: f64 = 440.0;
const PANEL_HEIGHT: f64 = 320.0;
const PANEL_TITLE_HEIGHT: f64 = 26.0;
/// Letters of a panel's title.
const PANEL_TITLE: Text = Text { size: 14.0, colour: TEXT, bold: true, ..LABEL };
/// More epochs than these have a marker at every second one, and so on.
const MOST_MARKERS: usize = 10;
/// What lies beyond is drawn here: far off any axis, and small enough to calculate with.
const LARGEST: f64 = 1e15;

/// One result's numbers, those that are finite. Accuracies are in percent.
struct Curve {
    name: String,
    /// Which ink it has.
    place: usize,
    loss: Vec<Point>,
    training: Vec<Point>,
    validation: Vec<Point>,
}

impl Curve {
    /// None of a result that has fewer than two epochs, or no number in them.
    fn new(result: &ModelResult, name: String, place: usize) -> Option<Self> {
        let history = &result.history;
        let curve = Self {
            name,
            place,
            loss: points(history, |record| Some(record.train_loss)),
            training: points(history, |record| Some(100.0 * record.train_accuracy)),
            // The averaged weights, where there are any, are the ones that the table's figures are of.
            validation: points(history, |record| {
                record.ema_validation_accuracy.or(record.validation_accuracy).map(|accuracy| 100.0 * accuracy)
            }),
        };
        (history.len() > 1 && curve.all().next().is_some()).then_some(curve)
    }

    /// The points of both panels.
    fn all(&self) -> impl Iterator<Item = Point> + Clone {
        [&self.loss, &self.training, &self.validation].into_iter().flatten().copied()
    }
}

/// Learning curves as one picture: loss and accuracy against the epoch, with a legend next to them.
///
/// On the left is the loss on the training images, on the right the accuracy on validation images (of the averaged
/// weights where there are any) with that on training images paler behind it. Each result that has a history of at
/// least two epochs has a line, in the order of the comparison; a number that is not finite is left out of its line.
/// Losses far above those that training began with are cut off, and the title says where.
///
/// `None` if no result has such a history.
#[must_use]
pub fn curves(comparison: &Comparison) -> Option<Picture> {
    let mut curves = all(comparison);
    if curves.is_empty() {
        return None;
    }
    // The legend has names in the order of their inks.
    curves.iter_mut().enumerate().for_each(|(place, curve)| curve.place = place);
    let data = &comparison.dataset;
    let title = format!("Learning curves on {}", data.name);
    let images =
        format!("{} training and {} validation images", thousands(data.train), thousands(data.validation));
    Some(draw(&Heading::new(&title, &images, WIDTH - 2.0 * MARGIN), &curves))
}

/// The panels of learning curves one by one, for a page.
#[derive(Default)]
pub(crate) struct CurvePanels {
    /// Each with its title.
    pub(crate) pictures: Vec<(String, Picture)>,
    /// Which results have a line; their places are those of their inks.
    pub(crate) places: Vec<usize>,
}

/// Loss and accuracy against the epoch, as [`curves`] has them.
pub(crate) fn curve_panels(comparison: &Comparison) -> Option<CurvePanels> {
    let curves = all(comparison);
    if curves.is_empty() {
        return None;
    }
    let epochs = Axis::of_epochs(curves.iter().flat_map(Curve::all).map(|point| point.0));
    let picture = |panel: Panel<'_>| {
        let mut canvas = Canvas::default();
        panel.draw(&mut canvas, (0.0, 0.0, PANEL_WIDTH - MARGIN, PANEL_HEIGHT), &epochs);
        (panel.title, canvas.finish(PANEL_WIDTH, PANEL_HEIGHT))
    };
    let pictures = [loss_panel(&curves), accuracy_panel(&curves)].map(picture).into();
    Some(CurvePanels { pictures, places: curves.iter().map(|curve| curve.place).collect() })
}

/// The lines of a panel with their names.
pub(crate) struct Lines {
    pub(crate) title: String,
    pub(crate) axis: Axis,
    pub(crate) named: Vec<(String, Vec<Point>)>,
}

impl Lines {
    /// The points of all lines.
    pub(crate) fn all(&self) -> impl Iterator<Item = Point> + Clone {
        self.named.iter().flat_map(|(_, points)| points.iter().copied())
    }
}

/// What [`curves`] draws, without the paler lines behind others. Empty if there are no curves.
pub(crate) fn lines(comparison: &Comparison) -> Vec<Lines> {
    let curves = all(comparison);
    if curves.is_empty() {
        return Vec::new();
    }
    let lines = |panel: Panel<'_>| {
        let strong = panel.lines.iter().filter(|line| !line.pale);
        let name = |line: &Line<'_>| {
            let curve = curves.iter().find(|curve| Ink::new(curve.place) == line.ink);
            curve.map(|curve| curve.name.clone()).unwrap_or_default()
        };
        let named = strong.map(|line| (name(line), line.points.to_vec())).collect();
        let title = if panel.lines.iter().any(|line| line.pale) {
            format!("{} on validation images in %, by epoch", panel.title)
        } else if panel.quantity == LOSS {
            format!("{}, by epoch", panel.title)
        } else {
            format!("{} in %, by epoch", panel.title)
        };
        Lines { title, axis: panel.axis, named }
    };
    [loss_panel(&curves), accuracy_panel(&curves)].map(lines).into()
}

/// The curves of all results that have any; the ink of each is that of the result's place.
fn all(comparison: &Comparison) -> Vec<Curve> {
    let results = comparison.results.iter().enumerate();
    results.filter_map(|(place, result)| Curve::new(result, name_on(comparison, result), place)).collect()
}

/// Two panels and the legend.
fn draw(heading: &Heading, curves: &[Curve]) -> Picture {
    let panels = [loss_panel(curves), accuracy_panel(curves)];
    let kinds = if panels[1].lines.iter().any(|line| line.pale) {
        vec![("validation images", Ink::of_any().line()), ("training images", Ink::of_any().pale_line())]
    } else {
        Vec::new()
    };
    let legend = Legend::new(curves.iter().map(|curve| curve.name.as_str()), kinds);
    let top = MARGIN + heading.height();
    let height = LEAST_HEIGHT.max(top + PANEL_TITLE_HEIGHT + legend.height() + MARGIN);

    let mut canvas = Canvas::default();
    heading.draw(&mut canvas, MARGIN, MARGIN);
    let epochs = Axis::of_epochs(curves.iter().flat_map(Curve::all).map(|point| point.0));
    let width = (WIDTH - 4.0 * MARGIN - legend.width()) / 2.0;
    for (panel, left) in panels.iter().zip([MARGIN, 2.0 * MARGIN + width]) {
        panel.draw(&mut canvas, (left, top, width, height - top - 0.5 * MARGIN), &epochs);
    }
    legend.draw(&mut canvas, WIDTH - MARGIN - legend.width(), top + PANEL_TITLE_HEIGHT);
    canvas.finish(WIDTH, height)
}

/// A panel's words, axis and lines.
struct Panel<'a> {
    title: String,
    quantity: &'static str,
    axis: Axis,
    lines: Vec<Line<'a>>,
}

struct Line<'a> {
    points: &'a [Point],
    ink: Ink,
    pale: bool,
}

fn loss_panel(curves: &[Curve]) -> Panel<'_> {
    let losses: Vec<_> = curves.iter().map(|curve| curve.loss.as_slice()).collect();
    let (axis, cut) = Axis::of_losses(&losses);
    let end = axis.labels().last().unwrap_or_default();
    let title = if cut { format!("Training loss (cut off at {end})") } else { "Training loss".into() };
    let line = |(curve, points): (&Curve, _)| Line { points, ink: Ink::new(curve.place), pale: false };
    Panel { title, quantity: LOSS, axis, lines: curves.iter().zip(losses).map(line).collect() }
}

/// Accuracy on validation images, and on training images behind it; without the former there is only the latter.
fn accuracy_panel(curves: &[Curve]) -> Panel<'_> {
    let validated = curves.iter().any(|curve| !curve.validation.is_empty());
    let trained = curves.iter().any(|curve| !curve.training.is_empty());
    let lines = |pale: bool, points: fn(&Curve) -> &[Point]| {
        let line = move |curve| Line { points: points(curve), ink: Ink::new(curve.place), pale };
        curves.iter().map(line).filter(|line| !line.points.is_empty())
    };
    let mut all: Vec<_> = lines(validated, |curve| &curve.training).collect();
    all.extend(lines(false, |curve| &curve.validation));
    let title = match (validated, trained) {
        (true, true) | (false, false) => "Accuracy",
        (true, false) => "Accuracy on validation images",
        (false, true) => "Accuracy on training images",
    };
    let values = all.iter().flat_map(|line| line.points.iter().map(|point| point.1));
    Panel { title: title.into(), quantity: "accuracy, %", axis: Axis::of_values(values), lines: all }
}

impl Panel<'_> {
    fn draw(&self, canvas: &mut Canvas, (left, top, width, height): Area, epochs: &Axis) {
        let area = (left, top + PANEL_TITLE_HEIGHT, width, height - PANEL_TITLE_HEIGHT);
        let chart = Chart::new(area, epochs, &self.axis);
        canvas.text((chart.left(), top + 0.4 * PANEL_TITLE_HEIGHT), &self.title, &PANEL_TITLE);
        chart.draw(canvas, "epoch", self.quantity, false);
        // The first results are the best ones, as a rule: they are drawn over the others.
        let (pale, strong): (Vec<_>, Vec<_>) = self.lines.iter().rev().partition(|line| line.pale);
        for line in pale.into_iter().chain(strong) {
            line.draw(canvas, &chart, self.axis.end());
        }
    }
}

impl Line<'_> {
    fn draw(&self, canvas: &mut Canvas, chart: &Chart<'_>, limit: f64) {
        let stroke = if self.pale { self.ink.pale_line() } else { self.ink.line() };
        for part in below(self.points, limit) {
            let part: Vec<Point> = part.into_iter().map(|point| chart.at(point)).collect();
            match part[..] {
                [point] => canvas.circle(point, 2.5, stroke.colour, stroke.opacity),
                _ => canvas.line(&part, stroke),
            }
        }
        let every = self.points.len().div_ceil(MOST_MARKERS).max(1);
        let marked = self.points.iter().step_by(every).filter(|point| !self.pale && point.1 <= limit);
        for &point in marked {
            draw_marker(canvas, chart.at(point), self.ink);
        }
    }
}

fn points(history: &[EpochRecord], value: impl Fn(&EpochRecord) -> Option<f64>) -> Vec<Point> {
    let point = |record: &EpochRecord| {
        let value = value(record).filter(|value| value.is_finite())?;
        Some((record.epoch as f64, value.clamp(-LARGEST, LARGEST)))
    };
    history.iter().filter_map(point).collect()
}

#[cfg(test)]
mod tests;
