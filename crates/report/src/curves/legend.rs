//! Which line is whose. Lengths are in half pixels, as in `drawing`.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::drawing::{Canvas, Drawn};
use super::style::{Ink, QUIET_TEXT, TEXT, explanation, text};

const ROW: u32 = 38;
const SAMPLE: i32 = 52;
const LETTERS: u32 = 25;
const AFTER_SAMPLE: i32 = SAMPLE + 16;
const MARGIN: u32 = 28;
/// Longer names lose their middle.
pub(super) const LONGEST_NAME: usize = 26;
/// What the lines of the right panel mean, where there are two kinds.
const KINDS: [&str; 2] = ["validation images", "training images"];

/// Words of at most so many letters, that XML may hold: control characters are no part of it, escaped or not.
pub(super) fn shortened(words: &str, longest: usize) -> String {
    let letters: Vec<_> = words.chars().map(printable).collect();
    if letters.len() <= longest {
        return letters.into_iter().collect();
    }
    let (start, end) = (longest / 2, letters.len() + 1 + longest / 2 - longest);
    letters[..start].iter().chain(&['…']).chain(&letters[end..]).collect()
}

fn printable(letter: char) -> char {
    if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { letter }
}

/// How wide the legend of `names` is: what a usual sans-serif takes, and rather more.
pub(super) fn width(names: &[String], explained: bool) -> u32 {
    // Letters outside ASCII may be as wide as they are high.
    let letter = |letter: char| if letter.is_ascii() { 0.6 } else { 1.0 };
    let ems = |name: &str| name.chars().map(letter).sum::<f64>();
    let kinds = KINDS.iter().filter(|_| explained).map(|kind| ems(kind));
    let widest = names.iter().map(|name| ems(name)).chain(kinds).fold(0.0, f64::max);
    MARGIN + AFTER_SAMPLE as u32 + (widest * f64::from(LETTERS)).ceil() as u32
}

/// How high the legend of so many names is.
pub(super) fn height(names: usize, explained: bool) -> u32 {
    (names as u32 + if explained { KINDS.len() as u32 + 1 } else { 0 }) * ROW
}

/// A row a result, and below, if there are two kinds of lines, which is which.
pub(super) fn draw(area: &Canvas, names: &[String], explained: bool) -> Drawn {
    let middle = |row: usize| row as i32 * ROW as i32 + ROW as i32 / 2;
    for (place, name) in names.iter().enumerate() {
        let ink = Ink::new(place);
        draw_row(area, middle(place), ink.line(), name, TEXT)?;
        if let Some((outline, filling)) = ink.marker() {
            area.draw(&(EmptyElement::at((SAMPLE / 2, middle(place))) + Polygon::new(outline, filling)))?;
        }
    }
    for (place, (kind, style)) in KINDS.into_iter().zip(explanation()).enumerate().filter(|_| explained) {
        draw_row(area, middle(names.len() + 1 + place), style, kind, QUIET_TEXT)?;
    }
    Ok(())
}

fn draw_row(area: &Canvas, middle: i32, style: ShapeStyle, words: &str, colour: RGBColor) -> Drawn {
    area.draw(&PathElement::new(vec![(0, middle), (SAMPLE, middle)], style))?;
    let style = text(LETTERS, colour).pos(Pos::new(HPos::Left, VPos::Center));
    area.draw_text(words, &style, (AFTER_SAMPLE, middle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(shortened("cnn", LONGEST_NAME), "cnn");
        let exact = "a".repeat(LONGEST_NAME);
        assert_eq!(shortened(&exact, LONGEST_NAME), exact);
        let long = shortened("residual_network_with_many_blocks_and_more on wgpu", LONGEST_NAME);
        assert_eq!(long, "residual_netw…more on wgpu");
        assert_eq!(long.chars().count(), LONGEST_NAME);
    }

    #[test]
    fn what_xml_forbids_is_replaced() {
        assert_eq!(shortened("a\u{1}b\nc\u{ffff}", 6), "a\u{fffd}b\u{fffd}c\u{fffd}");
    }

    #[test]
    fn wider_names_take_more_room() {
        let width = |name: &str| width(&[name.to_owned()], false);
        assert!(width("residual") > width("cnn") && width("漢字漢字漢字漢字") > width("residual"));
    }
}
