//! Small drawings in the cells of tables. Figures next to them say the same in words, so they are hidden from those who don't see them.

use crate::markup::Markup;
use crate::style::Ink;

/// How long a bar is, in its own units.
const LENGTH: f64 = 100.0;

/// A share, from 0 to 1, as a bar in the colour of the model at place `model`.
pub(crate) fn share(share: f64, model: usize) -> Markup {
    let (length, colour) = (LENGTH * share.clamp(0.0, 1.0), Ink::new(model).colour);
    Markup(format!(
        "<svg class=\"bar\" viewBox=\"0 0 {LENGTH} 6\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"track\" width=\"{LENGTH}\" height=\"6\"/>\
         <rect width=\"{length:.1}\" height=\"6\" fill=\"{colour}\"/></svg>"
    ))
}

/// The part of an axis that something is shown on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Range {
    /// From the multiple of `step` below all `values` to the one above, within 0 to `most`.
    pub(crate) fn around(values: impl Iterator<Item = f64> + Clone, step: f64, most: f64) -> Self {
        let low = values.clone().fold(most, f64::min);
        let high = values.fold(0.0, f64::max);
        let low = ((low / step).floor() * step).clamp(0.0, most - step);
        let high = ((high / step).ceil() * step).clamp(low + step, most);
        Self { low, high }
    }

    fn place(self, value: f64) -> f64 {
        LENGTH * ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// A value and the interval around it, on an axis over `range`.
pub(crate) fn interval(value: f64, (low, high): (f64, f64), range: Range) -> Markup {
    let [value, low, high] = [value, low, high].map(|value| range.place(value));
    Markup(format!(
        "<svg class=\"interval\" viewBox=\"-4 0 108 12\" aria-hidden=\"true\">\
         <path class=\"axis\" d=\"M0 6H{LENGTH}\"/>\
         <path class=\"whisker\" d=\"M{low:.1} 2V10M{low:.1} 6H{high:.1}M{high:.1} 2V10\"/>\
         <circle cx=\"{value:.1}\" cy=\"6\" r=\"3\"/></svg>"
    ))
}

/// What was published, from `low` to `high`, with the tolerance on both sides, and what was measured: a dot within, a cross outside.
pub(crate) fn published(
    (low, high): (f64, f64),
    tolerance: f64,
    measured: Option<(f64, bool)>,
    range: Range,
) -> Markup {
    let [from, low, high, to] =
        [low - tolerance, low, high, high + tolerance].map(|value| range.place(value));
    let measured = measured.map_or_else(String::new, |(value, is_within)| {
        let x = range.place(value);
        if is_within {
            format!("<circle cx=\"{x:.2}\" cy=\"6\" r=\"2.6\"/>")
        } else {
            let (left, right) = (x - 2.6, x + 2.6);
            format!(
                "<path class=\"cross\" d=\"M{left:.2} 3.4L{right:.2} 8.6M{left:.2} 8.6L{right:.2} 3.4\"/>"
            )
        }
    });
    // A single number has a width, too, or it would not be seen.
    let (width, tolerated) = ((high - low).max(0.6), (to - from).max(0.6));
    Markup(format!(
        "<svg class=\"dots\" viewBox=\"-4 0 108 12\" aria-hidden=\"true\"><path class=\"axis\" d=\"M0 6H{LENGTH}\"/>\
         <rect class=\"tolerance\" x=\"{from:.2}\" y=\"2\" width=\"{tolerated:.2}\" height=\"8\"/>\
         <rect class=\"published\" x=\"{low:.2}\" y=\"1\" width=\"{width:.2}\" height=\"10\"/>{measured}</svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_round_and_enclose_the_values() {
        let around = |values: &[f64]| {
            let Range { low, high } = Range::around(values.iter().copied(), 5.0, 100.0);
            (low, high)
        };
        assert_eq!(around(&[37.2, 91.4]), (35.0, 95.0));
        assert_eq!(around(&[99.9, 100.0]), (95.0, 100.0));
        assert_eq!(around(&[0.0]), (0.0, 5.0));
        assert_eq!(around(&[]), (95.0, 100.0));
    }

    #[test]
    fn bars_are_as_long_as_shares_are_large() {
        assert!(share(0.375, 0).0.contains("width=\"37.5\""));
        assert!(share(7.0, 0).0.contains("<rect width=\"100.0\""));
        let drawn = interval(50.0, (40.0, 70.0), Range { low: 0.0, high: 100.0 }).0;
        assert!(drawn.contains("M40.0 6H70.0") && drawn.contains("cx=\"50.0\""), "{drawn}");
    }

    #[test]
    fn what_missed_is_a_cross() {
        let range = Range { low: 0.0, high: 100.0 };
        assert!(published((40.0, 42.0), 1.0, Some((41.0, true)), range).0.contains("<circle cx=\"41.00\""));
        let missed = published((40.0, 40.0), 1.0, Some((50.0, false)), range).0;
        assert!(missed.contains("class=\"cross\"") && !missed.contains("<circle"), "{missed}");
        assert!(missed.contains("x=\"39.00\" y=\"2\" width=\"2.00\""), "{missed}");
        assert!(!published((40.0, 40.0), 1.0, None, range).0.contains("cross"));
    }
}
