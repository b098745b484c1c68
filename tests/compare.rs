//! `zoo compare`, from the command line to the run folder.

use std::path::Path;

use serde_json::Value;

use crate::common::{
    LONG_DEADLINE, cifar10, finish, json, json_within, run, succeed, text, without_times, zoo,
};

/// Four models in seconds.
const QUICK: [&str; 11] = [
    "compare",
    "--limit-train=300",
    "--limit-test=100",
    "--config",
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/vgg.toml"),
    "--set=cnn.architecture.widths=[4,8]",
    "--set=cnn.architecture.depths=[1,1]",
    "--set=cnn.train.epochs=2",
    "--set=softmax.train.epochs=2",
    "--set=svm.train.epochs=2",
    "--set=knn.k=3",
];

#[test]
fn prints_the_schema_and_writes_a_run_folder() {
    let place = tempfile::tempdir().unwrap();
    let document = json(place.path(), &QUICK);
    assert_eq!(document["schema"], 1);
    assert_eq!(document["dataset"]["name"], "shapes10");
    assert_eq!(document["dataset"]["train"], 270);
    assert_eq!(document["dataset"]["validation"], 30);
    assert_eq!(document["dataset"]["test"], 100);
    assert_eq!(document["dataset"]["classes"].as_array().unwrap().len(), 10);
    assert_eq!((&document["backend"], &document["seed"]), (&"flex".into(), &42.into()));

    let results = document["results"].as_array().unwrap();
    let mut models: Vec<&str> = results.iter().map(|result| result["model"].as_str().unwrap()).collect();
    models.sort_unstable();
    assert_eq!(models, ["cnn", "knn", "softmax", "svm"]);
    let accuracies: Vec<f64> =
        results.iter().map(|result| result["validation"]["accuracy"].as_f64().unwrap()).collect();
    assert!(accuracies.is_sorted_by(|a, b| a >= b), "{accuracies:?}");
    for result in results {
        check_result(result);
    }

    let folder = place.path().join("runs/0001-compare-shapes10");
    let written: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("result.json")).unwrap()).unwrap();
    assert_eq!(written, document);
    let markdown = std::fs::read_to_string(folder.join("result.md")).unwrap();
    assert!(markdown.contains("| model ") && markdown.contains("| softmax "), "{markdown}");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let files = ["config.toml", "curves.png", "curves.svg", "predictions.csv"];
    let results = ["report.html", "result.csv", "result.json", "result.md"];
    let expected = [&["cnn"][..], &files[..3], &["knn"], &files[3..], &results, &["softmax", "svm"]].concat();
    assert_eq!(names, expected);
    check_answers(&folder, &document);
}

/// The answers of `predictions.csv` are those that the figures come from.
fn check_answers(folder: &Path, document: &Value) {
    let table = std::fs::read_to_string(folder.join("predictions.csv")).unwrap();
    let answers = zoo_schema::Answers::from_csv(&table).unwrap();
    assert_eq!(answers.images.len(), 100);
    for (place, model) in answers.models.iter().enumerate() {
        let right = answers.right(place).iter().filter(|&&right| right).count();
        let results = document["results"].as_array().unwrap();
        let result = results.iter().find(|result| result["folder"] == *model.model).unwrap();
        assert_eq!(result["test"]["accuracy"].as_f64().unwrap(), right as f64 / 100.0, "{}", model.model);
        let own = folder.join(&model.model);
        for file in ["config.toml", "model.safetensors", "predictions.csv", "result.json"] {
            assert!(own.join(file).is_file(), "{} {file}", model.model);
        }
        let own = std::fs::read_to_string(own.join("predictions.csv")).unwrap();
        let own = zoo_schema::Answers::from_csv(&own).unwrap();
        assert_eq!((&own.images, &own.models[0].answers), (&answers.images, &model.answers));
    }
}

