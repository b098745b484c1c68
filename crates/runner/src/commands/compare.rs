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
    Failure::unless_empty(zoo_report::failures(&comparison))?;
    if options.has_reader() && is_first(&run.path) {
        options.watch().line(&next_steps(options, run));
    }
    Ok(())
}

/// Whether no other comparison is next to the one in the folder `run`.
fn is_first(run: &Path) -> bool {
    let entries = run.parent().and_then(|out| out.read_dir().ok()).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().contains("-compare-")).count() == 1
}

/// What to try after a first comparison.
fn next_steps(options: &Options, run: &ComparisonRun) -> String {
    let has_own_images = run.config.source.is_folder();
    let run = if options.has_usual_out() { "last".into() } else { run.path.display().to_string() };
    let further = if has_own_images {
        [format!("zoo predict {run} photo.jpg"), "what each model says of another photo".into()]
    } else {
        ["zoo compare --data my-photos/".into(), "the same on your own, a folder per class".into()]
    };
    let steps = [
        [format!("zoo report {run} --open"), "all of it as a page, with pictures".into()],
        [format!("zoo mistakes {run}"), "which images each model gets wrong".into()],
        further,
    ];
    let width = steps.iter().map(|[command, _]| command.chars().count()).max().unwrap_or(0);
    let lines = steps.iter().map(|[command, what]| format!("  {command:width$}   {what}"));
    format!("\nnext:\n{}", lines.collect::<Vec<_>>().join("\n"))
}
