//! The page of a suite of published results.

use askama::Template;
use zoo_schema::{Figure, Reproduction, RowResult, Verdict};

use crate::bars::{self, Range};
use crate::figure::seconds;
use crate::markup::Markup;
use crate::page::Provenance;
use crate::page::shell::{Content, Section, origin};
use crate::page::table::{CellView, RowView, TableView};
use crate::reproduction::{
    counts, failed_rows, heading, measured, name, own_rows, published, tolerances, verdict,
};

#[derive(Template)]
#[template(path = "published.html")]
struct Published {
    low: f64,
    high: f64,
    table: Markup,
}

#[derive(Template)]
#[template(path = "tolerances.html")]
struct Tolerances {
    tolerances: Vec<String>,
    own: Vec<String>,
    failures: Vec<String>,
}

/// Published figures next to measured ones as a page.
#[must_use]
pub fn reproduction_page(reproduction: &Reproduction, provenance: &Provenance) -> String {
    let figures = || reproduction.rows.iter().flat_map(|row| &row.figures);
    let ends = figures().flat_map(|figure| {
        let low = figure.low.or(figure.high).map(|low| low - figure.tolerance);
        let high = figure.high.or(figure.low).map(|high| high + figure.tolerance);
        [low, high, figure.measured].into_iter().flatten()
    });
    let ends: Vec<f64> = ends.filter(|end| end.is_finite()).collect();
    let range = Range::around(ends.iter().copied(), 10.0, 100.0);
    let rows = reproduction.rows.iter().flat_map(|row| row.figures.iter().map(move |figure| (row, figure)));
    let titles = ["result", "measured on", "published", "measured", "on one line", "verdict", "time"];
    let table = TableView {
        caption: "Published figures next to measured ones, in percent".into(),
        titles: titles.map(String::from).into(),
        rows: rows.map(|(row, figure)| line(row, figure, range)).collect(),
    };
    let published = Published { low: range.low, high: range.high, table: table.markup() };
    let tolerances = Tolerances {
        tolerances: tolerances(reproduction),
        own: own_rows(reproduction),
        failures: failed_rows(reproduction),
    };
    let content = Content {
        title: format!("{} on {}, published and measured", reproduction.suite, reproduction.dataset.name),
        answer: vec![format!("{}.", counts(reproduction))],
        about: heading(reproduction),
        sections: vec![
            Section::new("figures", "Published and measured", &published),
            Section::new("tolerances", "Tolerances", &tolerances),
            origin(provenance),
        ],
        ..Content::default()
    };
    content.html()
}

fn line(row: &RowResult, figure: &Figure, range: Range) -> RowView {
    let low = figure.low.unwrap_or(0.0);
    let high = figure.high.unwrap_or(100.0);
    let is_within = figure.verdict != Verdict::Missed;
    let drawing = bars::published(
        (low, high),
        figure.tolerance,
        figure.measured.map(|value| (value, is_within)),
        range,
    );
    let cells = vec![
        CellView::text(name(figure)),
        CellView::figure(published(figure), figure.low.or(figure.high)),
        CellView::figure(measured(figure), figure.measured),
        CellView { drawing: Some(drawing), ..CellView::default() },
        CellView::text(verdict(figure)),
        CellView::figure(seconds(row.seconds), Some(row.seconds)),
    ];
    RowView { name: row.title.clone(), more: row.source.clone(), cells }
}
