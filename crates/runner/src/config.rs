//! The layers that a recipe is made of: the default of the model, then `--config` files, then `--set`.
//!
//! Each layer changes keys of the one before and is checked by itself, so that an error names the file or the option it
//! came from. A table whose `kind` is named starts anew: what was said of another kind, or for another model, doesn't suit
//! this one.

use std::path::{Path, PathBuf};

use anyhow::Context;
use toml::{Table, Value};
use zoo_core::result::ModelResult;

use crate::backend::Selected;
use crate::cli::{GlobalOptions, UsageError};
use crate::nearest::{nearest, unknown};
use crate::recipes::{self, Entry, Recipe};
use crate::runs::RunConfig;

/// Keys that a resolved config has besides the recipes.
pub(crate) const RUN: &str = "run";
/// The key that names the model of a recipe.
pub(crate) const MODEL: &str = "model";
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
    // A kind comes before the keys that belong to it, in whichever order they are given.
    above.sort_by_key(|layer| {
        let key = layer.origin.split('=').next().unwrap_or_default();
        key.rsplit('.').next() != Some("kind")
    });
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
    let mut recipe = (entry.parse)(table.clone()).expect("the default recipe is valid");
    for layer in layers {
        merge(&mut table, layer.table.clone(), "")
            .map_err(|reason| UsageError(format!("{}: {reason}", layer.origin)))?;
        recipe = (entry.parse)(table.clone()).map_err(|error| invalid(&layer.origin, &error))?;
    }
    Ok(recipe)
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

fn read_table(path: &Path) -> Result<Table, UsageError> {
    let usage = |reason: String| UsageError(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| usage(format!("cannot read it: {error}")))?;
    text.parse().map_err(|error: toml::de::Error| usage(error.to_string().trim().into()))
}

