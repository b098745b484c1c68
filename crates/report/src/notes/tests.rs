//! Each note by itself, and their order.

use serde_json::json;
use zoo_schema::{EpochRecord, Interval, Majority, Severity};

use super::*;
use crate::sample::{comparison, judged, named, trained};

fn models() -> Vec<ModelResult> {
    vec![
        judged("cnn", [0.871, 0.8705, 0.994, 0.8698], 497_240, 292.0, 3374.0),
        judged("softmax", [0.412, 0.4121, 0.424, 0.4081], 30_730, 4.83, 268_077.0),
    ]
}

/// `result` with this many epochs, of which one was kept.
fn learnt(result: ModelResult, epochs: usize, kept: usize) -> ModelResult {
    let history = (1..=epochs).map(|epoch| EpochRecord { epoch, ..EpochRecord::default() });
    ModelResult { history: history.collect(), kept_epoch: Some(kept), ..result }
}

#[test]
fn the_legend_explains_what_is_there() {
    let legend = |results| legend_line(&comparison(results), "*");
    assert_eq!(legend(models()).unwrap(), "* the best of its column; intervals are 95 % (Wilson)");
    assert_eq!(legend(models().split_off(1)).unwrap(), "intervals are 95 % (Wilson)");
    assert_eq!(legend(vec![named("cnn")]), None);
    let several = vec![trained(models().remove(0), 5, 0.003)];
    let expected = "×5: mean ± standard deviation of 5 trainings, fit and images/s of the first";
    assert_eq!(legend(several).unwrap(), expected);
}

#[test]
fn guessing_is_one_line() {
    let line = |validation_accuracy, test_accuracy| {
        let majority = Majority { class: "cat".into(), validation_accuracy, test_accuracy };
        majority_line(&Comparison { majority: Some(majority), ..comparison(models()) })
    };
    assert_eq!(
        line(Some(0.1), Some(0.102)).unwrap(),
        "always the largest class (cat): 10.0 % of the validation images, 10.2 % of the test images"
    );
    assert_eq!(
        line(Some(0.1), None).unwrap(),
        "always the largest class (cat): 10.0 % of the validation images"
    );
    assert_eq!((line(None, None), majority_line(&comparison(models()))), (None, None));
}

#[test]
fn variants_are_in_one_line() {
    let mut results = models();
    let variant = |name: &str, accuracy, accuracy_interval| Variant {
        name: name.into(),
        accuracy,
        accuracy_interval,
        loss: None,
    };
    results[0].variants = vec![
        variant("mirror", 0.88, Some(Interval { low: 0.873, high: 0.886 })),
        variant("without_ema", 0.8, None),
    ];
    let expected = "cnn with mirror: 88.0 % (87.3–88.6); cnn without EMA: 80.0 %";
    assert_eq!(variants_line(&comparison(results)).unwrap(), expected);
    assert_eq!(variants_line(&comparison(models())), None);
    assert_eq!(
        ["mirror", "mirror_and_shifts", "shifts", "without_ema", "at_64_pixels"].map(variant_title),
        ["with mirror", "with mirror and shifts", "with shifts", "without EMA", "at 64 pixels"]
    );
}

#[test]
fn trainings_that_ended_early_say_why() {
    let [cnn, softmax] = models().try_into().unwrap();
    let lines = |results: &[ModelResult]| epochs_lines(&comparison(results.to_vec()));
    assert!(lines(&[learnt(cnn.clone(), 8, 8), softmax.clone()]).is_empty(), "nothing to say");
    let (config, budget) = (json!({"train": {"epochs": 7.5}}), Some(EarlyStop::Budget));
    let cnn = ModelResult { stopped_by: budget, config, ..learnt(cnn, 5, 4) };
    let softmax = ModelResult { stopped_by: Some(EarlyStop::Patience), ..learnt(softmax, 12, 7) };
    let expected = [
        "kept epochs: cnn 4 of 5, softmax 7 of 12",
        "cnn stopped after epoch 5 of 8: its time was used up",
        "softmax stopped after epoch 12: none was better than epoch 7 for too long",
    ];
    assert_eq!(lines(&[cnn, softmax]), expected);
}

#[test]
fn the_front_has_its_figures() {
    let mut comparison = comparison(models());
    assert_eq!(front_line(&comparison), None);
    comparison.pareto_front = vec!["2-softmax".into(), "cnn".into()];
    comparison.results[1].folder = Some("2-softmax".into());
    let expected = "no model is both more accurate and faster than: softmax (41.2 %, 268,077 images/s), \
        cnn (87.1 %, 3,374 images/s)";
    assert_eq!(front_line(&comparison).unwrap(), expected);
    comparison.results.truncate(1);
    assert_eq!(front_line(&comparison), None, "one model is compared with nothing");
}

#[test]
fn warnings_come_first_and_below_everything_else() {
    let mut comparison = comparison(models());
    let finding = |code: &str, severity, model: Option<&str>| Finding {
        code: code.into(),
        severity,
        model: model.map(Into::into),
        says: "it is so".into(),
    };
    comparison.checks = vec![
        finding("not-converged", Severity::Note, Some("softmax")),
        finding("duplicates", Severity::Warning, None),
        finding("over-fitted", Severity::Warning, Some("1-cnn")),
    ];
    comparison.results[0].folder = Some("1-cnn".into());
    comparison.verdict = Some("cnn is better than softmax".into());
    let expected = [
        "* the best of its column; intervals are 95 % (Wilson)",
        "cnn is better than softmax",
        "warning[duplicates]: it is so",
        "warning[over-fitted]: it is so",
        "note[not-converged]: it is so",
    ];
    assert_eq!(notes(&comparison), expected);
}

#[test]
fn lines_break_at_blanks() {
    let text = "always the largest class (cat): 10.0 % of the test images";
    assert_eq!(wrapped(text, 80), text);
    let expected = "always the largest\n  class (cat): 10.0 %\n  of the test images";
    assert_eq!(wrapped(text, 22), expected);
    assert_eq!(wrapped("two words", 1), "two\n  words");
    assert_eq!(wrapped("", 10), "");
}
