//! Recipes in files.

use std::path::{Component, Path};

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

/// The most bytes of a file with recipes, 16 MiB.
pub(crate) const LARGEST: u64 = 1 << 24;

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
    let text = zoo_files::read_to_string(path, LARGEST);
    let text = text.map_err(|error| wrong(format!("cannot read it: {error}")))?;
    text.parse().map_err(|error: toml::de::Error| wrong(error.to_string().trim().into()))
}

/// The name of a recipe as it is shown, and as its run's folder is called: it must lead to no other folder.
pub(crate) fn checked(name: &str) -> Result<String, String> {
    let mut parts = Path::new(name).components();
    let is_one =
        matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name);
    if !is_one || name.starts_with('.') {
        return Err(format!("{name:?} is no name for a recipe: a folder is called by it"));
    }
    Ok(zoo_files::printable(name).into_owned())
}

impl FileRecipes {
    /// Those in the file at `path`, which names the recipe in it if there is one without a name. All runs call theirs `config.toml`: it is
    /// called as it was in that run.
    pub(crate) fn read(registry: &Registry, path: &Path) -> Result<Self, RecipeError> {
        let (table, stem) = (read_table(path)?, path.file_stem().map(|stem| stem.to_string_lossy()));
        let of_run = table.get(RUN).filter(|_| stem.as_deref() == Some("config"));
        let name = match of_run {
            Some(run) => run.get("recipe").and_then(Value::as_str).map(|name| name.to_owned().into()),
            None => stem,
        };
        Self::of_table(registry, &path.display().to_string(), name.as_deref(), table)
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
        let named = |name: &str| checked(name).map_err(wrong);
        if let Some(model) = table.remove(MODEL) {
            let name = name.map(named).transpose()?;
            let recipe = FileRecipe { name, entry: find(&model)?, table };
            return Ok(Self { recipes: vec![recipe], search });
        }
        let recipes = table.into_iter().map(|(name, value)| {
            let Value::Table(mut table) = value else {
                let models: Vec<&str> = registry.model_names().collect();
                let (key, models) = (format!("{name:?}"), models.join(", "));
                return Err(wrong(format!(
                    "no `model = \"…\"`, and {key} is not a table of a model ({models})"
                )));
            };
            Ok(match table.remove(MODEL) {
                Some(model) if model.as_str() != Some(&name) => {
                    FileRecipe { name: Some(named(&name)?), entry: find(&model)?, table }
                }
                Some(model) => FileRecipe { name: None, entry: find(&model)?, table },
                None => FileRecipe { name: None, entry: find(&Value::String(name))?, table },
            })
        });
        Ok(Self { recipes: recipes.collect::<Result<_, _>>()?, search })
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
