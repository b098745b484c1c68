//! From where to where the axes go, where they have ticks, and what they cut off.

use std::ops::Range;

use crate::primitives::Point;

/// A loss of this many times the one that training begins with has diverged.
const DIVERGED: f64 = 6.0;
/// Losses begin this far apart at most, unless one of them has diverged already: hinge losses begin much higher than
/// cross-entropies, and both should be seen.
const APART: f64 = 30.0;
/// The most parts that ticks divide an axis into.
const PARTS: f64 = 5.0;
/// Training begins with this loss at least.
const LEAST_START: f64 = 0.1;
/// A logarithmic axis of fewer decades has ticks at 2 and 5 between the powers of ten.
const FEW_DECADES: f64 = 3.5;
/// Values whose largest is this many times the least can be told apart on a logarithmic scale only.
const SPAN: f64 = 30.0;

/// The range of an axis and its ticks.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    scale: Scale,
    /// On the scale.
    range: Range<f64>,
    ticks: Vec<Tick>,
}

/// A value with a line and a label.
#[derive(Clone, Debug)]
pub(crate) struct Tick {
    pub(crate) value: f64,
    pub(crate) label: String,
}

impl Tick {
    /// A digit times a power of ten: `0.002`, `1`, `500`, and beyond these `2e-5`.
    fn decimal(digit: u8, power: i32) -> Self {
        let scientific = format!("{digit}e{power}");
        let value = scientific.parse().unwrap_or(f64::NAN);
        let label = match power {
            -4..0 => format!("{value:.*}", power.unsigned_abs() as usize),
            0..=5 => format!("{value:.0}"),
            _ => scientific,
        };
        Self { value, label }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    Linear,
    /// The decimal logarithm; where it puts 0, which has none.
    Logarithmic {
        zero: f64,
    },
}

impl Scale {
    fn place(self, value: f64) -> f64 {
        match self {
            Self::Logarithmic { zero } if value <= 0.0 => zero,
            Self::Logarithmic { .. } => value.log10(),
            Self::Linear => value,
        }
    }
}

impl Axis {
    /// Ticks at whole epochs, and a little room at both ends so that lines don't touch the frame.
    pub(crate) fn of_epochs(epochs: impl Iterator<Item = f64> + Clone) -> Self {
        let (first, last) = extremes(epochs);
        let step = round_step((last - first) / 9.0).max(1.0);
        let (low, high) = ((first / step).ceil(), (last / step).floor());
        let ticks = (0..=(high - low).max(0.0) as usize).map(|place| (low + place as f64) * step).collect();
        Self::linear(first..last, ticks, 0).with_room(0.02, 0.02 * step)
    }

    /// From the tick below the least of `values` to the tick above the largest.
    pub(crate) fn of_values(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (low, high) = extremes(values);
        if low > high { Self::between(0.0, 1.0, PARTS) } else { Self::between(low, high, PARTS) }
    }

    /// From the least of `values` to the largest, with ticks in between.
    pub(crate) fn spanning(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (low, high) = extremes(values);
        if low > high {
            return Self::between(0.0, 1.0, PARTS);
        }
        let mut axis = Self::between(low, high, 8.0);
        let is_inside = |tick: &Tick| (low..=high).contains(&tick.value);
        // Of values that are as good as one the ticks are around it.
        if axis.ticks.iter().filter(|tick| is_inside(tick)).count() > 1 {
            axis.range = low..high;
            axis.ticks.retain(is_inside);
        }
        axis
    }

    /// From below the least of `values` to above the largest, so that points don't touch the frame.
    pub(crate) fn around(values: impl Iterator<Item = f64> + Clone) -> Self {
        Self::spanning(values).with_room(0.05, 0.0)
    }

    /// The axis of something that was tried at `values`, with room at both ends: logarithmic if it spans orders of magnitude,
    /// with 0, if that was tried too, next to the least.
    pub(crate) fn of_settings(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (low, high) = extremes(values.clone());
        let (least, _) = extremes(values.clone().filter(|&value| value > 0.0));
        if low >= 0.0 && high >= SPAN * least {
            return Self::logarithmic(least, high, low <= 0.0);
        }
        Self::around(values)
    }

    /// One tick per name, at 0, 1, 2 and so on.
    pub(crate) fn of_names(names: &[String]) -> Self {
        let tick = |(place, name): (usize, &String)| Tick { value: place as f64, label: name.clone() };
        let last = names.len().saturating_sub(1) as f64;
        Self {
            scale: Scale::Linear,
            range: -0.5..last + 0.5,
            ticks: names.iter().enumerate().map(tick).collect(),
        }
    }

