//! Of results: learning curves and confusion matrices.

use std::path::Path;

use anyhow::Context;
use zoo_core::result::{Comparison, ModelResult};

use super::Named;
use crate::runs;

/// The curves of the run in folder `path` and the confusion matrix of each model; of a run of `one` model it has no name.
pub(super) fn draw(path: &Path, one: bool) -> anyhow::Result<Vec<Named>> {
    let file = path.join(runs::RESULT);
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let comparison: Comparison =
        serde_json::from_str(&text).with_context(|| format!("cannot parse {}", file.display()))?;
    let curves = zoo_report::curves(&comparison).map(|curves| ("curves".into(), curves));
    let several = comparison.backend.contains(',');
    let confusion = |result: &ModelResult| {
        let name = match (one, several) {
            (true, _) => "confusion".into(),
            (false, false) => format!("confusion-{}", result.name()),
            (false, true) => format!("confusion-{}-{}", result.name(), result.backend),
        };
        Some((file_name(&name), zoo_report::confusion(&comparison, result)?))
    };
    Ok(curves.into_iter().chain(comparison.results.iter().filter_map(confusion)).collect())
}

/// A name without what separates folders: recipes may be called anything.
fn file_name(name: &str) -> String {
    name.replace(|letter: char| letter.is_control() || "/\\:*?\"<>|".contains(letter), "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_folder() {
        assert_eq!(file_name("confusion-../../a:b\n"), "confusion-..-..-a-b-");
        assert_eq!(file_name("confusion-resnet20 größer"), "confusion-resnet20 größer");
    }
}
