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
    place: Place,
}

/// Where a layer comes among those that are given together, in whichever order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// It names the kind of something, and so comes before the keys of that kind.
    First,
    Middle,
    /// It says how few images change epochs or batches, which to set those switches off.
    Last,
}

/// How long to train, and in batches of what size: keys of `[train]`.
const LENGTH: [&str; 2] = ["epochs", "batch_size"];
/// What few images change about it.
const FEW: [&str; 2] = ["few_images", "least_batches"];

impl Layer {
    /// What a file changes.
    pub(crate) fn of_file(origin: String, target: String, table: Table) -> Self {
        Self { origin, target, table, place: Place::Middle }
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
        let place = match path {
            [.., "kind"] => Place::First,
            ["train", key] if FEW.contains(key) => Place::Last,
            _ => Place::Middle,
        };
        Ok(Self { origin, target, table, place })
    }
}

/// Puts each kind before the keys that belong to it, in whichever order they are given.
pub(crate) fn kinds_first(layers: &mut [Layer]) {
    layers.sort_by_key(|layer| layer.place);
}

/// Takes epochs and batches as they are where `over`, which was just laid upon `table`, sets one of them: whoever does means that
/// many, however few images there are.
fn take_length_as_it_is(table: &mut Table, over: &Table) {
    let (Some(Value::Table(train)), Some(Value::Table(over))) = (table.get_mut("train"), over.get("train"))
    else {
        return;
    };
    if LENGTH.iter().any(|key| over.contains_key(*key)) {
        for key in FEW.into_iter().filter(|key| !over.contains_key(*key)) {
            if let Some(value) = train.get_mut(key) {
                *value = Value::Integer(0);
            }
        }
    }
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
        take_length_as_it_is(&mut table, &layer.table);
        estimator = entry.read(table.clone()).map_err(|error| invalid(&layer.origin, &error))?;
    }
    Ok(estimator)
}