    /// The axis of the training losses `lines`, and whether some of them lie above it.
    ///
    /// A loss that diverges would press all others flat: the axis ends where the lines that don't diverge end, and
    /// without such lines at twice the loss that training begins with.
    pub(crate) fn of_losses(lines: &[&[Point]]) -> (Self, bool) {
        let losses = |line: &&[Point]| line.iter().map(|point| point.1).collect::<Vec<_>>();
        let lines: Vec<_> = lines.iter().map(losses).filter(|line| !line.is_empty()).collect();
        let all = lines.iter().flatten().copied();
        if lines.is_empty() {
            return (Self::of_values(all), false);
        }
        let start = first_loss(&lines);
        let highest = |line: &Vec<f64>| line.iter().copied().fold(f64::MIN, f64::max);
        let high = lines.iter().map(highest).fold(f64::MIN, f64::max);
        let well = lines.iter().map(highest).filter(|&highest| highest <= DIVERGED * start).reduce(f64::max);
        let limit = if high > DIVERGED * start { well.unwrap_or(2.0 * start).max(start) } else { high };
        // Zero belongs to the picture unless all losses are far from it.
        let low = all.fold(f64::MAX, f64::min);
        let axis = Self::between(if low < 0.5 * limit { low.min(0.0) } else { low }, limit, PARTS);
        let cut = high > axis.range.end;
        (axis, cut)
    }

    /// From the tick at or below `low` to that at or above `high`, in about that many parts.
    fn between(low: f64, high: f64, parts: f64) -> Self {
        let size = low.abs().max(high.abs());
        // One single value, or as good as: something around it.
        let half = if size < 1e-9 { 0.5 } else { 0.05 * size };
        let flat = high - low < 1e-9 * size.max(1e-3);
        let (low, high) = if flat { (low - half, high + half) } else { (low, high) };
        let step = round_step((high - low) / parts);
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        // Adding zero makes -0 a 0.
        let tick = |place: usize| (first + place as f64) * step + 0.0;
        let ticks: Vec<_> = (0..=(last - first) as usize).map(tick).collect();
        let decimals = (-step.log10() - 1e-9).ceil().clamp(0.0, 12.0) as usize;
        // Next to huge values the last tick may lie a small one's height below it.
        Self::linear(low.min(first * step)..high.max(last * step), ticks, decimals)
    }

    fn linear(range: Range<f64>, ticks: Vec<f64>, decimals: usize) -> Self {
        let label =
            |tick: f64| if tick.abs() < 1e6 { format!("{tick:.decimals$}") } else { format!("{tick:e}") };
        let tick = |value| Tick { value, label: label(value) };
        Self { scale: Scale::Linear, range, ticks: ticks.into_iter().map(tick).collect() }
    }

    /// From `least` to `high`, positive; ticks at powers of ten.
    fn logarithmic(least: f64, high: f64, has_zero: bool) -> Self {
        let (low, high) = (least.log10(), high.log10());
        let step = ((high - low) / 8.0).ceil().max(1.0);
        let zero = low - (0.12 * (high - low)).max(0.5 * step);
        let start = if has_zero { zero } else { low };
        let digits: &[u8] = if high - low < FEW_DECADES { &[1, 2, 5] } else { &[1] };
        let powers =
            (0..=((high - low) / step) as i32 + 1).map(|place| low.floor() as i32 + place * step as i32);
        let ticks = powers.flat_map(|power| digits.iter().map(move |&digit| Tick::decimal(digit, power)));
        let within = |tick: &Tick| (low - 1e-9..=high + 1e-9).contains(&tick.value.log10());
        let of_zero = has_zero.then(|| Tick { value: 0.0, label: "0".into() });
        let ticks = of_zero.into_iter().chain(ticks.filter(within)).collect();
        Self { scale: Scale::Logarithmic { zero }, range: start..high, ticks }.with_room(0.05, 0.0)
    }

    /// Room at both ends: a share of the range, or `least`.
    fn with_room(mut self, share: f64, least: f64) -> Self {
        let Range { start, end } = self.range;
        let room = (share * (end - start)).max(least);
        self.range = start - room..end + room;
        self
    }

