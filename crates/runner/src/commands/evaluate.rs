//! `zoo evaluate`: test-set metrics of a finished run, or of weights from elsewhere, on any backend.

use std::path::Path;

use zoo_data::Splits;
use zoo_lab::run::{TrainingRun, check_place, write};
use zoo_lab::{Evaluation, Lab, Protocol, Watch, check, evaluate, evaluate_weights};
use zoo_recipes::images_to_safetensors;

use crate::cli::{EvaluateArguments, Evaluated};
use crate::failure::Failure;
use crate::options::Options;
use crate::output::show;

/// Evaluates a run, or weights in the network of `--config`.
pub(crate) fn run(options: &Options, arguments: &EvaluateArguments) -> Result<(), Failure> {
    let scores = arguments.scores.as_deref();
    // Before there is anything to lose.
    scores.map_or(Ok(()), check_place)?;
    match arguments.subject() {
        Evaluated::Run(path) => run_of(options, path, scores),
        Evaluated::Weights(file) => weights(&options.completed_from(&[])?, file, scores),
    }
}

fn run_of(options: &Options, path: &Path, scores: Option<&Path>) -> Result<(), Failure> {
    options.refuse_overrides_of_run()?;
    let run = TrainingRun::open(&options.registry, &options.find(path)?)?;
    run.model_file()?;
    let splits = run.splits(&options.relocation, &options.watch())?;
    let machine = options.machine()?;
    let protocol = Protocol::new(run.config.seed);
    let lab = Lab { splits: &splits, machine: &machine, protocol, watch: &options.watch() };
    finish(options, &splits, &evaluate(&run, &lab)?, scores)
}

fn weights(options: &Options, file: &Path, scores: Option<&Path>) -> Result<(), Failure> {
    let model = options.registry.only_model(options.config())?.to_string();
    let contender = options.contenders(std::slice::from_ref(&model), &[])?.only(&model)?;
    let splits = options.splits()?;
    check(std::slice::from_ref(&contender), &splits)?;
    let machine = options.machine()?;
    let protocol = Protocol::new(options.seed);
    let lab = Lab { splits: &splits, machine: &machine, protocol, watch: &options.watch() };
    finish(options, &splits, &evaluate_weights(&contender, file, &lab)?, scores)
}

/// Shows the figures, and writes the scores if there is a file for them.
fn finish(
    options: &Options,
    splits: &Splits,
    evaluation: &Evaluation,
    scores: Option<&Path>,
) -> Result<(), Failure> {
    show(options, &evaluation.comparison)?;
    if let Some(file) = scores {
        write(file, &images_to_safetensors(&splits.test, Some(&evaluation.scores))?)?;
        options.watch().line(&format!("written to {}", file.display()));
    }
    Ok(())
}
