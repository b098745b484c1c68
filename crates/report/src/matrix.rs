//! Numbers in rows and columns, as shades: how often a class was taken for another, how far apart images are.

use zoo_schema::{Comparison, ModelResult, TestMetrics};

use crate::axis::Axis;
use crate::canvas::Canvas;
use crate::colours::{BLUES, Colours, GREYS};
use crate::figure::{percent, thousands};
use crate::picture::Picture;
use crate::primitives::{Anchor, Area, Colour, Stroke, Text};
use crate::raster::Raster;
use crate::style::{FRAME, GRID, LABEL, LEAST_WIDTH, MARGIN, NAME, TEXT, WHITE};
use crate::summary::name_on;
use crate::words::{self, Heading};

const WIDEST_NAME: f64 = 110.0;
/// More classes than these have no room for numbers in the cells.
pub(crate) const MOST_NUMBERS: usize = 25;
/// How much of a line of words turned by 45° goes to either side.
const DIAGONAL: f64 = std::f64::consts::FRAC_1_SQRT_2;
const ROW: f64 = 20.0;
/// How wide a distance matrix is.
const MATRIX_WIDTH: f64 = 750.0;
/// Letters of classes next to a distance matrix.
const CLASS: Text = Text { colour: Colour([60; 3]), ..LABEL };

/// The confusion matrix of a result: true classes from the top, predicted classes from the left, each cell with its count,
/// shaded by its share of the row. A picture of more than 25 classes has only shades.
///
/// `None` if the model failed, or there is not one name per class.
#[must_use]
pub fn confusion(comparison: &Comparison, result: &ModelResult) -> Option<Picture> {
    let test = result.test.as_ref()?;
    let name = name_on(comparison, result);
    let title = format!("Confusion matrix of {name} on {}", comparison.dataset.name);
    let notes = format!(
        "{} of {} test images are right: those on the diagonal. A row is a true class, a column what it was taken for.",
        percent(test.accuracy, 1),
        thousands(test.confusion.images())
    );
    Some(Confusion::new(test)?.draw(&title, &notes))
}

/// Counts and where they are.
struct Confusion<'a> {
    counts: &'a [Vec<usize>],
    classes: Vec<&'a str>,
    cell: f64,
    name: Text,
}

impl<'a> Confusion<'a> {
    fn new(test: &'a TestMetrics) -> Option<Self> {
        let classes = test.class_names()?;
        let cell: f64 = match classes.len() {
            0..=2 => 90.0,
            3..=5 => 60.0,
            6..=12 => 46.0,
            13..=MOST_NUMBERS => 32.0,
            more => (900.0 / more as f64).floor().max(1.0),
        };
        let name = Text { size: LABEL.size.min(0.85 * cell), colour: TEXT, ..LABEL };
        Some(Self { counts: test.confusion.counts(), classes, cell, name })
    }

    fn draw(&self, title: &str, notes: &str) -> Picture {
        let side = self.cell * self.classes.len() as f64;
        let shares = Axis::of_values([0.0, 100.0].into_iter());
        let widest = words::widest(self.classes.iter().copied(), &self.name).min(WIDEST_NAME);
        // Classes above are at an angle while there is room for that.
        let angle = if self.cell > 20.0 { -45.0 } else { -90.0 };
        let above = if angle > -90.0 { (DIAGONAL * widest).ceil() + 8.0 } else { widest };
        let left = MARGIN + ROW + widest + 8.0;
        let bar = left + side + 2.0 * MARGIN;
        let width = (bar + Colours::bar_width(&shares) + MARGIN).max(LEAST_WIDTH);
        let heading = Heading::new(title, notes, width - 2.0 * MARGIN);
        let top = MARGIN + heading.height() + ROW + above + 8.0;

        let bar_height = side.clamp(180.0, 300.0);

        let mut canvas = Canvas::default();
        heading.draw(&mut canvas, MARGIN, MARGIN);
        let centred = Text { anchor: Anchor::Middle, ..NAME };
        canvas.text((left + 0.5 * side, MARGIN + heading.height() + 0.4 * ROW), "predicted class", &centred);
        canvas.text_upwards((MARGIN + 0.4 * ROW, top + 0.5 * side), "true class", &centred);
        self.draw_names(&mut canvas, (left, top), angle);
        self.draw_cells(&mut canvas, (left, top));
        BLUES.draw_bar(&mut canvas, (bar, top, bar_height), &shares, "share of the true class, %");
        canvas.finish(width, top + side.max(bar_height) + MARGIN)
    }

