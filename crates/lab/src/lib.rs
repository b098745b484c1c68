//! The library under the command `zoo`, which only reads arguments and shows results: it compares, trains, evaluates, tunes, checks and
//! draws models from their recipes, and reproduces published results with them.
//!
//! ```
//! use zoo_backends::Backend;
//! use zoo_lab::{Protocol, Silent, Source, compare};
//! use zoo_recipes::Registry;
//!
//! let splits = Source::named("shapes10").limited(300, 100).splits(42)?;
//! let machine = "cpu".parse::<Backend>()?.select()?;
//! let contenders = Registry::zoo().contenders(&["knn", "softmax"])?.set(["softmax.train.epochs=2"])?;
//! let comparison = compare(&contenders, &splits, &[machine], Protocol::new(42), &Silent)?;
//! println!("{}", zoo_report::terminal_table(&comparison));
//! # assert_eq!(comparison.results.len(), 2);
//! # Ok::<(), zoo_lab::LabError>(())
//! ```
//!
//! - [`Source`]: which images; [`compare`], [`train`], [`evaluate`], [`Predictor`], [`losses`], [`gradients`], [`sanity`]: a function each.
//! - [`tune`]: a search over the keys of a recipe; [`reproduce`]: published results, measured again; [`pictures`]: what there is to see.
//! - [`audit`]: what is worth looking at in the images themselves.
//! - [`run`]: the folders that commands leave.
//!
//! Nothing here prints, reads the environment or ends the process. What is worth seeing meanwhile goes to a [`Watch`]; what goes
//! wrong is a [`LabError`], whose message names options of the command where one of them is the remedy.

mod answers;
mod audit;
mod chance;
mod checks;
mod compare;
mod error;
mod evaluate;
mod failure;
mod fit;
mod image_files;
mod judge;
mod lab;
mod losses;
mod memory;
mod mistakes;
mod page;
pub mod pictures;
mod predict;
mod protocol;
mod reader;
pub mod reproduce;
pub mod run;
mod source;
mod summary;
mod train;
pub mod tune;
mod watch;

pub use answers::read_answers;
pub use audit::audit;
pub use checks::{check_trainable, gradients, sanity};
pub use compare::{check, compare, compare_in};
pub use error::{LabError, in_words};
pub use evaluate::{Evaluation, evaluate, evaluate_weights};
pub use image_files::image_files;
pub use lab::Lab;
pub use losses::{check_losses, losses};
pub use mistakes::{Mistakes, Which, answers_of};
pub use page::report;
pub use predict::Predictor;
pub use protocol::Protocol;
pub use reader::Reader;
pub use source::{Relocation, Source};
pub use summary::{BURN_VERSION, ZOO_VERSION};
pub use train::{NewRun, resume, train};
pub use watch::{ProgressListener, Silent, TrainingListener, TrialListener, Watch};
