//! The sections of a comparison's page that show its figures.

use askama::Template;
use zoo_schema::{Comparison, ModelResult, NamedClassMetrics};

use crate::bars;
use crate::column::{Column, columns, several_trainings};
use crate::curves::curve_panels;
use crate::figure::{or_dash, percent, thousands};
use crate::front::{Cost, front};
use crate::legend::swatch;
use crate::markup::Markup;
use crate::notes::{front_line, of_table};
use crate::page::confusion::ConfusionView;
use crate::page::shell::Section;
use crate::page::sprites::Sprites;
use crate::page::table::{CellView, RowView, TableView};
use crate::page::{Decision, rows};
use crate::reliability::reliability;
use crate::summary::{failures, first_of, name_on};

/// Figures in the table of F1.
const MOST_FIGURES: usize = 2000;

/// Makes sections of a comparison.
pub(crate) struct Sections<'a> {
    pub(crate) comparison: &'a Comparison,
}

#[derive(Template)]
#[template(path = "results.html")]
struct Results {
    table: Markup,
    notes: Vec<String>,
    failures: Vec<String>,
}

#[derive(Template)]
#[template(path = "time.html")]
struct Time {
    pictures: Vec<Markup>,
    line: Option<String>,
}

/// Names with a line or a dot as drawings have them.
type Names = Vec<(String, Markup)>;

#[derive(Template)]
#[template(path = "curves.html")]
struct Curves {
    legend: Names,
    pictures: Vec<Markup>,
}

#[derive(Template)]
#[template(path = "classes.html")]
struct Classes {
    table: Markup,
}

#[derive(Template)]
#[template(path = "confusion.html")]
struct Confusion<'a> {
    views: Vec<ConfusionView<'a>>,
}

#[derive(Template)]
#[template(path = "decisions.html")]
struct Decisions {
    models: Vec<(String, Vec<Markup>)>,
}

#[derive(Template)]
#[template(path = "calibration.html")]
struct Calibration {
    picture: Markup,
    legend: Names,
}

