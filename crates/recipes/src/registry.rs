//! The registry of models: a new one is a line in [`Registry::zoo`].

use serde::de::DeserializeOwned;
use toml::{Table, Value};
use zoo_cnn::CnnConfig;
use zoo_core::Unknown;
use zoo_knn::KnnConfig;
use zoo_mlp::MlpConfig;
use zoo_softmax::SoftmaxConfig;
use zoo_svm::SvmConfig;
use zoo_train::Recipe;

use crate::error::RecipeError;
use crate::estimator::Estimator;
use crate::key::{MODEL, SEARCH};
use crate::table::parse;

/// A recipe that has been read, or the key that is wrong and why.
pub type Parsed = Result<Box<dyn Estimator>, serde_path_to_error::Error<toml::de::Error>>;

/// The text of a recipe in `configs/`.
macro_rules! recipe {
    ($path:literal) => {
        include_str!(concat!("../../../configs/", $path, ".toml"))
    };
}

/// A model of the zoo, whose default recipe is named like it.
macro_rules! entry {
    ($name:literal, $estimator:ty) => {
        Entry::new::<$estimator>($name, recipe!($name))
    };
}

/// A model that can be asked for by name.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its default recipe, TOML, with the `[search]` that suits it.
    recipe: &'static str,
    read: fn(Table) -> Parsed,
}

impl Entry {
    /// The model `name`: `recipe` is its default recipe, TOML, every key with its value; a `[search]` in it says what a search
    /// over it tries unless told otherwise. `E` reads such a table: [`zoo_train::Recipe`] of an architecture does.
    #[must_use]
    pub const fn new<E: Estimator + DeserializeOwned + 'static>(
        name: &'static str,
        recipe: &'static str,
    ) -> Self {
        Self { name, recipe, read: read::<E> }
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

/// The models that can be asked for by name, and other recipes of them that have names.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    models: Vec<Entry>,
    /// Names, and TOML with the model at its top.
    recipes: Vec<(&'static str, &'static str)>,
}

impl Registry {
    /// The models of this project. Those that learn are checked in this order.
    #[must_use]
    pub fn zoo() -> Self {
        Self {
            models: vec![
                entry!("knn", KnnConfig),
                entry!("softmax", Recipe<SoftmaxConfig>),
                entry!("svm", Recipe<SvmConfig>),
                entry!("mlp", Recipe<MlpConfig>),
                entry!("cnn", Recipe<CnnConfig>),
            ],
            recipes: vec![
                ("vgg", recipe!("vgg")),
                ("lenet", recipe!("lenet")),
                ("resnet20", recipe!("resnet20")),
                ("airbench93", recipe!("airbench/93")),
                ("airbench94", recipe!("airbench/94")),
            ],
        }
    }

    /// No models yet.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The same with one more model; it replaces one of the same name.
    #[must_use]
    pub fn with(mut self, entry: Entry) -> Self {
        match self.models.iter_mut().find(|other| other.name == entry.name) {
            Some(other) => *other = entry,
            None => self.models.push(entry),
        }
        self
    }

    /// The same with one more recipe, TOML that names its model at its top; it replaces one of the same name.
    #[must_use]
    pub fn with_recipe(mut self, name: &'static str, recipe: &'static str) -> Self {
        self.recipes.retain(|(other, _)| *other != name);
        self.recipes.push((name, recipe));
        self
    }

    /// The models.
    #[must_use]
    pub fn models(&self) -> &[Entry] {
        &self.models
    }

    /// The names of all models.
    pub fn model_names(&self) -> impl Iterator<Item = &'static str> {
        self.models.iter().map(|entry| entry.name)
    }

    /// The names of all recipes that are not a model's default one.
    pub fn recipe_names(&self) -> impl Iterator<Item = &'static str> {
        self.recipes.iter().map(|(name, _)| *name)
    }

    /// The model of that name.
    ///
    /// # Errors
    /// [`RecipeError::Unknown`] if there is none.
    pub fn find(&self, name: &str) -> Result<Entry, RecipeError> {
        let found = self.models.iter().find(|entry| entry.name == name).copied();
        found.ok_or_else(|| {
            let names: Vec<&str> = self.model_names().chain(self.recipe_names()).collect();
            Unknown::new("model", name, &names).into()
        })
    }

    /// The text of the recipe of that name, if there is one.
    pub(crate) fn recipe(&self, name: &str) -> Option<&'static str> {
        self.recipes.iter().find(|(other, _)| *other == name).map(|(_, text)| *text)
    }
}
