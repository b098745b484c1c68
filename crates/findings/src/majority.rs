//! Models that guessing is as good as.

use zoo_report::{percent, thousands};
use zoo_schema::{Comparison, Finding, ModelResult, Severity};

use crate::rows::{Share, about, rows};

/// Its name.
pub(super) const CODE: &str = "no-better-than-majority";

/// The model that always says the largest class.
pub(super) const MAJORITY: &str = "majority";

/// Models whose accuracy on the test images, or on the validation images if those were left alone, may be that of always saying the
/// largest class.
pub(super) fn no_better_than_majority(comparison: &Comparison) -> Vec<Finding> {
    let rows = rows(comparison).into_iter().filter(|result| result.model != MAJORITY);
    rows.filter_map(|result| finding(comparison, result)).collect()
}

fn finding(comparison: &Comparison, result: &ModelResult) -> Option<Finding> {
    let majority = comparison.majority.as_ref()?;
    let (share, guess, part) = match Share::of_test(result) {
        Some(share) => (share, majority.test_accuracy?, "test"),
        None => (Share::of_validation(result)?, majority.validation_accuracy?, "validation"),
    };
    if share.interval.low > guess {
        return None;
    }
    let verdict = if share.accuracy > guess {
        format!("that may be chance; more {part} images would tell, or try other settings (zoo tune)")
    } else {
        "it has learnt nothing; try other settings (zoo tune), and look whether labels are right (zoo pictures)".into()
    };
    let says = format!(
        "{} gets {} of {} {part} images right (95 % interval: {:.1} to {}), and always saying {} {}: {verdict}",
        result.label(),
        share.percent(),
        thousands(share.images),
        100.0 * share.interval.low,
        percent(share.interval.high, 1),
        majority.class,
        percent(guess, 1),
    );
    Some(about(result, CODE, Severity::Warning, says))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn says(comparison: &Comparison) -> Vec<String> {
        no_better_than_majority(comparison).into_iter().map(|finding| finding.says).collect()
    }

    #[test]
    fn chance_may_be_all_there_is() {
        let expected = "svm gets 51.0 % of 1,000 test images right (95 % interval: 47.9 to 54.1 %), and always saying cat 50.0 %: \
                        that may be chance; more test images would tell, or try other settings (zoo tune)";
        assert_eq!(says(&samples::comparison(vec![samples::judged("svm", 510, 490)])), [expected]);
    }

    #[test]
    fn less_than_guessing_is_told_otherwise() {
        let expected = "knn gets 40.0 % of 1,000 test images right (95 % interval: 37.0 to 43.1 %), and always saying cat 50.0 %: \
                        it has learnt nothing; try other settings (zoo tune), and look whether labels are right (zoo \
                        pictures)";
        assert_eq!(says(&samples::comparison(vec![samples::judged("knn", 400, 600)])), [expected]);
    }

    #[test]
    fn the_interval_decides() {
        let right =
            |right| says(&samples::comparison(vec![samples::judged("svm", right, 1000 - right)])).len();
        assert_eq!((right(530), right(531)), (1, 0));
    }

    #[test]
    fn without_test_images_the_validation_images_tell() {
        let result = samples::trained("svm", (0.6, 1000), (0.55, 100));
        let mut comparison = samples::comparison(vec![result]);
        let said = says(&comparison);
        assert!(said[0].starts_with("svm gets 55.0 % of 100 validation images right"), "{said:?}");
        assert!(said[0].contains("more validation images would tell"), "{said:?}");
        comparison.majority.as_mut().unwrap().validation_accuracy = None;
        assert_eq!(says(&comparison), [""; 0]);
        comparison.majority = None;
        assert_eq!(says(&comparison), [""; 0]);
    }

    #[test]
    fn the_majority_is_as_good_as_itself() {
        assert_eq!(says(&samples::comparison(vec![samples::judged("majority", 500, 500)])), [""; 0]);
    }
}