fn check_result(result: &Value) {
    let model = result["model"].as_str().unwrap();
    assert_eq!(result["error"], Value::Null, "{model}");
    let test = &result["test"];
    let confusion: Vec<Vec<u64>> = serde_json::from_value(test["confusion"].clone()).unwrap();
    assert_eq!(confusion.iter().flatten().sum::<u64>(), 100, "{model}");
    let right: u64 = (0..10).map(|class| confusion[class][class]).sum();
    assert_eq!(test["accuracy"].as_f64().unwrap(), right as f64 / 100.0, "{model}");
    assert_eq!(test["per_class"][9]["class"], "triangle");
    for figure in ["precision", "recall", "f1"] {
        assert!((0.0..=1.0).contains(&test["macro"][figure].as_f64().unwrap()), "{model} {figure}");
    }
    for figure in ["parameters", "fit_seconds", "predict_seconds", "predict_images_per_second"] {
        assert!(result[figure].as_f64().unwrap() > 0.0, "{model} {figure}");
    }
    let trained = model != "knn";
    assert_eq!(result["history"].as_array().unwrap().len(), if trained { 2 } else { 0 }, "{model}");
    assert_eq!(test["loss"].is_number(), trained, "{model}");
    assert_eq!(result["kept_epoch"].is_number(), trained, "{model}");
    for part in [&result["validation"], test] {
        let interval = &part["accuracy_interval"];
        let (low, high) = (interval["low"].as_f64().unwrap(), interval["high"].as_f64().unwrap());
        let accuracy = part["accuracy"].as_f64().unwrap();
        assert!(low <= accuracy && accuracy <= high && high - low < 0.4, "{model}: {interval}");
    }
    assert_eq!(test["calibration"].is_object(), model != "svm", "{model}");
    assert!(result["train"]["accuracy"].is_number(), "{model}");
    assert!(result["config"].is_object(), "{model}");
}

#[test]
fn the_same_seed_gives_the_same_result() {
    let place = tempfile::tempdir().unwrap();
    let with_seed = |seed: &str| without_times(json(place.path(), &[&QUICK[..], &["--seed", seed]].concat()));
    let first = with_seed("7");
    assert_eq!(first, with_seed("7"));
    let other = with_seed("8");
    for model in ["cnn", "knn", "softmax", "svm"] {
        assert_ne!(confusion_of(&first, model), confusion_of(&other, model), "{model}");
    }
}

fn confusion_of<'a>(document: &'a Value, model: &str) -> &'a Value {
    let results = document["results"].as_array().unwrap();
    &results.iter().find(|result| result["model"] == model).unwrap()["test"]["confusion"]
}

#[test]
fn a_run_can_be_repeated_from_its_own_config() {
    let place = tempfile::tempdir().unwrap();
    let first = json(place.path(), &[&QUICK[..], &["--seed=5", "--validation=0.2"]].concat());
    let again = json(place.path(), &["compare", "--config", "runs/0001-compare-shapes10/config.toml"]);
    assert_eq!(without_times(first), without_times(again));
}

#[test]
fn recipes_stand_side_by_side_with_curves() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let write = |name: &str, text: &str| std::fs::write(place.join(name), text).unwrap();
    write("averaged.toml", "model = \"softmax\"\n[ema]\ndecay = 0.9\n");
    write("mirrored.toml", "model = \"softmax\"\n[evaluate]\ntest_time_augmentation = \"mirror\"\n");
    let limits = ["--limit-train=300", "--limit-test=100", "--set=train.epochs=3"];
    let files = ["compare", "softmax", "averaged.toml", "mirrored.toml"];
    let document = json(place, &[&files[..], &limits].concat());
    let results = document["results"].as_array().unwrap();
    let of = |recipe: Value| results.iter().find(|result| result["recipe"] == recipe).unwrap();
    let (plain, averaged, mirrored) = (of(Value::Null), of("averaged".into()), of("mirrored".into()));
    assert!(results.iter().all(|result| result["model"] == "softmax"));
    // The average changes what is kept, not how it came about; a mirror changes neither.
    assert_eq!(averaged["variants"][0]["name"], "without_ema");
    assert_eq!(averaged["history"][2]["train_loss"], plain["history"][2]["train_loss"]);
    assert!(averaged["history"][2]["ema_validation_accuracy"].is_f64());
    assert_eq!(mirrored["variants"][0]["name"], "mirror");
    assert_eq!(mirrored["test"], plain["test"]);
    assert_ne!(mirrored["variants"][0]["loss"], plain["test"]["loss"]);
    let run = place.join("runs/0001-compare-shapes10");
    let curves = std::fs::read_to_string(run.join("curves.svg")).unwrap();
    assert!(curves.starts_with("<svg") && curves.contains("averaged"));
    assert!(std::fs::read(run.join("curves.png")).unwrap().starts_with(b"\x89PNG"));

    // The config of the run is enough to repeat it.
    let again = json(place, &["compare", "runs/0001-compare-shapes10/config.toml"]);
    let again = without_times(again);
    let again = again["results"].as_array().unwrap();
    for result in without_times(document)["results"].as_array().unwrap() {
        assert!(again.contains(result), "{}", result["recipe"]);
    }
}

