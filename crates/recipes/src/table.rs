//! TOML tables: read, written, nested and merged.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};
use zoo_core::nearest;

use crate::error::RecipeError;

/// Keys whose values are of several types, words, lists or tables: what reads them says which it takes.
const SEVERAL_TYPES: [&str; 3] = ["loss.class_weights", "architecture.features", "features"];

/// Parses `table` as `T`, with the path of the key in the error.
///
/// # Errors
/// Names the key that is wrong, and why.
pub fn parse<T: DeserializeOwned>(table: Table) -> Result<T, serde_path_to_error::Error<toml::de::Error>> {
    serde_path_to_error::deserialize(Value::Table(table))
}

/// Writes `value` as a table.
///
/// # Errors
/// [`RecipeError::Write`] if it is not a table, or TOML has no way to write a part of it.
pub fn to_table(value: impl Serialize) -> Result<Table, RecipeError> {
    let failed = |error: toml::ser::Error| RecipeError::Write { what: "TOML", reason: error.to_string() };
    Table::try_from(value).map_err(failed)
}

/// A value as `--set` has it: what is not a TOML value is a string, `metric=l1`.
///
/// TOML has documents and no values of their own, so that the text is read as the value of a key.
pub(crate) fn parse_value(text: &str) -> Value {
    let text = text.trim();
    let parsed = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    parsed.unwrap_or_else(|| Value::String(text.into()))
}

/// The table that has `value` at `path`.
///
/// # Errors
/// [`RecipeError::Layer`] if a part of the path is empty.
pub(crate) fn nest(path: &[&str], mut value: Value, origin: &str) -> Result<Table, RecipeError> {
    if path.iter().any(|part| part.is_empty()) {
        return Err(RecipeError::layer(origin, "the key has an empty part"));
    }
    for part in path[1..].iter().rev() {
        value = Value::Table(Table::from_iter([((*part).to_string(), value)]));
    }
    Ok(Table::from_iter([(path[0].to_string(), value)]))
}

/// Lays `over` upon `table`, whose keys are below `path`.
///
/// # Errors
/// Names a key whose value is of another type than before.
pub(crate) fn merge(table: &mut Table, over: Table, path: &str) -> Result<(), String> {
    for (key, value) in over {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (table.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(over)) => {
                if over.contains_key("kind") {
                    below.clear();
                }
                merge(below, over, &path)?;
            }
            (Some(below), value) if !can_replace(below, &value) && !SEVERAL_TYPES.contains(&&*path) => {
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

/// Whether a value can be where `below` is. Whole numbers are numbers, too.
fn can_replace(below: &Value, value: &Value) -> bool {
    below.same_type(value) || matches!((below, value), (Value::Float(_), Value::Integer(_)))
}

/// Says what is wrong and, for a name, which valid one is nearest. Serde has the names between backticks in its message only.
pub(crate) fn invalid(origin: &str, error: &serde_path_to_error::Error<toml::de::Error>) -> RecipeError {
    let message = error.inner().message().to_string();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let suggestion = match quoted.split_first() {
        Some((given, valid)) if message.starts_with("unknown ") => nearest(given, valid),
        _ => None,
    };
    let suggestion = suggestion.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    let path = error.path().to_string();
    let place = if path == "." { String::new() } else { format!("{path}: ") };
    RecipeError::layer(origin, format!("{place}{message}{suggestion}"))
}
