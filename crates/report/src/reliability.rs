//! Whether models are right as often as they claim to be.

use zoo_schema::{CalibrationBin, Comparison, ModelResult};

use crate::axis::Axis;
use crate::canvas::Canvas;
use crate::chart::Chart;
use crate::legend::draw_marker;
use crate::picture::Picture;
use crate::primitives::{Point, Stroke};
use crate::style::{Ink, MARGIN, QUIET_TEXT};

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 400.0;
/// A dot of all images has this area in square pixels, others as much less as they have fewer; but none less than the smallest.
const AREA: f64 = 400.0;
const LEAST_RADIUS: f64 = 2.0;

/// The share of right answers against confidence, a line per model that claims probabilities: on the diagonal it is right as often as it
/// says. The larger a dot, the more images. `None` if no model claims any.
pub(crate) fn reliability(comparison: &Comparison) -> Option<Picture> {
    let bins = |result: &'_ ModelResult| Some(result.test.as_ref()?.calibration.as_ref()?.bins.clone());
    let models =
        comparison.results.iter().enumerate().filter_map(|(place, result)| Some((place, bins(result)?)));
    let models: Vec<(usize, Vec<CalibrationBin>)> = models.collect();
    if models.is_empty() {
        return None;
    }
    let axis = Axis::of_values([0.0, 100.0].into_iter());
    let mut canvas = Canvas::default();
    let chart = Chart::new((0.0, 10.0, WIDTH - MARGIN, HEIGHT - 10.0), &axis, &axis);
    chart.draw(&mut canvas, "confidence, %", "right answers, %", true);
    canvas.line(
        &[chart.at((0.0, 0.0)), chart.at((100.0, 100.0))],
        Stroke { opacity: 0.6, ..Stroke::new(QUIET_TEXT, 1.5) },
    );
    for (place, bins) in models.iter().rev() {
        let ink = Ink::new(*place);
        let images: usize = bins.iter().map(|bin| bin.images).sum();
        let at = |bin: &CalibrationBin| -> Point { chart.at((100.0 * bin.confidence, 100.0 * bin.accuracy)) };
        canvas.line(&bins.iter().map(at).collect::<Vec<_>>(), Stroke { width: 1.5, ..ink.line() });
        for bin in bins {
            let area = AREA * bin.images as f64 / images.max(1) as f64;
            canvas.circle(at(bin), (area / std::f64::consts::PI).sqrt().max(LEAST_RADIUS), ink.colour, 0.7);
            draw_marker(&mut canvas, at(bin), ink);
        }
    }
    Some(canvas.finish(WIDTH, HEIGHT))
}

#[cfg(test)]
mod tests {
    use zoo_schema::Calibration;

    use super::*;
    use crate::rendered::rendered;
    use crate::sample::{comparison, tested};

    #[test]
    fn models_that_claim_nothing_have_no_line() {
        let mut models = vec![tested("svm"), tested("cnn")];
        assert_eq!(reliability(&comparison(models.clone())), None);
        let calibration = Calibration::new([(0.95, true), (0.9, false), (0.3, false)]);
        models[1].test.as_mut().unwrap().calibration = calibration;
        let picture = reliability(&comparison(models)).unwrap();
        rendered(&picture);
        assert_eq!(picture.svg().matches("<circle").count(), 3, "a dot per bin");
    }
}
