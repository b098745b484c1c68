//! `zoo compare`: fit and evaluate classifiers side by side.

use zoo_lab::run::{RunConfig, check_writable};
use zoo_lab::{Watch, check, compare, keep_comparison};

use crate::cli::COMPARED;
use crate::failure::Failure;
use crate::options::Options;
use crate::output::show;

/// Compares `models`: names, or files with recipes.
pub(crate) fn run(options: &Options, models: &[String]) -> Result<(), Failure> {
    let contenders = options.contenders(models, &COMPARED)?;
    let splits = options.source.splits(options.seed)?;
    check(&contenders, &splits)?;
    check_writable(&options.out)?;
    let machines = options.machines()?;
    let comparison = compare(&contenders, &splits, &machines, options.seed, &options.training_watch())?;

    let config = RunConfig::new(&options.source, &splits, &machines, options.seed);
    let folder = keep_comparison(&options.out, &config, &contenders, &comparison);
    // What was measured is shown even if it can't be written.
    show(options, &comparison)?;
    options.watch().line(&format!("written to {}", folder?.display()));
    Failure::unless_empty(zoo_report::failures(&comparison))
}
