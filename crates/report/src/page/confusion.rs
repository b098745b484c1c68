//! Confusion matrices as tables, whose cells can be named, counted and opened.

use zoo_schema::{Comparison, ModelResult, TestMetrics};

use crate::figure::{percent, thousands};
use crate::markup::Markup;
use crate::matrix::{MOST_NUMBERS, confusion};
use crate::summary::{first_of, name_on};

/// Bytes that pictures of matrices may take, where these can't be tables.
const MOST_PICTURES: usize = 800_000;
/// Cells of all matrices of a page.
const MOST_CELLS: usize = 6000;
/// Rows of the list that says what a picture of shades doesn't.
const MOST_FREQUENT: usize = 20;
/// Shades of cells: 0 for none, the last for all of a row.
const SHADES: usize = 9;

/// What a model took for what.
pub(crate) struct ConfusionView<'a> {
    pub(crate) name: String,
    /// Its place among the models of the answers, if it has any.
    pub(crate) model: Option<usize>,
    /// `99.5 % of 1,000 images right`.
    pub(crate) summary: String,
    pub(crate) rows: Vec<ConfusionRow<'a>>,
    /// Whether it is a table.
    pub(crate) is_small: bool,
    /// Of many classes: the matrix in shades.
    pub(crate) picture: Option<Markup>,
    /// Of many classes: the pairs that are confused most often.
    pub(crate) frequent: Vec<Pair<'a>>,
}

pub(crate) struct ConfusionRow<'a> {
    pub(crate) class: &'a str,
    pub(crate) cells: Vec<CellView>,
}

pub(crate) struct CellView {
    pub(crate) count: usize,
    /// Places of class and answer.
    pub(crate) place: (usize, usize),
    pub(crate) shade: usize,
    /// `cat taken for dog: 12`.
    pub(crate) words: String,
}

pub(crate) struct Pair<'a> {
    pub(crate) class: &'a str,
    pub(crate) answer: &'a str,
    pub(crate) count: usize,
    pub(crate) place: (usize, usize),
    pub(crate) share: String,
}

impl<'a> ConfusionView<'a> {
    /// Leaves out pictures of the last of `views` where all together would be too large.
    pub(crate) fn limit(views: &mut [Self]) {
        let mut bytes = 0;
        for view in views {
            bytes += view.picture.as_ref().map_or(0, |picture| picture.0.len());
            if bytes > MOST_PICTURES {
                view.picture = None;
            }
        }
    }

    /// Whether all matrices of a comparison can be tables: there are few enough classes, and few enough cells in all.
    pub(crate) fn fits(comparison: &Comparison) -> bool {
        let classes = comparison.dataset.classes.len();
        classes <= MOST_NUMBERS && comparison.results.len() * classes * classes <= MOST_CELLS
    }

    /// That of `result`, `model` being its place among the answers, as a table if it `is_small`; `None` if the model failed or was not
    /// tested.
    pub(crate) fn new(
        comparison: &Comparison,
        result: &'a ModelResult,
        model: Option<usize>,
        is_small: bool,
    ) -> Option<Self> {
        let test = result.test.as_ref()?;
        let classes = test.class_names()?;
        let picture = if is_small { None } else { confusion(comparison, result) };
        let name = name_on(comparison, result);
        let label = format!("Confusion matrix of {name}, in shades");
        Some(Self {
            summary: format!(
                "{} of {} images right{}",
                percent(test.accuracy, 1),
                thousands(test.confusion.images()),
                first_of(result)
            ),
            model,
            is_small,
            rows: if is_small { rows(test, &classes) } else { Vec::new() },
            picture: picture.map(|picture| picture.embedded(&label)),
            frequent: if is_small { Vec::new() } else { frequent(test, &classes) },
            name,
        })
    }
}

fn rows<'a>(test: &TestMetrics, classes: &[&'a str]) -> Vec<ConfusionRow<'a>> {
    let cell = |row: usize, column: usize, count: usize, of: usize| CellView {
        count,
        place: (row, column),
        shade: (count * SHADES).div_ceil(of.max(1)).min(SHADES),
        words: if row == column {
            format!("{} recognised: {}", classes[row], thousands(count))
        } else {
            format!("{} taken for {}: {}", classes[row], classes[column], thousands(count))
        },
    };
    let rows = test.confusion.counts().iter().zip(classes).enumerate().map(|(row, (counts, class))| {
        let of = counts.iter().sum();
        let cells = counts.iter().enumerate().map(|(column, &count)| cell(row, column, count, of));
        ConfusionRow { class, cells: cells.collect() }
    });
    rows.collect()
}

/// The wrong cells with most images.
fn frequent<'a>(test: &TestMetrics, classes: &[&'a str]) -> Vec<Pair<'a>> {
    let pair = |(class, answer, count): (usize, usize, usize)| {
        let of = test.confusion.counts()[class].iter().sum::<usize>();
        Pair {
            class: classes[class],
            answer: classes[answer],
            count,
            place: (class, answer),
            share: percent(count as f64 / of as f64, 0),
        }
    };
    test.confusion.confused().into_iter().take(MOST_FREQUENT).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{comparison, tested};

    #[test]
    fn cells_are_counted_named_and_shaded() {
        let comparison = comparison(vec![tested("svm")]);
        let view = ConfusionView::new(
            &comparison,
            &comparison.results[0],
            Some(0),
            ConfusionView::fits(&comparison),
        )
        .unwrap();
        let dog = &view.rows[1];
        let cells: Vec<_> =
            dog.cells.iter().map(|cell| (cell.count, cell.shade, cell.words.as_str())).collect();
        assert_eq!(
            (dog.class, cells),
            ("dog", vec![(1, 3, "dog taken for cat: 1"), (2, 6, "dog recognised: 2")])
        );
        assert_eq!((view.summary.as_str(), view.rows[0].cells[1].shade), ("75.0 % of 4 images right", 0));
    }

    #[test]
    fn of_many_classes_there_is_a_picture_and_a_list() {
        let classes: Vec<String> = (0..30).map(|class| format!("class {class}")).collect();
        let labels: Vec<usize> = (0..300).map(|image| image % 30).collect();
        let answers: Vec<usize> = labels.iter().map(|&label| if label == 7 { 8 } else { label }).collect();
        let confusion = zoo_schema::ConfusionMatrix::new(&labels, &answers, 30);
        let test = TestMetrics::new(confusion, None, None, &classes);
        let mut comparison = comparison(vec![ModelResult { test: Some(test), ..tested("svm") }]);
        comparison.dataset.classes = classes;
        assert!(!ConfusionView::fits(&comparison));
        let view = ConfusionView::new(&comparison, &comparison.results[0], None, false).unwrap();
        assert!(view.rows.is_empty() && view.picture.is_some());
        let pairs: Vec<_> = view.frequent.iter().map(|pair| (pair.class, pair.answer, pair.count)).collect();
        assert_eq!(pairs, [("class 7", "class 8", 10)]);
        assert_eq!((view.frequent[0].share.as_str(), view.frequent[0].place), ("100 %", (7, 8)));
    }
}