    /// Where `value` lies: 0 at the axis' start, 1 at its end.
    pub(crate) fn share(&self, value: f64) -> f64 {
        (self.scale.place(value) - self.range.start) / (self.range.end - self.range.start)
    }

    /// The largest value of a linear axis.
    pub(crate) fn end(&self) -> f64 {
        self.range.end
    }

    pub(crate) fn ticks(&self) -> &[Tick] {
        &self.ticks
    }

    /// The labels of the ticks.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &str> {
        self.ticks.iter().map(|tick| tick.label.as_str())
    }
}

/// The least and the largest of `values`; of none the first is larger.
fn extremes(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    (values.clone().fold(f64::MAX, f64::min), values.fold(f64::MIN, f64::max))
}

/// The loss that training begins with: for each line the lesser of its first two, and of these the largest that can be
/// reached from their median in steps of [`APART`].
fn first_loss(lines: &[Vec<f64>]) -> f64 {
    let start = |line: &Vec<f64>| line.iter().take(2).copied().reduce(f64::min);
    let mut starts: Vec<_> = lines.iter().filter_map(start).collect();
    starts.sort_by(f64::total_cmp);
    let median = starts.get(starts.len().saturating_sub(1) / 2).copied().unwrap_or(LEAST_START);
    let further =
        |reached: f64, &start: &f64| if start > APART * reached { reached } else { reached.max(start) };
    starts.iter().fold(median.max(LEAST_START), further)
}

