//! The command line.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::backend::Backend;
use crate::config;

/// Something is wrong with what was asked for: exit code 2.
#[derive(Debug)]
pub(crate) struct UsageError(pub String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

const EXAMPLES: &str = "\
Examples:
  zoo compare                                   all four models on shapes10, no download
  zoo compare softmax svm --set svm.optimizer.learning_rate=0.002
  zoo data fetch cifar10                        170 MB, into data/
  zoo compare --data cifar10                    the same on CIFAR-10
  zoo compare --data my-photos/                 on your own images, one folder a class
  zoo train cnn --data cifar10 --set train.epochs=20
  zoo reproduce cs231n                          published results, measured again
  zoo compare cnn configs/vgg.toml configs/lenet.toml
  zoo tune softmax --data cifar10               find a good learning rate and weight decay
  zoo tune knn --set k=1,3,5,10 --folds 5
  zoo predict runs/0002-train-cnn-cifar10 --image cat.png
  zoo pictures runs/0002-train-cnn-cifar10      curves, confusion matrix, filters, mistakes

Exit codes: 0 done, 1 failed, 2 wrong usage.";

const TUNE_EXAMPLES: &str = "\
What to search: a key with several values is in the grid, LOW..HIGH is drawn from log-uniformly, one value alone holds for \
all trials. Without any, the model's own search: configs/tune/.

  zoo tune softmax
  zoo tune knn --set k=1,3,5,10 --set metric=l1,l2 --folds 5
  zoo tune mlp --set architecture.hidden=[256],[512] --set optimizer.learning_rate=0.001..0.1 --trials 20
  zoo tune --resume runs/0003-tune-mlp-shapes10";

const TRAIN_EXAMPLES: &str = "\
Examples:
  zoo train cnn --data cifar10
  zoo train configs/resnet20.toml --data cifar10 --set train.epochs=30
  zoo train --resume runs/0002-train-cnn-cifar10

A run's folder has config.toml (all keys and their values), metrics.jsonl (a line an epoch), checkpoint/, and in the end \
result.json and model.safetensors.";

const EVALUATE_EXAMPLES: &str = "\
Examples:
  zoo evaluate runs/0002-train-cnn-cifar10
  zoo evaluate --weights resnet20.pt --config configs/resnet20.toml --data cifar10";

const PREDICT_EXAMPLES: &str = "\
Examples:
  zoo predict runs/0002-train-cnn-cifar10 --image cat.png dog.jpg --top 5";

const GRADCHECK_HELP: &str = "\
Each derivative a is set against n = (L(θ + h) − L(θ − h)) / 2h with h = 1e-5. A relative error |a − n| / max(|a|, |n|) up to 1e-7 \
is right; up to 1e-4 where the loss has kinks. Where it is more, h is made smaller. Networks with ReLU or hinge are checked \
a second time with GELU or cross-entropy instead.

  zoo gradcheck
  zoo gradcheck mlp --set architecture.hidden=[50] --samples 20";

const SANITY_HELP: &str = "\
The first loss must be about that of chance: ln 10 = 2.303 for cross-entropy over ten classes, 9 for the hinge. A penalty must \
raise it, and the optimizer lower that penalty. Forty images must be learnt by heart within 300 steps.

  zoo sanity
  zoo sanity configs/vgg.toml --data my-photos/";

const LOSSES_EXAMPLES: &str = "\
Examples:
  zoo train softmax && zoo train svm
  zoo losses runs/0001-train-softmax-shapes10 runs/0002-train-svm-shapes10";

const PICTURES_EXAMPLES: &str = "\
Examples:
  zoo pictures --data cifar10                   samples, mean images, distances, nearest neighbours
  zoo pictures runs/0002-train-cnn-cifar10      curves, confusion matrix, filters or templates, mistakes
  zoo pictures runs/0003-tune-knn-cifar10       accuracy against what was searched";

const FETCH_HELP: &str = "\
Examples:
  zoo data fetch cifar10                        170 MB, unpacked to 184 MB in data/";

/// Compares image classifiers side by side: k-nearest neighbours, a softmax classifier, a linear SVM and a convolutional
/// network, on the CPU or a GPU.
#[derive(Debug, Parser)]
#[command(name = "zoo", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fit and evaluate classifiers side by side
    Compare {
        /// Models: knn, softmax, svm, cnn, mlp; or files with recipes [default: knn softmax svm cnn]
        #[arg(value_name = "MODEL|FILE")]
        models: Vec<String>,
    },
    /// Fit one classifier and keep it, with a checkpoint after each epoch
    #[command(after_help = TRAIN_EXAMPLES)]
    Train {
        /// The model: knn, softmax, svm, cnn or mlp; or the file of a recipe
        #[arg(value_name = "MODEL|FILE", required_unless_present = "resume", conflicts_with = "resume")]
        model: Option<String>,
        /// Continue a run that was interrupted, exactly where it stopped
        #[arg(long, value_name = "RUN")]
        resume: Option<PathBuf>,
    },
    /// Test-set metrics of a run that `train` has finished, or of weights from elsewhere
    #[command(after_help = EVALUATE_EXAMPLES)]
    Evaluate {
        /// The run's folder
        #[arg(required_unless_present = "weights", conflicts_with = "weights")]
        run: Option<PathBuf>,
        /// Evaluate these weights in the network of `--config`: a SafeTensors file, or one that torch.save has written of a
        /// state_dict; names and layouts are those of PyTorch
        #[arg(long, value_name = "FILE.safetensors|FILE.pt", requires = "config")]
        weights: Option<PathBuf>,
        /// Write the test images, their labels and scores as a SafeTensors file
        #[arg(long, value_name = "FILE")]
        scores: Option<PathBuf>,
    },
    /// Search for the settings that do best on validation images, a process a trial
    #[command(after_help = TUNE_EXAMPLES)]
    Tune(TuneArguments),
    /// What `tune` starts: reads a job from stdin, writes its figures to stdout
    #[command(hide = true)]
    Trial,
    /// Classify image files with one or more trained runs
    #[command(after_help = PREDICT_EXAMPLES)]
    Predict {
        /// The runs' folders
        #[arg(required = true)]
        runs: Vec<PathBuf>,
        /// PNG or JPEG files of any size
        #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
        image: Vec<PathBuf>,
        /// How many classes to show
        #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        top: u16,
    },
    /// Draw the course's pictures: of runs, of searches, or of --data itself
    #[command(after_help = PICTURES_EXAMPLES)]
    Pictures {
        /// The folders of runs and searches, each of which gets a folder `pictures` [default: a new run of --data]
        #[arg(value_name = "RUN")]
        runs: Vec<PathBuf>,
    },
    /// What cross-entropy and the hinge say of the validation images of trained runs, all together and one by one
    #[command(after_help = LOSSES_EXAMPLES)]
    Losses {
        /// The runs' folders, all made from the same images
        #[arg(required = true)]
        runs: Vec<PathBuf>,
    },
    /// Fetch, inspect, verify and export datasets
    Data {
        #[command(subcommand)]
        command: DataCommand,
    },
    /// Measure a suite of published results again, on CIFAR-10 unless --data names other images
    #[command(after_help = crate::reproduce::help())]
    Reproduce {
        /// The suite: cs231n, cifar10-networks; or a folder of rows
        suite: String,
        /// Run this row alone. May be repeated
        #[arg(long, value_name = "ROW")]
        only: Vec<String>,
        /// A small sample of each row, which shows that it runs and judges nothing
        #[arg(long)]
        quick: bool,
    },
    /// Set analytic gradients beside numerical ones, in f64 on the CPU
    #[command(after_help = GRADCHECK_HELP)]
    Gradcheck {
        /// Models or files with recipes [default: softmax, svm, mlp, cnn, and the other kinds of networks]
        #[arg(value_name = "MODEL|FILE")]
        models: Vec<String>,
        /// Values of each parameter that are checked, besides one random direction through all of them
        #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        samples: u16,
    },
    /// Check what must hold before training is worth its time: the first loss, a penalty's effect, a few images learnt by heart
    #[command(after_help = SANITY_HELP)]
    Sanity {
        /// Models or files with recipes [default: softmax, svm, mlp, cnn, and the other kinds of networks]
        #[arg(value_name = "MODEL|FILE")]
        models: Vec<String>,
    },
    /// What is compiled in and what this machine has
    Backends,
}

