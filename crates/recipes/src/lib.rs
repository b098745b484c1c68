//! The registry of models, and the layers that a recipe is made of.
//!
//! A *recipe* is a TOML table that says how to make one model. [`Registry::zoo`] knows the models of this project by name, and
//! takes others: an [`Entry`] is a name, a default recipe, and what reads it. [`Registry::contenders`] resolves what is asked
//! for, names or files; [`Registry::with_config`] and [`Contenders::set`] change keys. What comes out is an [`Estimator`]: it can be
//! [checked](Estimator::check) against the images, fitted, kept and loaded again, whichever model it is.
//!
//! ```
//! use zoo_recipes::Registry;
//!
//! let contenders = Registry::zoo().contenders(&["softmax", "svm"])?.set(["svm.train.epochs=3"])?;
//! assert_eq!(contenders[1].estimator.config()?["train"]["epochs"].as_float(), Some(3.0));
//! # Ok::<(), zoo_recipes::RecipeError>(())
//! ```
//!
//! **Layers.** A recipe is its model's default one, then what `--config` files change, then what its own file does, then
//! `--set`. Each layer is checked by itself, so that an error names the file or the option it came from. A table whose `kind` is
//! named starts anew: what was said of another kind, or for another model, doesn't suit this one.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read tensors as they like"))]

mod contender;
mod contenders;
mod entry;
mod error;
mod estimator;
mod file;
mod frozen;
mod key;
mod knn;
mod layer;
mod majority;
mod registry;
mod schema;
mod set;
mod sight;
mod suites;
mod table;
mod tensors;
mod text;
mod trained;
mod weights;

#[cfg(test)]
mod tests;

pub use contender::{Contender, SearchTable};
pub use contenders::Contenders;
pub use entry::{Entry, Parsed};
pub use error::RecipeError;
pub use estimator::{Dimensions, Estimator, Fitted, Job, Model, Near, Observe, Trainable};
pub use file::{is_file, read_table};
pub use key::{MODEL, REPRODUCE, ROW, RUN, SEARCH};
pub use registry::Registry;
/// For [`Entry::with_schema`]: `#[derive(JsonSchema)]`, and `#[schemars(crate = "zoo_recipes::schemars")]` where `schemars` itself is no
/// dependency.
pub use schemars;
pub use suites::SUITES;
pub use table::{parse, to_table};
/// The most bytes of a file of weights.
pub use tensors::LARGEST as LARGEST_WEIGHTS;
pub use tensors::is_whole;
pub use weights::images_to_safetensors;
