//! Classes of different size.

use serde_json::Value;
use zoo_report::thousands;
use zoo_schema::{Comparison, Finding, Severity};

use crate::rows::{in_general, listed, trained, value};

/// Its name.
pub(super) const CODE: &str = "imbalanced";

/// How many times as many training images the largest class has as the smallest. Of two classes at three to one, always saying the
/// larger is right three times in four, which looks like a model.
const TIMES: usize = 3;

/// How many classes without images are named.
const NAMED: usize = 3;

/// Training images that are mostly of some classes.
pub(super) fn imbalanced(comparison: &Comparison) -> Vec<Finding> {
    let dataset = &comparison.dataset;
    let counts: Vec<(&str, usize)> =
        dataset.classes.iter().map(String::as_str).zip(dataset.train_per_class.iter().copied()).collect();
    // The first of equals, both times.
    let largest = counts.iter().copied().reduce(|best, next| if next.1 > best.1 { next } else { best });
    let smallest = counts.iter().copied().reduce(|best, next| if next.1 < best.1 { next } else { best });
    let (Some(largest), Some(smallest)) = (largest, smallest) else { return Vec::new() };
    let says = match (largest.1, smallest.1) {
        (0, _) => None,
        (_, 0) => Some(empty(largest, &counts)),
        (most, least) if most >= TIMES * least => Some(uneven(largest, smallest, advice(comparison))),
        _ => None,
    };
    says.map(|says| in_general(CODE, Severity::Warning, says)).into_iter().collect()
}

/// What is said of classes without images.
fn empty(largest: (&str, usize), counts: &[(&str, usize)]) -> String {
    let names: Vec<&str> = counts.iter().filter(|(_, count)| *count == 0).map(|(name, _)| *name).collect();
    let mut words: Vec<String> = names.iter().take(NAMED).map(|name| (*name).to_string()).collect();
    words.extend((names.len() > NAMED).then(|| format!("{} more", names.len() - NAMED)));
    format!(
        "there are no training images of {}, and {} of {}: no model can learn what it has not seen; add some, or leave out such classes",
        listed(&words, "and"),
        thousands(largest.1),
        largest.0,
    )
}

/// What is said of classes of different size.
fn uneven((large, most): (&str, usize), (small, least): (&str, usize), advice: &str) -> String {
    let (most, least) = (thousands(most), thousands(least));
    format!(
        "there are {most} training images of {large} and {least} of {small}, so that accuracy says most about {large}: look at balanced \
         accuracy and macro F1{advice}"
    )
}

/// The key that gives classes the same weight, unless all trained models have it.
fn advice(comparison: &Comparison) -> &'static str {
    let is_weighted = |weights: Option<&Value>| weights.and_then(Value::as_str) == Some("balanced");
    let rows = trained(comparison);
    let helps = rows.iter().any(|result| !is_weighted(value(result, "loss.class_weights")));
    if helps { ", and try loss.class_weights=balanced" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn says(counts: &[usize], weights: &str) -> Vec<String> {
        let mut result = samples::trained("mlp", (0.7, 1000), (0.7, 100));
        result.config["loss"]["class_weights"] = weights.into();
        let mut comparison = samples::comparison(vec![result]);
        comparison.dataset.train_per_class = counts.to_vec();
        comparison.dataset.classes = ["cat", "dog", "owl", "fox", "hen"].map(String::from).into();
        imbalanced(&comparison).into_iter().map(|finding| finding.says).collect()
    }

    #[test]
    fn the_largest_and_the_smallest_class_are_named() {
        let expected = "there are 1,200 training images of dog and 100 of owl, so that accuracy says most about dog: look at \
                        balanced accuracy and macro F1, and try loss.class_weights=balanced";
        assert_eq!(says(&[200, 1200, 100, 100, 1200], "none"), [expected]);
        let expected = "there are 1,200 training images of dog and 100 of owl, so that accuracy says most about dog: look at \
                        balanced accuracy and macro F1";
        assert_eq!(says(&[200, 1200, 100, 100, 1200], "balanced"), [expected]);
    }

    #[test]
    fn three_times_as_many_is_the_least() {
        assert_eq!((says(&[300, 100], "none").len(), says(&[299, 100], "none").len()), (1, 0));
    }

    #[test]
    fn a_class_may_have_no_images() {
        let expected = "there are no training images of dog, and 5 of cat: no model can learn what it has not seen; add some, or \
                        leave out such classes";
        assert_eq!(says(&[5, 0, 4], "none"), [expected]);
        assert!(
            says(&[5, 0, 0, 0, 0], "none")[0].contains("images of dog, owl, fox and 1 more, and 5 of cat")
        );
    }

    #[test]
    fn counts_may_be_unknown() {
        assert_eq!((says(&[], "none"), says(&[0, 0], "none")), (vec![], vec![]));
    }
}
