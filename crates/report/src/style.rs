//! The ink of all pictures: colours, lines, and the sizes of letters.

use crate::primitives::{Anchor, Colour, Point, Stroke, Text};

/// Okabe and Ito's colours, which readers who confuse red and green can tell apart, without yellow: it is too light
/// for a line on white. <https://jfly.uni-koeln.de/color/>
const COLOURS: [Colour; 7] = [
    Colour::new(0x00_72B2),
    Colour::new(0xD5_5E00),
    Colour::new(0x00_9E73),
    Colour::new(0xE6_9F00),
    Colour::new(0x56_B4E9),
    Colour::new(0xCC_79A7),
    Colour::new(0x00_0000),
];

pub(crate) const WHITE: Colour = Colour([255; 3]);
/// Words that matter.
pub(crate) const TEXT: Colour = Colour([34; 3]);
/// Words next to them.
pub(crate) const QUIET_TEXT: Colour = Colour([95; 3]);
/// Axes and ticks.
pub(crate) const FRAME: Colour = Colour([140; 3]);
/// Lines across a panel.
pub(crate) const GRID: Colour = Colour([230; 3]);
/// Around what is right: Okabe and Ito's green.
pub(crate) const RIGHT: Colour = COLOURS[2];
/// Around what is wrong: their vermilion.
pub(crate) const WRONG: Colour = COLOURS[1];

/// Between the edge of a picture and what is in it.
pub(crate) const MARGIN: f64 = 14.0;
/// The least width of a picture, so that its heading has room.
pub(crate) const LEAST_WIDTH: f64 = 420.0;
/// Letters of a title.
pub(crate) const TITLE: Text =
    Text { size: 17.0, colour: TEXT, anchor: Anchor::Start, turned: 0.0, bold: true };
/// Letters of what is explained.
pub(crate) const NOTE: Text = Text { size: 12.5, colour: QUIET_TEXT, bold: false, ..TITLE };
/// Letters of names: of axes, classes, lines.
pub(crate) const NAME: Text = Text { size: 12.5, colour: TEXT, ..NOTE };
/// Letters at ticks and below images.
pub(crate) const LABEL: Text = Text { size: 11.5, ..NOTE };

/// Outlines of the markers on lines whose colours are used a second time: a square, a triangle, a diamond, a cross.
const MARKERS: [&[Point]; 4] = [
    &[(-3.0, -3.0), (3.0, -3.0), (3.0, 3.0), (-3.0, 3.0)],
    &[(0.0, -4.5), (4.0, 3.0), (-4.0, 3.0)],
    &[(0.0, -4.5), (4.5, 0.0), (0.0, 4.5), (-4.5, 0.0)],
    &[
        (-4.5, -1.5),
        (-1.5, -1.5),
        (-1.5, -4.5),
        (1.5, -4.5),
        (1.5, -1.5),
        (4.5, -1.5),
        (4.5, 1.5),
        (1.5, 1.5),
        (1.5, 4.5),
        (-1.5, 4.5),
        (-1.5, 1.5),
        (-4.5, 1.5),
    ],
];

/// The ink of one of several lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ink {
    pub(crate) colour: Colour,
    /// The outline of the markers on the line, around its points.
    pub(crate) marker: Option<&'static [Point]>,
}

impl Ink {
    /// That of the line at `place`; 35 are distinct.
    pub(crate) fn new(place: usize) -> Self {
        let round = place / COLOURS.len() % (MARKERS.len() + 1);
        Self {
            colour: COLOURS[place % COLOURS.len()],
            marker: round.checked_sub(1).map(|round| MARKERS[round]),
        }
    }

    /// That of a line that is an example of all.
    pub(crate) const fn of_any() -> Self {
        Self { colour: QUIET_TEXT, marker: None }
    }

    /// The line that a panel is about.
    pub(crate) const fn line(self) -> Stroke {
        Stroke::new(self.colour, 2.0)
    }

    /// A paler and thinner line behind it.
    pub(crate) const fn pale_line(self) -> Stroke {
        Stroke { opacity: 0.4, ..Stroke::new(self.colour, 1.5) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_that_repeat_have_markers() {
        let inks: Vec<_> = (0..35).map(Ink::new).collect();
        for (place, ink) in inks.iter().enumerate() {
            assert!(!inks[..place].contains(ink), "{place} looks like one before it");
            assert_eq!(ink.marker.is_none(), place < 7);
        }
        assert_eq!(Ink::new(35), inks[0]);
    }
}