    fn draw_names(&self, canvas: &mut Canvas, (left, top): (f64, f64), angle: f64) {
        // Letters of fewer pixels can't be read.
        if self.cell < 6.0 {
            return;
        }
        for (place, class) in self.classes.iter().enumerate() {
            let middle = (place as f64 + 0.5) * self.cell;
            let class = words::fitted(class, &self.name, WIDEST_NAME);
            let to_the_right = Text { anchor: Anchor::End, ..self.name };
            canvas.text((left - 8.0, top + middle), &class, &to_the_right);
            canvas.text((left + middle, top - 8.0), &class, &Text { turned: angle, ..self.name });
        }
    }

    fn draw_cells(&self, canvas: &mut Canvas, (left, top): (f64, f64)) {
        let (classes, side) = (self.classes.len(), self.cell * self.classes.len() as f64);
        let shade =
            |row: &[usize], count: usize| BLUES.at(count as f64 / row.iter().sum::<usize>().max(1) as f64);
        let cells =
            || self.counts.iter().flat_map(|row| row.iter().map(move |&count| (count, shade(row, count))));
        canvas
            .image((left, top, side, side), &Raster::of_colours(cells().map(|cell| cell.1), classes.max(1)));
        canvas.frame((left, top, side, side), Stroke::new(FRAME, 1.0));
        if classes > MOST_NUMBERS {
            return;
        }
        for place in 1..classes {
            let along = place as f64 * self.cell;
            canvas.line(&[(left, top + along), (left + side, top + along)], Stroke::new(GRID, 1.0));
            canvas.line(&[(left + along, top), (left + along, top + side)], Stroke::new(GRID, 1.0));
        }
        let longest = cells().map(|cell| cell.0).max().unwrap_or(0).to_string();
        let size = LABEL.size.min(LABEL.size * (self.cell - 4.0) / words::width(&longest, &LABEL));
        for (place, (count, shade)) in cells().enumerate().filter(|cell| cell.1.0 > 0) {
            let [x, y] = [place % classes, place / classes].map(|place| (place as f64 + 0.5) * self.cell);
            let colour = if shade.is_dark() { WHITE } else { TEXT };
            let text = Text { size, colour, anchor: Anchor::Middle, ..LABEL };
            canvas.text((left + x, top + y), &count.to_string(), &text);
        }
    }
}

/// How far images are from images: one row or column per image, black where they are nearest and white where they are farthest.
#[derive(Clone, Debug)]
pub struct Distances {
    /// What is seen.
    pub title: String,
    /// How to read it.
    pub notes: String,
    /// The images of the rows.
    pub rows: Side,
    /// The images of the columns.
    pub columns: Side,
    /// What is measured, with its unit.
    pub quantity: String,
    /// The distances `[row, column]`.
    pub values: Vec<f64>,
}

/// The images along one side of a distance matrix, one class after the other.
#[derive(Clone, Debug)]
pub struct Side {
    /// What they are: "test images".
    pub name: String,
    /// Classes and how many images each of them has.
    pub classes: Vec<(String, usize)>,
}

impl Side {
    /// The number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.classes.iter().map(|class| class.1).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The width of the names of those classes that have room for theirs, if all images have `room` pixels.
    fn names_width(&self, room: f64) -> f64 {
        let named = self.places(room).into_iter().filter(|place| place.2 >= CLASS.size);
        words::widest(named.map(|place| place.0), &CLASS).min(WIDEST_NAME)
    }

