//! Images that are learnt from and tested with.

use std::collections::BTreeSet;

use zoo_report::{percent, thousands};
use zoo_schema::{Comparison, Duplicate, Finding, Severity};

use crate::rows::{in_general, listed};

/// Its name.
pub(super) const CODE: &str = "duplicates";

/// The share of the test images from which on it matters: below, it moves no accuracy by more than a point.
const SHARE: f64 = 0.01;

/// How many are named.
const NAMED: usize = 3;

/// Test images that are among the training or validation images as well.
pub(super) fn duplicates(comparison: &Comparison) -> Vec<Finding> {
    let (duplicates, test) = (&comparison.dataset.duplicates, comparison.dataset.test);
    // An image may have several equals.
    let mut seen = BTreeSet::new();
    let distinct: Vec<&Duplicate> =
        duplicates.iter().filter(|duplicate| seen.insert(&duplicate.test)).collect();
    if distinct.is_empty() {
        return Vec::new();
    }
    let share = distinct.len() as f64 / test.max(1) as f64;
    let severity = if share >= SHARE { Severity::Warning } else { Severity::Note };
    vec![in_general(CODE, severity, says(&distinct, test, share))]
}

fn says(distinct: &[&Duplicate], test: usize, share: f64) -> String {
    let count = distinct.len();
    let mut names: Vec<String> =
        distinct.iter().take(NAMED).map(|one| format!("{} (equal to {})", one.test, one.train)).collect();
    names.extend((count > NAMED).then(|| format!("{} more", thousands(count - NAMED))));
    let decimals = if share < SHARE { 2 } else { 1 };
    format!(
        "{} of {} test images ({}) {} among the training or validation images, too, and may be remembered: {}; delete them on one side",
        thousands(count),
        thousands(test),
        percent(share, decimals),
        if count == 1 { "is" } else { "are" },
        listed(&names, "and"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn found(count: usize, test: usize) -> Vec<Finding> {
        let duplicate =
            |number| Duplicate { test: format!("test/{number}.png"), train: format!("cat/{number}.png") };
        let mut comparison = samples::comparison(Vec::new());
        comparison.dataset.duplicates = (1..=count).map(duplicate).collect();
        // A second equal of the first.
        comparison.dataset.duplicates.extend((count > 0).then(|| duplicate(1)));
        comparison.dataset.test = test;
        duplicates(&comparison)
    }

    #[test]
    fn how_many_and_which() {
        let finding = &found(12, 1000)[0];
        let expected = "12 of 1,000 test images (1.2 %) are among the training or validation images, too, and may be remembered: \
                        test/1.png (equal to cat/1.png), test/2.png (equal to cat/2.png), test/3.png (equal to cat/3.png) and 9 \
                        more; delete them on one side";
        assert_eq!((finding.says.as_str(), finding.severity), (expected, Severity::Warning));
    }

    #[test]
    fn less_than_one_percent_matters_little() {
        let finding = &found(1, 10_000)[0];
        let expected = "1 of 10,000 test images (0.01 %) is among the training or validation images, too, and may be remembered: \
                        test/1.png (equal to cat/1.png); delete them on one side";
        assert_eq!((finding.says.as_str(), finding.severity), (expected, Severity::Note));
        assert_eq!(found(10, 1000)[0].severity, Severity::Warning);
        assert_eq!(found(10, 1001)[0].severity, Severity::Note);
    }

    #[test]
    fn none_are_no_finding() {
        assert_eq!(found(0, 1000), []);
        assert_eq!(found(0, 0), []);
    }
}
