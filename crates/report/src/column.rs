//! The columns of figures in the table of a comparison: which there are, what is in their cells, and which cells are the best.

use zoo_schema::{Comparison, Interval, ModelResult, Seeds, Spread};

use crate::bars::Range;
use crate::figure::{DASH, count, percent, scientific, seconds};
use crate::summary::has_several_backends;

/// What a column is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Validation,
    Test,
    Train,
    MacroF1,
    Parameters,
    Fit,
    Speed,
    ScoreDifference,
}

/// Which figure of a column is the best one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Best {
    Largest,
    Smallest,
    /// None is.
    Neither,
}

/// A column: a cell per result.
pub(crate) struct Column {
    pub(crate) kind: Kind,
    pub(crate) cells: Vec<Cell>,
}

/// A figure, or a dash.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// What it is compared by.
    value: Option<f64>,
    figure: String,
    /// The interval around it, if there is one.
    interval: Option<Interval>,
    is_best: bool,
}

impl Kind {
    /// All of them, in the order of the table.
    const ALL: [Self; 8] = [
        Self::Validation,
        Self::Test,
        Self::Train,
        Self::MacroF1,
        Self::Parameters,
        Self::Fit,
        Self::Speed,
        Self::ScoreDifference,
    ];

    /// The title, with a line break where it may be broken.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Train => "train",
            Self::MacroF1 => "macro\nF1",
            Self::Parameters => "parameters",
            Self::Fit => "fit",
            Self::Speed => "images/s",
            Self::ScoreDifference => "score\ndifference",
        }
    }

    fn best(self) -> Best {
        match self {
            Self::Validation | Self::Test | Self::Train | Self::MacroF1 | Self::Speed => Best::Largest,
            Self::Parameters | Self::Fit => Best::Smallest,
            Self::ScoreDifference => Best::Neither,
        }
    }

    fn cell(self, result: &ModelResult) -> Cell {
        let test = result.test.as_ref();
        let several = |spread: fn(&Seeds) -> Option<Spread>| several_trainings(result).and_then(spread);
        let number =
            |value: Option<usize>| Cell::new(value.map(|value| value as f64), |_| count(value.unwrap_or(0)));
        match self {
            Self::Validation => Cell::share(several(|seeds| seeds.validation), result.validation_accuracy()),
            Self::Test => {
                let cell = Cell::share(several(|seeds| seeds.test), result.accuracy());
                Cell { interval: test_interval(result), ..cell }
            }
            Self::Train => {
                Cell::share(several(|seeds| seeds.train), result.train.map(|train| train.accuracy))
            }
            Self::MacroF1 => {
                Cell::share(several(|seeds| seeds.macro_f1), test.map(|test| test.macro_average.f1))
            }
            Self::Parameters => number(result.parameters),
            Self::Fit => Cell::new(result.fit_seconds, seconds),
            Self::Speed => number(result.predict_images_per_second.map(|rate| rate.round() as usize)),
            Self::ScoreDifference => Cell::new(result.score_difference, scientific),
        }
    }
}

impl Column {
    fn new(kind: Kind, comparison: &Comparison) -> Self {
        let mut cells: Vec<Cell> = comparison.results.iter().map(|result| kind.cell(result)).collect();
        // Where the test images are left alone, models are judged by the validation images.
        if kind == Kind::Validation && comparison.results.iter().all(|result| result.test.is_none()) {
            for (cell, result) in cells.iter_mut().zip(&comparison.results) {
                cell.interval = validation_interval(result);
            }
        }
        let values = || cells.iter().filter_map(|cell| cell.value);
        let (least, most) = (values().min_by(f64::total_cmp), values().max_by(f64::total_cmp));
        let best = match kind.best() {
            Best::Largest => most,
            Best::Smallest => least,
            Best::Neither => None,
        };
        // Where all are equal, which a single one is, none is the best.
        for cell in cells.iter_mut().filter(|_| least != most) {
            cell.is_best = best.is_some() && cell.value == best;
        }
        Self { kind, cells }
    }

    fn has_figures(&self) -> bool {
        self.cells.iter().any(|cell| cell.value.is_some())
    }

    pub(crate) fn has_best(&self) -> bool {
        self.cells.iter().any(|cell| cell.is_best)
    }

