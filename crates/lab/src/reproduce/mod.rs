//! A suite of published results, published against measured, row by row.
//!
//! A [`Suite`] says what was published; [`reproduce`] measures it, row by row, and compares the two.

mod choice;
mod clues;
mod measure;
mod outcome;
mod row;
mod suite;
mod witness;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use toml::Table;
use zoo_backends::Machine;
use zoo_data::{Dataset, Splits, cifar10};
use zoo_recipes::{REPRODUCE, RUN, to_table};
use zoo_schema::{Reproduction, SCHEMA};

use crate::error::LabError;
use crate::page::write_suite;
use crate::protocol::Protocol;
use crate::run::{CONFIG, RunConfig, create, write, write_result, write_table};
use crate::source::Source;
use crate::summary::{machine, summary};
use crate::tune::Start;
use crate::watch::Watch;

use measure::Measurement;

pub use suite::{Suite, names};

/// What a suite is measured with.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The rows.
    pub suite: &'a Suite,
    /// Where the images are from.
    pub source: &'a Source,
    /// All images of the source, which rows take theirs from.
    pub dataset: &'a Dataset,
    /// Where to compute.
    pub machine: &'a Machine,
    /// What everything random follows from.
    pub seed: u64,
    /// Whether a sample of each row is enough, which shows that it runs and judges nothing.
    pub quick: bool,
    /// Where the run folder is made.
    pub out: &'a Path,
    /// What starts the process of a trial; `None` to run trials in this process.
    pub start: Option<Start<'a>>,
    /// Who watches.
    pub watch: &'a dyn Watch,
}

/// Measures a suite, and returns what came out with its run folder. What has been measured is written after each row. A row that fails
/// says why; one that needs the official images is left out where there are others.
///
/// # Errors
/// [`LabError::SuiteStopped`] if a trial was stopped from outside; if images can't be had or files can't be written.
pub fn reproduce(request: Request<'_>) -> Result<(Reproduction, PathBuf), LabError> {
    let Request { suite, dataset, machine, seed, quick, out, start, watch, .. } = request;
    let source = &Source { validation: 0.0, ..request.source.clone() };
    let splits = dataset.clone().hold_out_last(0.0)?;
    let config = RunConfig::new(source, &splits, std::slice::from_ref(machine), Protocol::new(seed));
    let mut reproduction = empty(&request, &config, &splits);
    let folder = start_folder(out, &config, suite, &reproduction)?;
    watch.run(&folder);
    let mut measurement = Measurement { source, machine, seed, watch, start, quick, right: HashMap::new() };
    let judged = reproduction.cifar10 && !reproduction.quick;
    for row in &suite.rows {
        if row.setup.official && !reproduction.official {
            let reason = "its figures are those of the official images in their order";
            watch.line(&format!("{}: left out: {reason}", row.name));
            continue;
        }
        let stopped = || LabError::SuiteStopped { row: row.name.clone(), folder: folder.clone() };
        let row = measurement.measure(row, dataset, judged).map_err(|error| match error {
            LabError::Interrupted => stopped(),
            error => error,
        })?;
        if watch.is_stopped() {
            return Err(stopped());
        }
        if let Some(cost) = &row.cost {
            watch.line(&format!("{}: {}", row.row, zoo_report::cost_line(cost)));
        }
        for figure in &row.figures {
            watch.line(&format!("{}: {}", row.row, zoo_report::figure_line(figure)));
        }
        if let Some(error) = &row.error {
            watch.line(&format!("{} failed: {error}", row.row));
        }
        reproduction.rows.push(row);
        write_reproduction(&folder, &reproduction)?;
    }
    Ok((reproduction, folder))
}

/// A suite of which nothing has been measured.
fn empty(request: &Request<'_>, config: &RunConfig, splits: &Splits) -> Reproduction {
    Reproduction {
        schema: SCHEMA,
        suite: request.suite.name.clone(),
        zoo_version: config.zoo_version.clone(),
        burn_version: config.burn_version.clone(),
        dataset: summary(splits),
        cifar10: cifar10::is_cifar10(request.dataset),
        official: cifar10::is_official(request.dataset),
        quick: request.quick,
        backend: config.backend.clone(),
        adapter: config.adapter.clone(),
        machine: Some(machine()),
        seed: config.seed,
        rows: Vec::new(),
    }
}

/// Makes the folder of a suite that is to be measured.
fn start_folder(
    out: &Path,
    config: &RunConfig,
    measured: &Suite,
    reproduction: &Reproduction,
) -> Result<PathBuf, LabError> {
    let Reproduction { suite, quick, dataset, .. } = reproduction;
    let rows: Vec<&str> = measured.rows.iter().map(|row| row.name.as_str()).collect();
    let reproduce = Table::from_iter([
        ("suite".to_string(), suite.as_str().into()),
        ("only".to_string(), rows.into()),
        ("quick".to_string(), (*quick).into()),
    ]);
    let folder = measured
        .folder
        .as_ref()
        .map(|folder| ("folder".to_string(), folder.to_string_lossy().into_owned().into()));
    let reproduce: Table = reproduce.into_iter().chain(folder).collect();
    let table = Table::from_iter([
        (REPRODUCE.to_string(), reproduce.into()),
        (RUN.to_string(), to_table(config)?.into()),
    ]);
    create(out, &format!("reproduce-{suite}-{}", dataset.name), |folder| {
        write_table(&folder.join(CONFIG), &table)?;
        write_reproduction(folder, reproduction)
    })
}

/// Writes what has been measured so far.
fn write_reproduction(folder: &Path, reproduction: &Reproduction) -> Result<(), LabError> {
    write_result(folder, reproduction)?;
    let markdown = zoo_report::reproduction_markdown(reproduction);
    write(&folder.join(zoo_report::MARKDOWN_FILE), markdown.as_bytes())?;
    write_suite(folder, reproduction).map(|_| ())
}
