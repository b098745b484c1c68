//! `zoo predict`: what trained models see in image files.

use std::path::PathBuf;

use zoo_lab::predict;
use zoo_schema::{Guess, Prediction};

use crate::failure::Failure;
use crate::options::Options;
use crate::output::{print, print_json};

/// Classifies `images` with each of the runs in the folders `paths`.
pub(crate) fn run(options: &Options, paths: &[PathBuf], images: &[PathBuf], top: u16) -> Result<(), Failure> {
    options.refuse_overrides_of_run()?;
    let runs = options.open_runs(paths)?;
    for run in &runs {
        run.model_file()?;
    }
    let machine = options.machine()?;
    let predictions = predict(&runs, images, top.into(), &machine)?;
    if options.json { print_json(&predictions) } else { print(&table(&predictions)) }
}

fn table(predictions: &[Prediction]) -> String {
    let mut table = zoo_report::table(["image", "run", "model", "classes"], []);
    for prediction in predictions {
        let guess = |Guess { class, probability }: &Guess| {
            format!("{class} {}", zoo_report::percent(f64::from(*probability), 1))
        };
        let classes: Vec<String> = prediction.classes.iter().map(guess).collect();
        table.add_row([
            prediction.image.display().to_string(),
            prediction.run.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            prediction.model.clone(),
            classes.join(", "),
        ]);
    }
    table.to_string()
}
