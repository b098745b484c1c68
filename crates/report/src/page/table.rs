//! Tables that can be sorted.

use askama::Template;

use crate::markup::Markup;

/// A table with its words.
#[derive(Template, Default)]
#[template(path = "table.html")]
pub(crate) struct TableView {
    /// What is in it, for those who hear it.
    pub(crate) caption: String,
    /// The titles of its columns, the first of which names the rows.
    pub(crate) titles: Vec<String>,
    pub(crate) rows: Vec<RowView>,
}

/// A row: its name, and a cell for each title after the first.
#[derive(Default)]
pub(crate) struct RowView {
    pub(crate) name: String,
    /// Behind it, and smaller.
    pub(crate) more: String,
    pub(crate) cells: Vec<CellView>,
}

/// What is in a cell.
#[derive(Default)]
pub(crate) struct CellView {
    pub(crate) text: String,
    /// Behind it, and smaller.
    pub(crate) more: String,
    /// What it is sorted by, if it is a figure.
    pub(crate) value: Option<f64>,
    pub(crate) is_best: bool,
    pub(crate) drawing: Option<Markup>,
}

impl CellView {
    /// Words.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A figure.
    pub(crate) fn figure(text: String, value: Option<f64>) -> Self {
        Self { text, value, ..Self::default() }
    }
}

impl TableView {
    /// Whether the column at place `column` has figures, which are set to the right.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates call it so")]
    fn is_figure(&self, column: &usize) -> bool {
        let cell = column.checked_sub(1);
        cell.is_some_and(|cell| {
            self.rows.iter().any(|row| row.cells.get(cell).is_some_and(|cell| cell.value.is_some()))
        })
    }

    pub(crate) fn markup(&self) -> Markup {
        Markup::of(self)
    }
}
