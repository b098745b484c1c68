//! The layers that a recipe is made of: the default of the model, then `--config` files, then `--set`.
//!
//! Each layer changes keys of the one before and is checked by itself, so that an error names the file or the option it
//! came from. A table whose `kind` is named starts anew: what was said of another kind, or for another model, doesn't suit
//! this one.

use std::path::{Path, PathBuf};

use anyhow::Context;
use toml::{Table, Value};
use zoo_core::result::ModelResult;
use zoo_train::search::Settings;

use crate::backend::Selected;
use crate::cli::{GlobalOptions, UsageError};
use crate::nearest::{nearest, unknown};
use crate::recipes::{self, Dimensions, Entry, Recipe};
use crate::runs::RunConfig;

/// Keys that a resolved config has besides the recipes.
pub(crate) const RUN: &str = "run";
/// What a search over the keys of a recipe tries.
pub(crate) const SEARCH: &str = "search";
/// The key that names the model of a recipe.
pub(crate) const MODEL: &str = "model";
/// The key of what a suite of published results says of a recipe.
pub(crate) const ROW: &str = "row";
/// Which rows of which suite a run has measured.
pub(crate) const REPRODUCE: &str = "reproduce";
/// How names of config files end.
const EXTENSION: &str = "toml";

/// A change to recipes, and where it is from.
struct Layer {
    origin: String,
    /// The model whose recipes it changes, or the name of one recipe.
    target: String,
    table: Table,
}

/// A model with the recipe that it is asked for with.
pub(crate) struct Contender {
    pub(crate) entry: &'static Entry,
    /// The recipe's name, if it is not the model's default one.
    pub(crate) recipe_name: Option<String>,
    pub(crate) recipe: Box<dyn Recipe>,
}

impl Contender {
    /// The name of the recipe, or of the model.
    pub(crate) fn name(&self) -> &str {
        self.recipe_name.as_deref().unwrap_or(self.entry.name)
    }

    /// A result of which nothing is known yet.
    pub(crate) fn result(&self, selected: &Selected) -> anyhow::Result<ModelResult> {
        let config = serde_json::to_value(self.recipe.config()?)?;
        let result = ModelResult::new(self.entry.name, selected.backend, config);
        Ok(ModelResult { recipe: self.recipe_name.clone(), ..result })
    }

    /// Refuses a recipe that images of these `dimensions` can't be given to.
    ///
    /// # Errors
    /// [`UsageError`] names the contender and the key.
    pub(crate) fn validate(&self, dimensions: Dimensions) -> Result<(), UsageError> {
        let valid = self.recipe.validate(dimensions);
        valid.map_err(|error| UsageError(format!("{}: {error}", self.name())))
    }

    /// The same recipe called `name`, with the keys of `over` laid upon it.
    pub(crate) fn varied(&self, name: &str, over: Table) -> anyhow::Result<Self> {
        let mut table = self.recipe.config()?;
        merge(&mut table, over, "").map_err(|reason| UsageError(format!("{name}: {reason}")))?;
        let recipe = (self.entry.parse)(table).map_err(|error| invalid(name, &error))?;
        Ok(Self { entry: self.entry, recipe_name: Some(name.into()), recipe })
    }

    /// Every key of the recipe, and its model.
    pub(crate) fn table(&self) -> anyhow::Result<Table> {
        let mut table = self.recipe.config()?;
        table.insert(MODEL.into(), self.entry.name.into());
        Ok(table)
    }

    /// Reads what [`table`](Self::table) has written.
    ///
    /// # Errors
    /// Names the key that is wrong.
    pub(crate) fn from_table(mut table: Table, recipe_name: Option<String>) -> anyhow::Result<Self> {
        let Some(Value::String(model)) = table.remove(MODEL) else { anyhow::bail!("it names no model") };
        let entry = recipes::find(&model)?;
        Ok(Self { entry, recipe_name, recipe: (entry.parse)(table)? })
    }

    /// The same recipe with other values of some keys.
    ///
    /// # Errors
    /// [`UsageError`] for a key that the recipe hasn't, or a value of a wrong type.
    pub(crate) fn with(&self, settings: &Settings) -> anyhow::Result<Self> {
        let mut layers = Vec::new();
        for (key, value) in settings {
            let (origin, target) = (format!("{key}={value}"), self.entry.name.into());
            let path: Vec<&str> = key.split('.').collect();
            layers.push(Layer { table: nest(&path, value.clone(), &origin)?, origin, target });
        }
        kinds_first(&mut layers);
        let recipe = lay(self.entry, self.recipe.config()?, layers.iter())?;
        Ok(Self { entry: self.entry, recipe_name: self.recipe_name.clone(), recipe })
    }
}

