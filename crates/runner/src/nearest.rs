//! The name that somebody probably meant.

use crate::cli::UsageError;

/// An error that says that `given` is no `what`, which it may have meant and what there is.
pub(crate) fn unknown(what: &str, given: &str, valid: &[&str]) -> UsageError {
    let suggestion =
        nearest(given, valid).map_or_else(String::new, |name| format!(" did you mean {name:?}?"));
    UsageError(format!("unknown {what} {given:?};{suggestion} valid: {}", valid.join(", ")))
}

/// The valid name that `given` is a typing error of, if there is one.
pub(crate) fn nearest<'a>(given: &str, valid: &[&'a str]) -> Option<&'a str> {
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
            unknown("model", "sofmax", &models).to_string(),
            "unknown model \"sofmax\"; did you mean \"softmax\"? valid: knn, softmax, svm, cnn"
        );
    }
}
