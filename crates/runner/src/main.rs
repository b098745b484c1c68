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
mod interrupt;
mod options;
mod output;
mod progress;
mod stderr;

use std::process::ExitCode;

use cli::{Cli, Command};
use failure::Failure;
use options::Options;

// Tensors of some megabytes come and go at every step; the system's allocator returns each to the kernel, which makes
// training on the CPU slower by about a third.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    zoo_kernels::keep_freed_memory();
    let cli = match cli::parse(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(error) => {
            // Whoever reads no further has seen enough.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    stderr::start_logging(&cli.global);
    interrupt::listen(&cli.command);
    let outcome = run(&cli);
    let interrupted = interrupt::exit_code();
    if let Err(failure) = &outcome
        && !(interrupted.is_some() && failure.is_of_stop())
    {
        stderr::say(&failure.to_string());
    }
    if interrupted.is_some() {
        stderr::say(&interrupt::parting());
    }
    match (interrupted, outcome) {
        (Some(code), _) => ExitCode::from(code),
        (None, Ok(())) => ExitCode::SUCCESS,
        (None, Err(failure)) => failure.exit_code(),
    }
}

/// Starts the threads that compute, `asked` or as many as there are cores: where there can't be as many, that is an error here, and a
/// panic later.
fn start_threads(asked: Option<u16>) -> Result<(), Failure> {
    let action = match asked {
        Some(_) => "cannot start as many threads as --threads says; ask for fewer",
        None => {
            "cannot start as many threads as there are cores, or as RAYON_NUM_THREADS says; ask for fewer with --threads"
        }
    };
    // 0 threads are as many as there are cores, or as RAYON_NUM_THREADS says.
    let threads = rayon::ThreadPoolBuilder::new().num_threads(asked.unwrap_or(0).into());
    // They run the command as well, which expects as much as a process begins with.
    threads
        .stack_size(STACK)
        .build_global()
        .map_err(|error| Failure::Process { action, source: std::io::Error::other(error) })
}

/// Bytes of a thread's stack.
const STACK: usize = 8 << 20;

fn run(cli: &Cli) -> Result<(), Failure> {
    start_threads(cli.global.threads)?;
    // One of the threads that compute runs the command: another would hand over each loop of a training step and wait to be woken up, which
    // takes a quarter of a linear model's time.
    rayon::scope(|_| command(cli))
}

fn command(cli: &Cli) -> Result<(), Failure> {
    let options = Options::new(&cli.global)?;
    if let Some(folder) = options.tuning() {
        zoo_backends::keep_tuning(&folder);
    }
    match &cli.command {
        Command::Compare(compare) => commands::compare::run(&options, compare),
        Command::Train(train) => commands::train::run(&options, train),
        Command::Evaluate(evaluate) => commands::evaluate::run(&options, evaluate),
        Command::Tune(tune) => commands::tune::run(&options, tune),
        Command::Trial => commands::trial::run(&options),
        Command::Predict(predict) => commands::predict::run(&options, predict),
        Command::Report(report) => commands::report::run(&options, report),
        Command::Pictures { runs, terminal } => commands::pictures::run(&options, runs, *terminal),
        Command::Losses { runs } => commands::losses::run(&options, runs),
        Command::Mistakes(mistakes) => commands::mistakes::run(&options, mistakes),
        Command::Data { command } => commands::data::run(&options, command),
        Command::Reproduce { suite, only, quick } => commands::reproduce::run(&options, suite, only, *quick),
        Command::Gradcheck { models, samples } => {
            commands::checks::gradients(&options.completed_from(models)?, models, *samples)
        }
        Command::Sanity { models } => commands::checks::sanity(&options.completed_from(models)?, models),
        Command::Backends { clear_tuning } => commands::backends::run(&options, *clear_tuning),
        Command::Schema { document } => commands::schema::run(*document),
        Command::Completions { shell } => commands::completions::run(*shell),
        Command::Man { folder } => commands::manual::run(folder),
    }
}