/// What the command line asks for, before its recipe is resolved.
struct Asked {
    entry: &'static Entry,
    recipe_name: Option<String>,
    /// What the recipe's own file changes.
    layer: Option<Layer>,
}

impl Asked {
    /// The name of the recipe, or of the model.
    fn name(&self) -> &str {
        self.recipe_name.as_deref().unwrap_or(self.entry.name)
    }

    fn is(&self, name: &str) -> bool {
        self.entry.name == name || self.recipe_name.as_deref() == Some(name)
    }
}

/// Whether an argument is a file with recipes rather than a model's name.
pub(crate) fn is_file(argument: &str) -> bool {
    Path::new(argument).extension().is_some_and(|extension| extension == EXTENSION)
}

/// `[table]` with one key.
pub(crate) fn within(table: &str, key: &str, value: Value) -> Table {
    let inner = Table::from_iter([(key.to_string(), value)]);
    Table::from_iter([(table.to_string(), inner.into())])
}

/// Resolves the recipe of each of `arguments`: names of models, or files with recipes.
///
/// # Errors
/// [`UsageError`] for an unknown model or key, a wrong type, a name that is there twice, or a file that can't be read or
/// parsed.
pub(crate) fn contenders(options: &GlobalOptions, arguments: &[&str]) -> anyhow::Result<Vec<Contender>> {
    let mut asked: Vec<Asked> = Vec::new();
    for argument in arguments {
        let more = if is_file(argument) {
            read_recipes(Path::new(argument))?
        } else {
            vec![Asked { entry: recipes::find(argument)?, recipe_name: None, layer: None }]
        };
        for one in more {
            if asked.iter().any(|other| other.name() == one.name()) {
                return Err(UsageError(format!("{argument}: {} is named twice", one.name())).into());
            }
            asked.push(one);
        }
    }

    let mut below = Vec::new();
    for path in &options.config {
        below.extend(read_file(path, &asked)?);
    }
    let mut above = options.set.iter().map(|set| parse_set(set, &asked)).collect::<Result<Vec<_>, _>>()?;
    kinds_first(&mut above);
    // Recipes of other models are checked, too.
    for entry in &recipes::ENTRIES {
        resolve(entry, below.iter().filter(|layer| layer.target == entry.name))?;
    }
    let resolved = asked.into_iter().map(|asked| {
        let layers = below.iter().chain(&asked.layer).chain(&above);
        let recipe = resolve(asked.entry, layers.filter(|layer| asked.is(&layer.target)))?;
        Ok(Contender { entry: asked.entry, recipe_name: asked.recipe_name, recipe })
    });
    resolved.collect()
}

/// The recipe that `table`, a whole file, makes of its model's default one. It is called `name`.
///
/// # Errors
/// [`UsageError`] as [`contenders`].
pub(crate) fn contender(origin: &str, name: &str, table: Table) -> anyhow::Result<Contender> {
    let [asked]: [Asked; 1] = recipes_of(origin, Some(name), table)?
        .try_into()
        .map_err(|_| UsageError(format!("{origin}: expected one recipe, with `model = …` at its top")))?;
    let recipe = resolve(asked.entry, asked.layer.iter())?;
    Ok(Contender { entry: asked.entry, recipe_name: asked.recipe_name, recipe })
}

/// The model that `files` have a recipe for.
///
/// # Errors
/// [`UsageError`] if there is not exactly one.
pub(crate) fn only_model(files: &[PathBuf]) -> anyhow::Result<&'static str> {
    let mut models = Vec::new();
    for path in files {
        models.extend(read_tables(path)?.into_iter().map(|(_, entry, _)| entry.name));
    }
    models.dedup();
    match models[..] {
        [model] => Ok(model),
        _ => {
            Err(UsageError("--config must have the recipe of one model, whose weights they are".into())
                .into())
        }
    }
}

/// The default recipe of a model with `layers` laid upon it, each checked by itself.
fn resolve<'a>(entry: &Entry, layers: impl Iterator<Item = &'a Layer>) -> anyhow::Result<Box<dyn Recipe>> {
    let mut table: Table = entry.defaults.parse().expect("the default recipe is valid TOML");
    table.remove(MODEL);
    lay(entry, table, layers)
}

/// The recipe in `table` with `layers` laid upon it, each checked by itself.
fn lay<'a>(
    entry: &Entry,
    mut table: Table,
    layers: impl Iterator<Item = &'a Layer>,
) -> anyhow::Result<Box<dyn Recipe>> {
    let mut recipe = (entry.parse)(table.clone()).expect("a recipe without layers is valid");
    for layer in layers {
        merge(&mut table, layer.table.clone(), "")
            .map_err(|reason| UsageError(format!("{}: {reason}", layer.origin)))?;
        recipe = (entry.parse)(table.clone()).map_err(|error| invalid(&layer.origin, &error))?;
    }
    Ok(recipe)
}

