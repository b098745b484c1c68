//! `zoo pictures`: of data, of runs, of searches.

use std::path::Path;

use serde_json::json;

use crate::common::{fail, files, json, succeed};

const LIMITS: [&str; 2] = ["--limit-train=300", "--limit-test=100"];

fn train(place: &Path, arguments: &[&str]) {
    succeed(place, &[&["train"], arguments, &LIMITS].concat());
}

/// Checks that `folder` holds these pictures and nothing else, each as SVG and as a PNG of twice its size with something in it.
fn holds(folder: &Path, names: &[&str]) {
    let mut expected: Vec<_> = names
        .iter()
        .flat_map(|name| ["svg", "png"].map(|kind| folder.join(format!("{name}.{kind}"))))
        .collect();
    expected.sort();
    assert_eq!(files(folder), expected);
    for name in names {
        let svg = std::fs::read_to_string(folder.join(format!("{name}.svg"))).unwrap();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{name}");
        let length = |key: &str| -> u32 {
            svg.split(key).nth(1).and_then(|rest| rest.split('"').next()).unwrap().parse().unwrap()
        };
        let pixels = image::open(folder.join(format!("{name}.png"))).unwrap().to_rgb8();
        assert_eq!(pixels.dimensions(), (2 * length(" width=\""), 2 * length(" height=\"")), "{name}");
        let drawn = pixels.pixels().filter(|pixel| pixel.0 != [255; 3]).count();
        assert!(drawn > 1000, "{name} has {drawn} pixels that are not white");
    }
}

#[test]
fn data_are_drawn_into_a_run_of_their_own() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let arguments = [&["pictures", "--seed=3"], &LIMITS[..]].concat();
    let document = json(place, &arguments);
    let names = ["samples", "mean-image", "distances", "neighbours"];
    let first = place.join("runs/0001-pictures-shapes10");
    holds(&first, &names);
    for (name, written) in names.iter().zip(document.as_array().unwrap()) {
        let path = format!("runs/0001-pictures-shapes10/{name}");
        assert_eq!(
            *written,
            json!({ "picture": name, "svg": format!("{path}.svg"), "png": format!("{path}.png") })
        );
    }
    // The seed is all that they follow from.
    succeed(place, &arguments);
    succeed(place, &[&["pictures", "--seed=4"], &LIMITS[..]].concat());
    let read = |run: &str| std::fs::read(place.join(run).join("samples.png")).unwrap();
    assert_eq!(read("runs/0002-pictures-shapes10"), read("runs/0001-pictures-shapes10"));
    assert_ne!(read("runs/0003-pictures-shapes10"), read("runs/0001-pictures-shapes10"));
}

#[test]
fn runs_show_what_their_model_has_learnt() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    train(place, &["softmax", "--set=train.epochs=2"]);
    train(place, &["knn"]);
    train(place, &["mlp", "--set=train.epochs=1", "--set=architecture.hidden=[12]"]);
    let vgg = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/vgg.toml");
    let small =
        ["--set=architecture.widths=[4,8]", "--set=architecture.depths=[1,1]", "--set=train.epochs=2"];
    train(place, &[&["cnn", "--config", vgg], &small[..]].concat());
    let run = |number: usize, model: &str| format!("runs/{number:04}-train-{model}-shapes10");
    let runs = [run(1, "softmax"), run(2, "knn"), run(3, "mlp"), run(4, "cnn")];
    let printed = succeed(place, &["pictures", &runs[0], &runs[1], &runs[2], &runs[3]]);
    for path in printed.lines() {
        assert!(place.join(path).is_file(), "{path}");
    }
    let folder = |run: &str| place.join(run).join("pictures");
    holds(&folder(&runs[0]), &["curves", "confusion", "misclassified", "templates"]);
    holds(&folder(&runs[1]), &["confusion", "misclassified", "neighbours"]);
    // One epoch is no curve.
    holds(&folder(&runs[2]), &["confusion", "misclassified", "filters"]);
    holds(&folder(&runs[3]), &["curves", "confusion", "misclassified", "filters"]);
    let filters = std::fs::read_to_string(folder(&runs[3]).join("filters.svg")).unwrap();
    assert_eq!(filters.matches("<image ").count(), 4, "a filter each of the first layer");

    // Drawing again gives the same bytes.
    let read =
        |run: &str| files(&folder(run)).iter().map(|file| std::fs::read(file).unwrap()).collect::<Vec<_>>();
    let before = read(&runs[1]);
    succeed(place, &["pictures", &runs[1]]);
    assert_eq!(read(&runs[1]), before);
}

