//! `--set KEY=VALUE`, of one value or of several.

use std::fmt::Display;

use zoo_core::Unknown;
use zoo_train::search::{Choice, Space};

use crate::error::RecipeError;
use crate::layer::Layer;
use crate::table::parse_value;

/// How keys are given that are searched.
const VALUES: &str = "expected KEY=VALUE, KEY=V1,V2,… or KEY=LOW..HIGH";

/// The most parts of a key: values are nested as deeply, and a table is read to no greater depth either.
const MOST_PARTS: usize = 80;

/// A recipe that keys can be set of: its model, and its name.
pub(crate) type Target<'a> = (&'a str, &'a str);

/// A key with what it is set to, in text.
pub(crate) struct Assignment<'a> {
    /// What an error begins with.
    origin: String,
    /// The recipe, or the model whose recipes it changes.
    target: &'a str,
    /// The parts of the key, without the target.
    path: Vec<&'a str>,
    values: &'a str,
}

impl<'a> Assignment<'a> {
    /// Reads `optimizer.learning_rate=0.01`, or `svm.optimizer.learning_rate=0.01` where `targets` are of several models. `known`
    /// are the names of all models and recipes that there are.
    ///
    /// # Errors
    /// [`RecipeError::Layer`] if it has no value, which says what is `expected`, or doesn't say which of several models is meant.
    pub(crate) fn parse(
        set: &'a str,
        targets: &[Target<'a>],
        known: &[&str],
        expected: &str,
    ) -> Result<Self, RecipeError> {
        let origin = format!("--set {set}");
        let wrong = |reason: String| RecipeError::layer(&origin, reason);
        let (key, values) = set.split_once('=').ok_or_else(|| wrong(expected.into()))?;
        let mut path: Vec<&str> = key.trim().split('.').collect();
        if path.len() > MOST_PARTS {
            let parts = path.len();
            return Err(RecipeError::layer(
                "--set",
                format!("a key has {parts} parts, {MOST_PARTS} at most"),
            ));
        }
        let is_named =
            path.len() > 1 && targets.iter().any(|&(model, recipe)| path[0] == model || path[0] == recipe);
        let target = if is_named {
            path.remove(0)
        } else if path.len() > 1 && known.contains(&path[0]) {
            return Err(wrong(format!("{} is not among the models of this run", path[0])));
        } else if let Some(model) = only_model(targets) {
            model
        } else {
            let names: Vec<&str> = targets.iter().map(|&(model, _)| model).collect();
            let unknown = Unknown::new("model", path[0], &names);
            return Err(wrong(format!("with several models the key begins with one of them: {unknown}")));
        };
        Ok(Self { origin, target, path, values })
    }

    /// The change that it makes, the text being one value.
    ///
    /// # Errors
    /// [`RecipeError::Layer`] if a part of the key is empty.
    pub(crate) fn layer(self) -> Result<Layer, RecipeError> {
        Layer::of_key(self.origin, self.target.into(), &self.path, parse_value(self.values))
    }

    /// The values to choose from: `1,3,5`, or the range `LOW..HIGH`.
    ///
    /// # Errors
    /// [`RecipeError::Layer`] for an empty value or a range that can't be read.
    fn choice(&self) -> Result<Choice, RecipeError> {
        let values = split(self.values);
        if values.iter().any(|value| value.is_empty()) {
            return Err(self.wrong(VALUES));
        }
        match values[..] {
            [range] if range.contains("..") && !range.starts_with(['"', '\'', '[', '{']) => {
                Choice::range(range).map_err(|error| self.wrong(error))
            }
            _ => Ok(Choice::List(values.into_iter().map(parse_value).collect())),
        }
    }

    fn wrong(&self, reason: impl Display) -> RecipeError {
        RecipeError::layer(&self.origin, reason)
    }
}

/// The model that all of `targets` are recipes of.
fn only_model<'a>(targets: &[Target<'a>]) -> Option<&'a str> {
    let &(first, _) = targets.first()?;
    targets.iter().all(|&(model, _)| model == first).then_some(first)
}

/// What `sets` search for the recipe `target`: see [`Registry::search_space`](crate::Registry::search_space).
pub(crate) fn search_space<'a>(
    sets: impl Iterator<Item = &'a str>,
    target: Target<'a>,
    known: &[&str],
) -> Result<Space, RecipeError> {
    let mut space = Space::default();
    for set in sets {
        let assignment = Assignment::parse(set, &[target], known, VALUES)?;
        let (key, choice) = (assignment.path.join("."), assignment.choice()?);
        if space.keys().any(|other| other == key) {
            return Err(assignment.wrong(format!("{key} is set twice; name all its values in one --set")));
        }
        space.set(key, choice).map_err(|error| assignment.wrong(error))?;
    }
    Ok(space)
}

/// Divides `text` at commas, but not within brackets, braces or quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut quote, mut start, mut parts) = (0, None, 0, Vec::new());
    for (place, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) => quote = (open != character).then_some(open),
            (None, '"' | '\'') => quote = Some(character),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(text[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_divide_outside_of_brackets_and_quotes() {
        assert_eq!(split("1, 3,5"), ["1", "3", "5"]);
        assert_eq!(split("[50],[100, 20]"), ["[50]", "[100, 20]"]);
        assert_eq!(split(r#"{a = 1, b = [2, 3]},"x,y",'"'"#), ["{a = 1, b = [2, 3]}", "\"x,y\"", "'\"'"]);
        assert_eq!(split("1,"), ["1", ""]);
    }
}
