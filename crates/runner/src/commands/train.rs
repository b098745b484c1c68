//! `zoo train`: fit one classifier and keep it.

use std::path::Path;

use zoo_lab::run::TrainingRun;
use zoo_lab::{NewRun, check, resume, train};

use crate::cli::{ProtocolArguments, Subject, TrainArguments};
use crate::failure::Failure;
use crate::options::Options;
use crate::output::show;

/// Trains a model in a new run, or goes on with a run that was interrupted.
pub(crate) fn run(options: &Options, arguments: &TrainArguments) -> Result<(), Failure> {
    match arguments.subject() {
        Subject::New(model) => {
            let models = [model.to_string()];
            start(&options.completed_from(&models)?, &models, arguments.protocol)
        }
        Subject::Resume(path) => go_on(options, path),
    }
}

fn start(options: &Options, models: &[String; 1], protocol: ProtocolArguments) -> Result<(), Failure> {
    let contenders = options.contenders(models, &[])?;
    let contender = contenders.only(&models[0])?;
    let splits = options.splits()?;
    check(std::slice::from_ref(&contender), &splits)?;
    let protocol = options.protocol(protocol, Some(1));
    protocol.check(&splits)?;
    let machine = options.machine()?;
    let new = NewRun { out: &options.out, contender, source: &options.source, splits: &splits, protocol };
    show(options, &train(new, &machine, &options.training_watch())?)
}

fn go_on(options: &Options, path: &Path) -> Result<(), Failure> {
    options.refuse_overrides_of_run()?;
    let run = TrainingRun::open(&options.registry, &options.find(path)?)?;
    run.check_unfinished()?;
    let splits = run.splits(&options.relocation, &options.watch())?;
    let machine = options.machine()?;
    show(options, &resume(&run, &splits, &machine, &options.training_watch())?)
}
