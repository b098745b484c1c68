//! The command line.

mod data;
mod global;
mod habits;
mod help;
mod layout;
mod photos;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches, Parser, Subcommand, ValueEnum};
use zoo_recipes::Registry;

pub(crate) use data::{AuditArguments, DataCommand, ExportFormat};
pub(crate) use global::GlobalOptions;
pub(crate) use layout::{command, shown_command};
pub(crate) use photos::PhotoArguments;

use help::{
    BACKENDS_EXAMPLES, COMPARE_HELP, COMPLETIONS_EXAMPLES, DATA_EXAMPLES, EVALUATE_EXAMPLES, EXAMPLES,
    FIRST_EXAMPLES, GRADCHECK_HELP, LOSSES_EXAMPLES, MAN_EXAMPLES, MISTAKES_EXAMPLES, PICTURES_EXAMPLES,
    PREDICT_EXAMPLES, REPORT_EXAMPLES, SANITY_HELP, SCHEMA_HELP, TRAIN_EXAMPLES, TUNE_EXAMPLES,
};

/// What is compared if nothing is named.
pub(crate) const COMPARED: [&str; 4] = ["knn", "softmax", "svm", "cnn"];

/// The same for photos in folders, of which there are often few: edges and colours say more than pixels then.
pub(crate) const COMPARED_ON_PHOTOS: [&str; 5] = ["knn", "softmax", "svm", "hog", "cnn"];

/// Compares image classifiers side by side: k-nearest neighbours, a softmax classifier, a linear SVM and a convolutional
/// network, on the CPU or a GPU.
#[derive(Debug, Parser)]
#[command(name = "zoo", version, after_help = FIRST_EXAMPLES, after_long_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fit and evaluate models side by side, and say which differ
    #[command(after_help = COMPARE_HELP)]
    Compare(CompareArguments),
    /// Fit one model and keep it, with a checkpoint after each epoch
    #[command(after_help = TRAIN_EXAMPLES)]
    Train(TrainArguments),
    /// Test a finished run, or weights from PyTorch
    #[command(after_help = EVALUATE_EXAMPLES)]
    Evaluate(EvaluateArguments),
    /// Search for the settings that do best on validation images
    #[command(after_help = TUNE_EXAMPLES)]
    Tune(TuneArguments),
    /// What `tune` starts: reads a job from stdin, writes its figures to stdout
    #[command(hide = true)]
    Trial,
    /// Classify image files with one or more trained runs
    #[command(after_help = PREDICT_EXAMPLES)]
    Predict(PredictArguments),
    /// Show runs as a page for the browser, report.html
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArguments),
    /// Draw curves, filters, mistakes and more of runs, searches or data
    #[command(after_help = PICTURES_EXAMPLES)]
    Pictures {
        /// Runs and searches: folders, or names of recipes for their newest runs, or `last`; each gets a folder `pictures` [default: a
        /// new run of --data]
        #[arg(value_name = "RUN")]
        runs: Vec<PathBuf>,
        /// Print learning curves and confusion matrices of the runs, instead of writing files
        #[arg(long, requires = "runs", conflicts_with = "json")]
        terminal: bool,
    },
    /// What cross-entropy and the hinge say of validation images
    #[command(after_help = LOSSES_EXAMPLES)]
    Losses {
        /// The runs, all made from the same images: folders, or names of recipes for their newest runs, or `last`
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<PathBuf>,
    },
    /// Which images models got wrong, the most confident first
    #[command(after_help = MISTAKES_EXAMPLES)]
    Mistakes(MistakesArguments),
    /// Fetch, inspect, verify, audit and export images
    #[command(after_help = DATA_EXAMPLES)]
    Data {
        #[command(subcommand)]
        command: DataCommand,
    },
    /// Measure published results again, or what mistakes cost
    #[command(after_help = reproduce_help())]
    Reproduce {
        /// The suite: cs231n, cifar10-networks, mistakes; or a folder of rows
        suite: String,
        /// Run this row only. May be repeated
        #[arg(long, value_name = "ROW")]
        only: Vec<String>,
        /// A small sample of each row, which shows that it runs and judges nothing
        #[arg(long)]
        quick: bool,
    },
    /// Compare analytic gradients with numerical ones, in f64
    #[command(after_help = GRADCHECK_HELP)]
    Gradcheck {
        #[arg(value_name = "MODEL|FILE", help = models_help("Models and recipes", "files with recipes [default: one of each kind that learns]"))]
        models: Vec<String>,
        /// Values of each parameter that are checked, in addition to one random direction through all of them
        #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        samples: u16,
    },
    /// Check the first loss, the penalty, and memorising a few images
    #[command(after_help = SANITY_HELP)]
    Sanity {
        #[arg(value_name = "MODEL|FILE", help = models_help("Models and recipes", "files with recipes [default: one of each kind that learns]"))]
        models: Vec<String>,
    },
    /// What is compiled in, and which devices this machine has
    #[command(after_help = BACKENDS_EXAMPLES)]
    Backends {
        /// Remove what was kept of GPUs' tuning, before anything else: kernels are tuned anew when they are next met
        #[arg(long)]
        clear_tuning: bool,
    },
    /// Print the JSON Schema of files, for editors and programs
    #[command(after_help = SCHEMA_HELP)]
    Schema {
        /// Which files
        #[arg(value_enum)]
        document: Document,
    },
    /// Print what makes a shell complete `zoo`'s commands and options
    #[command(hide = true, after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the manual pages, one per command
    #[command(hide = true, after_help = MAN_EXAMPLES)]
    Man {
        /// The folder, which is made if it isn't there
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// Reads the command line. Without any arguments it is that of the short help.
///
/// # Errors
/// What is wrong with the arguments, or the help that they ask for.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let arguments = if arguments.len() < 2 { vec!["zoo".into(), "-h".into()] } else { arguments };
    let mut command = command();
    let matches = command
        .try_get_matches_from_mut(&arguments)
        .map_err(|error| habits::with_hint(error, &command, &arguments[1..]))?;
    let path = path_of(&matches);
    if let Some(option) = layout::useless(&path.join(" "), &matches) {
        let chosen = path.iter().fold(&mut command, |command, name| {
            command.find_subcommand_mut(name).expect("what was parsed is there")
        });
        let message = format!("`zoo {}` does nothing with {option}; leave it out", path.join(" "));
        return Err(chosen.error(clap::error::ErrorKind::ArgumentConflict, message));
    }
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// The command that was chosen: `data`, `fetch`.
fn path_of(matches: &ArgMatches) -> Vec<&str> {
    std::iter::successors(matches.subcommand(), |(_, matches)| matches.subcommand())
        .map(|(name, _)| name)
        .collect()
}

/// A file that has a JSON Schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Document {
    /// result.json of `train` and `compare`
    Result,
    /// result.json of `tune`
    Search,
    /// result.json of `reproduce`
    Reproduction,
    /// audit.json of `data audit`
    Audit,
    /// Files with recipes, `configs/cnn.toml`
    Recipe,
}

