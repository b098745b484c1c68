//! The layers that a recipe is made of: the default of the model, then `--config` files, then `--set`.
//!
//! Each layer changes keys of the one before and is checked by itself, so that an error names the file or the option it
//! came from. A table whose `kind` changes starts anew: keys of the old kind mean nothing to the new one.

use std::path::Path;

use anyhow::Context;
use toml::{Table, Value};

use crate::cli::{GlobalOptions, UsageError};
use crate::nearest::{nearest, unknown};
use crate::recipes::{self, Entry, Recipe};
use crate::runs::RunConfig;

/// Keys that a resolved config has besides the recipes.
pub(crate) const RUN: &str = "run";
/// The key that names the model of a file with one recipe.
pub(crate) const MODEL: &str = "model";

/// A change to one model's recipe, and where it is from.
struct Layer {
    origin: String,
    model: &'static str,
    table: Table,
}

/// Makes the recipes of `models` from the options. Those of other models are checked, too.
///
/// # Errors
/// [`UsageError`] for an unknown model or key, a wrong type, or a file that can't be read or parsed.
pub(crate) fn resolve(
    options: &GlobalOptions,
    models: &[&'static Entry],
) -> anyhow::Result<Vec<Box<dyn Recipe>>> {
    let mut layers = Vec::new();
    for path in &options.config {
        layers.extend(read_file(path, models)?);
    }
    let mut sets = options.set.iter().map(|set| parse_set(set, models)).collect::<Result<Vec<_>, _>>()?;
    // A kind comes before the keys that belong to it, in whichever order they are given.
    sets.sort_by_key(|layer| {
        let key = layer.origin.split('=').next().unwrap_or_default();
        key.rsplit('.').next() != Some("kind")
    });
    layers.extend(sets);
    for entry in &recipes::ENTRIES {
        resolve_one(entry, &layers)?;
    }
    models.iter().map(|entry| resolve_one(entry, &layers)).collect()
}

fn resolve_one(entry: &Entry, layers: &[Layer]) -> anyhow::Result<Box<dyn Recipe>> {
    let mut table: Table = entry.defaults.parse().expect("the default recipe is valid TOML");
    table.remove(MODEL);
    let mut recipe = (entry.parse)(table.clone()).expect("the default recipe is valid");
    for layer in layers.iter().filter(|layer| layer.model == entry.name) {
        merge(&mut table, layer.table.clone(), "")
            .map_err(|reason| UsageError(format!("{}: {reason}", layer.origin)))?;
        recipe = (entry.parse)(table.clone()).map_err(|error| invalid(&layer.origin, &error))?;
    }
    Ok(recipe)
}

/// The `[run]` of the last config file that has one.
///
/// # Errors
/// [`UsageError`] for a file that can't be read or parsed, or a `[run]` that zoo has not written.
pub(crate) fn run_of(options: &GlobalOptions) -> Result<Option<RunConfig>, UsageError> {
    let mut last = None;
    for path in &options.config {
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

/// A file is either one recipe, with `model = "cnn"` at its top, or a table for each model.
fn read_file(path: &Path, models: &[&'static Entry]) -> anyhow::Result<Vec<Layer>> {
    let origin = path.display().to_string();
    let usage = |reason: String| UsageError(format!("{origin}: {reason}"));
    let mut table = read_table(path)?;
    table.remove(RUN);
    if let Some(name) = table.remove(MODEL) {
        let Some(name) = name.as_str() else { return Err(usage("model must be a name".into()).into()) };
        let model = recipes::find(name).map_err(|error| usage(error.0))?.name;
        if !models.iter().any(|entry| entry.name == model) {
            log::warn!("{origin} is a recipe for {model}, which is not asked for; it changes nothing");
        }
        return Ok(vec![Layer { origin, model, table }]);
    }
    table
        .into_iter()
        .map(|(name, value)| {
            let missing = || {
                usage(format!(
                    "no `model = \"…\"`, and {name:?} is no model ({})",
                    recipes::names().join(", ")
                ))
            };
            let model = recipes::find(&name).map_err(|_| missing())?.name;
            let Value::Table(table) = value else {
                return Err(usage(format!("{name} must be a table")).into());
            };
            Ok(Layer { origin: origin.clone(), model, table })
        })
        .collect()
}

/// `optimizer.learning_rate=0.01`, or `svm.optimizer.learning_rate=0.01` if there are several models.
fn parse_set(set: &str, models: &[&'static Entry]) -> anyhow::Result<Layer> {
    let origin = format!("--set {set}");
    let usage = |reason: &str| UsageError(format!("{origin}: {reason}"));
    let (key, value) = set.split_once('=').ok_or_else(|| usage("expected KEY=VALUE"))?;
    let mut path: Vec<&str> = key.trim().split('.').collect();
    let named = models.iter().find(|entry| entry.name == path[0]);
    if named.is_none() && path.len() > 1 && recipes::find(path[0]).is_ok() {
        return Err(usage(&format!("{} is not among the models of this run", path[0])).into());
    }
    let model = match (named, models) {
        (Some(entry), _) if path.len() > 1 => {
            path.remove(0);
            entry.name
        }
        (_, [only]) => only.name,
        _ => {
            let names: Vec<&str> = models.iter().map(|entry| entry.name).collect();
            let reason = "with several models the key begins with one of them";
            return Err(
                UsageError(format!("{origin}: {reason}: {}", unknown("model", path[0], &names))).into()
            );
        }
    };
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
    Ok(Layer { origin, model, table: Table::from_iter([(path[0].to_string(), value)]) })
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
                if over.get("kind").is_some_and(|kind| below.get("kind") != Some(kind)) {
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
        let models: Vec<_> = models.iter().map(|name| recipes::find(name).unwrap()).collect();
        resolve(&cli.global, &models)?.iter().map(|recipe| recipe.config()).collect()
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
    fn errors_name_origin_key_and_nearest_choice() {
        assert_eq!(
            error(&["svm"], &["--set", "optimizer.momentun=0.5"]),
            "--set optimizer.momentun=0.5: optimizer: unknown field `momentun`, expected one of `learning_rate`, \
             `momentum`, `nesterov`, `weight_decay`, `decay_biases`, `norm_bias_scale`; did you mean `momentum`?"
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
