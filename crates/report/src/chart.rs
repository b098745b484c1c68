//! Axes around a plot, and where values lie in it.

use crate::axis::Axis;
use crate::canvas::Canvas;
use crate::primitives::{Anchor, Area, Point, Stroke, Text};
use crate::style::{FRAME, GRID, LABEL, NAME};
use crate::words;

const TICK: f64 = 4.0;
const ROW: f64 = 20.0;

/// A plot and its two axes.
pub(crate) struct Chart<'a> {
    /// Where values are drawn: what `area` leaves.
    plot: Area,
    x: &'a Axis,
    y: &'a Axis,
}

impl<'a> Chart<'a> {
    /// Fills `area` with a plot, and with what is to the left of it and below.
    pub(crate) fn new((left, top, width, height): Area, x: &'a Axis, y: &'a Axis) -> Self {
        let labels = ROW + words::widest(y.labels(), &LABEL) + 2.0 * TICK;
        let below = TICK + 2.0 * ROW;
        Self { plot: (left + labels, top, width - labels, height - below), x, y }
    }

    /// Where the plot begins.
    pub(crate) const fn left(&self) -> f64 {
        self.plot.0
    }

    /// Where a pair of values lies.
    pub(crate) fn at(&self, (x, y): Point) -> Point {
        let (left, top, width, height) = self.plot;
        (left + width * self.x.share(x), top + height * (1.0 - self.y.share(y)))
    }

    /// Draws both axes with their names; lines cross the plot at the ticks of y, and of x if it is a `grid`.
    pub(crate) fn draw(&self, canvas: &mut Canvas, x_name: &str, y_name: &str, grid: bool) {
        let (left, top, width, height) = self.plot;
        let (right, bottom) = (left + width, top + height);
        let (faint, frame) = (Stroke::new(GRID, 1.0), Stroke::new(FRAME, 1.0));
        for tick in self.y.ticks() {
            let y = bottom - height * self.y.share(tick.value);
            canvas.line(&[(left, y), (right, y)], faint);
            canvas.line(&[(left - TICK, y), (left, y)], frame);
            let label = Text { anchor: Anchor::End, ..LABEL };
            canvas.text((left - 2.0 * TICK, y), &tick.label, &label);
        }
        let room = width / self.x.ticks().len().max(1) as f64;
        for tick in self.x.ticks() {
            let x = left + width * self.x.share(tick.value);
            if grid {
                canvas.line(&[(x, top), (x, bottom)], faint);
            }
            canvas.line(&[(x, bottom), (x, bottom + TICK)], frame);
            let label = Text { anchor: Anchor::Middle, ..LABEL };
            canvas.text((x, bottom + TICK + 0.5 * ROW), &words::fitted(&tick.label, &label, room), &label);
        }
        canvas.line(&[(left, top), (left, bottom), (right, bottom)], frame);
        let name = Text { anchor: Anchor::Middle, ..NAME };
        let x_name = words::fitted(x_name, &name, width);
        canvas.text((left + 0.5 * width, bottom + TICK + 1.5 * ROW), &x_name, &name);
        let middle = left - 3.0 * TICK - words::widest(self.y.labels(), &LABEL) - 0.35 * ROW;
        canvas.text_upwards((middle, top + 0.5 * height), &words::fitted(y_name, &name, height), &name);
    }
}
