//! Arguments of `zoo data`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::at_least;
use super::help::{AUDIT_HELP, EXPORT_HELP, FETCH_HELP, INFO_EXAMPLES, VERIFY_EXAMPLES};

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Download a dataset into --data-dir; resumes, checks size and SHA-256, unpacks
    #[command(after_help = FETCH_HELP)]
    Fetch {
        #[arg(help = fetch_help())]
        dataset: String,
        /// A mirror: the address of a folder that has the official files, or of cifar-10-binary.tar.gz or cifar-100-binary.tar.gz
        #[arg(long)]
        url: Option<String>,
        /// Seconds that a server may be silent before it is asked again
        #[arg(long, value_name = "SECONDS", default_value = "30")]
        timeout: NonZeroU32,
    },
    /// Sizes, classes and statistics of --data
    #[command(after_help = INFO_EXAMPLES)]
    Info,
    /// Read every image of --data and check what can be checked
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify,
    /// Look for duplicates, likely wrong labels, small classes and blank images in --data
    #[command(after_help = AUDIT_HELP)]
    Audit(AuditArguments),
    /// Write --data to a new folder, or some of its images
    #[command(after_help = EXPORT_HELP)]
    Export {
        /// The folder to make
        destination: PathBuf,
        /// How to write it
        #[arg(long, value_enum, default_value_t = ExportFormat::Folder)]
        format: ExportFormat,
        /// Write only the images that this CSV file names in its column `image`, as predictions.csv of a run does; - reads
        /// stdin
        #[arg(long, value_name = "FILE")]
        only: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct AuditArguments {
    /// How many findings of each kind to show and to draw; --json and --csv have them all
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least(1))]
    pub(crate) top: usize,
    /// CSV on stdout, a line per image
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// Exit with code 1 if there are warnings
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ExportFormat {
    /// PNG files named after the images: train/CLASS/NAME.png, test/CLASS/NAME.png
    Folder,
    /// CIFAR-10's binary batches
    Binary,
}

/// Help of what is fetched.
fn fetch_help() -> String {
    let names: Vec<&str> = zoo_data::PUBLISHED.iter().map(zoo_data::fetch::Published::name).collect();
    format!("The dataset: {}", names.join(", "))
}
