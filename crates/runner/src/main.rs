//! `zoo`: k-nearest neighbours, a softmax classifier, a linear SVM and a convolutional network on the same images, side by
//! side.
//!
//! The work is done by the library [`zoo_lab`]. Here [`cli`] is what clap parses, [`options`] resolves every default once, and a
//! command is a short module of [`commands`]: it hands values to the lab and shows what comes back. [`progress`] is what people see
//! meanwhile, [`failure`] the one place where an error becomes a sentence and an exit code.

#![allow(
    clippy::disallowed_methods,
    reason = "the runner is where arguments, environment and process are known"
)]

mod cli;
mod commands;
#[cfg(feature = "tui")]
mod dashboard;
mod failure;
mod options;
mod output;
mod progress;
mod stderr;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use failure::Failure;
use options::Options;

// Tensors of some megabytes come and go at every step; the system's allocator returns each to the kernel, which makes
// training on the CPU slower by about a third.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    zoo_kernels::keep_freed_memory();
    let cli = Cli::parse();
    stderr::start_logging(&cli.global);
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            stderr::say(&failure.to_string());
            failure.exit_code()
        }
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let options = Options::new(&cli.global)?;
    match &cli.command {
        Command::Compare(compare) => commands::compare::run(&options, compare),
        Command::Train(train) => commands::train::run(&options, train),
        Command::Evaluate(evaluate) => commands::evaluate::run(&options, evaluate),
        Command::Tune(tune) => commands::tune::run(&options, tune),
        Command::Trial => commands::trial::run(&options),
        Command::Predict { runs, image, top } => commands::predict::run(&options, runs, image, *top),
        Command::Pictures { runs } => commands::pictures::run(&options, runs),
        Command::Losses { runs } => commands::losses::run(&options, runs),
        Command::Mistakes(mistakes) => commands::mistakes::run(&options, mistakes),
        Command::Data { command } => commands::data::run(&options, command),
        Command::Reproduce { suite, only, quick } => commands::reproduce::run(&options, suite, only, *quick),
        Command::Gradcheck { models, samples } => {
            commands::checks::gradients(&options.completed_from(models)?, models, *samples)
        }
        Command::Sanity { models } => commands::checks::sanity(&options.completed_from(models)?, models),
        Command::Backends => commands::backends::run(&options),
        Command::Schema { document } => commands::schema::run(*document),
    }
}
