//! `zoo train`, `evaluate` and `predict`: a model that is kept.

mod common;

use std::path::Path;

use common::{fail, json, succeed, text, without_times, zoo};
use serde_json::Value;

const CNN: [&str; 8] = [
    "train",
    "cnn",
    "--limit-train=300",
    "--limit-test=100",
    "--set=architecture.widths=[4,8]",
    "--set=architecture.depths=[1,1]",
    "--set=architecture.dropout=0.2",
    "--set=train.epochs=4",
];

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_trained_model_evaluates_to_the_same_figures() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    for (number, arguments) in [
        &CNN[..],
        &["train", "softmax", "--limit-train=300", "--limit-test=100", "--set=train.epochs=2"],
        &["train", "svm", "--limit-train=300", "--limit-test=100", "--set=train.epochs=2"],
        &["train", "knn", "--limit-train=300", "--limit-test=100", "--set=k=3"],
    ]
    .into_iter()
    .enumerate()
    {
        let trained = json(place, arguments);
        let run = format!("runs/{:04}-train-{}-shapes10", number + 1, arguments[1]);
        assert_eq!(read(&place.join(&run).join("result.json")), trained);
        let evaluated = json(place, &["evaluate", &run]);
        assert_eq!(evaluated["results"][0]["test"], trained["results"][0]["test"], "{run}");
        let lines = std::fs::read_to_string(place.join(&run).join("metrics.jsonl")).unwrap();
        assert_eq!(lines.lines().count(), trained["results"][0]["history"].as_array().unwrap().len());
    }
}

#[test]
fn an_interrupted_run_ends_as_one_that_was_not() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let whole = json(place, &CNN);
    let whole_run = place.join("runs/0001-train-cnn-shapes10");

    // Kill a second run as soon as it has a checkpoint.
    let mut child = zoo(place).args(["--backend=flex", "-q"]).args(CNN).spawn().unwrap();
    let run = place.join("runs/0002-train-cnn-shapes10");
    while !run.join("checkpoint/epoch-1").exists() && !run.join("checkpoint/epoch-2").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before it could be killed");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!run.join("model.safetensors").exists());
    let message = fail(place, 1, &["evaluate", run.to_str().unwrap()]);
    assert!(message.contains("is not finished") && message.contains("--resume"), "{message}");

    let resumed = json(place, &["train", "--resume", run.to_str().unwrap()]);
    assert_eq!(without_times(resumed), without_times(whole));
    let bytes = |run: &Path| std::fs::read(run.join("model.safetensors")).unwrap();
    assert_eq!(tensors(&bytes(&run)), tensors(&bytes(&whole_run)));
    let message = fail(place, 1, &["train", "--resume", run.to_str().unwrap()]);
    assert!(message.contains("is finished"), "{message}");
}

/// Names and values of a SafeTensors file.
fn tensors(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let file = safetensors::SafeTensors::deserialize(bytes).unwrap();
    let mut tensors: Vec<_> =
        file.tensors().into_iter().map(|(name, view)| (name, view.data().to_vec())).collect();
    tensors.sort();
    tensors
}

#[test]
fn predictions_of_several_runs_stand_side_by_side() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(place, &["data", "export", "shapes", "--limit-train=20", "--limit-test=10"]);
    succeed(place, &["train", "knn", "--limit-train=200", "--limit-test=20"]);
    succeed(place, &["train", "svm", "--limit-train=200", "--limit-test=20", "--set=train.epochs=1"]);
    let star = std::fs::read_dir(place.join("shapes/test/star")).unwrap().next().unwrap().unwrap().path();
    let star = star.to_str().unwrap();
    let runs = ["runs/0001-train-knn-shapes10", "runs/0002-train-svm-shapes10"];
    let document = json(place, &["predict", runs[0], runs[1], "--image", star, "--top", "10"]);
    let predictions = document.as_array().unwrap();
    assert_eq!(predictions.len(), 2);
    for (prediction, run) in predictions.iter().zip(runs) {
        assert_eq!((prediction["run"].as_str(), prediction["image"].as_str()), (Some(run), Some(star)));
        let shares: Vec<f64> = prediction["classes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|guess| guess["probability"].as_f64().unwrap())
            .collect();
        assert!(
            shares.is_sorted_by(|a, b| a >= b) && (shares.iter().sum::<f64>() - 1.0).abs() < 1e-4,
            "{shares:?}"
        );
    }
    let table = succeed(place, &["predict", runs[0], "--image", star]);
    assert!(table.contains("0001-train-knn-shapes10") && table.contains(" %"), "{table}");
    let message = fail(place, 1, &["predict", runs[0], "--image", "none.png"]);
    assert!(message.contains("cannot read none.png"), "{message}");
}

#[test]
fn help_teaches() {
    let place = tempfile::tempdir().unwrap();
    let output = zoo(place.path()).arg("--help").output().unwrap();
    let help = text(&output.stdout);
    for part in [
        "compare",
        "train",
        "evaluate",
        "predict",
        "data",
        "backends",
        "--backend",
        "Examples:",
        "Exit codes",
    ] {
        assert!(help.contains(part), "{part} is not in the help");
    }
}