    /// The part of an axis that all values and intervals of this column lie on; `None` if it has no intervals.
    pub(crate) fn range(&self) -> Option<Range> {
        let ends = self.cells.iter().filter_map(Cell::ends).flat_map(|(low, high)| [low, high]);
        let values = ends.chain(self.cells.iter().filter_map(|cell| cell.value));
        self.has_intervals().then(|| Range::around(values, 0.05, 1.0))
    }

    pub(crate) fn has_intervals(&self) -> bool {
        self.cells.iter().any(|cell| cell.interval.is_some())
    }
}

/// The columns with figures, in the order of the table. What each model costs is always there, the difference between backends where
/// there are several.
pub(crate) fn columns(comparison: &Comparison) -> Vec<Column> {
    let columns = Kind::ALL.into_iter().map(|kind| Column::new(kind, comparison));
    let is_shown = |column: &Column| match column.kind {
        Kind::Parameters | Kind::Fit | Kind::Speed => true,
        Kind::ScoreDifference => has_several_backends(comparison),
        _ => column.has_figures(),
    };
    columns.filter(is_shown).collect()
}

/// The trainings of a result, if there are several.
pub(crate) fn several_trainings(result: &ModelResult) -> Option<&Seeds> {
    result.seeds.as_ref().filter(|seeds| seeds.trainings.len() > 1)
}

/// The interval of the accuracy on the test images; with several trainings there is none of their mean.
pub(crate) fn test_interval(result: &ModelResult) -> Option<Interval> {
    let interval = result.test.as_ref().and_then(|test| test.accuracy_interval);
    interval.filter(|_| several_trainings(result).is_none())
}

/// The interval of the accuracy on the images that the model was judged on in the end.
pub(crate) fn judged_interval(result: &ModelResult) -> Option<Interval> {
    if result.test.is_some() { test_interval(result) } else { validation_interval(result) }
}

/// The same on the validation images.
fn validation_interval(result: &ModelResult) -> Option<Interval> {
    let interval = result.validation.and_then(|part| part.accuracy_interval);
    interval.filter(|_| several_trainings(result).is_none())
}

/// An interval of shares in percent: `(86.4–87.7)`.
pub(crate) fn interval(Interval { low, high }: Interval) -> String {
    format!("({:.1}–{:.1})", 100.0 * low, 100.0 * high)
}

impl Cell {
    fn new(value: Option<f64>, figure: impl FnOnce(f64) -> String) -> Self {
        let figure = value.map_or_else(|| DASH.into(), figure);
        Self { value, figure, interval: None, is_best: false }
    }

    /// A share in percent; with several trainings their mean and standard deviation.
    fn share(spread: Option<Spread>, value: Option<f64>) -> Self {
        match spread {
            Some(Spread { mean, std: Some(std) }) => {
                Self::new(Some(mean), |mean| format!("{:.1} ± {:.1} %", 100.0 * mean, 100.0 * std))
            }
            _ => Self::new(value, |share| percent(share, 1)),
        }
    }

    /// What it is compared by.
    pub(crate) const fn value(&self) -> Option<f64> {
        self.value
    }

    pub(crate) fn figure(&self) -> &str {
        &self.figure
    }

    pub(crate) const fn is_best(&self) -> bool {
        self.is_best
    }

    /// The interval around it in words.
    pub(crate) fn interval(&self) -> Option<String> {
        self.interval.map(interval)
    }

    /// Where the interval begins and ends.
    pub(crate) fn ends(&self) -> Option<(f64, f64)> {
        self.interval.map(|Interval { low, high }| (low, high))
    }

    /// For the terminal: a star or a blank right after the figure.
    pub(crate) fn starred(&self) -> String {
        let star = if self.is_best { '*' } else { ' ' };
        match self.interval() {
            Some(interval) => format!("{}{star} {interval} ", self.figure),
            None => format!("{}{star}", self.figure),
        }
    }

    /// For Markdown: the best figure in bold.
    pub(crate) fn emphasised(&self) -> String {
        let figure = if self.is_best { format!("**{}**", self.figure) } else { self.figure.clone() };
        let interval = self.interval().map(|interval| format!(" {interval}")).unwrap_or_default();
        figure + &interval
    }
}
