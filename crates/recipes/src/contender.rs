//! A model with the recipe that it takes part with.

use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};
use zoo_backends::Machine;
use zoo_schema::ModelResult;
use zoo_train::search::Settings;

use crate::entry::Entry;
use crate::error::RecipeError;
use crate::estimator::{Dimensions, Estimator};
use crate::file::checked;
use crate::key::MODEL;
use crate::layer::{Layer, kinds_first, lay};
use crate::registry::Registry;

/// A `[search]`, and where it is from.
#[derive(Clone, Debug)]
pub struct SearchTable {
    /// The file or the recipe.
    pub origin: String,
    /// The table.
    pub value: Value,
}

/// A model with the recipe that it takes part with.
pub struct Contender {
    /// The model.
    pub entry: Entry,
    /// The recipe's name, if it is not the model's default one.
    pub recipe_name: Option<String>,
    /// The recipe.
    pub estimator: Box<dyn Estimator>,
    /// What a search over the recipe tries unless told otherwise: the `[search]` of its own file, or else of its model.
    pub search: Option<SearchTable>,
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entry, recipe_name, search, estimator: _ } = self;
        let mut debug = f.debug_struct("Contender");
        debug.field("entry", entry).field("recipe_name", recipe_name).field("search", search);
        debug.finish_non_exhaustive()
    }
}

impl Contender {
    /// The name of the recipe, or of the model.
    #[must_use]
    pub fn name(&self) -> &str {
        self.recipe_name.as_deref().unwrap_or(self.entry.name)
    }

    /// The same model with another recipe.
    #[must_use]
    pub fn with_estimator(&self, estimator: Box<dyn Estimator>) -> Self {
        let Self { entry, recipe_name, search, .. } = self;
        Self { entry: *entry, recipe_name: recipe_name.clone(), estimator, search: search.clone() }
    }

    /// A result of which nothing is known yet.
    ///
    /// # Errors
    /// [`RecipeError::Write`] if the recipe can't be written as JSON.
    pub fn result(&self, machine: &Machine) -> Result<ModelResult, RecipeError> {
        let result = ModelResult::new(self.entry.name, machine.backend, self.config_json()?);
        Ok(ModelResult { recipe: self.recipe_name.clone(), ..result })
    }

    /// The recipe as results have it.
    ///
    /// # Errors
    /// [`RecipeError::Write`] if the recipe can't be written as JSON.
    pub fn config_json(&self) -> Result<serde_json::Value, RecipeError> {
        let config = serde_json::to_value(self.estimator.config()?);
        config.map_err(|error| RecipeError::Write { what: "JSON", reason: error.to_string() })
    }

    /// Refuses a recipe that images of these `dimensions` can't be given to.
    ///
    /// # Errors
    /// [`RecipeError::Config`] names the contender and the key, [`RecipeError::Load`] a file that it needs.
    pub fn check(&self, dimensions: Dimensions) -> Result<(), RecipeError> {
        let name = || self.name().into();
        self.estimator.check(dimensions).map_err(|invalid| RecipeError::Config { name: name(), invalid })?;
        self.estimator.check_files()
    }

    /// Every key of the recipe, and its model.
    ///
    /// # Errors
    /// [`RecipeError::Write`] if the recipe can't be written as TOML.
    pub fn table(&self) -> Result<Table, RecipeError> {
        let mut table = self.estimator.config()?;
        table.insert(MODEL.into(), self.entry.name.into());
        Ok(table)
    }

    /// Reads what [`table`](Self::table) has written to `origin`.
    ///
    /// # Errors
    /// [`RecipeError::Stored`] names the key that is wrong.
    pub fn from_table(
        registry: &Registry,
        origin: &str,
        mut table: Table,
        recipe_name: Option<String>,
    ) -> Result<Self, RecipeError> {
        let wrong = |reason: String| RecipeError::Stored { origin: origin.into(), reason };
        let Some(Value::String(model)) = table.remove(MODEL) else {
            return Err(wrong("it names no model".into()));
        };
        let entry = registry.find_model(&model).map_err(|error| wrong(error.to_string()))?;
        let estimator = entry.read(table).map_err(|error| wrong(error.to_string().trim().into()))?;
        let recipe_name = recipe_name.map(|name| checked(&name)).transpose().map_err(wrong)?;
        Ok(Self { entry, recipe_name, estimator, search: None })
    }

    /// The same recipe with other values of some keys.
    ///
    /// # Errors
    /// [`RecipeError::Layer`] for a key that the recipe hasn't, or a value of a wrong type.
    pub fn with(&self, settings: &Settings) -> Result<Self, RecipeError> {
        let mut layers = Vec::new();
        for (key, value) in settings {
            let path: Vec<&str> = key.split('.').collect();
            let origin = format!("{key}={value}");
            layers.push(Layer::of_key(origin, self.entry.name.into(), &path, value.clone())?);
        }
        kinds_first(&mut layers);
        Ok(self.with_estimator(lay(self.entry, self.estimator.config()?, layers.iter())?))
    }

    /// The same recipe with the network that its features are from, if they are from one, at the place that `locate` knows for its name.
    ///
    /// # Errors
    /// Those of [`with`](Self::with).
    pub(crate) fn with_network(
        &self,
        locate: &dyn Fn(&Path) -> Option<PathBuf>,
    ) -> Result<Self, RecipeError> {
        let config = self.estimator.config()?;
        let mut settings = Settings::new();
        for place in ["architecture.features", "features"] {
            let features = place.split('.').try_fold(&config, |table, key| table.get(key)?.as_table());
            let network = features.and_then(|features| features.get("network")?.as_str()).map(Path::new);
            let found = network.filter(|network| !network.exists()).and_then(locate);
            let path = found.map(|path| Value::String(path.to_string_lossy().into_owned()));
            settings.extend(path.map(|path| (format!("{place}.network"), path)));
        }
        self.with(&settings)
    }

    /// The same recipe with smooth parts in place of those that have kinks, called `mlp, gelu`; `None` if it has no such parts.
    #[must_use]
    pub fn smooth(&self) -> Option<Self> {
        let (changes, estimator) = self.estimator.trainable()?.smooth()?;
        let recipe_name = Some(format!("{}, {}", self.name(), changes.join(", ")));
        Some(Self { recipe_name, ..self.with_estimator(estimator) })
    }
}
