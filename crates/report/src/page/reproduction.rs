//! The page of a suite of published results.

use askama::Template;
use zoo_schema::{Figure, Reproduction, RowResult, Verdict};

use crate::bars::{self, Range};
use crate::costs::{self, has_costs};
use crate::figure::{of_hundred, or_dash, seconds};
use crate::markup::Markup;
use crate::page::Provenance;
use crate::page::shell::{Content, Section, origin};
use crate::page::table::{CellView, RowView, TableView};
use crate::reproduction::{
    MET, counts, failed_rows, has_figures, heading, measured, name, own_rows, published, tolerances, verdict,
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
    reasons: Vec<String>,
    met: &'static str,
    own: Vec<String>,
    failures: Vec<String>,
}

#[derive(Template)]
#[template(path = "costs.html")]
struct Costs {
    low: f64,
    high: f64,
    table: Markup,
    details: Vec<String>,
    failures: Vec<String>,
}

/// Published figures next to measured ones, or mistakes and what they cost, as a page.
#[must_use]
pub fn reproduction_page(reproduction: &Reproduction, provenance: &Provenance) -> String {
    let (figures, costs) = (has_figures(reproduction), has_costs(reproduction));
    let mut sections = Vec::new();
    if figures || !costs {
        sections.extend(published_sections(reproduction));
    }
    if costs {
        sections.push(costs_section(reproduction));
    }
    sections.push(origin(provenance));
    let what = if figures || !costs { ", published and measured" } else { ": what they cost" };
    let content = Content {
        title: format!("{} on {}{what}", reproduction.suite, reproduction.dataset.name),
        answer: vec![format!("{}.", counts(reproduction))],
        about: heading(reproduction),
        sections,
        ..Content::default()
    };
    content.html()
}

/// Mistakes, what they cost, and what names them.
fn costs_section(reproduction: &Reproduction) -> Section {
    let costs = || reproduction.rows.iter().filter_map(|row| row.cost.as_ref());
    let ends = costs().flat_map(|cost| [cost.low, cost.high, Some(0.0)].into_iter().flatten());
    let (low, high) = (ends.clone().fold(0.0, f64::min), ends.fold(0.0, f64::max));
    let range = Range { low: (low / 10.0).floor() * 10.0, high: ((high / 10.0).ceil() * 10.0).max(10.0) };
    let titles =
        ["mistake", "without", "with it", "points lost", "on one line", "named by", "time"].map(String::from);
    let table = TableView {
        caption: "Mistakes, what they cost in percentage points, and the checks that name them".into(),
        titles: titles.into(),
        rows: costs::rows(reproduction).map(|row| cost_line(row, range)).collect(),
    };
    let costs = Costs {
        low: range.low,
        high: range.high,
        table: table.markup(),
        details: costs::details(reproduction),
        failures: if has_figures(reproduction) { Vec::new() } else { failed_rows(reproduction) },
    };
    Section::new("costs", "What mistakes cost", &costs)
}

fn cost_line(row: &RowResult, range: Range) -> RowView {
    let cost = row.cost.as_ref();
    let percent = |value: Option<f64>| CellView::figure(or_dash(value, |value| of_hundred(value, 1)), value);
    let interval = cost.and_then(|cost| Some((cost.points?, (cost.low?, cost.high?))));
    let drawing = interval.map(|(points, ends)| bars::interval(points, ends, range));
    let cells = vec![
        percent(costs::right(row)),
        percent(cost.and_then(|cost| cost.wrong)),
        CellView::figure(or_dash(cost, costs::points), cost.and_then(|cost| cost.points)),
        CellView { drawing, ..CellView::default() },
        CellView::text(or_dash(cost, costs::named_by)),
        CellView::figure(seconds(row.seconds), Some(row.seconds)),
    ];
    RowView { name: row.title.clone(), more: row.source.clone(), cells }
}

/// Published figures next to measured ones, and how far they may lie apart.
fn published_sections(reproduction: &Reproduction) -> [Section; 2] {
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
        reasons: tolerances(reproduction),
        met: MET,
        own: own_rows(reproduction),
        failures: failed_rows(reproduction),
    };
    [
        Section::new("figures", "Published and measured", &published),
        Section::new("tolerances", "Tolerances", &tolerances),
    ]
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
