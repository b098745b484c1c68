//! Figures against scikit-learn's and statsmodels'; made by `scripts/golden/metrics.py`.

use serde::Deserialize;
use zoo_schema::{Calibration, ConfusionMatrix, Interval};

#[derive(Deserialize)]
struct Golden {
    confusions: Vec<Confusion>,
    calibrations: Vec<Calibrated>,
    /// Right, images, low, high.
    intervals: Vec<(usize, usize, f64, f64)>,
}

#[derive(Deserialize)]
struct Confusion {
    counts: ConfusionMatrix,
    accuracy: f64,
    balanced_accuracy: f64,
    matthews_correlation: f64,
    cohen_kappa: Option<f64>,
    /// Precision, recall, F1.
    r#macro: [f64; 3],
}

#[derive(Deserialize)]
struct Calibrated {
    confidences: Vec<f32>,
    right: String,
    expected_calibration_error: f64,
    /// Images, confidence, accuracy.
    bins: Vec<(usize, f64, f64)>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/metrics.json")).unwrap()
}

#[track_caller]
fn assert_equal(found: f64, expected: f64, of: impl std::fmt::Debug) {
    assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}: {of:?}");
}

#[test]
fn confusion_matrices() {
    let cases = golden().confusions;
    assert!(cases.len() > 100);
    for case in cases {
        let counts = &case.counts;
        assert_equal(counts.accuracy(), case.accuracy, counts);
        assert_equal(counts.balanced_accuracy(), case.balanced_accuracy, counts);
        assert_equal(counts.matthews_correlation(), case.matthews_correlation, counts);
        assert_eq!(counts.cohen_kappa().is_some(), case.cohen_kappa.is_some(), "{counts:?}");
        assert_equal(counts.cohen_kappa().unwrap_or(0.0), case.cohen_kappa.unwrap_or(0.0), counts);
        let mean = counts.macro_average();
        for (found, expected) in [mean.precision, mean.recall, mean.f1].into_iter().zip(case.r#macro) {
            assert_equal(found, expected, counts);
        }
    }
}

#[test]
fn calibration() {
    let cases = golden().calibrations;
    assert!(cases.len() > 60);
    for case in cases {
        let right = case.right.chars().map(|right| right == '1');
        let found = Calibration::new(case.confidences.iter().copied().zip(right)).unwrap();
        assert_equal(found.expected_calibration_error, case.expected_calibration_error, &found);
        assert_eq!(found.bins.len(), case.bins.len(), "{found:?}");
        for (bin, (images, confidence, accuracy)) in found.bins.iter().zip(case.bins) {
            assert_eq!(bin.images, images, "{found:?}");
            assert_equal(bin.confidence, confidence, bin);
            assert_equal(bin.accuracy, accuracy, bin);
        }
    }
}

#[test]
fn intervals() {
    let cases = golden().intervals;
    assert!(cases.len() > 80);
    for (right, images, low, high) in cases {
        let found = Interval::wilson(right, images);
        assert_equal(found.low, low, (right, images));
        assert_equal(found.high, high, (right, images));
    }
}