#[test]
fn comparisons_have_a_confusion_matrix_a_model() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(place, &[&["compare", "knn", "softmax", "--set=softmax.train.epochs=2"], &LIMITS[..]].concat());
    let run = "runs/0001-compare-shapes10";
    succeed(place, &["pictures", run]);
    holds(&place.join(run).join("pictures"), &["curves", "confusion-knn", "confusion-softmax"]);
}

fn write_trials(place: &Path, run: &str, trials: &[serde_json::Value]) {
    std::fs::create_dir_all(place.join(run)).unwrap();
    let lines: Vec<String> = trials.iter().map(ToString::to_string).collect();
    std::fs::write(place.join(run).join("trials.jsonl"), lines.join("\n") + "\n").unwrap();
}

fn trial(number: usize, settings: &serde_json::Value, accuracies: &[f64]) -> serde_json::Value {
    json!({
        "trial": number, "settings": settings, "validation_accuracies": accuracies, "training_accuracy": 0.5,
        "seconds": 1.5, "error": null,
    })
}

#[test]
fn searches_are_a_scatter_or_a_map() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let one = [1, 3, 5].map(|k| trial(k, &json!({ "k": k }), &[0.3, 0.31, 0.3 + 0.01 * k as f64]));
    write_trials(place, "runs/0001-tune-knn", &one);
    let rates = [(1e-4, 0.0), (1e-3, 1e-5), (1e-2, 0.1)];
    let two = rates
        .map(|(rate, decay)| trial(1, &json!({ "learning_rate": rate, "weight_decay": decay }), &[rate]));
    write_trials(place, "runs/0002-tune-svm", &two);
    let document = json(place, &["pictures", "runs/0001-tune-knn", "runs/0002-tune-svm/"]);
    assert_eq!((&document[0]["picture"], &document[1]["picture"]), (&json!("scatter"), &json!("map")));
    holds(&place.join("runs/0001-tune-knn/pictures"), &["scatter"]);
    holds(&place.join("runs/0002-tune-svm/pictures"), &["map"]);
}

#[test]
fn mistakes_are_explained() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let refused = |code, arguments: &[&str], parts: &[&str]| {
        let message = fail(place, code, &[&["pictures"], arguments].concat());
        let errors: Vec<&str> = message.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{message}");
        assert!(message.trim_end().ends_with(errors[0]), "the error is one line, the last: {message}");
        for part in parts {
            assert!(errors[0].contains(part), "{part:?} is not in {message}");
        }
    };
    refused(2, &["runs/0009"], &["runs/0009: neither a folder nor the name of a recipe"]);
    std::fs::create_dir(place.join("empty")).unwrap();
    refused(1, &["empty"], &["empty is no run folder: it has no result.json and no trials.jsonl"]);
    write_trials(place, "failed", &[trial(1, &json!({ "k": 1 }), &[])]);
    refused(1, &["failed"], &["failed/trials.jsonl has nothing to draw", "no trial"]);
    write_trials(place, "broken", &[trial(1, &json!({ "k": 1 }), &[0.5]), json!({ "trial": 2 })]);
    refused(1, &["broken"], &["broken/trials.jsonl, line 2", "missing field"]);
    std::fs::create_dir(place.join("result")).unwrap();
    std::fs::write(place.join("result/result.json"), "{\n\"schema\": one\n}").unwrap();
    refused(1, &["result"], &["cannot parse result/result.json", "line 2"]);
    std::fs::create_dir(place.join("begun")).unwrap();
    std::fs::write(place.join("begun/config.toml"), "").unwrap();
    refused(1, &["begun"], &["begun is not finished"]);
    refused(2, &["failed", "--seed=3"], &["a run keeps its own data", "--seed"]);
    refused(2, &["--data=cifar01"], &["cifar01", "did you mean cifar10?"]);
    // What is drawn before a mistake is not written.
    write_trials(place, "fine", &[trial(1, &json!({ "k": 1 }), &[0.5])]);
    refused(1, &["fine", "broken"], &["broken/trials.jsonl, line 2"]);
}
