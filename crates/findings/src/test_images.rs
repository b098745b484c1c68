//! Differences that too few images can't show.

use zoo_report::thousands;
use zoo_schema::{Comparison, Finding, Pair, Severity};

use crate::rows::{in_general, judged_on};

/// Its name.
pub(super) const CODE: &str = "too-few-test-images";

/// How many pairs are said: of ten models there are 45.
const PAIRS: usize = 3;

/// Pairs of models that differ by what chance explains, those closest to being told apart.
pub(super) fn too_few_test_images(comparison: &Comparison) -> Vec<Finding> {
    let apart = |pair: &&Pair| pair.images_needed.is_some() && !pair.is_told_apart();
    let mut pairs: Vec<&Pair> = comparison.pairs.iter().filter(apart).collect();
    pairs
        .sort_by(|left, right| left.p.total_cmp(&right.p).then(left.images_needed.cmp(&right.images_needed)));
    let said = pairs.iter().take(PAIRS).filter_map(|pair| says(comparison, pair));
    let mut findings: Vec<Finding> = said.map(|says| in_general(CODE, Severity::Note, says)).collect();
    if let (Some(last), more @ 1..) = (findings.last_mut(), pairs.len().saturating_sub(PAIRS)) {
        let pairs = if more == 1 { "pair" } else { "pairs" };
        last.says = format!("{} (and {more} more {pairs} of models can't be told apart)", last.says);
    }
    findings
}

fn says(comparison: &Comparison, pair: &Pair) -> Option<String> {
    let (images, part) = judged_on(comparison);
    Some(format!(
        "{} and {} differ by {} on {} {part} images, which chance explains (p = {}); to tell such a difference apart it would take about {}",
        pair.a,
        pair.b,
        points(pair.difference),
        thousands(images),
        probability(pair.p_holm),
        thousands(rounded(pair.images_needed?)),
    ))
}

/// A difference of shares in points.
fn points(difference: f64) -> String {
    let points = 100.0 * difference;
    let decimals = if points < 0.1 { 2 } else { 1 };
    format!("{points:.decimals$} points")
}

/// With two digits where there are two.
fn probability(p: f64) -> String {
    let decimals = if p < 0.1 { 3 } else { 2 };
    format!("{p:.decimals$}")
}

/// With two digits, the others 0.
fn rounded(number: usize) -> usize {
    let unit = 10_usize.saturating_pow(number.checked_ilog10().unwrap_or(0).saturating_sub(1));
    (number / unit + usize::from(number % unit >= unit.div_ceil(2))).saturating_mul(unit)
}

#[cfg(test)]
mod tests {
    use zoo_schema::PairTest;

    use super::*;
    use crate::samples;

    fn pair(b: &str, p: f64, images_needed: Option<usize>) -> Pair {
        let test = PairTest::McNemar;
        let (a, b) = ("softmax".into(), b.into());
        Pair { a, b, difference: 0.004, only_a: 30, only_b: 26, test, p, p_holm: p, images_needed }
    }

    fn says(pairs: Vec<Pair>) -> Vec<String> {
        let result = samples::judged("softmax", 700, 300);
        let comparison = Comparison { pairs, ..samples::comparison(vec![result]) };
        too_few_test_images(&comparison).into_iter().map(|finding| finding.says).collect()
    }

    #[test]
    fn a_difference_is_told_with_the_images_that_it_takes() {
        let expected = "softmax and svm differ by 0.4 points on 1,000 test images, which chance explains (p = 0.41); to tell such \
                        a difference apart it would take about 23,000";
        assert_eq!(says(vec![pair("svm", 0.412, Some(23_117))]), [expected]);
    }

    #[test]
    fn without_test_images_models_are_told_apart_on_validation_images() {
        let pairs = vec![pair("svm", 0.412, Some(23_117))];
        let comparison = Comparison { pairs, ..samples::comparison(Vec::new()) };
        assert!(too_few_test_images(&comparison)[0].says.contains("on 100 validation images"));
    }

    #[test]
    fn at_most_three_are_said_and_the_closest_first() {
        let pairs = [("e", 0.9), ("a", 0.06), ("c", 0.3), ("b", 0.2), ("d", 0.8)];
        let said = says(pairs.map(|(name, p)| pair(name, p, Some(500))).into());
        assert_eq!(said.len(), 3);
        assert!(said[0].starts_with("softmax and a differ") && said[0].contains("(p = 0.060)"), "{said:?}");
        assert!(said[2].starts_with("softmax and c differ"), "{said:?}");
        let end = "would take about 500 (and 2 more pairs of models can't be told apart)";
        assert!(said[1].ends_with("about 500") && said[2].ends_with(end), "{said:?}");
        assert!(
            says(vec![pair("b", 0.2, Some(5)); 4])[2]
                .ends_with("(and 1 more pair of models can't be told apart)")
        );
    }

    #[test]
    fn what_is_told_apart_needs_no_more_images() {
        assert_eq!(says(vec![pair("svm", 0.049, Some(1000)), pair("svm", 0.5, None)]), [""; 0]);
        assert_eq!(says(vec![pair("svm", 0.05, Some(1000))]).len(), 1);
    }

    #[test]
    fn figures_in_words() {
        assert_eq!([0.004, 0.0004, 0.0].map(points), ["0.4 points", "0.04 points", "0.00 points"]);
        assert_eq!([0, 7, 99, 123, 995, 23_500, usize::MAX].map(rounded)[..6], [0, 7, 99, 120, 1000, 24_000]);
    }
}
