//! The table of a comparison, and how it fits into the columns of a terminal.

use zoo_schema::{Comparison, ModelResult};

use crate::column::{Cell, Column, Kind, columns, several_trainings};
use crate::summary::name_on;
use crate::table::{markdown_table, table, tighten, width};
use crate::words::without_middle;

/// How many columns of a terminal [`terminal_table`] takes at most.
const WIDE: usize = 100;
/// Names are never shortened to less than this.
const LEAST_NAME: usize = 4;
/// Which columns are left out where there is no room for all, one after the other; each where it would shorten names to less than this.
const LEFT_OUT: [(Kind, usize); 6] = [
    (Kind::MacroF1, 16),
    (Kind::Train, 16),
    (Kind::Parameters, 12),
    (Kind::Speed, 12),
    (Kind::Fit, 12),
    (Kind::ScoreDifference, 12),
];
const MODEL: &str = "model";

/// The table for a terminal of 100 columns: see [`table_within`].
#[must_use]
pub fn terminal_table(comparison: &Comparison) -> String {
    table_within(comparison, WIDE)
}

/// The table for a terminal of `width` columns: a row per model, in the order of the comparison. The best of each column has a star.
///
/// Where there is no room, titles are broken into two lines, long names lose their middle, and columns are left out: the macro F1
/// first, then the accuracy on training images, and then what models cost. Accuracies on validation and test images are always there,
/// even if that takes more than `width`.
#[must_use]
pub fn table_within(comparison: &Comparison, width: usize) -> String {
    let (names, columns) = (names(comparison), columns(comparison));
    Layout::new(&names, columns, width).render(&names)
}

/// The table in Markdown, with all columns; the best of each is in bold.
pub(crate) fn whole_table(comparison: &Comparison) -> String {
    let (names, columns) = (names(comparison), columns(comparison));
    let titles = columns.iter().map(|column| column.kind.title().replace('\n', " "));
    let header: Vec<String> = std::iter::once(MODEL.into()).chain(titles).collect();
    let mut table = markdown_table(header, 1..=columns.len());
    for (place, name) in names.into_iter().enumerate() {
        let cells = columns.iter().map(|column| column.cells[place].emphasised());
        table.add_row(std::iter::once(name).chain(cells));
    }
    table.to_string()
}

/// The first cell of each row: the name, with the number of trainings if there are several.
fn names(comparison: &Comparison) -> Vec<String> {
    let name = |result: &ModelResult| {
        let name = name_on(comparison, result);
        match several_trainings(result) {
            Some(seeds) => format!("{name} ×{}", seeds.trainings.len()),
            None => name,
        }
    };
    comparison.results.iter().map(name).collect()
}

/// What is shown of a table, so that it fits.
struct Layout {
    columns: Vec<Column>,
    /// Whether titles are broken into two lines.
    is_broken: bool,
    /// How wide names may be.
    name: usize,
}

impl Layout {
    fn new(names: &[String], mut columns: Vec<Column>, room: usize) -> Self {
        let widest = names.iter().map(|name| width(name)).chain([width(MODEL)]).max().unwrap_or_default();
        for (left_out, name) in LEFT_OUT {
            if widest.min(name) + figures_width(&columns, true) > room {
                columns.retain(|column| column.kind != left_out);
            }
        }
        let is_broken = widest + figures_width(&columns, false) > room;
        let name = room.saturating_sub(figures_width(&columns, is_broken)).max(LEAST_NAME);
        Self { columns, is_broken, name }
    }

    fn render(&self, names: &[String]) -> String {
        let titles: Vec<String> =
            self.columns.iter().map(|column| column.aligned_title(self.is_broken)).collect();
        // With titles of two lines the others are in the second one.
        let lines = |title: &str| title.lines().count();
        let most = titles.iter().map(|title| lines(title)).max().unwrap_or(1);
        let header = std::iter::once(MODEL.to_owned()).chain(titles);
        let header = header.map(|title| "\n".repeat(most - lines(&title)) + &title);
        let mut table = table(header.collect::<Vec<_>>(), []);
        for (place, name) in names.iter().enumerate() {
            let name = without_middle(name, |name| width(name) <= self.name);
            let cells = self.columns.iter().map(|column| column.cells[place].starred());
            table.add_row(std::iter::once(name).chain(cells));
        }
        tighten(&mut table, gaps(&self.columns, self.is_broken));
        table.trim_fmt()
    }
}

/// How much room all columns of figures take, with what sets them apart.
fn figures_width(columns: &[Column], is_broken: bool) -> usize {
    let widths =
        columns.iter().map(|column| width(&column.aligned_title(is_broken)).max(column.cells_width()));
    widths.chain(gaps(columns, is_broken)).sum()
}

/// How many blanks are at the left of each column.
fn gaps(columns: &[Column], is_broken: bool) -> impl Iterator<Item = usize> {
    let before = std::iter::once(None).chain(columns.iter().map(Some));
    columns.iter().zip(before).map(move |(column, before)| column.gap(before, is_broken))
}

impl Column {
    fn cells_width(&self) -> usize {
        self.cells.iter().map(Cell::starred).map(|cell| width(&cell)).max().unwrap_or_default()
    }

    fn title(&self, is_broken: bool) -> String {
        let title = self.kind.title();
        if is_broken { title.into() } else { title.replace('\n', " ") }
    }

    fn is_title_wide(&self, is_broken: bool) -> bool {
        width(&self.title(is_broken)) >= self.cells_width()
    }

    /// The title; it leaves the place of the star free, unless it is as wide as all cells.
    fn aligned_title(&self, is_broken: bool) -> String {
        let title = self.title(is_broken);
        if self.is_title_wide(is_broken) {
            return title;
        }
        title.lines().map(|line| format!("{line} ")).collect::<Vec<_>>().join("\n")
    }

    /// Blanks between it and what is at its left, the names or the column `before` it: two of them with the place of the star, which
    /// names don't have, nor a title that is as wide as its column.
    fn gap(&self, before: Option<&Self>, is_broken: bool) -> usize {
        let title = self.aligned_title(is_broken);
        let is_near = match before {
            None => self.cells_width() >= width(&title),
            Some(before) => before.is_title_wide(is_broken) && width(&title) >= self.cells_width(),
        };
        if is_near { 2 } else { 1 }
    }
}

#[cfg(test)]
mod tests;
