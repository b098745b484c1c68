//! A JSON Schema of files with recipes.

use schemars::transform::RecursiveTransform;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use zoo_schema::schema_settings;

use crate::entry::Entry;
use crate::error::RecipeError;
use crate::key::{MODEL, REPRODUCE, ROW, RUN, SEARCH};
use crate::registry::Registry;

/// Names of definitions; the others are types, and tables and files of a model.
const TABLE_OF_ANY: &str = "any-table";
const FILE_OF_TABLES: &str = "tables-file";

/// Keys that files have in addition to those of recipes, and what they are.
const OTHERS: [(&str, &str); 3] = [
    (SEARCH, "What `zoo tune` tries unless told otherwise."),
    (ROW, "What a suite of published results says of the recipe, for `zoo reproduce`."),
    (RUN, "What a run depended on apart from its recipes; for other runs it means nothing."),
];

impl Registry {
    /// The JSON Schema (draft 2020-12) of files with recipes of these models, in both forms: one recipe with `model = "cnn"` at its
    /// top, or a table for each of several. A file lies over the default recipe, so that no key is required. A key that recipes of the
    /// model don't have is refused, unless nothing is known of them: see [`Entry::with_schema`].
    ///
    /// # Errors
    /// [`RecipeError`] for a default recipe that is not TOML, or can't be written as JSON.
    pub fn schema(&self) -> Result<Value, RecipeError> {
        let mut generator = schema_settings().with_transform(RecursiveTransform(loosen)).into_generator();
        let mut definitions = Map::new();
        let (mut tables, mut files) = (Vec::new(), Vec::new());
        for entry in self.models() {
            let keys = Keys::of(*entry, &mut generator)?;
            let (table, file) = (table_of(entry.name), format!("{}-file", entry.name));
            tables.push(reference(&table));
            files.push(reference(&file));
            definitions.extend([(table, keys.table()), (file, keys.file())]);
        }
        files.push(reference(FILE_OF_TABLES));
        definitions.insert(TABLE_OF_ANY.into(), json!({ "required": [MODEL], "oneOf": tables }));
        definitions.insert(FILE_OF_TABLES.into(), file_of_tables(self.model_names()));
        definitions.extend(OTHERS.map(|(key, description)| {
            (key.to_string(), json!({ "description": description, "type": "object" }))
        }));
        definitions.extend(generator.take_definitions(true));
        Ok(json!({
            "$schema": generator.settings().meta_schema,
            "title": "A file with recipes of zoo",
            "description": "Either one recipe, whose model is named at the top, or a table for each of several, which names its model \
                            unless it is named like it. What a recipe doesn't say is as in the default recipe of its model.",
            "type": "object",
            "oneOf": files,
            "$defs": definitions,
        }))
    }
}

/// What is known of the keys of a model's recipes.
struct Keys {
    model: &'static str,
    /// The schema of each.
    known: Map<String, Value>,
    /// Whether there are no others.
    complete: bool,
}

impl Keys {
    fn of(entry: Entry, generator: &mut SchemaGenerator) -> Result<Self, RecipeError> {
        let mut schema = entry.schema(generator);
        for transform in generator.transforms_mut() {
            transform.transform(&mut schema);
        }
        let complete = schema.get("additionalProperties") == Some(&Value::Bool(false));
        let mut known = match schema.remove("properties") {
            Some(Value::Object(known)) => known,
            _ => Map::new(),
        };
        for (key, value) in entry.defaults()? {
            let value = serde_json::to_value(value)
                .map_err(|error| RecipeError::Write { what: "JSON", reason: error.to_string() })?;
            if let Some(Value::Object(schema)) = known.get_mut(&key) {
                schema.insert("default".into(), value);
            }
        }
        Ok(Self { model: entry.name, known, complete })
    }

    /// A recipe that is a table of a file.
    fn table(&self) -> Value {
        self.with(&[])
    }

    /// A recipe that is a whole file.
    fn file(&self) -> Value {
        let mut schema = self.with(&OTHERS.map(|(key, _)| key));
        schema["required"] = json!([MODEL]);
        schema
    }

    fn with(&self, others: &[&str]) -> Value {
        let mut properties = self.known.clone();
        properties.insert(MODEL.into(), json!({ "description": "The model.", "const": self.model }));
        properties.extend(others.iter().map(|key| ((*key).to_string(), reference(key))));
        json!({
            "description": format!("A recipe of {}.", self.model),
            "type": "object",
            "properties": properties,
            "additionalProperties": !self.complete,
        })
    }
}

/// A file with a table for each recipe, which names its model unless it is named like it.
fn file_of_tables(models: impl Iterator<Item = &'static str>) -> Value {
    let mut properties: Map<String, Value> = models
        .map(|name| (name.into(), json!({ "anyOf": [reference(&table_of(name)), reference(TABLE_OF_ANY)] })))
        .collect();
    properties.extend(OTHERS.map(|(key, _)| (key.to_string(), reference(key))));
    properties.extend([MODEL, REPRODUCE].map(|key| (key.to_string(), Value::Bool(false))));
    json!({
        "description": "A table for each of several recipes.",
        "type": "object",
        "properties": properties,
        "additionalProperties": reference(TABLE_OF_ANY),
    })
}

/// The name of the definition of a table with a recipe of `model`.
fn table_of(model: &str) -> String {
    format!("{model}-table")
}

fn reference(definition: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{definition}") })
}

/// A file may leave out whatever it doesn't change. Without its `kind` a table suits any kind that has its keys, and what its other
/// keys are then is up to the default recipe.
fn loosen(schema: &mut Schema) {
    schema.remove("required");
    schema.remove("default");
    if let Some(kinds) = schema.remove("oneOf") {
        schema.insert("anyOf".into(), kinds);
    }
}

#[cfg(test)]
mod tests {
    use zoo_knn::KnnConfig;

    use super::*;

    #[test]
    fn keys_of_a_model_of_ones_own_may_be_told() {
        let recipe = "k = 7\nmetric = 'l1'";
        let schema_of = |entry| {
            let schema = Registry::empty().with(entry).schema().unwrap();
            schema["$defs"]["mine-file"].clone()
        };
        let open = schema_of(Entry::new::<KnnConfig>("mine", recipe));
        assert_eq!(open["properties"]["model"]["const"], "mine");
        assert_eq!((&open["properties"]["k"], &open["additionalProperties"]), (&Value::Null, &json!(true)));
        let closed = schema_of(Entry::with_schema::<KnnConfig>("mine", recipe));
        assert_eq!(closed["properties"]["k"]["default"], 7);
        assert_eq!(
            (&closed["additionalProperties"], &closed["required"]),
            (&json!(false), &json!(["model"]))
        );
    }

    #[test]
    fn a_file_may_leave_out_anything_but_the_model() {
        let schema = Registry::zoo().schema().unwrap();
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            let expected = if name.ends_with("-file") && name != FILE_OF_TABLES || name == TABLE_OF_ANY {
                json!([MODEL])
            } else {
                Value::Null
            };
            assert_eq!(definition["required"], expected, "{name}");
        }
    }
}