    /// Where the middle of each class lies and how much room it has, if all images have `room` pixels.
    fn places(&self, room: f64) -> Vec<(&str, f64, f64)> {
        let image = room / self.len().max(1) as f64;
        let mut first = 0;
        let place = |(_, count): &(String, usize)| {
            let (start, length) = (first as f64 * image, *count as f64 * image);
            first += count;
            (start + 0.5 * length, length)
        };
        let places: Vec<(f64, f64)> = self.classes.iter().map(place).collect();
        self.classes
            .iter()
            .zip(places)
            .map(|((class, _), (middle, length))| (class.as_str(), middle, length))
            .collect()
    }
}

impl Distances {
    /// Draws the matrix.
    ///
    /// # Panics
    /// If there is not one value per row and column, or there are none.
    #[must_use]
    pub fn draw(&self) -> Picture {
        let (rows, columns) = (self.rows.len(), self.columns.len());
        assert_eq!(self.values.len(), rows * columns, "one value per row and column");
        let axis = Axis::spanning(self.values.iter().copied());
        let height = (MATRIX_WIDTH * rows as f64 / columns as f64).round().clamp(180.0, MATRIX_WIDTH);
        let left = MARGIN + ROW + self.rows.names_width(height) + 10.0;
        let bar = left + MATRIX_WIDTH + 1.5 * MARGIN;
        let width = bar + Colours::bar_width(&axis) + MARGIN;
        let heading = Heading::new(&self.title, &self.notes, width - 2.0 * MARGIN);
        let top = MARGIN + heading.height();
        let mut canvas = Canvas::default();
        heading.draw(&mut canvas, MARGIN, MARGIN);
        let area = (left, top, MATRIX_WIDTH, height);
        let shades = self.values.iter().map(|&value| GREYS.at(axis.share(value)));
        canvas.image(area, &Raster::of_colours(shades, columns));
        canvas.frame(area, Stroke::new(FRAME, 1.0));
        let below = self.draw_classes(&mut canvas, area);
        GREYS.draw_bar(&mut canvas, (bar, top, height.min(300.0)), &axis, &self.quantity);
        canvas.finish(width, below + MARGIN)
    }

    /// Ticks between classes, their names and those of the sides. Returns where they end.
    fn draw_classes(&self, canvas: &mut Canvas, (left, top, width, height): Area) -> f64 {
        let (bottom, stroke) = (top + height, Stroke::new(FRAME, 1.0));
        let (to_the_right, centred) =
            (Text { anchor: Anchor::End, ..CLASS }, Text { anchor: Anchor::Middle, ..CLASS });
        for (class, middle, room) in self.rows.places(height) {
            let end = top + middle + 0.5 * room;
            canvas.line(&[(left - 6.0, end), (left, end)], stroke);
            if room >= CLASS.size {
                let class = words::fitted(class, &CLASS, WIDEST_NAME);
                canvas.text((left - 10.0, top + middle), &class, &to_the_right);
            }
        }
        let columns = self.columns.places(width);
        let fits = columns.iter().all(|(class, _, room)| words::width(class, &CLASS) <= *room);
        for (class, middle, room) in columns {
            let end = left + middle + 0.5 * room;
            canvas.line(&[(end, bottom), (end, bottom + 6.0)], stroke);
            if fits {
                canvas.text((left + middle, bottom + 0.6 * ROW), class, &centred);
            } else if room >= CLASS.size {
                let class = words::fitted(class, &CLASS, WIDEST_NAME);
                canvas.text_upwards((left + middle, bottom + 8.0), &class, &to_the_right);
            }
        }
        let below = bottom + if fits { ROW } else { self.columns.names_width(width) + 12.0 };
        let name = Text { anchor: Anchor::Middle, ..NAME };
        canvas.text((left + 0.5 * width, below + 0.5 * ROW), &self.columns.name, &name);
        canvas.text_upwards((MARGIN + 0.4 * ROW, top + 0.5 * height), &self.rows.name, &name);
        below + ROW
    }
}

#[cfg(test)]
mod tests {
    use zoo_schema::ConfusionMatrix;

    use super::*;
    use crate::rendered::rendered;
    use crate::sample;