/// Puts each kind before the keys that belong to it, in whichever order they are given.
fn kinds_first(layers: &mut [Layer]) {
    layers.sort_by_key(|layer| {
        let key = layer.origin.split('=').next().unwrap_or_default();
        key.rsplit('.').next() != Some("kind")
    });
}

/// The `[search]` of the file at `path`, if it has one.
///
/// # Errors
/// [`UsageError`] for a file that can't be read or parsed.
pub(crate) fn search_of(path: &Path) -> Result<Option<Value>, UsageError> {
    Ok(read_table(path)?.remove(SEARCH))
}

/// The `[run]` of the last of `files` that has one.
///
/// # Errors
/// [`UsageError`] for a file that can't be read or parsed, or a `[run]` that zoo has not written.
pub(crate) fn run_of(files: &[PathBuf]) -> Result<Option<RunConfig>, UsageError> {
    let mut last = None;
    for path in files {
        if let Some(run) = read_table(path)?.remove(RUN) {
            let run = run.try_into();
            last = Some(run.map_err(|error| UsageError(format!("{}: [run] {error}", path.display())))?);
        }
    }
    Ok(last)
}

pub(crate) fn read_table(path: &Path) -> Result<Table, UsageError> {
    let usage = |reason: String| UsageError(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| usage(format!("cannot read it: {error}")))?;
    text.parse().map_err(|error: toml::de::Error| usage(error.to_string().trim().into()))
}

/// Recipes by name, as a file has them: either one, with `model = "cnn"` at its top, named after the file; or a table each,
/// which names its model unless it is named like it.
fn read_tables(path: &Path) -> anyhow::Result<Vec<(Option<String>, &'static Entry, Table)>> {
    let name = path.file_stem().map(|stem| stem.to_string_lossy());
    tables_of(&path.display().to_string(), name.as_deref(), read_table(path)?)
}

/// The recipes in `table`, a whole file.
fn tables_of(
    origin: &str,
    name: Option<&str>,
    mut table: Table,
) -> anyhow::Result<Vec<(Option<String>, &'static Entry, Table)>> {
    let usage = |reason: String| UsageError(format!("{origin}: {reason}"));
    if table.contains_key(REPRODUCE) {
        return Err(
            usage("it says which suite was measured; `zoo reproduce` measures it again".into()).into()
        );
    }
    for key in [RUN, ROW, SEARCH] {
        table.remove(key);
    }
    let find = |name: &Value| {
        let Some(name) = name.as_str() else { return Err(usage("model must be a name".into())) };
        recipes::find(name).map_err(|error| usage(error.0))
    };
    if let Some(model) = table.remove(MODEL) {
        return Ok(vec![(name.map(Into::into), find(&model)?, table)]);
    }
    let named = table.into_iter().map(|(name, value)| {
        let Value::Table(mut table) = value else {
            let (key, models) = (format!("{name:?}"), recipes::names().join(", "));
            return Err(
                usage(format!("no `model = \"…\"`, and {key} is no table of a model ({models})")).into()
            );
        };
        match table.remove(MODEL) {
            Some(model) if model.as_str() != Some(&name) => Ok((Some(name), find(&model)?, table)),
            Some(model) => Ok((None, find(&model)?, table)),
            None => Ok((None, find(&Value::String(name))?, table)),
        }
    });
    named.collect()
}

/// The recipes of a file that is an argument.
fn read_recipes(path: &Path) -> anyhow::Result<Vec<Asked>> {
    let name = path.file_stem().map(|stem| stem.to_string_lossy());
    recipes_of(&path.display().to_string(), name.as_deref(), read_table(path)?)
}

fn recipes_of(origin: &str, name: Option<&str>, table: Table) -> anyhow::Result<Vec<Asked>> {
    let asked = tables_of(origin, name, table)?.into_iter().map(|(recipe_name, entry, table)| {
        let target = recipe_name.clone().unwrap_or_else(|| entry.name.into());
        Asked { entry, recipe_name, layer: Some(Layer { origin: origin.into(), target, table }) }
    });
    let asked: Vec<Asked> = asked.collect();
    if asked.is_empty() {
        return Err(UsageError(format!("{origin}: there is no recipe in it")).into());
    }
    Ok(asked)
}

