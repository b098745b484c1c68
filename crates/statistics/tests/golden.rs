//! Tests against statsmodels' and SciPy's; made by `scripts/golden/significance.py`.

use serde::Deserialize;
use zoo_statistics::{holm, images_needed, mcnemar, min_f};

#[derive(Deserialize)]
struct Golden {
    /// Only a, only b, p.
    mcnemar: Vec<(usize, usize, f64)>,
    holm: Vec<Holm>,
    min_f: Vec<Case>,
    /// Only a, only b, images, images needed.
    images_needed: Vec<(usize, usize, usize, Option<usize>)>,
}

#[derive(Deserialize)]
struct Holm {
    p: Vec<f64>,
    corrected: Vec<f64>,
}

#[derive(Deserialize)]
struct Case {
    /// A line of digits per training, `1` for each image that it is right about.
    a: Vec<String>,
    b: Vec<String>,
    difference: f64,
    f_trainings: Option<f64>,
    f_images: Option<f64>,
    min_f: Option<f64>,
    degrees_of_freedom: Option<f64>,
    p: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/statistics.json")).unwrap()
}

/// Whether the two are equal except for a 10⁹th of them.
#[track_caller]
fn assert_equal(found: f64, expected: f64, of: impl std::fmt::Debug) {
    let is_equal = (found - expected).abs() <= 1e-9 * expected.abs() + f64::MIN_POSITIVE;
    assert!(is_equal, "{found:e} instead of {expected:e}: {of:?}");
}

#[test]
fn mcnemars_exact_test() {
    let cases = golden().mcnemar;
    assert!(cases.len() > 100);
    for (only_a, only_b, p) in cases {
        assert_equal(mcnemar(only_a, only_b), p, (only_a, only_b));
    }
}

#[test]
fn holms_method() {
    let cases = golden().holm;
    assert!(cases.len() > 60);
    for case in cases {
        let found = holm(&case.p);
        assert_eq!(found.len(), case.corrected.len());
        for (found, expected) in found.into_iter().zip(case.corrected) {
            assert_equal(found, expected, &case.p);
        }
    }
}

#[test]
fn clarks_min_f() {
    let cases = golden().min_f;
    assert!(cases.len() > 70);
    let trainings = |lines: &[String]| -> Vec<Vec<bool>> {
        lines.iter().map(|line| line.chars().map(|digit| digit == '1').collect()).collect()
    };
    for case in cases {
        let found = min_f(&trainings(&case.a), &trainings(&case.b));
        assert!((found.difference - case.difference).abs() < 1e-12, "{found:?}");
        for (value, expected) in [
            (found.f_trainings, case.f_trainings),
            (found.f_images, case.f_images),
            (found.min_f, case.min_f),
            (found.degrees_of_freedom, case.degrees_of_freedom),
        ] {
            assert_eq!(value.is_some(), expected.is_some(), "{found:?}: {:?} {:?}", case.a, case.b);
            assert_equal(value.unwrap_or(0.0), expected.unwrap_or(0.0), found);
        }
        assert_equal(found.p, case.p, found);
    }
}

#[test]
fn connors_number_of_images() {
    let cases = golden().images_needed;
    assert!(cases.len() > 60);
    for (only_a, only_b, images, expected) in cases {
        assert_eq!(images_needed(only_a, only_b, images), expected, "{only_a} {only_b} {images}");
    }
}