/// The least of 1, 2, 5, 10, 20 and so on (and 0.5, 0.2, 0.1 ...) that is not below `step`.
fn round_step(step: f64) -> f64 {
    let magnitude = 10.0_f64.powf(step.max(1e-12).log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * magnitude >= step * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * magnitude
}

/// The parts of a line that lie at or below `limit`, cut where it crosses.
pub(crate) fn below(line: &[Point], limit: f64) -> Vec<Vec<Point>> {
    let (mut parts, mut part) = (Vec::new(), Vec::new());
    let mut last: Option<Point> = None;
    for &point in line {
        if let Some(last) = last.filter(|last| (last.1 > limit) != (point.1 > limit)) {
            let share = (limit - last.1) / (point.1 - last.1);
            part.push((last.0 + share * (point.0 - last.0), limit));
        }
        if point.1 <= limit {
            part.push(point);
        } else {
            parts.push(std::mem::take(&mut part));
        }
        last = Some(point);
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(losses: &[f64]) -> Vec<Point> {
        losses.iter().enumerate().map(|(place, &loss)| (place as f64 + 1.0, loss)).collect()
    }

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.labels().collect()
    }

    #[test]
    fn ticks_are_round_and_enclose_the_values() {
        let axis = Axis::of_values([37.2, 91.4].into_iter());
        assert_eq!(labels(&axis), ["20", "40", "60", "80", "100"]);
        assert_eq!(axis.range, 20.0..100.0);
        let axis = Axis::of_values([0.1, 0.3].into_iter());
        assert_eq!(labels(&axis), ["0.10", "0.15", "0.20", "0.25", "0.30"]);
        assert_eq!(labels(&Axis::of_values([-1.0, 1.0].into_iter())), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
    }

    #[test]
    fn one_value_or_none_has_an_axis_too() {
        for values in [vec![], vec![0.0], vec![7.0; 3], vec![1e15], vec![1e-300, 2e-300], vec![-1e15, 1e15]] {
            let axis = Axis::of_values(values.iter().copied());
            assert!(axis.range.start < axis.range.end, "{values:?} in {:?}", axis.range);
            assert!((2..=9).contains(&axis.ticks.len()), "{values:?} at {:?}", axis.ticks);
            let within = |value: &f64| axis.range.contains(value) || *value == axis.range.end;
            assert!(values.iter().all(within), "{values:?} in {:?}", axis.range);
        }
    }

    #[test]
    fn epochs_are_whole() {
        assert_eq!(labels(&Axis::of_epochs([1.0, 2.0].into_iter())), ["1", "2"]);
        assert_eq!(labels(&Axis::of_epochs([1.0, 10.0].into_iter())).len(), 10);
        assert_eq!(labels(&Axis::of_epochs([1.0, 30.0].into_iter())), ["5", "10", "15", "20", "25", "30"]);
        assert_eq!(labels(&Axis::of_epochs([3.0, 3.0].into_iter())), ["3"]);
        assert!(Axis::of_epochs([0.0, 1.8e19].into_iter()).ticks.len() < 12);
    }

    #[test]
    fn a_loss_that_diverges_is_cut_off() {
        let (fine, diverging, hopeless) =
            (line(&[2.3, 1.2, 0.4]), line(&[2.4, 80.0, 1e6]), line(&[1e5, 1e6, 1e9]));
        let end = |lines: &[&[Point]]| {
            let (axis, cut) = Axis::of_losses(lines);
            cut.then_some(axis.range.end)
        };
        assert_eq!(end(&[&fine, &fine, &fine, &diverging]), Some(2.5), "the end of those that don't");
        assert_eq!(end(&[&fine, &hopeless]), Some(2.5));
        assert_eq!(end(&[&diverging]), Some(5.0), "twice the first");
        assert_eq!(end(&[&fine, &fine]), None);
    }

    #[test]
    fn the_hinge_next_to_cross_entropy_is_not() {
        let (softmax, svm) = (line(&[2.3, 1.9, 1.7]), line(&[9.0, 5.0, 4.5]));
        let (axis, cut) = Axis::of_losses(&[&softmax, &softmax, &svm]);
        assert!(!cut);
        assert_eq!(axis.range, 0.0..10.0);
        // And of a hundred classes.
        let (_, cut) = Axis::of_losses(&[&line(&[4.6, 4.2]), &line(&[4.6, 4.1]), &line(&[99.0, 80.0])]);
        assert!(!cut);
        assert!(!Axis::of_losses(&[&line(&[0.02, 0.01]), &softmax]).1, "nor one that begins well");
    }

    #[test]
    fn lines_are_cut_where_they_cross() {
        let parts = below(&line(&[1.0, 3.0, 1.0, 2.0, 4.0]), 2.0);
        let expected: [Vec<Point>; 2] =
            [vec![(1.0, 1.0), (1.5, 2.0)], vec![(2.5, 2.0), (3.0, 1.0), (4.0, 2.0), (4.0, 2.0)]];
        assert_eq!(parts, expected);
        assert!(below(&line(&[3.0, 4.0]), 2.0).is_empty());
    }

    #[test]
    fn settings_over_orders_of_magnitude_are_on_a_logarithmic_scale() {
        let axis = Axis::of_settings([1e-4, 1e-2, 1.0].into_iter());
        assert_eq!(labels(&axis), ["0.0001", "0.001", "0.01", "0.1", "1"]);
        let shares = [1e-4, 1e-3, 1e-2, 1.0].map(|value| axis.share(value));
        assert!((shares[1] - shares[0] - (shares[2] - shares[1])).abs() < 1e-9, "{shares:?}");
        assert!(shares[0] > 0.0 && shares[3] < 1.0, "{shares:?}");

        let axis = Axis::of_settings([1.0, 3.0, 60.0].into_iter());
        assert_eq!(labels(&axis), ["1", "2", "5", "10", "20", "50"]);
        let axis = Axis::of_settings([1.0, 3.0, 5.0, 8.0, 10.0].into_iter());
        assert_eq!(labels(&axis), ["2", "4", "6", "8", "10"]);
        assert!((axis.share(5.5) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn zero_is_next_to_the_least() {
        let axis = Axis::of_settings([0.0, 1e-6, 1e-4, 1e-2].into_iter());
        assert_eq!(labels(&axis), ["0", "1e-6", "1e-5", "0.0001", "0.001", "0.01"]);
        assert!(0.0 < axis.share(0.0) && axis.share(0.0) < axis.share(1e-6));
        assert_eq!(Axis::of_settings([-1.0, 100.0].into_iter()).scale, Scale::Linear);
    }

    #[test]
    fn any_settings_have_an_axis() {
        for values in
            [vec![], vec![0.0], vec![3.0; 2], vec![1e-300, 1e300], vec![0.0, 1e300], vec![-1e15, 1e15]]
        {
            let axis = Axis::of_settings(values.iter().copied());
            assert!(
                values.iter().all(|&value| (0.0..=1.0).contains(&axis.share(value))),
                "{values:?} on {axis:?}"
            );
            assert!((1..=12).contains(&axis.ticks.len()), "{values:?} on {axis:?}");
        }
    }

    #[test]
    fn names_are_evenly_apart() {
        let axis = Axis::of_names(&["l1".into(), "l2".into()]);
        assert_eq!((axis.share(0.0), axis.share(1.0)), (0.25, 0.75));
        assert_eq!(labels(&axis), ["l1", "l2"]);
    }
}