/// What is made anew, or continued.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'a> {
    /// A model's name, or the file of a recipe.
    New(&'a str),
    /// The folder of a run that was interrupted.
    Resume(&'a Path),
}

impl<'a> Subject<'a> {
    /// Clap sees to it that one of the two is there.
    fn new(model: Option<&'a String>, resume: Option<&'a PathBuf>) -> Self {
        match (model, resume) {
            (_, Some(run)) => Self::Resume(run),
            (model, None) => Self::New(model.map_or("", String::as_str)),
        }
    }
}

/// How models are fitted and judged.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ProtocolArguments {
    /// Leave the test images alone and judge by validation images: for trying settings
    #[arg(long)]
    pub(crate) no_test: bool,
    /// How long a training may take, `90s`, `2m`, `1h`: it stops at the end of the epoch that passes this
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) budget: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    #[arg(
        value_name = "MODEL|FILE",
        conflicts_with = "resume",
        help = models_help("Models and recipes", &format!("files with recipes [default: {}; on photos in folders {}]", COMPARED.join(" "), COMPARED_ON_PHOTOS.join(" ")))
    )]
    pub(crate) models: Vec<String>,
    /// Train each recipe this many times, with weights, order and augmentation from --seed, --seed + 1, …
    #[arg(long, value_name = "N", conflicts_with = "resume", value_parser = at_least(1))]
    pub(crate) seeds: Option<usize>,
    #[command(flatten)]
    pub(crate) protocol: ProtocolArguments,
    /// Go on with a comparison that was interrupted: what is there is kept
    #[arg(long, value_name = "RUN", conflicts_with_all = ["no_test", "budget"])]
    pub(crate) resume: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// Runs: folders, or names of recipes for their newest runs, or `last`; several, all made from the same images, become one
    /// comparison in a new run folder
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Open the page in the browser
    #[arg(long)]
    pub(crate) open: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MistakesArguments {
    /// The runs, all judged on the same images: folders, or names of recipes for their newest runs, or `last`
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Only images of this class
    #[arg(long, value_name = "CLASS")]
    pub(crate) class: Option<String>,
    /// Only images that a model takes for this class
    #[arg(long, value_name = "CLASS")]
    pub(crate) answer: Option<String>,
    /// Only what this model says. May be repeated
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Vec<String>,
    /// Only images that all models get wrong
    #[arg(long, conflicts_with = "disagree")]
    pub(crate) all_wrong: bool,
    /// Images on which models disagree, rather than those that one gets wrong
    #[arg(long)]
    pub(crate) disagree: bool,
    /// How many to show; --json and --csv have them all
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least(1))]
    pub(crate) top: usize,
    /// CSV on stdout, with the columns of predictions.csv
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TrainArguments {
    #[arg(
        value_name = "MODEL|FILE",
        required_unless_present = "resume",
        conflicts_with = "resume",
        help = models_help("The model or recipe", "the file of a recipe")
    )]
    model: Option<String>,
    /// Continue a run that was interrupted, exactly where it stopped
    #[arg(long, value_name = "RUN", conflicts_with_all = ["no_test", "budget"])]
    resume: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) protocol: ProtocolArguments,
}

