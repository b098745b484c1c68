//! The style of all tables.

use comfy_table::{CellAlignment, Row, Table, TableComponent, presets};

/// An empty table for the terminal: a line below the header and none between rows. `figures` are the columns, from 0, whose cells are
/// aligned to the right; names, in the others, are to the left.
#[must_use]
pub fn table<T: Into<Row>>(header: T, figures: impl IntoIterator<Item = usize>) -> Table {
    let mut table = of_preset(presets::UTF8_HORIZONTAL_ONLY, header, figures);
    for component in
        [TableComponent::HorizontalLines, TableComponent::MiddleIntersections, TableComponent::VerticalLines]
    {
        table.remove_style(component);
    }
    table
}

/// An empty table in Markdown; `figures` as for [`table`].
#[must_use]
pub fn markdown_table<T: Into<Row>>(header: T, figures: impl IntoIterator<Item = usize>) -> Table {
    of_preset(presets::ASCII_MARKDOWN, header, figures)
}

/// Sets all columns but the first to the right, with this many blanks (one at least) before each, and none around the table.
pub(crate) fn tighten(table: &mut Table, gaps: impl IntoIterator<Item = usize>) {
    for (column, gap) in table.column_iter_mut().zip(std::iter::once(1).chain(gaps)) {
        // The table itself puts a blank between columns.
        column.set_padding((gap as u16 - 1, 0));
        if column.index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// How many columns of the terminal a text takes, or the widest of its lines.
pub(crate) fn width(text: &str) -> usize {
    let mut table = Table::new();
    table.add_row([text]);
    let widths = table.column_max_content_widths();
    if text.is_empty() { 0 } else { widths.first().copied().unwrap_or_default().into() }
}

fn of_preset<T: Into<Row>>(preset: &str, header: T, figures: impl IntoIterator<Item = usize>) -> Table {
    let mut table = Table::new();
    table.load_preset(preset).set_header(header);
    for column in figures {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_to_the_right() {
        let mut table = markdown_table(["name", "figure", "note"], [1, 7]);
        table.add_row(["a", "1", "b"]);
        assert_eq!(table.lines().last().unwrap(), "| a    |      1 | b    |");
    }

    #[test]
    fn letters_of_some_scripts_take_two_columns() {
        assert_eq!(["", "a", "89.7 % (89.1–90.3)", "漢字", "macro\nF1"].map(width), [0, 1, 18, 4, 5]);
    }

    #[test]
    fn the_terminal_has_one_line_below_the_header() {
        let mut table = table(["name", "figure"], [1]);
        table.add_row(["a", "1"]).add_row(["b", "2"]);
        let text = table.to_string();
        let rules: Vec<usize> =
            text.lines().enumerate().filter(|(_, line)| line.contains('═')).map(|(at, _)| at).collect();
        assert_eq!(rules, [2], "{text}");
        assert!(!text.contains('│'), "{text}");
    }
}
