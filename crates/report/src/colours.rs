//! Colours for values, and the bar that tells which is which.

use crate::axis::Axis;
use crate::canvas::Canvas;
use crate::primitives::{Anchor, Area, Colour, Stroke, Text};
use crate::raster::Raster;
use crate::style::{FRAME, LABEL, NAME};
use crate::words;

const BAR: f64 = 14.0;
const STEPS: usize = 256;

/// Colours from the least value to the largest, at equal distances.
pub(crate) struct Colours(&'static [u32]);

/// Viridis, by Nathaniel Smith and Stéfan van der Walt (CC0): as light as the value is high, and even to the eye. Every
/// seventeenth of the 256 colours that Matplotlib has.
pub(crate) const VIRIDIS: Colours = Colours(&[
    0x44_0154, 0x48_1A6C, 0x47_2F7D, 0x41_4487, 0x39_568C, 0x31_688E, 0x2A_788E, 0x23_888E, 0x1F_988B,
    0x22_A884, 0x35_B779, 0x54_C568, 0x7A_D151, 0xA5_DB36, 0xD2_E21B, 0xFD_E725,
]);
/// White and ColorBrewer's *Blues* of nine classes (Cynthia Brewer; Apache-2.0), without the first.
pub(crate) const BLUES: Colours = Colours(&[
    0xFF_FFFF, 0xDE_EBF7, 0xC6_DBEF, 0x9E_CAE1, 0x6B_AED6, 0x42_92C6, 0x21_71B5, 0x08_519C, 0x08_306B,
]);
/// From black to white.
pub(crate) const GREYS: Colours = Colours(&[0x00_0000, 0xFF_FFFF]);

impl Colours {
    /// The colour of a value at `share` of the way from the least to the largest; in between linear.
    pub(crate) fn at(&self, share: f64) -> Colour {
        let place = share.clamp(0.0, 1.0) * (self.0.len() - 1) as f64;
        let (below, above) = (place.floor(), place.ceil());
        let [from, to] = [below, above].map(|place| Colour::new(self.0[place as usize]).0);
        let mix = |at: usize| {
            let (from, to) = (f64::from(from[at]), f64::from(to[at]));
            (from + (place - below) * (to - from)).round() as u8
        };
        Colour([mix(0), mix(1), mix(2)])
    }

    /// How wide the bar of `axis` is, with what is next to it.
    pub(crate) fn bar_width(axis: &Axis) -> f64 {
        BAR + 10.0 + words::widest(axis.labels(), &LABEL) + 24.0
    }

    /// The colours of the values of `axis`, from the bottom to the top, with its ticks and its name.
    pub(crate) fn draw_bar(
        &self,
        canvas: &mut Canvas,
        (left, top, height): (f64, f64, f64),
        axis: &Axis,
        name: &str,
    ) {
        let colours = (0..STEPS).rev().map(|step| self.at(step as f64 / (STEPS - 1) as f64));
        let bar: Area = (left, top, BAR, height);
        canvas.image(bar, &Raster::of_colours(colours, 1));
        canvas.frame(bar, Stroke::new(FRAME, 1.0));
        for tick in axis.ticks() {
            let y = top + height * (1.0 - axis.share(tick.value));
            canvas.line(&[(left + BAR, y), (left + BAR + 4.0, y)], Stroke::new(FRAME, 1.0));
            canvas.text((left + BAR + 8.0, y), &tick.label, &LABEL);
        }
        let middle = left + Self::bar_width(axis) - 8.0;
        let text = Text { anchor: Anchor::Middle, ..NAME };
        canvas.text_upwards((middle, top + 0.5 * height), &words::fitted(name, &text, height), &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_from_end_to_end() {
        assert_eq!(VIRIDIS.at(0.0), Colour::new(0x44_0154));
        assert_eq!(VIRIDIS.at(1.0), Colour::new(0xFD_E725));
        assert_eq!(VIRIDIS.at(3.0), VIRIDIS.at(1.0));
        assert_eq!(GREYS.at(0.5), Colour([128; 3]));
    }

    #[test]
    fn viridis_grows_lighter() {
        let light = |share: f64| {
            let [red, green, blue] = VIRIDIS.at(share).0.map(f64::from);
            0.299 * red + 0.587 * green + 0.114 * blue
        };
        for step in 0..100_u8 {
            assert!(light(f64::from(step + 1) / 100.0) > light(f64::from(step) / 100.0), "at {step} %");
        }
    }
}
