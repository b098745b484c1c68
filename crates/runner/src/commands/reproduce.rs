//! `zoo reproduce`: a suite of published results, published against measured, row by row.

use zoo_lab::Watch;
use zoo_lab::reproduce::{Request, Suite, reproduce};

use crate::commands::tune::trial;
use crate::failure::Failure;
use crate::options::Options;
use crate::output::{print, print_json};

/// Measures the rows `only` of a suite, a name or a folder of rows; all of them if `only` is empty. Rows that failed are the command's
/// failure; figures that missed are its result.
pub(crate) fn run(options: &Options, suite: &str, only: &[String], quick: bool) -> Result<(), Failure> {
    options.refuse_overrides_of_suite()?;
    let suite = Suite::open(&options.registry, suite)?.only(only)?;
    // What was published was published for CIFAR-10.
    let options = options.clone().on_cifar10();
    let dataset = options.source.read(&options.watch()).open()?;
    let (machine, watch, start) = (options.machine()?, options.watch(), trial(&options)?);
    let (reproduction, folder) = reproduce(Request {
        suite: &suite,
        source: &options.source,
        dataset: &dataset,
        machine: &machine,
        seed: options.seed,
        quick,
        out: &options.out,
        start: Some(&start),
        watch: &watch,
    })?;
    if options.json {
        print_json(&reproduction)?;
    } else {
        print(&zoo_report::reproduction_table(&reproduction))?;
    }
    watch.line(&format!("written to {}", folder.display()));
    let failed = reproduction.rows.iter().filter_map(|row| {
        let error = row.error.as_ref()?;
        Some(format!("{}: {error}", row.row))
    });
    let failed: Vec<String> = failed.collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::Findings([vec!["rows failed:".into()], failed].concat()))
}
