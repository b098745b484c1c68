//! The page of a search.

use askama::Template;
use zoo_schema::{SearchResult, Trial};

use crate::figure::{or_dash, percent};
use crate::markup::Markup;
use crate::page::shell::{Content, Section, checks, origin};
use crate::page::table::{CellView, RowView, TableView};
use crate::page::{Explain, Provenance};
use crate::parallel::parallel;
use crate::trials::{describe, has_failures, settings_line, word};

/// Rows of the table.
const MOST_TRIALS: usize = 1000;
/// Trials in the pictures.
const MOST_DRAWN: usize = 2000;

#[derive(Template)]
#[template(path = "tried.html")]
struct Tried {
    picture: Markup,
    parallel: Option<Markup>,
}

/// What a search has found as a page. `searched` are the keys that differ between trials, `train` is the command that trains the best, if
/// there is one.
#[must_use]
pub fn search_page(
    result: &SearchResult,
    searched: &[String],
    train: &str,
    provenance: &Provenance,
    explain: Explain,
) -> String {
    let name = result.recipe.as_ref().unwrap_or(&result.model);
    // The best come first.
    let mut in_order: Vec<Trial> = result.trials.iter().take(MOST_DRAWN).cloned().collect();
    in_order.sort_by_key(|trial| trial.trial);
    let tried = crate::search::search(&provenance.run, &in_order).map(|(_, picture)| {
        let parallel = parallel(&in_order)
            .map(|picture| picture.embedded("The settings of each trial, and its accuracy"));
        let tried =
            Tried { picture: picture.embedded("Validation accuracy against what was tried"), parallel };
        Section::new("tried", "What was tried", &tried)
    });
    let mut sections = Vec::from_iter(tried);
    sections.push(Section::new("trials", "Trials", &table(result, searched)));
    sections.push(checks(&result.checks, explain));
    sections.push(origin(provenance));
    let content = Content {
        title: format!("Settings of {name} on {}", result.dataset.name),
        answer: sentences(result),
        about: describe(result),
        command: train,
        sections,
        ..Content::default()
    };
    content.html()
}

/// What came out, in a sentence or two.
fn sentences(result: &SearchResult) -> Vec<String> {
    let failed = result.trials.iter().filter(|trial| trial.error.is_some()).count();
    let mut sentences = Vec::new();
    if let Some(best) = &result.best {
        let (accuracy, settings) = (percent(best.validation_accuracy, 2), settings_line(&best.settings));
        sentences.push(format!(
            "The best of {} trials gets {accuracy} of the validation images right: {settings}.",
            result.trials.len()
        ));
    }
    if result.trials.len() > MOST_DRAWN {
        sentences.push(format!("The pictures show the best {MOST_DRAWN}."));
    }
    if failed > 0 {
        sentences.push(format!("{failed} of {} trials failed.", result.trials.len()));
    }
    sentences
}

fn table(result: &SearchResult, searched: &[String]) -> TableView {
    let has_failures = has_failures(result);
    let share = |value: Option<f64>| CellView::figure(or_dash(value, |value| percent(value, 2)), value);
    let best = result.best.as_ref().map(|best| best.trial);
    let row = |trial: &Trial| {
        let setting = |key: &String| {
            trial
                .settings
                .get(key)
                .map_or_else(CellView::default, |value| CellView::figure(word(value), value.as_f64()))
        };
        let mut cells: Vec<CellView> = searched.iter().map(setting).collect();
        cells.push(CellView { is_best: best == Some(trial.trial), ..share(trial.validation_accuracy()) });
        cells.extend(result.folds.map(|_| share(trial.deviation())));
        cells.push(share(trial.training_accuracy));
        cells.push(CellView::figure(format!("{:.1} s", trial.seconds), Some(trial.seconds)));
        cells.extend(has_failures.then(|| CellView::text(trial.error.clone().unwrap_or_default())));
        RowView { name: trial.trial.to_string(), cells, ..RowView::default() }
    };
    let caption = match result.trials.len() {
        ..=MOST_TRIALS => "All trials, the best first".into(),
        all => format!("The best {MOST_TRIALS} of {all} trials; trials.jsonl next to this page has them all"),
    };
    let rows = result.trials.iter().take(MOST_TRIALS).map(row).collect();
    TableView { caption, titles: crate::trials::header(result, searched), rows }
}
