//! `zoo reproduce`: a suite of published results, published against measured, row by row.
//!
//! [`suite`] and [`row`] say what was published, [`laboratory`] measures it, and [`outcome`] sets the one beside the other.

mod laboratory;
mod outcome;
mod row;
mod suite;

use std::path::Path;

use zoo_core::reproduction::{Reproduction, SCHEMA};
use zoo_data::{Dataset, Splits, cifar10};

use crate::cli::GlobalOptions;
use crate::output::{print, print_json};
use crate::progress::Progress;
use crate::runs::{self, RunConfig};
use crate::source::Source;
use crate::train::Stopped;
use crate::tune::Interrupted;
use laboratory::Laboratory;
use suite::Suite;

/// What `zoo reproduce --help` ends with.
pub(crate) fn help() -> String {
    let suites = suite::names().map(|(name, rows)| format!("Rows of {name}:\n  {}", rows.join(", ")));
    format!(
        "{}\n\ncs231n takes six to ten minutes on two cores, cifar10-networks hours without a GPU. A row of your own is a recipe with \
         a [row], as those in configs/cs231n are.\n\n  \
         zoo reproduce cs231n\n  \
         zoo reproduce cs231n --only svm --only softmax\n  \
         zoo reproduce cs231n --quick --data shapes10",
        suites.collect::<Vec<_>>().join("\n")
    )
}

/// What is asked for.
pub(crate) struct Request<'a> {
    /// A suite's name, or a folder of rows.
    pub(crate) suite: &'a str,
    /// The rows to run; all if there are none.
    pub(crate) only: &'a [String],
    /// Whether a sample of each row is enough.
    pub(crate) quick: bool,
}

/// Runs a suite.
pub(crate) fn run(options: &GlobalOptions, request: &Request<'_>) -> anyhow::Result<()> {
    options.keep_to_the_suite()?;
    let suite = Suite::open(request.suite)?.only(request.only)?;
    // What was published was published for CIFAR-10.
    let data = options.data.clone().unwrap_or_else(|| "cifar10".into());
    let options = GlobalOptions { data: Some(data), ..options.clone() };
    let source = Source { validation: 0.0, ..Source::new(&options) };
    let dataset = source.open(options.seed())?;
    let selected = options.one_backend()?.select()?;
    let progress = Progress::new(options.quiet);
    progress.line(&format!("backend: {selected}"));
    let splits = dataset.clone().hold_out_last(0.0)?;
    let config = RunConfig::new(&source, &splits, std::slice::from_ref(&selected), options.seed());
    let mut reproduction = empty(&suite, request.quick, &config, &dataset, &splits);
    let rows: Vec<&str> = suite.rows.iter().map(|row| row.name.as_str()).collect();
    let folder = runs::start_reproduction(&options.out(), &config, &rows, &reproduction)?;
    let laboratory = Laboratory { options: &options, source, selected, progress, quick: request.quick };
    let judged = reproduction.cifar10 && !reproduction.quick;
    for row in &suite.rows {
        if row.setup.official && !reproduction.official {
            let reason = "its figures are those of the official images in their order";
            progress.line(&format!("{}: left out: {reason}", row.name));
            continue;
        }
        let row = laboratory.measure(row, &dataset, judged).map_err(|error| {
            if !error.is::<Interrupted>() {
                return error;
            }
            Stopped(format!("stopped; the rows before {} are in {}", row.name, folder.display())).into()
        })?;
        for figure in &row.figures {
            progress.line(&format!("{}: {}", row.row, zoo_report::figure_line(figure)));
        }
        if let Some(error) = &row.error {
            progress.line(&format!("{} failed: {error}", row.row));
        }
        reproduction.rows.push(row);
        runs::write_reproduction(&folder, &reproduction)?;
    }
    show(&options, &reproduction, &folder)
}

/// A suite of which nothing has been measured.
fn empty(suite: &Suite, quick: bool, config: &RunConfig, dataset: &Dataset, splits: &Splits) -> Reproduction {
    Reproduction {
        schema: SCHEMA,
        suite: suite.name.clone(),
        zoo_version: config.zoo_version.clone(),
        burn_version: config.burn_version.clone(),
        dataset: runs::summary(splits),
        cifar10: cifar10::is_cifar10(dataset),
        official: cifar10::is_official(dataset),
        quick,
        backend: config.backend.clone(),
        adapter: config.adapter.clone(),
        seed: config.seed,
        rows: Vec::new(),
    }
}

/// Prints the table, or the document. Rows that failed are the command's failure; figures that missed are its result.
fn show(options: &GlobalOptions, reproduction: &Reproduction, folder: &Path) -> anyhow::Result<()> {
    if options.json {
        print_json(reproduction)?;
    } else {
        print(&zoo_report::reproduction_table(reproduction))?;
    }
    Progress::new(options.quiet).line(&format!("written to {}", folder.display()));
    let failed =
        reproduction.rows.iter().filter_map(|row| Some(format!("{}: {}", row.row, row.error.as_ref()?)));
    let failed: Vec<String> = failed.collect();
    if failed.is_empty() { Ok(()) } else { Err(anyhow::anyhow!("rows failed:\n{}", failed.join("\n"))) }
}
