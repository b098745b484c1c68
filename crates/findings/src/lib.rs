//! Checks that speak: what a comparison or a search shows about itself, and what is worth knowing before its figures are believed.
//!
//! Each rule is a file. It has a code, thresholds with their reasons, and sentences with the figures and what to do; `docs/checks.md`
//! has a section for each code. Rules read the schema and nothing else, so they hold for results that were read from a file as well. A
//! figure that is missing is no finding.

mod balance;
mod convergence;
mod duplicates;
mod edges;
mod majority;
mod overfitting;
mod rows;
#[cfg(test)]
mod samples;
mod speed;
mod steps;
mod test_images;
mod underfitting;

use toml::Table;
use zoo_schema::{Comparison, Finding, SearchResult};

/// What each check means: `docs/checks.md`. The build script says where that is.
const PAGE: &str = include_str!(env!("ZOO_CHECKS"));

/// What shows something in a comparison, or nothing.
type Rule = fn(&Comparison) -> Vec<Finding>;

/// All rules for comparisons: first the images, then each model, then models next to each other.
const RULES: [Rule; 9] = [
    duplicates::duplicates,
    balance::imbalanced,
    majority::no_better_than_majority,
    steps::too_few_steps,
    convergence::not_converged,
    overfitting::over_fitted,
    underfitting::under_fitted,
    test_images::too_few_test_images,
    speed::slower_not_better,
];

/// What `comparison` shows about itself, warnings first.
#[must_use]
pub fn of_comparison(comparison: &Comparison) -> Vec<Finding> {
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(comparison)).collect();
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// What the search that came to `result` shows about itself. `space` is what it searched, as
/// `zoo_train::search::Space::to_table` has it: for each key a list of values, or a string `LOW..HIGH`.
#[must_use]
pub fn of_search(space: &Table, result: &SearchResult) -> Vec<Finding> {
    edges::edge_of_search(space, result)
}

/// What the check `code` means, how it is decided and what to do, in Markdown: its section in `docs/checks.md`. `None` for a code that
/// isn't there.
#[must_use]
pub fn explanation(code: &str) -> Option<&'static str> {
    let (_, section) = PAGE.split_once(&format!("\n## {code}\n"))?;
    Some(section.split("\n## ").next().unwrap_or(section).trim())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zoo_schema::{Comparison, ModelResult, Severity};

    use super::*;

    const CODES: [&str; 10] = [
        duplicates::CODE,
        balance::CODE,
        majority::CODE,
        steps::CODE,
        convergence::CODE,
        overfitting::CODE,
        underfitting::CODE,
        test_images::CODE,
        speed::CODE,
        edges::CODE,
    ];

    #[test]
    fn each_code_has_a_section_in_the_book() {
        let headings: Vec<&str> = PAGE.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        for code in CODES {
            assert!(headings.contains(&code), "docs/checks.md has no section {code}");
        }
        for heading in headings {
            assert!(
                CODES.contains(&heading),
                "docs/checks.md has a section {heading}, but there is no such code"
            );
        }
    }

    #[test]
    fn missing_figures_are_no_findings() {
        assert_eq!(of_comparison(&samples::comparison(Vec::new())), []);
        let failed = ModelResult::failed("cnn", "flex", json!({}), "out of memory".into());
        let bare = ModelResult::new("svm", "flex", serde_json::Value::Null);
        assert_eq!(of_comparison(&samples::comparison(vec![failed, bare])), []);
    }

    #[test]
    fn figures_that_are_no_numbers_are_no_findings() {
        let mut result = samples::trained("mlp", (f64::NAN, 1000), (f64::NAN, 1000));
        result.fit_seconds = Some(f64::INFINITY);
        for record in &mut result.history {
            record.train_loss = f64::NAN;
        }
        let mut comparison = samples::comparison(vec![result.clone(), result]);
        comparison.dataset.test = 0;
        assert_eq!(of_comparison(&comparison), []);
    }

    /// A result of an earlier version of zoo, with as little in it as can be.
    #[test]
    fn old_documents_are_read() {
        let document = json!({
            "schema": 1, "zoo_version": "0.1.0", "burn_version": "0.22.1",
            "dataset": {"name": "pets", "train": 90, "validation": 10, "test": 4, "classes": ["cat", "dog"]},
            "backend": "flex", "adapter": "CPU", "seed": 42,
            "results": [{
                "model": "svm", "backend": "flex", "config": {},
                "train": {"images": 0, "accuracy": 0.0}, "validation": {"images": 0, "accuracy": 0.0},
                "test": {
                    "accuracy": 0.0, "top_5_accuracy": 0.0, "loss": null,
                    "macro": {"precision": 0.0, "recall": 0.0, "f1": 0.0}, "per_class": [], "confusion": []
                },
                "history": []
            }]
        });
        let comparison: Comparison = serde_json::from_value(document).unwrap();
        assert_eq!(of_comparison(&comparison), []);
    }

    #[test]
    fn warnings_come_first() {
        let mut result = samples::trained("mlp", (0.95, 2000), (0.7, 1000));
        result.steps = Some(18);
        let findings = of_comparison(&samples::comparison(vec![result]));
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, ["too-few-steps", "over-fitted"]);
        assert_eq!(findings[0].severity, Severity::Warning);
        assert_eq!(findings[1].model.as_deref(), Some("mlp"));
    }

    #[test]
    fn rows_on_a_second_backend_say_nothing_again() {
        let mut second = samples::trained("mlp", (0.95, 2000), (0.7, 1000));
        let first = second.clone();
        second.backend = "wgpu".into();
        // Equal rows may come in any order.
        let mut comparison = samples::comparison(vec![second, first]);
        comparison.backend = "flex, wgpu".into();
        assert_eq!(of_comparison(&comparison).len(), 1);
        comparison.results[1].error = Some("out of memory".into());
        assert_eq!(of_comparison(&comparison).len(), 1, "what failed says nothing");
    }
}
