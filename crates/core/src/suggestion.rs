//! The name that was probably meant.

/// A name that nothing has, with the names that there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {given:?};{} valid: {}", did_you_mean(.suggestion.as_deref()), .valid.join(", "))]
pub struct Unknown {
    /// What was to be named: `model`.
    pub what: String,
    /// The name that was given.
    pub given: String,
    /// The valid name that was probably meant, if one is close.
    pub suggestion: Option<String>,
    /// All valid names.
    pub valid: Vec<String>,
}

impl Unknown {
    /// The error that `given` names no `what`, of which `valid` are the names.
    #[must_use]
    pub fn new(what: &str, given: &str, valid: &[&str]) -> Self {
        Self {
            what: what.into(),
            given: given.into(),
            suggestion: nearest(given, valid).map(String::from),
            valid: valid.iter().copied().map(String::from).collect(),
        }
    }
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(" did you mean {name:?}?"))
}

/// The valid name that `given` is a typing error of, if there is one: the first with the least Damerau-Levenshtein distance, if
/// that is less than half its length (of three letters at least).
#[must_use]
pub fn nearest<'a>(given: &str, valid: &[&'a str]) -> Option<&'a str> {
    let distance = |name: &&str| strsim::damerau_levenshtein(given, name);
    valid.iter().copied().min_by_key(distance).filter(|name| 2 * distance(name) < name.len().max(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_recognised() {
        let models = ["knn", "softmax", "svm", "cnn"];
        assert_eq!(nearest("sofmax", &models), Some("softmax"));
        assert_eq!(nearest("smv", &models), Some("svm"));
        assert_eq!(nearest("transformer", &models), None);
        assert_eq!(
            Unknown::new("model", "sofmax", &models).to_string(),
            "unknown model \"sofmax\"; did you mean \"softmax\"? valid: knn, softmax, svm, cnn"
        );
        assert_eq!(
            Unknown::new("model", "transformer", &models).to_string(),
            "unknown model \"transformer\"; valid: knn, softmax, svm, cnn"
        );
    }
}
