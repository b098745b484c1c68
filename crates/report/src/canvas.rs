//! SVG, element by element. Lengths are in pixels, from the left and from the top.

use std::fmt::Write;

use crate::picture::Picture;
use crate::primitives::{Anchor, Area, Colour, Point, Stroke, Text};
use crate::raster::Raster;

/// What is drawn so far.
#[derive(Default)]
pub(crate) struct Canvas {
    elements: String,
}

impl Canvas {
    /// A rectangle's outline, outside of `area`.
    pub(crate) fn frame(&mut self, (left, top, width, height): Area, stroke: Stroke) {
        let half = stroke.width / 2.0;
        let (right, bottom) = (left + width + half, top + height + half);
        let (left, top) = (left - half, top - half);
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        let (points, style) = (points(&corners), style(stroke));
        self.element(&format!(r#"<polygon points="{points}" fill="none"{style}/>"#));
    }

    pub(crate) fn line(&mut self, line: &[Point], stroke: Stroke) {
        let (points, style) = (points(line), style(stroke));
        self.element(&format!(r#"<polyline points="{points}" fill="none"{style} stroke-linejoin="round"/>"#));
    }

    pub(crate) fn polygon(&mut self, corners: &[Point], filling: Colour) {
        self.element(&format!(r#"<polygon points="{}" fill="{filling}"/>"#, points(corners)));
    }

    pub(crate) fn circle(&mut self, (x, y): Point, radius: f64, filling: Colour, opacity: f64) {
        let ([x, y, radius], opacity) = ([x, y, radius].map(number), number(opacity));
        self.element(&format!(
            r#"<circle cx="{x}" cy="{y}" r="{radius}" fill="{filling}" fill-opacity="{opacity}"/>"#
        ));
    }

    pub(crate) fn ring(&mut self, (x, y): Point, radius: f64, stroke: Stroke) {
        let ([x, y, radius], style) = ([x, y, radius].map(number), style(stroke));
        self.element(&format!(r#"<circle cx="{x}" cy="{y}" r="{radius}" fill="none"{style}/>"#));
    }

    /// Words on one line, whose middle is at the height of the point.
    pub(crate) fn text(&mut self, (x, y): Point, words: &str, text: &Text) {
        // Half the height of letters between x and X.
        let below = 0.35 * text.size;
        let turned = match text.turned {
            0.0 => String::new(),
            turned => format!(r#" transform="rotate({} {} {})""#, number(turned), number(x), number(y)),
        };
        let anchor = match text.anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let weight = if text.bold { r#" font-weight="bold""# } else { "" };
        let ([x, y, size], colour) = ([x, y + below, text.size].map(number), text.colour);
        let words = escaped(words);
        self.element(&format!(
            r#"<text x="{x}" y="{y}" font-size="{size}" fill="{colour}"{anchor}{weight}{turned}>{words}</text>"#
        ));
    }

    /// Words on one line that runs upwards; the point is at the middle of their height.
    pub(crate) fn text_upwards(&mut self, (x, y): Point, words: &str, text: &Text) {
        self.text((x, y), words, &Text { turned: -90.0, ..*text });
    }

    /// Fills `area` with an image; enlarged pixels stay sharp.
    pub(crate) fn image(&mut self, (left, top, width, height): Area, raster: &Raster) {
        let enlarged = width >= f64::from(raster.width()) && height >= f64::from(raster.height());
        // As an attribute of its own resvg passes over it.
        let sharp = if enlarged { r#" style="image-rendering:pixelated""# } else { "" };
        let ([left, top, width, height], data) = ([left, top, width, height].map(number), raster.data_uri());
        self.element(&format!(
            r#"<image x="{left}" y="{top}" width="{width}" height="{height}" preserveAspectRatio="none"{sharp} href="{data}"/>"#
        ));
    }

    fn element(&mut self, element: &str) {
        self.elements += element;
        self.elements.push('\n');
    }

    /// What is drawn so far.
    pub(crate) fn elements(&self) -> &str {
        &self.elements
    }

    /// The whole picture, on white, so that it can be read on a dark page too.
    pub(crate) fn finish(self, width: f64, height: f64) -> Picture {
        let (width, height) = (number(width.ceil()), number(height.ceil()));
        Picture::new(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#FFFFFF\"/>\n{}</svg>\n",
            self.elements
        ))
    }
}

/// Hundredths of a pixel at most.
fn number(value: f64) -> String {
    // Adding zero makes -0 a 0.
    let text = format!("{:.2}", (100.0 * value).round() / 100.0 + 0.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn points(line: &[Point]) -> String {
    line.iter().fold(String::new(), |mut text, &(x, y)| {
        let space = if text.is_empty() { "" } else { " " };
        // Text is written into memory, where nothing can fail.
        let _ = write!(text, "{space}{},{}", number(x), number(y));
        text
    })
}

fn style(Stroke { colour, width, opacity }: Stroke) -> String {
    let opacity = if opacity < 1.0 { format!(r#" stroke-opacity="{opacity}""#) } else { String::new() };
    format!(r#" stroke="{colour}" stroke-width="{}"{opacity}"#, number(width))
}

/// Words as XML may hold them. Control characters are not part of it, escaped or not.
pub(crate) fn escaped(words: &str) -> String {
    words.chars().fold(String::new(), |mut text, letter| {
        match letter {
            '&' => text += "&amp;",
            '<' => text += "&lt;",
            '>' => text += "&gt;",
            '"' => text += "&quot;",
            '\'' => text += "&apos;",
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                text.push('\u{fffd}');
            }
            letter => text.push(letter),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rendered::rendered;
    use crate::style::NAME;

    #[test]
    fn numbers_are_short() {
        let texts = [0.0, -0.001, 1.0, 100.0, 0.126, -12.5, 1e9].map(number);
        assert_eq!(texts, ["0", "0", "1", "100", "0.13", "-12.5", "1000000000"]);
    }

    #[test]
    fn words_are_escaped() {
        let mut canvas = Canvas::default();
        canvas.text((1.0, 2.0), "a<b>&\"c'\u{1}\n\u{ffff}", &NAME);
        let svg = canvas.finish(9.0, 9.0).svg().to_owned();
        assert!(svg.contains(">a&lt;b&gt;&amp;&quot;c&apos;\u{fffd}\u{fffd}\u{fffd}</text>"), "{svg}");
    }

    #[test]
    fn enlarged_pixels_stay_sharp() {
        let mut canvas = Canvas::default();
        canvas.image((2.0, 1.0, 8.0, 4.0), &Raster::new(&[0, 200], [1, 1, 2]));
        let pixels = rendered(&canvas.finish(12.0, 6.0));
        for (x, y, pixel) in pixels.enumerate_pixels() {
            let inside = (4..20).contains(&x) && (2..10).contains(&y);
            let expected = if !inside {
                255
            } else if x < 12 {
                0
            } else {
                200
            };
            assert_eq!(pixel.0, [expected; 3], "at {x}, {y}");
        }
    }
}