/// Recipes by name, as a file has them: either one, with `model = "cnn"` at its top, named after the file; or a table each,
/// which names its model unless it is named like it.
fn read_tables(path: &Path) -> anyhow::Result<Vec<(Option<String>, &'static Entry, Table)>> {
    let usage = |reason: String| UsageError(format!("{}: {reason}", path.display()));
    let mut table = read_table(path)?;
    table.remove(RUN);
    let find = |name: &Value| {
        let Some(name) = name.as_str() else { return Err(usage("model must be a name".into())) };
        recipes::find(name).map_err(|error| usage(error.0))
    };
    if let Some(model) = table.remove(MODEL) {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        return Ok(vec![(name, find(&model)?, table)]);
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
    let origin = path.display().to_string();
    let asked = read_tables(path)?.into_iter().map(|(recipe_name, entry, table)| {
        let target = recipe_name.clone().unwrap_or_else(|| entry.name.into());
        Asked { entry, recipe_name, layer: Some(Layer { origin: origin.clone(), target, table }) }
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
    let target = target.to_string();
    if path.iter().any(|part| part.is_empty()) {
        return Err(usage("the key has an empty part").into());
    }
    // What is no TOML value is a string: `metric=l1`.
    let parsed =
        format!("value = {}", value.trim()).parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    let mut value = parsed.unwrap_or_else(|| Value::String(value.trim().into()));
    for part in path[1..].iter().rev() {
        value = Value::Table(Table::from_iter([((*part).to_string(), value)]));
    }
    Ok(Layer { origin, target, table: Table::from_iter([(path[0].to_string(), value)]) })
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
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn resolve_with(models: &[&str], arguments: &[&str]) -> anyhow::Result<Vec<Table>> {
        let cli = Cli::parse_from(["zoo", "compare"].iter().chain(arguments));
        contenders(&cli.global, models)?.iter().map(|contender| contender.recipe.config()).collect()
    }

    fn error(models: &[&str], arguments: &[&str]) -> String {
        let error = resolve_with(models, arguments).unwrap_err();
        assert!(error.is::<UsageError>());
        error.to_string()
    }

    #[test]
    fn set_changes_one_key() {
        let table = &resolve_with(&["svm"], &["--set", "optimizer.learning_rate=0.5"]).unwrap()[0];
        assert_eq!(table["optimizer"]["learning_rate"].as_float(), Some(0.5));
        assert_eq!(table["optimizer"]["kind"].as_str(), Some("sgd"));
        let tables =
            resolve_with(&["knn", "svm"], &["--set", "knn.metric=l1", "--set", "svm.train.epochs=3"])
                .unwrap();
        assert_eq!(tables[0]["metric"].as_str(), Some("l1"));
        assert_eq!(tables[1]["train"]["epochs"].as_float(), Some(3.0));
    }

    #[test]
    fn another_kind_starts_anew() {
        let table = &resolve_with(&["cnn"], &["--set", "optimizer.kind=adam"]).unwrap()[0];
        assert_eq!(table["optimizer"]["beta_1"].as_float(), Some(0.9));
        assert_eq!(table["optimizer"]["learning_rate"].as_float(), Some(0.001));
        assert!(table["optimizer"].get("momentum").is_none());
        let keys = ["--set", "optimizer.learning_rate=0.5", "--set", "optimizer.kind=adam"];
        let table = &resolve_with(&["cnn"], &keys).unwrap()[0];
        assert_eq!(table["optimizer"]["learning_rate"].as_float(), Some(0.5), "in whichever order");
    }

    #[test]
    fn files_lie_below_options() {
        let place = tempfile::tempdir().unwrap();
        let (one, many) = (place.path().join("one.toml"), place.path().join("many.toml"));
        std::fs::write(&one, "model = \"knn\"\nk = 3\nmetric = \"l1\"\n").unwrap();
        std::fs::write(&many, "[knn]\nk = 4\n[svm.train]\nepochs = 2\n").unwrap();
        let (one, many) = (one.to_str().unwrap(), many.to_str().unwrap());
        let tables =
            resolve_with(&["knn", "svm"], &["--config", one, "--config", many, "--set", "knn.k=5"]).unwrap();
        assert_eq!(tables[0]["k"].as_integer(), Some(5));
        assert_eq!(tables[0]["metric"].as_str(), Some("l1"));
        assert_eq!(tables[1]["train"]["epochs"].as_float(), Some(2.0));
    }

    #[test]
    fn recipes_in_files_stand_beside_each_other() {
        let place = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = place.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_string()
        };
        let adam = write("adam.toml", "model = \"cnn\"\n[optimizer]\nkind = \"adam\"\n");
        let many = write("many.toml", "[slow]\nmodel = \"cnn\"\ntrain.epochs = 9\n[knn]\nk = 3\n");
        let cli = |arguments: &[&str]| Cli::parse_from(["zoo", "compare"].iter().chain(arguments)).global;
        let found = contenders(
            &cli(&["--set", "cnn.train.batch_size=7", "--set", "slow.train.epochs=8"]),
            &["cnn", &adam, &many],
        );
        let found = found.unwrap();
        let names: Vec<&str> = found.iter().map(Contender::name).collect();
        assert_eq!(names, ["cnn", "adam", "knn", "slow"]);
        let tables: Vec<Table> = found.iter().map(|one| one.recipe.config().unwrap()).collect();
        let of_cnn = [&tables[0], &tables[1], &tables[3]];
        let kinds = of_cnn.map(|table| table["optimizer"]["kind"].as_str().unwrap());
        assert_eq!(kinds, ["sgd", "adam", "sgd"]);
        assert!(of_cnn.iter().all(|table| table["train"]["batch_size"].as_integer() == Some(7)));
        assert_eq!(tables[3]["train"]["epochs"].as_float(), Some(8.0));
        assert_eq!(tables[2]["k"].as_integer(), Some(3));

        // Recipes of one model alone need no name in front of a key.
        let found = contenders(&cli(&["--set", "train.epochs=2"]), &["cnn", &adam]).unwrap();
        let epochs = |one: &Contender| one.recipe.config().unwrap()["train"]["epochs"].as_float();
        assert!(found.iter().all(|one| epochs(one) == Some(2.0)));
        let error = contenders(&cli(&[]), &[&adam, &adam]).err().unwrap().to_string();
        assert!(error.ends_with("adam is named twice"), "{error}");
        let wrong = write("wrong.toml", "[fast]\nepochs = 9\n");
        let error = contenders(&cli(&[]), &[&wrong]).err().unwrap().to_string();
        assert!(error.contains("unknown model \"fast\""), "{error}");
    }

    #[test]
    fn errors_name_origin_key_and_nearest_choice() {
        assert_eq!(
            error(&["svm"], &["--set", "optimizer.momentun=0.5"]),
            "--set optimizer.momentun=0.5: optimizer: unknown field `momentun`, expected one of `learning_rate`, \
             `momentum`, `nesterov`, `weight_decay`, `groups`; did you mean `momentum`?"
        );
        let message = error(&["svm"], &["--set", "optimizer.kind=adma"]);
        assert!(message.ends_with("did you mean `adam`?"), "{message}");
        let message = error(&["knn"], &["--set", "k=many"]);
        assert_eq!(message, "--set k=many: k is the string \"many\"; expected: integer, as in 10");
        let message = error(&["svm"], &["--set", "optimizer.learning_rate=fast"]);
        assert!(
            message.contains("optimizer.learning_rate is the string \"fast\"; expected: float"),
            "{message}"
        );
        assert!(
            error(&["svm"], &["--set", "loss=hinge"])
                .contains("loss is the string \"hinge\"; expected: table")
        );
        assert!(error(&["knn"], &["--set", "svm.train.epochs=1"]).contains("svm is not among the models"));
        let message = error(&["knn"], &["--set", "kk=1"]);
        assert!(message.contains("unknown field `kk`"), "{message}");
        assert!(error(&["knn", "svm"], &["--set", "k=1"]).contains("with several models"));
        assert!(error(&["knn"], &["--set", "k"]).contains("expected KEY=VALUE"));
        let place = tempfile::tempdir().unwrap();
        let other = place.path().join("other.toml");
        std::fs::write(&other, "[cnn]\nbogus = 1\n").unwrap();
        assert!(error(&["knn"], &["--config", other.to_str().unwrap()]).contains("unknown field `bogus`"));
        assert!(error(&["knn"], &["--config", "/no/such.toml"]).contains("/no/such.toml: cannot read it"));
    }
}
