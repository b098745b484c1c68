//! Of results: learning curves and confusion matrices.

use std::path::Path;

use zoo_schema::{Comparison, ModelResult};

use crate::error::LabError;
use crate::pictures::image::Named;
use crate::run::read_result;

/// The curves of the run in folder `path` and the confusion matrix of each model; of a run of `one` model it has no name.
pub(crate) fn draw(path: &Path, one: bool) -> Result<Vec<Named>, LabError> {
    let comparison: Comparison = read_result(path)?;
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