#[derive(Debug, Args)]
pub(crate) struct TuneArguments {
    /// The model: knn, softmax, svm, cnn or mlp; or the file of a recipe, whose `[search]` is followed if it has one
    #[arg(value_name = "MODEL|FILE", required_unless_present = "resume", conflicts_with = "resume")]
    pub(crate) model: Option<String>,
    /// Draw so many settings at random, instead of trying the whole grid
    #[arg(long, value_name = "N", conflicts_with = "resume", value_parser = at_least(1))]
    pub(crate) trials: Option<usize>,
    /// Judge each setting by cross-validation over so many folds, instead of on one share of the training images
    #[arg(long, value_name = "K", conflicts_with = "resume", value_parser = at_least(2))]
    pub(crate) folds: Option<usize>,
    /// Try so many settings at once [default: as many as cores and memory allow; 1 on a GPU]
    #[arg(long, value_name = "N", value_parser = at_least(1))]
    pub(crate) jobs: Option<usize>,
    /// Go on with a search that was interrupted
    #[arg(long, value_name = "FOLDER")]
    pub(crate) resume: Option<PathBuf>,
}

/// Reads a whole number that is not below `least`.
fn at_least(least: u64) -> impl clap::builder::TypedValueParser<Value = usize> {
    use clap::builder::TypedValueParser;
    clap::value_parser!(u64).range(least..).map(|number| number as usize)
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Download CIFAR-10 into --data-dir; resumes, checks size and MD5, unpacks
    #[command(after_help = FETCH_HELP)]
    Fetch {
        /// The dataset: cifar10
        dataset: String,
        /// A mirror of the official cifar-10-binary.tar.gz
        #[arg(long)]
        url: Option<String>,
    },
    /// Sizes, classes and statistics of --data
    Info,
    /// Read every image of --data and check what can be checked
    Verify,
    /// Write --data to a new folder
    Export {
        /// The folder to make
        destination: PathBuf,
        /// How to write it
        #[arg(long, value_enum, default_value_t = ExportFormat::Folder)]
        format: ExportFormat,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ExportFormat {
    /// PNG files: train/CLASS/NNNNN.png, test/CLASS/NNNNN.png
    Folder,
    /// CIFAR-10's binary batches
    Binary,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalOptions {
    /// Where to compute: auto, cpu, gpu, flex, ndarray, wgpu, wgpu:1, …; `zoo backends` lists what there is. `compare`
    /// takes several: flex,wgpu
    #[arg(
        long,
        global = true,
        default_value = "auto",
        env = "ZOO_BACKEND",
        value_name = "B",
        value_delimiter = ','
    )]
    pub(crate) backend: Vec<Backend>,
    /// shapes10 (generated), cifar10, or the path of an image folder, of CIFAR-10 batches or of their archive
    /// [default: shapes10]
    #[arg(long, global = true, value_name = "NAME|PATH")]
    pub(crate) data: Option<String>,
    /// Where named datasets stand and are fetched to [default: data]
    #[arg(long, global = true, env = "ZOO_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// A recipe that changes the default one; `configs/` has examples. May be repeated
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
    /// Change one key of the recipe, `optimizer.learning_rate=0.01`; with several models `svm.optimizer…`; `tune` takes several
    /// values or a range. May be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// What everything random follows from: splits, weights, order, augmentation [default: 42]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Use so many training images, each class in proportion
    #[arg(long, global = true, value_name = "N")]
    pub(crate) limit_train: Option<usize>,
    /// Use so many test images, each class in proportion
    #[arg(long, global = true, value_name = "N")]
    pub(crate) limit_test: Option<usize>,
    /// The share of the training images that is held out to choose the best epoch by [default: 0.1]
    #[arg(long, global = true, value_name = "SHARE")]
    pub(crate) validation: Option<f64>,
    /// [`Source::in_order`](crate::source::Source::in_order), which files alone can ask for.
    #[arg(skip)]
    pub(crate) in_order: bool,
    /// Where run folders are made [default: runs]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// One JSON document on stdout and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress, errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Burn's own training dashboard instead of the progress bar
    #[arg(long, global = true)]
    pub(crate) tui: bool,
    /// More about what happens; -vv for even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl GlobalOptions {
    /// What everything random follows from.
    pub(crate) fn seed(&self) -> u64 {
        self.seed.unwrap_or(42)
    }

    /// The backend of a command that takes one.
    ///
    /// # Errors
    /// If there are several.
    pub(crate) fn one_backend(&self) -> Result<Backend, UsageError> {
        match self.backend[..] {
            [backend] => Ok(backend),
            _ => Err(UsageError("several backends are for `zoo compare`; name one".into())),
        }
    }

    /// Where named datasets stand.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| "data".into())
    }

    /// Where run folders are made.
    pub(crate) fn out(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| "runs".into())
    }

    /// The same options, those that are not given taken from the `[run]` of a config file or of a file among `arguments`, so
    /// that the config of a run is enough to run it again.
    ///
    /// # Errors
    /// [`UsageError`] for a file that can't be read or parsed.
    pub(crate) fn with_those_of_files(&self, arguments: &[String]) -> anyhow::Result<Self> {
        let files = arguments.iter().filter(|argument| config::is_file(argument)).map(PathBuf::from);
        let files: Vec<PathBuf> = self.config.iter().cloned().chain(files).collect();
        let Some(run) = config::run_of(&files)? else { return Ok(self.clone()) };
        let source = run.source;
        Ok(Self {
            data: self.data.clone().or(Some(source.data)),
            data_dir: self.data_dir.clone().or(Some(source.data_dir)),
            seed: self.seed.or(Some(run.seed)),
            limit_train: self.limit_train.or(source.limit_train),
            limit_test: self.limit_test.or(source.limit_test),
            validation: self.validation.or(Some(source.validation)),
            in_order: source.in_order,
            ..self.clone()
        })
    }

    /// Refuses options that would change what a run has been made from. `--data` and `--data-dir` are none: images may
    /// have moved, and are compared.
    ///
    /// # Errors
    /// Names the first such option.
    pub(crate) fn keep_to_the_run(&self) -> Result<(), UsageError> {
        let given = [
            ("--config", !self.config.is_empty()),
            ("--set", !self.set.is_empty()),
            ("--seed", self.seed.is_some()),
            ("--limit-train", self.limit_train.is_some()),
            ("--limit-test", self.limit_test.is_some()),
            ("--validation", self.validation.is_some()),
            ("--out", self.out.is_some()),
        ];
        refuse(given, "a run keeps its own data and recipe")
    }

    /// Refuses options that would change what a suite measures.
    ///
    /// # Errors
    /// Names the first such option.
    pub(crate) fn keep_to_the_suite(&self) -> Result<(), UsageError> {
        let given = [
            ("--config", !self.config.is_empty()),
            ("--set", !self.set.is_empty()),
            ("--limit-train", self.limit_train.is_some()),
            ("--limit-test", self.limit_test.is_some()),
            ("--validation", self.validation.is_some()),
            ("--tui", self.tui),
        ];
        refuse(given, "the rows of a suite have their own recipes and images")
    }

    /// Refuses `--tui` where there can be no dashboard.
    ///
    /// # Errors
    /// Says what to do instead.
    pub(crate) fn check_dashboard(&self) -> Result<(), UsageError> {
        // Without one to read keys from, Burn's renderer fails when it has cleared the screen already.
        let terminal = std::io::stdin().is_terminal()
            && std::io::stdout().is_terminal()
            && std::io::stderr().is_terminal();
        self.check_dashboard_on(terminal, cfg!(feature = "tui"))
    }

    fn check_dashboard_on(&self, terminal: bool, built: bool) -> Result<(), UsageError> {
        let reason = if !self.tui {
            return Ok(());
        } else if !built {
            "this zoo was built without the dashboard; build it with --features tui, or leave out --tui"
        } else if self.json {
            "--tui draws where --json writes its document; leave out one of them"
        } else if self.quiet {
            "--tui shows progress and --quiet shows none; leave out one of them"
        } else if !terminal {
            "--tui needs a terminal; leave it out, or don't redirect stdin, stdout and stderr"
        } else {
            return Ok(());
        };
        Err(UsageError(reason.into()))
    }

    /// Logs go to stderr: warnings unless told otherwise. `RUST_LOG` overrides.
    pub(crate) fn start_logging(&self) {
        let level = match (self.quiet, self.verbose) {
            (true, _) => "off",
            // Software drivers and autotune warn of what nobody can change.
            (false, 0) => "error,zoo=warn",
            (false, 1) => "warn,zoo=debug",
            (false, _) => "debug",
        };
        env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(level))
            .format_timestamp(None)
            .format_target(false)
            .init();
    }
}

/// Refuses the first option that is given, for `reason`.
fn refuse<const N: usize>(options: [(&str, bool); N], reason: &str) -> Result<(), UsageError> {
    match options.into_iter().find(|&(_, given)| given) {
        Some((option, _)) => Err(UsageError(format!("{reason}; leave out {option}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_dashboard_needs_a_terminal_to_itself() {
        let refusal = |arguments: &[&str], terminal, built| {
            let cli = Cli::parse_from([&["zoo", "compare"], arguments].concat());
            cli.global.check_dashboard_on(terminal, built).err().map(|UsageError(reason)| reason)
        };
        assert_eq!(refusal(&["--tui"], true, true), None);
        assert_eq!(refusal(&["--json"], false, false), None);
        for (arguments, terminal, built, part) in [
            (&["--tui"][..], true, false, "--features tui"),
            (&["--tui"], false, true, "needs a terminal"),
            (&["--tui", "--json"], true, true, "--json"),
            (&["--tui", "--quiet"], true, true, "--quiet"),
        ] {
            let reason = refusal(arguments, terminal, built).unwrap();
            assert!(reason.contains(part) && !reason.contains('\n'), "{reason}");
        }
    }
}