/// What a `--config` file changes about all recipes of its models.
fn read_file(path: &Path, asked: &[Asked]) -> anyhow::Result<Vec<Layer>> {
    let origin = path.display().to_string();
    let tables = read_tables(path)?;
    if let [(_, entry, _)] = &tables[..]
        && !asked.iter().any(|one| one.entry.name == entry.name)
    {
        log::warn!("{origin} is a recipe for {}, which is not asked for; it changes nothing", entry.name);
    }
    let layers = tables.into_iter().map(|(_, entry, table)| Layer {
        origin: origin.clone(),
        target: entry.name.into(),
        table,
    });
    Ok(layers.collect())
}

/// `optimizer.learning_rate=0.01`, or `svm.optimizer.learning_rate=0.01` if there are several models.
fn parse_set(set: &str, asked: &[Asked]) -> anyhow::Result<Layer> {
    let origin = format!("--set {set}");
    let usage = |reason: &str| UsageError(format!("{origin}: {reason}"));
    let (key, value) = set.split_once('=').ok_or_else(|| usage("expected KEY=VALUE"))?;
    let mut path: Vec<&str> = key.trim().split('.').collect();
    let is_named = path.len() > 1 && asked.iter().any(|one| one.is(path[0]));
    if !is_named && path.len() > 1 && recipes::find(path[0]).is_ok() {
        return Err(usage(&format!("{} is not among the models of this run", path[0])).into());
    }
    let target = if is_named {
        path.remove(0)
    } else if asked.windows(2).all(|pair| pair[0].entry.name == pair[1].entry.name) {
        asked[0].entry.name
    } else {
        let names: Vec<&str> = asked.iter().map(|one| one.entry.name).collect();
        let reason = "with several models the key begins with one of them";
        let unknown = unknown("model", path[0], &names);
        return Err(UsageError(format!("{origin}: {reason}: {unknown}")).into());
    };
    let (target, table) = (target.to_string(), nest(&path, parse_value(value), &origin)?);
    Ok(Layer { origin, target, table })
}

/// A value as `--set` has it: what is no TOML value is a string, `metric=l1`.
pub(crate) fn parse_value(text: &str) -> Value {
    let text = text.trim();
    let parsed = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    parsed.unwrap_or_else(|| Value::String(text.into()))
}

/// The table that has `value` at `path`.
///
/// # Errors
/// If a part of the path is empty.
fn nest(path: &[&str], mut value: Value, origin: &str) -> Result<Table, UsageError> {
    if path.iter().any(|part| part.is_empty()) {
        return Err(UsageError(format!("{origin}: the key has an empty part")));
    }
    for part in path[1..].iter().rev() {
        value = Value::Table(Table::from_iter([((*part).to_string(), value)]));
    }
    Ok(Table::from_iter([(path[0].to_string(), value)]))
}

/// Lays `over` upon `table`, whose keys stand below `path`.
///
/// # Errors
/// Names a key whose value is of another type than before.
fn merge(table: &mut Table, over: Table, path: &str) -> Result<(), String> {
    for (key, value) in over {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (table.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(over)) => {
                if over.contains_key("kind") {
                    below.clear();
                }
                merge(below, over, &path)?;
            }
            (Some(below), value) if !fits(below, &value) => {
                let (expected, found) = (below.type_str(), value.type_str());
                return Err(format!("{path} is the {found} {value}; expected: {expected}, as in {below}"));
            }
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
    Ok(())
}

/// Whether a value can stand where `below` does. Whole numbers are numbers, too.
fn fits(below: &Value, value: &Value) -> bool {
    below.same_type(value) || matches!((below, value), (Value::Float(_), Value::Integer(_)))
}

/// Says what is wrong and, for a name, which valid one is nearest.
fn invalid(origin: &str, error: &serde_path_to_error::Error<toml::de::Error>) -> UsageError {
    let message = error.inner().message().to_string();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let suggestion = match quoted.split_first() {
        Some((given, valid)) if message.starts_with("unknown ") => nearest(given, valid),
        _ => None,
    };
    let suggestion = suggestion.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    let path = error.path().to_string();
    let place = if path == "." { String::new() } else { format!("{path}: ") };
    UsageError(format!("{origin}: {place}{message}{suggestion}"))
}

/// Parses `table` as `T`, with the path of the key in the error.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(
    table: Table,
) -> Result<T, serde_path_to_error::Error<toml::de::Error>> {
    serde_path_to_error::deserialize(Value::Table(table))
}

/// Writes `value` as a table.
pub(crate) fn to_table(value: impl serde::Serialize) -> anyhow::Result<Table> {
    Table::try_from(value).context("a recipe is a table")
}

#[cfg(test)]
mod tests;
