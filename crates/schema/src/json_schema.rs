//! JSON Schemas of documents, draft 2020-12, for programs and editors that check files by them.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// The JSON Schema of a document, called `title`.
///
/// It accepts what `T` can be read from: files of today, and older ones of the same version, which lack some keys. Keys that it
/// doesn't know are fine, as fields may be added.
#[must_use]
pub fn json_schema<T: JsonSchema>(title: &str) -> Value {
    let mut schema = schema_settings().into_generator().into_root_schema_for::<T>();
    schema.insert("title".into(), title.into());
    schema.to_value()
}

/// How JSON Schemas are made of types that are read: draft 2020-12, descriptions being the types' documentation. No `format` is named:
/// those of numbers are Rust's, and validators don't know them.
#[must_use]
pub fn schema_settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with_transform(RecursiveTransform(tidy))
}

fn tidy(schema: &mut Schema) {
    schema.remove("format");
    if let Some(Value::String(documentation)) = schema.get_mut("description") {
        *documentation = plain(documentation);
    }
}

/// Documentation without what only rustdoc makes something of: a paragraph is a line, and a link is the name that it shows.
fn plain(documentation: &str) -> String {
    let paragraphs: Vec<String> = documentation.split("\n\n").map(|lines| lines.replace('\n', " ")).collect();
    let documentation = paragraphs.join("\n\n");
    let mut plain = String::new();
    let mut rest = documentation.as_str();
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, after)) = link.split_once("`]") else { break };
        plain.extend([before, "`", name, "`"]);
        rest = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// A document, see [`json_schema`](crate::json_schema)
    /// and [`Value`]: `[0, 1]`.
    ///
    /// More of it.
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Document {
        count: u32,
        #[serde(default)]
        share: f64,
        part: Option<usize>,
    }

    #[test]
    fn a_schema_is_of_what_is_read() {
        let schema = json_schema::<Document>("A document");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["title"], "A document");
        let description = "A document, see `json_schema` and `Value`: `[0, 1]`.\n\nMore of it.";
        assert_eq!(schema["description"], description);
        assert_eq!(schema["required"], serde_json::json!(["count"]));
        assert_eq!(schema["properties"]["count"], serde_json::json!({ "type": "integer", "minimum": 0 }));
        assert_eq!(schema["additionalProperties"], Value::Null);
    }
}
