//! Options that several commands take; [`layout`](super::layout) knows which.

use std::path::PathBuf;

use clap::{ArgAction, Args};
use zoo_backends::Backend;

use super::PhotoArguments;

/// Headings of help.
pub(super) const IMAGES: &str = "Images";
const RECIPE: &str = "Recipe";
const COMPUTING: &str = "Computing";
const OUTPUT: &str = "Output";

#[derive(Clone, Debug, Args)]
pub(crate) struct GlobalOptions {
    #[arg(long, global = true, value_name = "NAME|PATH", help = data_help(), help_heading = IMAGES)]
    pub(crate) data: Option<String>,
    /// The folder that named datasets are in, and are fetched to [default: data]
    #[arg(long, global = true, env = "ZOO_DATA_DIR", value_name = "DIR", help_heading = IMAGES)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Use this many training images, each class in proportion
    #[arg(long, global = true, value_name = "N", help_heading = IMAGES)]
    pub(crate) limit_train: Option<usize>,
    /// Use this many test images, each class in proportion
    #[arg(long, global = true, value_name = "N", help_heading = IMAGES)]
    pub(crate) limit_test: Option<usize>,
    /// The share of the training images that is held out to choose the best epoch by [default: 0.1]
    #[arg(long, global = true, value_name = "SHARE", help_heading = IMAGES)]
    pub(crate) validation: Option<f64>,
    #[command(flatten)]
    pub(crate) photos: PhotoArguments,
    /// The folder that decoded photos are kept in, so that they are decoded once, and GPUs' tuning; it may be emptied at any time
    /// [default: zoo in the user's cache folder]
    #[arg(long, global = true, env = "ZOO_CACHE_DIR", value_name = "DIR", help_heading = IMAGES)]
    pub(crate) cache_dir: Option<PathBuf>,
    /// A recipe that changes the default one; `configs/` has examples. May be repeated
    #[arg(long, global = true, value_name = "FILE", help_heading = RECIPE)]
    pub(crate) config: Vec<PathBuf>,
    /// Change one key of the recipe, `optimizer.learning_rate=0.01`; with several models `svm.optimizer…`; `tune` takes several
    /// values, `k=1,3,5`, or a range, `LOW..HIGH`. May be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE", help_heading = RECIPE)]
    pub(crate) set: Vec<String>,
    /// What everything random follows from: splits, weights, order, augmentation [default: 42]
    #[arg(long, global = true, value_name = "N", help_heading = RECIPE)]
    pub(crate) seed: Option<u64>,
    /// Where to compute: auto, cpu, gpu, flex, ndarray, wgpu, wgpu:1, …; `zoo backends` lists what there is. `compare`
    /// takes several: flex,wgpu
    #[arg(
        long,
        global = true,
        default_value = "auto",
        env = "ZOO_BACKEND",
        value_name = "BACKEND",
        value_delimiter = ',',
        help_heading = COMPUTING
    )]
    pub(crate) backend: Vec<Backend>,
    /// Threads of the CPU to compute with, which changes no result [default: as many as there are cores, or RAYON_NUM_THREADS]
    #[arg(
        long,
        global = true,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=1024),
        help_heading = COMPUTING
    )]
    pub(crate) threads: Option<u16>,
    /// The folder that run folders are made in, and found in by name [default: runs]
    #[arg(long, global = true, value_name = "DIR", help_heading = OUTPUT)]
    pub(crate) out: Option<PathBuf>,
    /// One JSON document on stdout and nothing else there
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub(crate) json: bool,
    /// Tables of at most 80 columns, as for a narrow terminal
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub(crate) narrow: bool,
    /// No progress, errors only
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = OUTPUT)]
    pub(crate) quiet: bool,
    /// Burn's own training dashboard instead of the progress bar
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub(crate) tui: bool,
    /// More about what happens, such as a line per epoch at a terminal; -vv for even more
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = OUTPUT)]
    pub(crate) verbose: u8,
}

/// Help of `--data`.
fn data_help() -> String {
    let names: Vec<&str> = zoo_lab::Source::names().collect();
    format!(
        "{}; or the path of a folder of photos, of batches of CIFAR-10 or CIFAR-100, of their archive, or of MNIST's files [default: \
         shapes10, which is generated]",
        names.join(", ")
    )
}
