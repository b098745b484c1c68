//! The `zoo` binary on a GPU, real or software. Skipped, and said so, where no adapter answers; a failure with
//! `ZOO_REQUIRE_GPU=1`.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::common::{LONG_DEADLINE, Running, json, say, succeed, text, zoo};

/// Whether there is an adapter.
fn gpu(test: &str) -> bool {
    let place = tempfile::tempdir().unwrap();
    let found = !json(place.path(), &["backends"])["adapters"].as_array().unwrap().is_empty();
    let required = std::env::var("ZOO_REQUIRE_GPU").is_ok_and(|value| value == "1");
    assert!(found || !required, "ZOO_REQUIRE_GPU=1, but no adapter answers");
    if !found {
        say(&format!("skipped {test}: no adapter answers"));
    }
    found
}

fn on(place: &Path, backend: &str, arguments: &[&str]) -> Output {
    let mut command = zoo(place);
    command.env("CUBECL_AUTOTUNE_LEVEL", "minimal").args(["--backend", backend]).args(arguments);
    Running::start(&mut command).wait(LONG_DEADLINE)
}

#[test]
fn accuracies_are_those_of_flex() {
    if !gpu("accuracies_are_those_of_flex") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let arguments = [
        "compare",
        "knn",
        "svm",
        "--json",
        "--limit-train=300",
        "--limit-test=200",
        "--set=svm.train.epochs=2",
    ];
    let output = on(place.path(), "flex,wgpu", &arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = document["results"].as_array().unwrap();
    let accuracy = |model: &str, backend: &str| {
        let result =
            results.iter().find(|result| result["model"] == model && result["backend"] == backend).unwrap();
        result["test"]["accuracy"].as_f64().unwrap()
    };
    for model in ["knn", "svm"] {
        let (flex, wgpu) = (accuracy(model, "flex"), accuracy(model, "wgpu"));
        assert!((flex - wgpu).abs() <= 0.02, "{model}: {flex} and {wgpu}");
    }
}

#[test]
fn a_run_moves_between_backends() {
    if !gpu("a_run_moves_between_backends") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let limits = ["--limit-train=200", "--limit-test=50", "--set=train.epochs=2"];
    let trained = json(place, &[&["train", "softmax"][..], &limits].concat());
    let run = "runs/0001-train-softmax-shapes10";
    let accuracy = |document: &Value| document["results"][0]["test"]["accuracy"].as_f64().unwrap();
    for backend in ["ndarray", "wgpu"] {
        let output = on(place, backend, &["evaluate", run, "--json"]);
        assert!(output.status.success(), "{backend}: {}", text(&output.stderr));
        let evaluated: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(evaluated["backend"], backend);
        assert!((accuracy(&evaluated) - accuracy(&trained)).abs() <= 0.02, "{backend}");
        // As if it had been interrupted between its last epoch and its end.
        std::fs::remove_file(place.join(run).join("model.safetensors")).unwrap();
        let output = on(place, backend, &["train", "--resume", run, "--json"]);
        assert!(output.status.success(), "{backend}: {}", text(&output.stderr));
        let resumed: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(resumed["backend"], backend);
        assert!((accuracy(&resumed) - accuracy(&trained)).abs() <= 0.02, "{backend}");
    }
    succeed(place, &["evaluate", run]);
}

#[test]
fn tuning_is_kept_for_the_next_process() {
    if !gpu("tuning_is_kept_for_the_next_process") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    // What CubeCL says it has found of earlier processes.
    let loaded = || -> usize {
        let mut command = zoo(place.path());
        command.env("CUBECL_AUTOTUNE_LEVEL", "minimal").env("RUST_LOG", "cubecl_runtime::tune=info");
        command.args(["train", "softmax", "--backend=wgpu", "--cache-dir=cache", "--set=train.epochs=1"]);
        command.args(["--limit-train=64", "--limit-test=10"]);
        let output = Running::start(&mut command).wait(LONG_DEADLINE);
        let message = text(&output.stderr);
        assert!(output.status.success() && message.contains("softmax: tuning kernels"), "{message}");
        let found = message.lines().filter_map(|line| line.split_once("Loaded ")?.1.split_once(" autotune"));
        found.map(|(entries, _)| entries.parse::<usize>().unwrap()).sum()
    };
    assert_eq!(loaded(), 0);
    let tuning = json(place.path(), &["backends", "--cache-dir=cache"])["tuning"].clone();
    assert!(tuning["bytes"].as_u64().unwrap() > 0, "{tuning}");
    assert!(loaded() > 0);
}

#[test]
fn what_the_adapter_refuses_is_one_line_and_one_row() {
    if !gpu("what_the_adapter_refuses_is_one_line_and_one_row") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let adapters = json(place.path(), &["backends"])["adapters"].clone();
    if adapters[0]["max_binding_bytes"].as_u64().unwrap() > 160 << 20 {
        return say(
            "skipped what_the_adapter_refuses…: this adapter takes buffers that the test can't exceed",
        );
    }
    let arguments = [
        "train",
        "mlp",
        "--limit-train=20",
        "--limit-test=20",
        // Weights of 3,072 · 14,500 numbers, 170 MiB, which no part of a batch makes smaller.
        "--set=architecture.hidden=[14500]",
        "--set=train.epochs=1",
    ];
    let output = on(place.path(), "wgpu", &arguments);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    let line = message.lines().find(|line| line.starts_with("error: ") && line.contains("failed")).unwrap();
    assert!(line.contains(adapters[0]["name"].as_str().unwrap()), "{line}");
    assert!(line.contains("lower train.batch_size") && line.contains("--backend cpu"), "{line}");
    assert!(!message.contains("panicked"), "{message}");
}
