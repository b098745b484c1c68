//! `zoo`: k-nearest neighbours, a softmax classifier, a linear SVM and a convolutional network on the same images, side by
//! side.
//!
//! [`cli`] reads the arguments; a command is a module of its own. [`recipes`] is the registry of models, [`config`] the
//! layers a recipe is made of, [`backend`] the choice of the device, [`runs`] what is left on disk.

#[cfg(feature = "wgpu")]
mod adapters;
mod backend;
mod backends;
mod cli;
mod compare;
mod config;
#[cfg(feature = "tui")]
mod dashboard;
mod data;
mod evaluate;
mod failure;
mod gradcheck;
mod judge;
mod losses;
mod nearest;
mod output;
mod pictures;
mod predict;
mod progress;
mod recipes;
mod reproduce;
mod runs;
mod sanity;
mod source;
mod train;
mod tune;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};

// Tensors of some megabytes come and go at every step; the system's allocator returns each to the kernel, which makes
// training on the CPU slower by about a third.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    zoo_kernels::keep_freed_memory();
    let cli = Cli::parse();
    cli.global.start_logging();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<train::Stopped>() => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<cli::UsageError>() { 2 } else { 1 })
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    let options = &cli.global;
    options.check_dashboard()?;
    match &cli.command {
        Command::Compare { models } => compare::run(&options.with_those_of_files(models)?, models),
        Command::Train { model: Some(model), .. } => {
            train::start(&options.with_those_of_files(std::slice::from_ref(model))?, model)
        }
        Command::Train { resume: Some(run), .. } => train::resume(options, run),
        Command::Evaluate { run: Some(run), scores, .. } => evaluate::run(options, run, scores.as_deref()),
        Command::Evaluate { weights: Some(weights), scores, .. } => {
            evaluate::weights(&options.with_those_of_files(&[])?, weights, scores.as_deref())
        }
        Command::Train { .. } | Command::Evaluate { .. } => unreachable!("clap asks for one of the two"),
        Command::Tune(arguments) => tune::run(options, arguments),
        Command::Trial => tune::trial::run(),
        Command::Predict { runs, image, top } => predict::run(options, runs, image, *top),
        Command::Pictures { runs } => pictures::run(options, runs),
        Command::Losses { runs } => losses::run(options, runs),
        Command::Data { command } => data::run(options, command),
        Command::Reproduce { suite, only, quick } => {
            reproduce::run(options, &reproduce::Request { suite, only, quick: *quick })
        }
        Command::Gradcheck { models, samples } => {
            gradcheck::run(&options.with_those_of_files(models)?, models, *samples)
        }
        Command::Sanity { models } => sanity::run(&options.with_those_of_files(models)?, models),
        Command::Backends => backends::run(options),
    }
}
