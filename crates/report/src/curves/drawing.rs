//! Two panels and a legend. Lengths are in half pixels: the picture is drawn at twice its size, since the backend knows
//! whole numbers alone and curves would have steps.

use std::io;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::axis::{Axis, below};
use super::style::{FRAME, GRID, Ink, QUIET_TEXT, TEXT, bold, text};
use super::{Curve, Point, legend};

/// What is drawn on.
pub(super) type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// What drawing returns; the backend writes into memory and has no reason to fail.
pub(super) type Drawn<T = ()> = Result<T, DrawingAreaErrorKind<io::Error>>;

const WIDTH: u32 = 1800;
const LEAST_HEIGHT: u32 = 840;
const TITLE_HEIGHT: u32 = 116;
const PANEL_TITLE_HEIGHT: u32 = 52;
const TICK_LABELS_WIDTH: u32 = 104;
const MARGIN: u32 = 28;
const TICK_LABELS_HEIGHT: u32 = 84;
const LONGEST_TITLE: usize = 72;
/// More epochs than these have a marker at every second one, and so on.
const MOST_MARKERS: usize = 10;

/// A panel's words, axes and lines.
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

/// The whole picture.
pub(super) fn draw(title: &str, images: &str, curves: &[Curve]) -> Drawn<String> {
    let (loss, accuracy) = (loss_panel(curves), accuracy_panel(curves));
    let names: Vec<_> =
        curves.iter().map(|curve| legend::shortened(&curve.name, legend::LONGEST_NAME)).collect();
    let explained = accuracy.lines.iter().any(|line| line.pale);
    let width = legend::width(&names, explained);
    let height =
        LEAST_HEIGHT.max(TITLE_HEIGHT + PANEL_TITLE_HEIGHT + legend::height(names.len(), explained) + 24);
    let mut svg = String::new();
    {
        let canvas = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        // White, so that it can be read on a dark page too.
        canvas.fill(&WHITE)?;
        canvas.draw_text(&legend::shortened(title, LONGEST_TITLE), &bold(34, TEXT), (MARGIN as i32, 26))?;
        canvas.draw_text(images, &text(25, QUIET_TEXT), (MARGIN as i32, 70))?;
        let (panels, beside) = canvas.split_vertically(TITLE_HEIGHT).1.split_horizontally(WIDTH - width);
        let epochs = Axis::of_epochs(curves.iter().flat_map(Curve::all).map(|point| point.0));
        for (panel, area) in [loss, accuracy].iter().zip(panels.split_evenly((1, 2))) {
            panel.draw(&area, &epochs)?;
        }
        legend::draw(&beside.split_vertically(PANEL_TITLE_HEIGHT).1, &names, explained)?;
        canvas.present()?;
    }
    let size = |scale: u32| format!("width=\"{}\" height=\"{}\"", WIDTH / scale, height / scale);
    Ok(svg.replacen(&size(1), &size(2), 1))
}

fn loss_panel(curves: &[Curve]) -> Panel<'_> {
    let losses: Vec<_> = curves.iter().map(|curve| curve.loss.as_slice()).collect();
    let (axis, cut) = Axis::of_losses(&losses);
    let end = axis.label(axis.range.end);
    let title = if cut { format!("Training loss (cut off at {end})") } else { "Training loss".into() };
    let line = |(place, points)| Line { points, ink: Ink::new(place), pale: false };
    Panel { title, quantity: "loss", axis, lines: losses.into_iter().enumerate().map(line).collect() }
}

/// Accuracy on validation images, and on training images behind it; without the former the latter stands alone.
fn accuracy_panel(curves: &[Curve]) -> Panel<'_> {
    let validated = curves.iter().any(|curve| !curve.validation.is_empty());
    let trained = curves.iter().any(|curve| !curve.training.is_empty());
    let lines = |pale: bool, points: fn(&Curve) -> &[Point]| {
        let line = move |(place, curve)| Line { points: points(curve), ink: Ink::new(place), pale };
        curves.iter().enumerate().map(line).filter(|line| !line.points.is_empty())
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
    fn draw(&self, area: &Canvas, epochs: &Axis) -> Drawn {
        area.draw_text(&self.title, &bold(28, TEXT), ((MARGIN + TICK_LABELS_WIDTH) as i32, 8))?;
        let mut chart = ChartBuilder::on(area)
            .margin_top(PANEL_TITLE_HEIGHT)
            .margin_left(MARGIN)
            .margin_right(MARGIN)
            .margin_bottom(16)
            .x_label_area_size(TICK_LABELS_HEIGHT)
            .y_label_area_size(TICK_LABELS_WIDTH)
            .build_cartesian_2d(epochs.clone(), self.axis.clone())?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID.stroke_width(2))
            .axis_style(FRAME.stroke_width(2))
            .set_all_tick_mark_size(8)
            .label_style(text(23, QUIET_TEXT))
            .axis_desc_style(text(25, TEXT))
            .x_desc("epoch")
            .y_desc(self.quantity)
            .draw()?;
        // The first results are the best ones, as a rule: they are drawn over the others.
        let (pale, strong): (Vec<_>, Vec<_>) = self.lines.iter().rev().partition(|line| line.pale);
        for line in pale.into_iter().chain(strong) {
            line.draw(chart.plotting_area(), self.axis.range.end)?;
        }
        Ok(())
    }
}

impl Line<'_> {
    fn draw<X: CoordTranslate<From = Point>>(&self, area: &DrawingArea<SVGBackend, X>, limit: f64) -> Drawn {
        let style = if self.pale { self.ink.pale_line() } else { self.ink.line() };
        for part in below(self.points, limit) {
            if let [point] = part[..] {
                area.draw(&Circle::new(point, 5, style.filled()))?;
            } else {
                area.draw(&PathElement::new(part, style))?;
            }
        }
        if let Some((outline, filling)) = self.ink.marker().filter(|_| !self.pale) {
            let every = self.points.len().div_ceil(MOST_MARKERS).max(1);
            for &point in self.points.iter().step_by(every).filter(|point| point.1 <= limit) {
                area.draw(&(EmptyElement::at(point) + Polygon::new(outline.clone(), filling)))?;
            }
        }
        Ok(())
    }
}
