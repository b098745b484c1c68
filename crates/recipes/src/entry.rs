//! A model that can be asked for by name.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::error::RecipeError;
use crate::estimator::Estimator;
use crate::key::{MODEL, SEARCH};
use crate::table::parse;

/// A recipe that has been read, or the key that is wrong and why.
pub type Parsed = Result<Box<dyn Estimator>, serde_path_to_error::Error<toml::de::Error>>;

/// A model that can be asked for by name.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its default recipe, TOML, with the `[search]` that suits it.
    recipe: &'static str,
    read: fn(Table) -> Parsed,
    /// Makes the JSON Schema of a whole recipe.
    schema: fn(&mut SchemaGenerator) -> Schema,
}

impl Entry {
    /// The model `name`: `recipe` is its default recipe, TOML, every key with its value; a `[search]` in it says what a search
    /// over it tries unless told otherwise. `E` reads such a table: [`zoo_train::Recipe`] of an architecture does.
    #[must_use]
    pub const fn new<E: Estimator + DeserializeOwned + 'static>(
        name: &'static str,
        recipe: &'static str,
    ) -> Self {
        Self { name, recipe, read: read::<E>, schema: serde_json::Value::json_schema }
    }

    /// The same with the keys that its recipes have in the [schema](crate::Registry::schema) of recipes; without, that accepts any.
    /// [`zoo_train::Recipe`] of an architecture that has a [`JsonSchema`] has one, too.
    #[must_use]
    pub const fn with_schema<E: Estimator + DeserializeOwned + JsonSchema + 'static>(
        name: &'static str,
        recipe: &'static str,
    ) -> Self {
        Self { schema: E::json_schema, ..Self::new::<E>(name, recipe) }
    }

    /// The JSON Schema of a whole recipe: anything if nothing is known of its keys.
    pub(crate) fn schema(self, generator: &mut SchemaGenerator) -> Schema {
        (self.schema)(generator)
    }

    /// Reads a recipe.
    pub(crate) fn read(self, table: Table) -> Parsed {
        (self.read)(table)
    }

    /// The default recipe without what isn't part of it.
    ///
    /// # Errors
    /// [`RecipeError::Layer`] if it is not TOML.
    pub(crate) fn defaults(self) -> Result<Table, RecipeError> {
        let mut table = self.text()?;
        table.remove(MODEL);
        table.remove(SEARCH);
        Ok(table)
    }

    /// The `[search]` of the default recipe, if it has one.
    ///
    /// # Errors
    /// [`RecipeError::Layer`] if the recipe is not TOML.
    pub(crate) fn search(self) -> Result<Option<Value>, RecipeError> {
        Ok(self.text()?.remove(SEARCH))
    }

    fn text(self) -> Result<Table, RecipeError> {
        let wrong = |error: toml::de::Error| {
            RecipeError::layer(format!("the default recipe of {}", self.name), error.to_string().trim())
        };
        self.recipe.parse().map_err(wrong)
    }
}

fn read<E: Estimator + DeserializeOwned + 'static>(table: Table) -> Parsed {
    Ok(Box::new(parse::<E>(table)?))
}
