//! `zoo tune`: a search for the settings that do best on images held out.

use std::path::Path;
use std::process::Command;

use zoo_backends::Machine;
use zoo_data::Splits;
use zoo_lab::run::RunConfig;
use zoo_lab::tune::{Conduct, Plan, SearchFolder, follow};
use zoo_lab::{Protocol, Watch};

use crate::cli::{Subject, TuneArguments};
use crate::failure::Failure;
use crate::options::Options;
use crate::output::{print, print_json};

/// Searches the settings of a model, or goes on with a search that was interrupted.
pub(crate) fn run(options: &Options, arguments: &TuneArguments) -> Result<(), Failure> {
    match arguments.subject() {
        Subject::New(model) => {
            let models = [model.to_string()];
            start(&options.completed_from(&models)?, &models, arguments)
        }
        Subject::Resume(path) => go_on(options, path, arguments.jobs),
    }
}

/// Searches in a new folder. What is set is tried with the rest of a setting, so it is not a layer of the recipe.
fn start(options: &Options, models: &[String; 1], arguments: &TuneArguments) -> Result<(), Failure> {
    let contenders = options.unset_contenders(models, &[])?;
    let contender = contenders.only(&models[0])?;
    let space = options.registry.search_space(&contender, options.set())?;
    let plan = Plan::new(&contender, space, arguments.trials, arguments.folds)?;
    plan.check(&contender, options.seed)?;
    let splits = options.splits()?;
    plan.check_images(&splits)?;
    let machine = options.machine()?;
    let machines = std::slice::from_ref(&machine);
    let mut config = RunConfig::new(&options.source, &splits, machines, Protocol::new(options.seed));
    config.recipe.clone_from(&contender.recipe_name);
    let folder = SearchFolder::create(&options.out, config, contender, plan, &splits.name)?;
    conduct(options, &folder, &splits, &machine, arguments.jobs)
}

fn go_on(options: &Options, path: &Path, jobs: Option<usize>) -> Result<(), Failure> {
    options.refuse_overrides_of_run()?;
    let folder = SearchFolder::open(&options.registry, &options.find(path)?)?;
    let splits = folder.config.splits(&folder.path, &options.relocation, &options.watch())?;
    let machine = options.machine()?;
    conduct(options, &folder, &splits, &machine, jobs)
}

/// Runs the trials that are missing, and shows what was found.
fn conduct(
    options: &Options,
    folder: &SearchFolder,
    splits: &Splits,
    machine: &Machine,
    jobs: Option<usize>,
) -> Result<(), Failure> {
    let (watch, start) = (options.watch(), trial(options)?);
    let conduct =
        Conduct { machine, relocation: &options.relocation, jobs, start: Some(&start), watch: &watch };
    let found = follow(folder, splits, conduct)?;
    if options.json {
        print_json(&found.result)?;
    } else {
        print(&zoo_report::search_table(&found.result, &found.searched, &folder.path))?;
    }
    watch.line(&format!("written to {}", folder.path.display()));
    Ok(found.accept()?)
}

/// What starts the process of a trial: this program, with the same cache folder.
pub(crate) fn trial(options: &Options) -> Result<impl Fn() -> Command, Failure> {
    let program = std::env::current_exe().map_err(|source| Failure::Process {
        action: "cannot find the program itself, to start a trial",
        source,
    })?;
    let cache = options.source.cache.clone();
    Ok(move || {
        let mut command = Command::new(&program);
        command.arg("trial");
        if let Some(cache) = &cache {
            command.arg("--cache-dir").arg(cache);
        }
        command
    })
}
