//! Runs by name: `last` is the newest, `softmax` the newest training of that recipe.

use std::path::{Component, Path, PathBuf};

use toml::{Table, Value};
use zoo_core::nearest;
use zoo_recipes::{MODEL, RUN, Registry, SEARCH};

use crate::error::LabError;
use crate::run::folder::{CONFIG, read_config};

/// The name of the newest run.
const LAST: &str = "last";

/// The folder of the run that `name` means: a path that exists; `last`, the newest run in `out`; or the name of a recipe, its newest
/// training there, by itself or within a comparison. What follows a name is a path from there: `last/softmax`.
///
/// # Errors
/// [`LabError::NoRun`] if there is none.
pub fn find(registry: &Registry, out: &Path, name: &Path) -> Result<PathBuf, LabError> {
    if name.exists() {
        return Ok(first_training(name).unwrap_or(name.into()));
    }
    let mut parts = name.components();
    let first = match parts.next() {
        Some(Component::Normal(first)) => first.to_string_lossy().into_owned(),
        _ => String::new(),
    };
    let newest_first = runs(out);
    let found = if first == LAST {
        // Pictures, audits and reports of several runs are no runs.
        newest_first.into_iter().find(|run| run.join(CONFIG).is_file())
    } else {
        newest_first.into_iter().find_map(|run| training_of(&run, &first))
    };
    let below = parts.as_path();
    match found.map(|run| if below == Path::new("") { run } else { run.join(below) }) {
        Some(run) if run.exists() => Ok(first_training(&run).unwrap_or(run)),
        _ => Err(missing(registry, out, name, &first)),
    }
}

fn missing(registry: &Registry, out: &Path, name: &Path, first: &str) -> LabError {
    let names: Vec<&str> = registry.names().chain([LAST]).collect();
    let advice = if first == LAST || names.contains(&first) {
        let model = if first == LAST { "softmax" } else { first };
        format!("there is no such run in {} yet; `zoo train {model}` makes one", out.display())
    } else {
        let meant =
            nearest(first, &names).map_or_else(String::new, |name| format!(" (did you mean {name}?)"));
        format!("neither a folder nor the name of a recipe, nor `last`{meant}")
    };
    LabError::NoRun { name: name.into(), advice }
}

/// The run folders in `out`, the newest first.
fn runs(out: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(out).into_iter().flatten().flatten();
    let number = |path: &Path| path.file_name()?.to_str()?.split_once('-')?.0.parse::<u64>().ok();
    let mut runs: Vec<(u64, PathBuf)> =
        entries.filter_map(|entry| Some((number(&entry.path())?, entry.path()))).collect();
    runs.sort();
    runs.into_iter().rev().map(|(_, path)| path).collect()
}

/// The training run of `recipe` in the folder `run`, which may be a comparison.
fn training_of(run: &Path, recipe: &str) -> Option<PathBuf> {
    let (_, config) = read_config(run).ok()?;
    if config.contains_key(SEARCH) {
        return None;
    }
    let within = config.get(RUN)?.as_table()?;
    if let Some(model) = config.get(MODEL) {
        let name = within.get("recipe").unwrap_or(model);
        return (name.as_str() == Some(recipe)).then(|| run.into());
    }
    if !names(within).any(|name| name == recipe) {
        return None;
    }
    let own = run.join(recipe);
    if own.join(CONFIG).is_file() { Some(own) } else { first_training(&own) }
}

/// The first of several trainings of a recipe, if that is what the folder `recipe` of a comparison has.
fn first_training(recipe: &Path) -> Option<PathBuf> {
    let is_run = |path: &Path| path.join(CONFIG).is_file();
    if is_run(recipe) || !recipe.parent().is_some_and(is_run) {
        return None;
    }
    let entries = std::fs::read_dir(recipe).ok()?.flatten();
    entries.map(|entry| entry.path()).filter(|path| is_run(path)).min()
}

/// The recipes of a comparison.
fn names(run: &Table) -> impl Iterator<Item = &str> {
    run.get("recipes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(out: &Path, name: &str, config: &str) -> PathBuf {
        let path = out.join(name);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join(CONFIG), config).unwrap();
        path
    }

    #[test]
    fn the_newest_run_of_a_name() {
        let place = tempfile::tempdir().unwrap();
        let (out, registry) = (place.path(), Registry::zoo());
        let found = |name: &str| find(&registry, out, Path::new(name)).map_err(|error| error.to_string());
        assert!(found("last").unwrap_err().contains("`zoo train softmax` makes one"));
        let old = run(out, "0001-train-softmax-x", "model = \"softmax\"\n[run]\n");
        run(out, "0009-tune-svm-x", "model = \"svm\"\n[run]\n[search]\n");
        let deep = run(out, "0010-train-vgg-x", "model = \"cnn\"\n[run]\nrecipe = \"vgg\"\n");
        assert_eq!((found("softmax").unwrap(), found("vgg").unwrap()), (old, deep.clone()));
        assert_eq!(found("last").unwrap(), deep);
        let compared = run(out, "0011-compare-x", "[run]\nrecipes = [\"softmax\", \"svm\"]\n");
        let softmax = run(&compared, "softmax", "model = \"softmax\"\n[run]\n");
        let first = run(&compared.join("svm"), "seed-1", "model = \"svm\"\n[run]\n");
        run(&compared.join("svm"), "seed-2", "model = \"svm\"\n[run]\n");
        assert_eq!((found("softmax").unwrap(), found("svm").unwrap()), (softmax.clone(), first));
        assert_eq!((found("last").unwrap(), found("last/softmax").unwrap()), (compared, softmax));
        assert!(found("cnn").unwrap_err().contains("`zoo train cnn` makes one"));
        assert!(found("last/cnn").is_err() && found("").is_err() && found("../nothing").is_err());
        assert!(found("sofmax").unwrap_err().contains("did you mean softmax?"));
    }
}
