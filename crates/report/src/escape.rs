//! Documents whose words are safe in Markdown.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The same document with every text in it escaped for Markdown: names may be a stranger's, and neither make columns nor elements.
pub(crate) fn for_markdown<T: Serialize + DeserializeOwned + Clone>(document: &T) -> T {
    let escaped = serde_json::to_value(document).and_then(|mut value| {
        escape(&mut value);
        serde_json::from_value(value)
    });
    // A document with a number that is none has no JSON, and came from here.
    escaped.unwrap_or_else(|_| document.clone())
}

fn escape(value: &mut Value) {
    match value {
        Value::String(text) => {
            if text.contains(['|', '<', '\n', '\r']) {
                *text = text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ");
            }
        }
        Value::Array(values) => values.iter_mut().for_each(escape),
        Value::Object(entries) => entries.values_mut().for_each(escape),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_make_no_columns_and_no_elements() {
        let names = ["a|b".to_string(), "<img>\nc".into(), "d".into()];
        assert_eq!(for_markdown(&names.to_vec()), ["a\\|b", "&lt;img> c", "d"]);
        assert!(for_markdown(&vec![f64::NAN])[0].is_nan());
    }
}
