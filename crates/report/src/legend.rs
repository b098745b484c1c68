//! Which line is whose.

use crate::canvas::Canvas;
use crate::markup::Markup;
use crate::primitives::{Point, Stroke, Text};
use crate::style::{Ink, NAME, QUIET_TEXT};
use crate::words;

const ROW: f64 = 19.0;
const SAMPLE: f64 = 26.0;
const AFTER_SAMPLE: f64 = SAMPLE + 8.0;
/// Longer names lose their middle.
const WIDEST_NAME: f64 = 220.0;
const KIND: Text = Text { colour: QUIET_TEXT, ..NAME };

/// Names of lines, in the order of their inks, and below them what kinds of lines mean.
pub(crate) struct Legend {
    names: Vec<String>,
    kinds: Vec<(&'static str, Stroke)>,
}

impl Legend {
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a str>, kinds: Vec<(&'static str, Stroke)>) -> Self {
        Self { names: names.map(|name| words::fitted(name, &NAME, WIDEST_NAME)).collect(), kinds }
    }

    pub(crate) fn width(&self) -> f64 {
        let kinds = self.kinds.iter().map(|kind| kind.0);
        AFTER_SAMPLE + words::widest(self.names.iter().map(String::as_str).chain(kinds), &NAME).ceil()
    }

    pub(crate) fn height(&self) -> f64 {
        let between = usize::from(!self.names.is_empty() && !self.kinds.is_empty());
        ROW * (self.names.len() + between + self.kinds.len()) as f64
    }

    /// One row per name, and one per kind.
    pub(crate) fn draw(&self, canvas: &mut Canvas, left: f64, top: f64) {
        let mut middle = top + 0.5 * ROW;
        for (place, name) in self.names.iter().enumerate() {
            let ink = Ink::new(place);
            row(canvas, (left, middle), ink.line(), name, &NAME);
            draw_marker(canvas, (left + 0.5 * SAMPLE, middle), ink);
            middle += ROW;
        }
        middle += if self.names.is_empty() { 0.0 } else { ROW };
        for (kind, stroke) in &self.kinds {
            row(canvas, (left, middle), *stroke, kind, &KIND);
            middle += ROW;
        }
    }
}

/// A line or a bar of the ink at `place`, for names in a page.
pub(crate) fn swatch(place: usize) -> Markup {
    let (ink, middle) = (Ink::new(place), 7.0);
    let mut canvas = Canvas::default();
    canvas.line(&[(0.0, middle), (SAMPLE, middle)], Stroke { width: 3.0, ..ink.line() });
    draw_marker(&mut canvas, (0.5 * SAMPLE, middle), ink);
    Markup(format!(
        "<svg class=\"plot swatch\" viewBox=\"0 0 {SAMPLE} 14\" width=\"{SAMPLE}\" height=\"14\" aria-hidden=\"true\">{}</svg>",
        canvas.elements()
    ))
}

fn row(canvas: &mut Canvas, (left, middle): Point, stroke: Stroke, words: &str, text: &Text) {
    canvas.line(&[(left, middle), (left + SAMPLE, middle)], stroke);
    canvas.text((left + AFTER_SAMPLE, middle), words, text);
}

/// The marker of `ink` at a point, if it has one.
pub(crate) fn draw_marker(canvas: &mut Canvas, (x, y): Point, ink: Ink) {
    if let Some(outline) = ink.marker {
        let corners: Vec<Point> = outline.iter().map(|&(right, down)| (x + right, y + down)).collect();
        canvas.polygon(&corners, ink.colour);
    }
}
