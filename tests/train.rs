//! `zoo train` and `evaluate`: a model that is kept.

use std::path::Path;

use serde_json::Value;

use crate::common::{Running, fail, files, finish, json, run, succeed, text, without_times, zoo};

const CNN: [&str; 10] = [
    "train",
    "cnn",
    "--config",
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/vgg.toml"),
    "--limit-train=300",
    "--limit-test=100",
    "--set=architecture.widths=[4,8]",
    "--set=architecture.depths=[1,1]",
    "--set=architecture.dropout=0.2",
    "--set=train.epochs=4",
];

/// Everything that the recipe of airbench has, in small.
const AIRBENCH: [&str; 9] = [
    "train",
    "cnn",
    "--config",
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/airbench/narrow-32-64-64.toml"),
    "--limit-train=300",
    "--limit-test=100",
    "--set=architecture.widths=[4,4,8]",
    "--set=train.epochs=4.4",
    "--set=train.batch_size=32",
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
        &AIRBENCH,
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
        assert_eq!(evaluated["results"][0]["parameters"], trained["results"][0]["parameters"]);
        let lines = std::fs::read_to_string(place.join(&run).join("metrics.jsonl")).unwrap_or_default();
        assert_eq!(lines.lines().count(), trained["results"][0]["history"].as_array().unwrap().len());
    }
}

#[test]
fn an_interrupted_run_ends_as_one_that_was_not() {
    interrupt(&CNN);
    interrupt(&AIRBENCH);
}

fn interrupt(arguments: &[&str]) {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let whole = json(place, arguments);
    let whole_run = place.join("runs/0001-train-cnn-shapes10");

    // Kill a second run as soon as it has a checkpoint.
    let mut second = Running::start(zoo(place).args(["--backend=flex", "-q"]).args(arguments));
    let run = place.join("runs/0002-train-cnn-shapes10");
    second.until("it had a checkpoint", || {
        let checkpoints = ["checkpoint/epoch-1", "checkpoint/epoch-2"];
        checkpoints.iter().any(|checkpoint| run.join(checkpoint).exists()).then_some(())
    });
    second.kill();
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

#[test]
fn training_that_diverges_keeps_the_last_good_checkpoint() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    // Good for two epochs of nine, then beyond all numbers.
    let arguments = [
        "train",
        "softmax",
        "--limit-train=300",
        "--limit-test=100",
        "--set=train.epochs=9",
        "--set=train.batch_size=30",
        "--set=optimizer.learning_rate=1e38",
        "--set=schedule.kind=piecewise",
        "--set=schedule.points=[[0.0,0.0],[0.3,0.0],[1.0,1.0]]",
    ];
    let output = run(place, &arguments);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    let error = message.lines().find(|line| line.starts_with("error: ")).unwrap();
    for part in ["diverged", "step", "of epoch 3", "mean loss", "learning rate", "epoch 2 is kept in"] {
        assert!(error.contains(part), "{part:?} is not in {error}");
    }
    let kept = place.join("runs/0001-train-softmax-shapes10/checkpoint/epoch-2");
    assert!(kept.join("model.bpk").exists() && error.contains("checkpoint/epoch-2"));
    assert_eq!(std::fs::read_dir(kept.parent().unwrap()).unwrap().count(), 2, "it, and the one before");
}

#[test]
fn resuming_needs_no_gpu_driver() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(place, &["train", "softmax", "--limit-train=100", "--limit-test=20", "--set=train.epochs=2"]);
    let run = "runs/0001-train-softmax-shapes10";
    std::fs::remove_file(place.join(run).join("model.safetensors")).unwrap();
    let mut command = zoo(place);
    for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "__EGL_VENDOR_LIBRARY_FILENAMES"] {
        command.env(variable, "/nonexistent");
    }
    let output = finish(command.args(["train", "--backend=flex", "--resume", run]));
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(place.join(run).join("model.safetensors").exists());
}

#[test]
fn images_that_have_changed_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(place, &["data", "export", "shapes", "--limit-train=60", "--limit-test=20"]);
    let flat = place.join("flat");
    std::fs::rename(place.join("shapes/train"), &flat).unwrap();
    succeed(place, &["train", "knn", "--data=flat"]);
    let run = "runs/0001-train-knn-flat";
    succeed(place, &["evaluate", run]);
    // The same images somewhere else are fine; another image moves the split.
    std::fs::rename(&flat, place.join("moved")).unwrap();
    succeed(place, &["evaluate", run, "--data=moved"]);
    let star = std::fs::read_dir(place.join("moved/star")).unwrap().next().unwrap().unwrap().path();
    std::fs::copy(&star, place.join("moved/star/another.png")).unwrap();
    let message = fail(place, 1, &["evaluate", run, "--data=moved"]);
    assert!(message.contains("the images of runs/0001-train-knn-flat have changed"), "{message}");
}

#[test]
fn a_run_that_was_tampered_with_is_an_error() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(place, &["train", "knn", "--limit-train=50", "--limit-test=10"]);
    let run = "runs/0001-train-knn-shapes10";
    let config = place.join(run).join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    for (from, to, says) in [
        ("k = 1\n", "k = 9999\n", "k = 9999: must be 1 to"),
        ("k = 1\n", "k = 0\n", "k = 0: must be 1 to"),
        ("model = \"knn\"", "model = \"foo\"", "unknown model \"foo\""),
        ("model = \"knn\"", "model = \"svm\"", "unknown field `features`"),
    ] {
        assert!(text.contains(from), "{text}");
        std::fs::write(&config, text.replace(from, to)).unwrap();
        let message = fail(place, 1, &["evaluate", run]);
        assert!(message.contains("config.toml") && message.contains(says), "{message}");
    }
    std::fs::write(&config, text).unwrap();
    let message = fail(place, 2, &["evaluate", run, "--seed=3"]);
    assert!(message.contains("leave out --seed"), "{message}");
    std::fs::write(place.join(run).join("model.safetensors"), "nothing").unwrap();
    let message = fail(place, 1, &["evaluate", run]);
    assert!(message.contains("model.safetensors"), "{message}");
}

#[test]
fn a_failed_run_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let message = fail_but_keep(
        place,
        &["train", "softmax", "--limit-train=100", "--set=optimizer.learning_rate=1e39"],
    );
    assert!(message.contains("diverged"), "{message}");
    assert_eq!(files(&place.join("runs")), Vec::<std::path::PathBuf>::new());
}

fn fail_but_keep(place: &Path, arguments: &[&str]) -> String {
    let output = run(place, arguments);
    assert_eq!(output.status.code(), Some(1));
    text(&output.stderr)
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
fn help_teaches() {
    let place = tempfile::tempdir().unwrap();
    let output = finish(zoo(place.path()).arg("--help"));
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
