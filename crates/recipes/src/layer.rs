//! Changes to recipes, laid upon each other.

use toml::{Table, Value};

use crate::entry::Entry;
use crate::error::RecipeError;
use crate::estimator::Estimator;
use crate::table::{invalid, merge, nest};

/// A change to recipes, and where it is from.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// The file, or the option with its value: what an error begins with.
    pub(crate) origin: String,
    /// The model whose recipes it changes, or the name of one recipe.
    pub(crate) target: String,
    pub(crate) table: Table,
    /// Whether it names the kind of something, and so comes before the keys of that kind.
    names_kind: bool,
}

impl Layer {
    /// What a file changes.
    pub(crate) fn of_file(origin: String, target: String, table: Table) -> Self {
        Self { origin, target, table, names_kind: false }
    }

    /// One key.
    ///
    /// # Errors
    /// [`RecipeError::Layer`] if a part of the key is empty.
    pub(crate) fn of_key(
        origin: String,
        target: String,
        path: &[&str],
        value: Value,
    ) -> Result<Self, RecipeError> {
        let table = nest(path, value, &origin)?;
        Ok(Self { origin, target, table, names_kind: path.last() == Some(&"kind") })
    }
}

/// Puts each kind before the keys that belong to it, in whichever order they are given.
pub(crate) fn kinds_first(layers: &mut [Layer]) {
    layers.sort_by_key(|layer| !layer.names_kind);
}

/// The recipe in `table` with `layers` laid upon it, each checked by itself.
pub(crate) fn lay<'a>(
    entry: Entry,
    mut table: Table,
    layers: impl Iterator<Item = &'a Layer>,
) -> Result<Box<dyn Estimator>, RecipeError> {
    let origin = || format!("the default recipe of {}", entry.name);
    let mut estimator = entry.read(table.clone()).map_err(|error| invalid(&origin(), &error))?;
    for layer in layers {
        let wrong = |reason| RecipeError::layer(&layer.origin, reason);
        merge(&mut table, layer.table.clone(), "").map_err(wrong)?;
        estimator = entry.read(table.clone()).map_err(|error| invalid(&layer.origin, &error))?;
    }
    Ok(estimator)
}