    fn comparison(classes: &[impl AsRef<str>], labels: &[usize], predictions: &[usize]) -> Comparison {
        let confusion = ConfusionMatrix::new(labels, predictions, classes.len());
        let names: Vec<&str> = classes.iter().map(AsRef::as_ref).collect();
        let dataset = sample::dataset([1, 1, labels.len()], &names);
        let test = TestMetrics::new(confusion, None, None, &dataset.classes);
        let result = ModelResult { test: Some(test), ..sample::named("svm") };
        Comparison { dataset, ..sample::comparison(vec![result]) }
    }

    fn drawn(comparison: &Comparison) -> Picture {
        let picture = confusion(comparison, &comparison.results[0]).expect("there are figures");
        rendered(&picture);
        picture
    }

    #[test]
    fn counts_are_in_their_cells() {
        let names = ["cat", "a <dog> & more"];
        let comparison = comparison(&names, &[0, 0, 0, 0, 1], &[0, 0, 0, 1, 1]);
        let svg = drawn(&comparison).svg().to_owned();
        assert!(
            svg.contains("Confusion matrix of svm on pets") && svg.contains("80.0 % of 5 test images"),
            "{svg}"
        );
        assert_eq!(svg.matches(">a &lt;dog&gt; &amp; more</text>").count(), 2, "on both axes");
        assert_eq!(
            svg.matches(">3</text>").count() + svg.matches(">1</text>").count(),
            3,
            "no number for none"
        );
    }

    #[test]
    fn shades_are_shares_of_the_row() {
        let names = ["cat", "dog"];
        let all_right = comparison(&names, &[0, 0, 0, 1], &[0, 0, 0, 1]);
        let pixels = rendered(&drawn(&all_right));
        let full = BLUES.at(1.0).0;
        let dark = pixels.pixels().filter(|pixel| pixel.0 == full).count();
        assert!(dark > 2 * 80 * 80, "both cells on the diagonal are full, but {dark} pixels are");
    }

    #[test]
    fn any_number_of_classes() {
        for classes in [1, 2, 12, 13, 25, 26, 100, 1000] {
            let names = (0..classes).map(|class| format!("a_class_with_a_long_name_{class}"));
            let names: Vec<String> = names.collect();
            let labels: Vec<usize> = (0..classes).collect();
            let svg = drawn(&comparison(&names, &labels, &labels)).svg().to_owned();
            assert_eq!(svg.contains(">1</text>"), classes <= MOST_NUMBERS, "{classes} classes");
            assert_eq!(svg.contains("name_0</text>"), classes <= 150, "{classes} classes");
        }
    }

    #[test]
    fn a_model_that_failed_has_none() {
        let mut comparison = comparison(&["cat"], &[0], &[0]);
        comparison.results[0].test = None;
        assert_eq!(confusion(&comparison, &comparison.results[0]), None);
    }

    fn side(name: &str, classes: usize, each: usize) -> Side {
        let class = |class| (format!("class {class}"), each);
        Side { name: name.into(), classes: (0..classes).map(class).collect() }
    }

    fn distances(rows: Side, columns: Side, value: impl Fn(usize) -> f64) -> Distances {
        let values = (0..rows.len() * columns.len()).map(value).collect();
        let (title, quantity) = ("Distances".into(), "L2 distance".into());
        Distances { title, notes: "Some".into(), rows, columns, quantity, values }
    }

    #[test]
    fn near_is_black_and_far_is_white() {
        let matrix = distances(side("test", 1, 1), side("training", 2, 1), |place| 100.0 * place as f64);
        let pixels = rendered(&matrix.draw());
        let black = pixels.pixels().filter(|pixel| pixel.0 == [0; 3]).count();
        assert!(black >= 750 * 300, "the left half is black");
    }

    #[test]
    fn any_distances_can_be_drawn() {
        for (rows, columns, each) in [(1, 1, 1), (10, 10, 20), (100, 100, 2), (2, 50, 1)] {
            let (rows, columns) = (side("test", rows, each), side("training", columns, each));
            rendered(&distances(rows.clone(), columns.clone(), |_| 7.0).draw());
            rendered(&distances(rows, columns, |place| (place * 7919 % 31) as f64).draw());
        }
    }
}
