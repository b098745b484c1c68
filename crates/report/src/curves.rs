//! The learning curves of a comparison as one picture: numbers out of histories here, ink in `drawing`.

mod axis;
mod drawing;
mod legend;
mod style;

use zoo_core::result::{Comparison, EpochRecord, ModelResult};

use crate::summary::{has_several_backends, thousands};

/// An epoch and what it came to.
type Point = (f64, f64);

/// What lies beyond is drawn here: far off any axis, and small enough to calculate with.
const LARGEST: f64 = 1e15;

/// One result's numbers, those that are finite. Accuracies are in percent.
struct Curve {
    name: String,
    loss: Vec<Point>,
    training: Vec<Point>,
    validation: Vec<Point>,
}

impl Curve {
    /// None of a result that has fewer than two epochs, or no number in them.
    fn new(result: &ModelResult, name: String) -> Option<Self> {
        let history = &result.history;
        let curve = Self {
            name,
            loss: points(history, |record| Some(record.train_loss)),
            training: points(history, |record| Some(100.0 * record.train_accuracy)),
            // The averaged weights, where there are any, are the ones that the table's figures are of.
            validation: points(history, |record| {
                record.ema_validation_accuracy.or(record.validation_accuracy).map(|accuracy| 100.0 * accuracy)
            }),
        };
        (history.len() > 1 && curve.all().next().is_some()).then_some(curve)
    }

    /// The points of both panels.
    fn all(&self) -> impl Iterator<Item = Point> + Clone {
        [&self.loss, &self.training, &self.validation].into_iter().flatten().copied()
    }
}

/// Learning curves as one SVG: loss and accuracy against the epoch, with a legend beside them.
///
/// On the left is the loss on the training images, on the right the accuracy on validation images (of the averaged
/// weights where there are any) with that on training images paler behind it. Each result that has a history of at
/// least two epochs has a line, in the order of the comparison; a number that is not finite is left out of its line.
/// Losses far above those that training began with are cut off, and the title says where. The same comparison
/// always gives the same text.
///
/// `None` if no result has such a history.
#[must_use]
pub fn curves_svg(comparison: &Comparison) -> Option<String> {
    let several = has_several_backends(comparison);
    let name = |result: &ModelResult| {
        if several { format!("{} on {}", result.name(), result.backend) } else { result.name().to_owned() }
    };
    let curves: Vec<_> =
        comparison.results.iter().filter_map(|result| Curve::new(result, name(result))).collect();
    if curves.is_empty() {
        return None;
    }
    let data = &comparison.dataset;
    let title = format!("Learning curves on {}", data.name);
    let images =
        format!("{} training and {} validation images", thousands(data.train), thousands(data.validation));
    // Text is written into memory, where nothing can fail.
    drawing::draw(&title, &images, &curves).ok()
}

fn points(history: &[EpochRecord], value: impl Fn(&EpochRecord) -> Option<f64>) -> Vec<Point> {
    let point = |record: &EpochRecord| {
        let value = value(record).filter(|value| value.is_finite())?;
        Some((record.epoch as f64, value.clamp(-LARGEST, LARGEST)))
    };
    history.iter().filter_map(point).collect()
}

#[cfg(test)]
mod tests;