impl TrainArguments {
    /// What is trained.
    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject::new(self.model.as_ref(), self.resume.as_ref())
    }
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateArguments {
    /// The run: its folder, or the name of a recipe for its newest run
    #[arg(required_unless_present = "weights", conflicts_with = "weights")]
    run: Option<PathBuf>,
    /// Evaluate these weights in the network of `--config`: a SafeTensors file, or one that torch.save has written of a
    /// state_dict; names and layouts are those of PyTorch
    #[arg(long, value_name = "FILE.safetensors|FILE.pt", requires = "config")]
    weights: Option<PathBuf>,
    /// Write the test images, their labels and scores as a SafeTensors file
    #[arg(long, value_name = "FILE")]
    pub(crate) scores: Option<PathBuf>,
}

/// What is evaluated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Evaluated<'a> {
    /// The folder of a run.
    Run(&'a Path),
    /// A file of weights.
    Weights(&'a Path),
}

impl EvaluateArguments {
    /// What is evaluated: clap sees to it that one of the two is there.
    pub(crate) fn subject(&self) -> Evaluated<'_> {
        match &self.weights {
            Some(weights) => Evaluated::Weights(weights),
            None => Evaluated::Run(self.run.as_deref().unwrap_or(Path::new(""))),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct PredictArguments {
    /// Runs (folders, or names of recipes for their newest runs, or `last`), then images: files of any size, or folders with images at
    /// any depth
    #[arg(required = true, value_name = "RUN|IMAGE")]
    pub(crate) arguments: Vec<PathBuf>,
    /// Images, too: files or folders
    #[arg(long, num_args = 1.., value_name = "IMAGE")]
    pub(crate) image: Vec<PathBuf>,
    /// How many classes to show, and how many neighbours of k-NN
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = at_least(1))]
    pub(crate) top: usize,
    /// CSV on stdout, a line per image as soon as it is known
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// JSON on stdout, an object in a line per image and run as soon as it is known
    #[arg(long, conflicts_with_all = ["json", "csv"])]
    pub(crate) jsonl: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TuneArguments {
    #[arg(
        value_name = "MODEL|FILE",
        required_unless_present = "resume",
        conflicts_with = "resume",
        help = models_help("The model or recipe", "the file of a recipe, whose `[search]` is followed if it has one")
    )]
    model: Option<String>,
    /// Draw this many settings at random, instead of trying the whole grid
    #[arg(long, value_name = "N", conflicts_with = "resume", value_parser = at_least(1))]
    pub(crate) trials: Option<usize>,
    /// Judge each setting by cross-validation over this many folds, instead of on one share of the training images
    #[arg(long, value_name = "K", conflicts_with = "resume", value_parser = at_least(2))]
    pub(crate) folds: Option<usize>,
    /// Try this many settings at once [default: as many as cores and memory allow; 1 on a GPU]
    #[arg(long, value_name = "N", value_parser = at_least(1))]
    pub(crate) jobs: Option<usize>,
    /// Go on with a search that was interrupted
    #[arg(long, value_name = "FOLDER")]
    resume: Option<PathBuf>,
}

impl TuneArguments {
    /// What is searched.
    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject::new(self.model.as_ref(), self.resume.as_ref())
    }
}

/// Reads a whole number that is not below `least`.
fn at_least(least: u64) -> impl clap::builder::TypedValueParser<Value = usize> {
    use clap::builder::TypedValueParser;
    clap::value_parser!(u64).range(least..).map(|number| number as usize)
}

/// The names of models and recipes.
fn names() -> String {
    let registry = Registry::zoo();
    registry.model_names().chain(registry.recipe_names()).collect::<Vec<_>>().join(", ")
}

/// Help of an argument that takes models and recipes.
fn models_help(before: &str, after: &str) -> String {
    format!("{before}: {}; or {after}", names())
}

/// What `zoo reproduce --help` ends with.
fn reproduce_help() -> String {
    let suites =
        zoo_lab::reproduce::names().map(|(name, rows)| format!("Rows of {name}:\n  {}", rows.join(", ")));
    format!(
        "{}\n\nImages are CIFAR-10's unless --data names others. cs231n takes six to ten minutes on two cores, mistakes a few, and cifar10-networks hours without a GPU. A row of your own is a recipe with \
         a [row], as those in configs/cs231n are.\n\nExamples:\n  \
         zoo reproduce cs231n\n  \
         zoo reproduce cs231n --only svm --only softmax\n  \
         zoo reproduce cs231n --quick --data shapes10\n  \
         zoo reproduce mistakes",
        suites.collect::<Vec<_>>().join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn help_names_every_model() {
        let help = command().find_subcommand_mut("compare").unwrap().render_help().to_string();
        for name in Registry::zoo().model_names() {
            assert!(help.contains(name), "{name} is not in\n{help}");
        }
    }
}