#[test]
fn the_table_is_on_stdout_and_progress_is_not() {
    let place = tempfile::tempdir().unwrap();
    let output = run(
        place.path(),
        &["compare", "softmax", "--limit-train=300", "--limit-test=100", "--set=train.epochs=2"],
    );
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(stdout.contains("validation") && stdout.contains("softmax"), "{stdout}");
    assert!(!stdout.contains("softmax epoch"), "{stdout}");
    let widest = stdout.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 100, "{widest} columns:\n{stdout}");
    assert_eq!(stderr.matches("softmax epoch").count(), 2, "{stderr}");
    assert!(stderr.contains("backend: flex on CPU"), "{stderr}");
    assert!(stderr.contains("written to runs"), "{stderr}");
}

#[test]
fn quiet_says_nothing_but_the_table() {
    let place = tempfile::tempdir().unwrap();
    let output = run(place.path(), &["compare", "knn", "-q", "--limit-train=50", "--limit-test=20"]);
    assert_eq!(text(&output.stderr), "");
    assert!(text(&output.stdout).contains("knn"));
}

#[test]
fn one_failure_is_a_row_and_exit_code_1() {
    let place = tempfile::tempdir().unwrap();
    let output = run(
        place.path(),
        &[
            "compare",
            "knn",
            "softmax",
            "--json",
            "--limit-train=100",
            "--limit-test=20",
            "--set=softmax.optimizer.learning_rate=1e30",
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["results"][0]["model"], "knn");
    let error = document["results"][1]["error"].as_str().unwrap();
    assert!(error.contains("diverged") && error.contains("learning_rate"), "{error}");
    let run = place.path().join("runs/0001-compare-shapes10");
    assert!(run.join("result.json").is_file() && run.join("knn/model.safetensors").is_file());
    assert!(!run.join("softmax/model.safetensors").exists());
}

#[test]
fn own_images_of_any_size() {
    let place = tempfile::tempdir().unwrap();
    succeed(place.path(), &["data", "export", "shapes", "--limit-train=200", "--limit-test=50"]);
    let document = json(
        place.path(),
        &["compare", "softmax", "knn", "--data", "shapes", "--set=softmax.train.epochs=1"],
    );
    assert_eq!(document["dataset"]["name"], "shapes");
    assert_eq!(document["dataset"]["test"], 50);
}

#[test]
fn several_backends_stand_side_by_side() {
    let place = tempfile::tempdir().unwrap();
    let arguments =
        ["compare", "knn", "softmax", "--limit-train=200", "--limit-test=50", "--set=softmax.train.epochs=2"];
    let command = |more: &[&str]| {
        let output = finish(zoo(place.path()).args(["--backend", "flex,ndarray"]).args(arguments).args(more));
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let document: Value = serde_json::from_str(&command(&["--json"])).unwrap();
    assert_eq!(document["backend"], "flex, ndarray");
    let results = document["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    for result in results {
        let difference = result["score_difference"].as_f64();
        assert_eq!(difference.is_some(), result["backend"] == "ndarray");
        assert!(difference.unwrap_or(0.0) < 1e-3, "{difference:?}");
    }
    let table = command(&[]);
    assert!(table.contains("difference") && table.contains("knn on ndarray"), "{table}");
}

/// The course's figures on real photographs, for what is quick to fit. The CNN takes minutes; its figure is in the README.
#[test]
fn cifar10_accuracies() {
    let Some(data) = cifar10("cifar10_accuracies") else { return };
    let place = tempfile::tempdir().unwrap();
    let arguments = ["compare", "knn", "softmax", "svm", "--data=cifar10", "--data-dir", &data];
    let document = json_within(LONG_DEADLINE, place.path(), &arguments);
    for result in document["results"].as_array().unwrap() {
        let accuracy = result["test"]["accuracy"].as_f64().unwrap();
        let least = match result["model"].as_str().unwrap() {
            "knn" => 0.335,
            "softmax" => 0.40,
            "svm" => 0.385,
            other => unreachable!("{other} was not asked for"),
        };
        assert!(accuracy >= least, "{}: {accuracy}", result["model"]);
    }
}