impl Sections<'_> {
    /// Those that have figures and no images.
    pub(crate) fn before(&self) -> Vec<Section> {
        let mut sections = vec![self.results()];
        sections.extend(self.time());
        sections.extend(self.curves());
        sections.extend(self.classes());
        sections
    }

    /// The table of all models, and what goes below it.
    fn results(&self) -> Section {
        let comparison = self.comparison;
        let mut notes = of_table(comparison, "bold:");
        // Where there are intervals, what they are is said first.
        if let Some(range) = range_line(comparison) {
            notes.insert(1, range);
        }
        let results = Results { table: self.table().markup(), notes, failures: failures(comparison) };
        Section::new("results", "Results", &results)
    }

    fn table(&self) -> TableView {
        let columns = columns(self.comparison);
        let mut titles = vec!["model".to_owned()];
        titles.extend(columns.iter().map(|column| column.kind.title().replace('\n', " ")));
        let row = |(place, result): (usize, &ModelResult)| {
            let cells = columns.iter().map(|column| {
                let cell = &column.cells[place];
                let drawing =
                    column.range().and_then(|range| Some(bars::interval(cell.value()?, cell.ends()?, range)));
                CellView {
                    text: cell.figure().into(),
                    more: cell.interval().unwrap_or_default(),
                    value: cell.value(),
                    is_best: cell.is_best(),
                    drawing,
                }
            });
            RowView { name: name_on(self.comparison, result), cells: cells.collect(), ..RowView::default() }
        };
        let rows = self.comparison.results.iter().enumerate().map(row).collect();
        TableView { caption: "All models, the best by validation accuracy first".into(), titles, rows }
    }

    /// What accuracy costs; `None` for a single model.
    fn time(&self) -> Option<Section> {
        let picture = |cost, words| Some(front(self.comparison, cost)?.embedded(words));
        let pictures = [
            picture(Cost::Prediction, "Accuracy against the time to classify an image"),
            picture(Cost::Training, "Accuracy against the time to fit"),
        ];
        let pictures: Vec<Markup> = pictures.into_iter().flatten().collect();
        let line = front_line(self.comparison);
        (!pictures.is_empty()).then(|| Section::new("time", "Accuracy and time", &Time { pictures, line }))
    }

    /// Learning curves; `None` if no model has any.
    fn curves(&self) -> Option<Section> {
        let panels = curve_panels(self.comparison)?;
        let name =
            |&place: &usize| (name_on(self.comparison, &self.comparison.results[place]), swatch(place));
        let legend = panels.places.iter().map(name).collect();
        let pictures = panels.pictures.iter().map(|(title, picture)| picture.embedded(title)).collect();
        Some(Section::new("curves", "Learning curves", &Curves { legend, pictures }))
    }

    /// F1 of each class by each model; `None` without test figures.
    fn classes(&self) -> Option<Section> {
        let results = self.comparison.results.iter().enumerate();
        let tested: Vec<(usize, &ModelResult)> =
            results.filter(|(_, result)| result.test.is_some()).collect();
        let first = tested.first()?.1.test.as_ref()?;
        let mut titles = vec!["class".to_owned(), "images".to_owned()];
        titles.extend(tested.iter().map(|(_, result)| name_on(self.comparison, result)));
        let row = |(class, named): (usize, &NamedClassMetrics)| {
            let figures = tested.iter().map(|&(place, result)| {
                let f1 = result
                    .test
                    .as_ref()
                    .and_then(|test| test.per_class.get(class))
                    .map(|class| class.metrics.f1);
                let drawing = f1.map(|f1| bars::share(f1, place));
                CellView { drawing, ..CellView::figure(or_dash(f1, |f1| percent(f1, 1)), f1) }
            });
            let support = named.metrics.support;
            let images = CellView::figure(thousands(support), Some(support as f64));
            let cells = std::iter::once(images).chain(figures).collect();
            RowView { name: named.class.clone(), cells, ..RowView::default() }
        };
        let mut classes: Vec<(usize, &NamedClassMetrics)> = first.per_class.iter().enumerate().collect();
        let most = (MOST_FIGURES / tested.len()).max(1);
        let mut caption = format!("F1 of each class by each model{}", first_only(self.comparison));
        if classes.len() > most {
            classes.sort_by(|a, b| a.1.metrics.f1.total_cmp(&b.1.metrics.f1));
            classes.truncate(most);
            let all = first.per_class.len();
            caption = format!("{caption}: the {most} of {all} that are hardest for {}", titles[2]);
        }
        let table = TableView { caption, titles, rows: classes.into_iter().map(row).collect() };
        Some(Section::new("classes", "F1 per class", &Classes { table: table.markup() }))
    }

    /// Confusion matrices, whose cells open images; `place` is that of a model among the answers. `None` without test figures.
    pub(crate) fn confusion(&self, place: &dyn Fn(&ModelResult) -> Option<usize>) -> Option<Section> {
        let is_small = ConfusionView::fits(self.comparison);
        let view = |result| ConfusionView::new(self.comparison, result, place(result), is_small);
        let mut views: Vec<ConfusionView<'_>> = self.comparison.results.iter().filter_map(view).collect();
        ConfusionView::limit(&mut views);
        (!views.is_empty()).then(|| Section::new("confusion", "Confusion", &Confusion { views }))
    }

    /// What is seen of how models decide, each in its share of `room` bytes; `None` if nothing is.
    pub(crate) fn decisions(
        &self,
        decisions: &[Decision],
        room: usize,
        sprites: &mut Sprites,
    ) -> Option<Section> {
        let mut models = Vec::new();
        let share = room / decisions.len().max(1);
        for result in &self.comparison.results {
            let own = decisions.iter().filter(|decision| decision.model == result.label());
            let view = |decision: &Decision| {
                sprites.allow(share);
                rows::view(&decision.grid, sprites)
            };
            let grids: Vec<Markup> = own.map(view).collect();
            if !grids.is_empty() {
                models.push((name_on(self.comparison, result), grids));
            }
        }
        (!models.is_empty())
            .then(|| Section::new("decisions", "How each model decides", &Decisions { models }))
    }

    /// Whether models are right as often as they claim; `None` if none claims anything.
    pub(crate) fn calibration(&self) -> Option<Section> {
        let picture = reliability(self.comparison)?.embedded("Share of right answers against confidence");
        let line = |(place, result): (usize, &ModelResult)| {
            let error = result.test.as_ref()?.calibration.as_ref()?.expected_calibration_error;
            let of = first_of(result);
            Some((format!("{}: {}{of}", name_on(self.comparison, result), percent(error, 1)), swatch(place)))
        };
        let legend = self.comparison.results.iter().enumerate().filter_map(line).collect();
        Some(Section::new("calibration", "Calibration", &Calibration { picture, legend }))
    }
}

/// What is said of a table where models were trained several times.
fn first_only(comparison: &Comparison) -> &'static str {
    let is_several = |result: &ModelResult| several_trainings(result).is_some();
    if comparison.results.iter().any(is_several) { ", of several trainings of the first" } else { "" }
}

/// From where to where the drawings below accuracies go.
fn range_line(comparison: &Comparison) -> Option<String> {
    let range = columns(comparison).iter().find_map(Column::range)?;
    let [low, high] = [range.low, range.high].map(|share| percent(share, 0));
    Some(format!("the lines below accuracies go from {low} to {high}, with the interval marked on them"))
}
