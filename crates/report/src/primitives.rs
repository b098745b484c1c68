//! What drawings are made of: points and areas, colours, lines and letters. Lengths are in pixels.

use std::fmt;

/// From the left, from the top.
pub(crate) type Point = (f64, f64);
/// Left, top, width, height.
pub(crate) type Area = (f64, f64, f64, f64);

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour(pub(crate) [u8; 3]);

impl Colour {
    /// From `0xrrggbb`.
    pub(crate) const fn new(code: u32) -> Self {
        let [_, red, green, blue] = code.to_be_bytes();
        Self([red, green, blue])
    }

    /// Whether white letters are easier to read on it than black ones: its luma (ITU-R BT.601) is below the middle.
    pub(crate) fn is_dark(self) -> bool {
        let [red, green, blue] = self.0.map(f64::from);
        0.299 * red + 0.587 * green + 0.114 * blue < 140.0
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02X}{green:02X}{blue:02X}")
    }
}

/// A line's colour, width in pixels and opacity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stroke {
    pub(crate) colour: Colour,
    pub(crate) width: f64,
    pub(crate) opacity: f64,
}

impl Stroke {
    pub(crate) const fn new(colour: Colour, width: f64) -> Self {
        Self { colour, width, opacity: 1.0 }
    }
}

/// Which part of the words is at their point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How words look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) size: f64,
    pub(crate) colour: Colour,
    pub(crate) anchor: Anchor,
    /// Degrees, clockwise around the point.
    pub(crate) turned: f64,
    pub(crate) bold: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_letters_are_on_dark_ground() {
        let white = Colour([255; 3]);
        assert!(Colour::new(0x08_306B).is_dark() && !white.is_dark() && !Colour::new(0xFD_E725).is_dark());
        assert_eq!(Colour::new(0x08_306B).to_string(), "#08306B");
    }
}
