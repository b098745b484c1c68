//! Recipes in files.

use std::path::Path;

use toml::{Table, Value};

use crate::entry::Entry;
use crate::error::RecipeError;
use crate::key::{MODEL, REPRODUCE, ROW, RUN, SEARCH};
use crate::registry::Registry;

/// How names of files with recipes end.
const EXTENSION: &str = "toml";

/// A recipe as a file has it.
pub(crate) struct FileRecipe {
    /// Its name, if it isn't that of its model.
    pub(crate) name: Option<String>,
    pub(crate) entry: Entry,
    /// The keys that it changes.
    pub(crate) table: Table,
}

/// What a file has.
pub(crate) struct FileRecipes {
    pub(crate) recipes: Vec<FileRecipe>,
    /// Its `[search]`.
    pub(crate) search: Option<Value>,
}

/// Whether an argument is a file with recipes rather than a name.
#[must_use]
pub fn is_file(argument: &str) -> bool {
    Path::new(argument).extension().is_some_and(|extension| extension == EXTENSION)
}

/// The table in the file at `path`.
///
/// # Errors
/// [`RecipeError::Layer`] for a file that can't be read or parsed.
pub fn read_table(path: &Path) -> Result<Table, RecipeError> {
    let wrong = |reason: String| RecipeError::layer(path.display().to_string(), reason);
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot read it: {error}")))?;
    text.parse().map_err(|error: toml::de::Error| wrong(error.to_string().trim().into()))
}

impl FileRecipes {
    /// Those in the file at `path`, which names the recipe in it if there is one without a name.
    pub(crate) fn read(registry: &Registry, path: &Path) -> Result<Self, RecipeError> {
        let name = path.file_stem().map(|stem| stem.to_string_lossy());
        Self::of_table(registry, &path.display().to_string(), name.as_deref(), read_table(path)?)
    }

    /// Those in `table`, a whole file: either one, with `model = "cnn"` at its top, which is called `name`; or a table each, which
    /// names its model unless it is named like it.
    pub(crate) fn of_table(
        registry: &Registry,
        origin: &str,
        name: Option<&str>,
        mut table: Table,
    ) -> Result<Self, RecipeError> {
        let wrong = |reason: String| RecipeError::layer(origin, reason);
        if table.contains_key(REPRODUCE) {
            return Err(wrong("it says which suite was measured; `zoo reproduce` measures it again".into()));
        }
        let search = table.remove(SEARCH);
        table.remove(RUN);
        table.remove(ROW);
        let find = |name: &Value| {
            let Some(name) = name.as_str() else { return Err(wrong("model must be a name".into())) };
            registry.find_model(name).map_err(|error| wrong(error.to_string()))
        };
        if let Some(model) = table.remove(MODEL) {
            let recipe = FileRecipe { name: name.map(Into::into), entry: find(&model)?, table };
            return Ok(Self { recipes: vec![recipe], search });
        }
        let named = table.into_iter().map(|(name, value)| {
            let Value::Table(mut table) = value else {
                let models: Vec<&str> = registry.model_names().collect();
                let (key, models) = (format!("{name:?}"), models.join(", "));
                return Err(wrong(format!(
                    "no `model = \"…\"`, and {key} is not a table of a model ({models})"
                )));
            };
            Ok(match table.remove(MODEL) {
                Some(model) if model.as_str() != Some(&name) => {
                    FileRecipe { name: Some(name), entry: find(&model)?, table }
                }
                Some(model) => FileRecipe { name: None, entry: find(&model)?, table },
                None => FileRecipe { name: None, entry: find(&Value::String(name))?, table },
            })
        });
        Ok(Self { recipes: named.collect::<Result<_, _>>()?, search })
    }

    /// The same, if there is a recipe.
    ///
    /// # Errors
    /// [`RecipeError::Layer`] if there is none.
    pub(crate) fn not_empty(self, origin: &str) -> Result<Self, RecipeError> {
        if self.recipes.is_empty() {
            return Err(RecipeError::layer(origin, "there is no recipe in it"));
        }
        Ok(self)
    }
}
