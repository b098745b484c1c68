//! `zoo losses`: both losses on the validation images of runs.

use std::path::Path;

use serde_json::Value;

use crate::common::{fail, json, succeed};

const SMALL: [&str; 2] = ["--limit-train=300", "--limit-test=100"];

fn train(place: &Path, arguments: &[&str]) -> Value {
    json(place, &[&["train"], arguments, &SMALL].concat())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn losses_of_two_runs_stand_side_by_side() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let long = ["--set=train.epochs=40", "--validation=0.3"];
    let softmax = train(place, &[&["softmax", "--set=optimizer.learning_rate=0.05"], &long[..]].concat());
    let svm = ["svm", "--set=optimizer.learning_rate=0.01", "--set=loss.margin=0.5"];
    let svm = train(place, &[&svm, &long[..]].concat());
    let runs = ["runs/0001-train-softmax-shapes10", "runs/0002-train-svm-shapes10"];
    let document = json(place, &["losses", runs[0], runs[1]]);
    assert_eq!((&document["dataset"], &document["images"]), (&"shapes10".into(), &90.into()));

    // The means over all images are what training has recorded of its own loss.
    let (first, second) = (&document["runs"][0], &document["runs"][1]);
    let validation = |result: &Value, key: &str| number(&result["results"][0]["validation"][key]);
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-5, "{a} is not {b}");
    close(number(&first["all"]["cross_entropy"]), validation(&softmax, "loss"));
    close(number(&second["all"]["hinge"]), validation(&svm, "loss"));
    assert_eq!((number(&first["delta"]), number(&second["delta"])), (1.0, 0.5));
    close(number(&first["right"]["images"]) / 90.0, validation(&softmax, "accuracy"));

    for run in [first, second] {
        let met = &run["margin_met"];
        assert!(number(&met["images"]) > 0.0 && number(&met["images"]) <= number(&run["right"]["images"]));
        assert_eq!(number(&met["hinge"]), 0.0);
        assert!(number(&met["least_cross_entropy"]) > 0.0);
        for (part, entropy) in run["decompositions"].as_array().unwrap().iter().zip([0.0, 0.500_288]) {
            close(number(&part["entropy"]), entropy);
            close(number(&part["cross_entropy"]), number(&part["entropy"]) + number(&part["divergence"]));
        }
    }
    check_examples(&document);

    let printed = succeed(place, &["losses", runs[0], runs[1]]);
    for part in ["of these: margin met", "D_KL(q‖p)", "right by the most", "wrong by the most", "∂hinge/∂s"]
    {
        assert!(printed.contains(part), "{part:?} is not in {printed}");
    }
}

/// The three examples are what they are called, and gradients are p − q and a count.
fn check_examples(document: &Value) {
    let examples = document["examples"].as_array().unwrap();
    let chosen: Vec<&str> = examples.iter().map(|example| example["chosen"].as_str().unwrap()).collect();
    assert_eq!(chosen, ["right by the most", "right by the least", "wrong by the most"]);
    let list = |value: &Value| -> Vec<f64> { value.as_array().unwrap().iter().map(number).collect() };
    let least_margins = examples.iter().map(|example| {
        assert_eq!(example["verdicts"].as_array().unwrap().len(), 2);
        for verdict in example["verdicts"].as_array().unwrap() {
            let (p, gradient) = (list(&verdict["probabilities"]), list(&verdict["cross_entropy_gradient"]));
            assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            assert_eq!(gradient.iter().zip(&p).filter(|(gradient, p)| gradient == p).count(), 9);
            assert!(gradient.iter().sum::<f64>().abs() < 1e-12);
            let hinge = list(&verdict["hinge_gradient"]);
            assert_eq!(hinge.iter().sum::<f64>(), 0.0);
            assert_eq!(hinge.iter().all(|&slope| slope == 0.0), number(&verdict["hinge"]) == 0.0);
        }
        // The margin to itself is 0 for the right class, so one 0 is left out.
        let mut margins = list(&example["verdicts"][0]["margins"]);
        margins.remove(margins.iter().position(|&margin| margin == 0.0).unwrap());
        margins.into_iter().fold(f64::INFINITY, f64::min)
    });
    let least: Vec<f64> = least_margins.collect();
    assert!(least[0] > least[1] && least[1] > 0.0 && least[2] < 0.0, "{least:?}");
}

#[test]
fn runs_that_do_not_suit_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let quick = "--set=train.epochs=1";
    train(place, &["softmax", quick]);
    train(place, &["svm", quick, "--seed=7"]);
    train(place, &["knn"]);
    train(place, &["softmax", quick, "--validation=0"]);
    let first = "runs/0001-train-softmax-shapes10";
    let message = fail(place, 2, &["losses", first, "runs/0002-train-svm-shapes10"]);
    assert!(message.contains("has other images than") && message.contains("--seed"), "{message}");
    let message = fail(place, 2, &["losses", "runs/0003-train-knn-shapes10"]);
    assert!(message.contains("knn minimises no loss"), "{message}");
    let message = fail(place, 2, &["losses", "runs/0004-train-softmax-shapes10"]);
    assert!(message.contains("--validation 0.1"), "{message}");
    let message = fail(place, 2, &["losses", first, "--limit-train=100"]);
    assert!(message.contains("leave out --limit-train"), "{message}");
    let message = fail(place, 1, &["losses", "runs"]);
    assert!(message.contains("is no run folder"), "{message}");
}
