//! `zoo compare`: fit and evaluate classifiers side by side.

use std::path::Path;

use zoo_backends::{Backend, Machine};
use zoo_data::Splits;
use zoo_lab::run::{ComparisonRun, RunConfig, check_writable};
use zoo_lab::{Watch, check, compare_in};

use crate::cli::CompareArguments;
use crate::failure::Failure;
use crate::options::Options;
use crate::output::show;

/// Compares models in a new run, or goes on with a run that was interrupted.
pub(crate) fn run(options: &Options, arguments: &CompareArguments) -> Result<(), Failure> {
    match &arguments.resume {
        Some(path) => go_on(options, path),
        None => start(&options.completed_from(&arguments.models)?, arguments),
    }
}

fn start(options: &Options, arguments: &CompareArguments) -> Result<(), Failure> {
    let contenders = options.contenders(&arguments.models, options.compared())?;
    let protocol = options.protocol(arguments.protocol, arguments.seeds);
    let splits = options.splits()?;
    check(&contenders, &splits)?;
    protocol.check(&splits)?;
    check_writable(&options.out)?;
    let machines = options.machines()?;
    let config = RunConfig::new(&options.source, &splits, &machines, protocol);
    let run = ComparisonRun::create(&options.out, config, contenders, &splits.name)?;
    follow(options, &run, &splits, &machines)
}

fn go_on(options: &Options, path: &Path) -> Result<(), Failure> {
    options.refuse_overrides_of_run()?;
    let run = ComparisonRun::open(&options.registry, &options.find(path)?)?;
    let splits = run.config.splits(&run.path, &options.relocation, &options.watch())?;
    // The backends that it was started on, unless others were named.
    let backends = run.config.backend.split(", ").map(str::parse).collect::<Result<Vec<Backend>, _>>()?;
    let machines = options.machines_or(&backends)?;
    follow(options, &run, &splits, &machines)
}

/// Trains what is missing, and shows what was found.
fn follow(
    options: &Options,
    run: &ComparisonRun,
    splits: &Splits,
    machines: &[Machine],
) -> Result<(), Failure> {
    let comparison = compare_in(run, splits, machines, &options.training_watch())?;
    show(options, &comparison)?;
    options.watch().line(&format!("written to {}", run.path.display()));
    Failure::unless_empty(zoo_report::failures(&comparison))
}
