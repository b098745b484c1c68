//! Which ink a line has, the same in both panels and in the legend.

use plotters::prelude::*;

/// Okabe and Ito's colours, which readers who confuse red and green can tell apart, without yellow: it is too light
/// for a line on white. <https://jfly.uni-koeln.de/color/>
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(204, 121, 167),
    RGBColor(0, 0, 0),
];

/// Words that matter.
pub(super) const TEXT: RGBColor = RGBColor(34, 34, 34);
/// Words beside them.
pub(super) const QUIET_TEXT: RGBColor = RGBColor(95, 95, 95);
/// Axes and ticks.
pub(super) const FRAME: RGBColor = RGBColor(140, 140, 140);
/// Lines across a panel.
pub(super) const GRID: RGBColor = RGBColor(230, 230, 230);

/// Outlines of what stands on lines when colours come round again: a square, a triangle, a diamond, a cross.
const MARKERS: [&[(i32, i32)]; 4] = [
    &[(-6, -6), (6, -6), (6, 6), (-6, 6)],
    &[(0, -9), (8, 6), (-8, 6)],
    &[(0, -9), (9, 0), (0, 9), (-9, 0)],
    &[
        (-9, -3),
        (-3, -3),
        (-3, -9),
        (3, -9),
        (3, -3),
        (9, -3),
        (9, 3),
        (3, 3),
        (3, 9),
        (-3, 9),
        (-3, 3),
        (-9, 3),
    ],
];

/// The ink of one result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ink {
    colour: RGBColor,
    marker: Option<&'static [(i32, i32)]>,
}

impl Ink {
    /// That of the result at `place`; 35 are distinct.
    pub(super) fn new(place: usize) -> Self {
        let round = place / COLOURS.len() % (MARKERS.len() + 1);
        Self {
            colour: COLOURS[place % COLOURS.len()],
            marker: round.checked_sub(1).map(|round| MARKERS[round]),
        }
    }

    /// The line that a panel is about.
    pub(super) fn line(self) -> ShapeStyle {
        self.colour.stroke_width(4)
    }

    /// A paler and thinner line that stands behind it.
    pub(super) fn pale_line(self) -> ShapeStyle {
        self.colour.mix(0.4).stroke_width(3)
    }

    /// A marker's outline and its filling.
    pub(super) fn marker(self) -> Option<(Vec<(i32, i32)>, ShapeStyle)> {
        self.marker.map(|outline| (outline.to_vec(), self.colour.filled()))
    }
}

/// A line and a paler one, of no result.
pub(super) fn explanation() -> [ShapeStyle; 2] {
    let ink = Ink { colour: QUIET_TEXT, marker: None };
    [ink.line(), ink.pale_line()]
}

/// Letters of `size` half pixels. The backend divides sizes by 1.24.
pub(super) fn text(size: u32, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", 1.24 * f64::from(size)).into_font().color(&colour)
}

/// The same, bold.
pub(super) fn bold(size: u32, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", 1.24 * f64::from(size), FontStyle::Bold).into_font().color(&colour)
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
