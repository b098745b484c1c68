//! Published results, measured again. `.ci/run` runs a sample of each row of the suite that comes along.

use std::path::Path;

use serde_json::Value;

use crate::common::{fail, files, run, succeed, text};

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

const ROW: &str = r#"
model = "knn"
k = 1

[row]
title = "nearest neighbour"
source = "nobody"
images = 100
test = 50
search.metric = ["l1", "l2"]
validation = 20

[[row.published]]
measure = "validation"
setting = { metric = "l2" }
value = 20.0
tolerance = 1.0
reason = "an example"

[[row.published]]
measure = "test"
at_least = 0.0
tolerance = 0.0
reason = "an example"
"#;

#[test]
fn a_folder_is_a_suite_and_its_rows_are_recipes() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path();
    std::fs::create_dir(out.join("own")).unwrap();
    std::fs::write(out.join("own/nearest.toml"), ROW).unwrap();
    let table = succeed(out, &["reproduce", "own", "--data=shapes10"]);
    let markdown = std::fs::read_to_string(out.join("runs/0001-reproduce-own-shapes10/result.md")).unwrap();
    assert!(markdown.contains("| nearest neighbour (nobody) | validation, metric = \"l2\" |"), "{markdown}");
    assert!(table.contains("validation, metric = \"l2\"") && table.contains("≥ 0.0 %"), "{table}");
    let result = read(&out.join("runs/0001-reproduce-own-shapes10/result.json"));
    let row = &result["rows"][0];
    assert_eq!(row["images"], serde_json::json!({ "train": 80, "validation": 20, "test": 50 }));
    assert_eq!(row["trials"].as_array().unwrap().len(), 2);
    assert_eq!(row["result"]["test"]["per_class"].as_array().unwrap().len(), 10);
    let chosen = row["config"]["metric"].as_str().unwrap();
    let best = row["trials"].as_array().unwrap().iter().max_by(|a, b| {
        let accuracy = |trial: &Value| trial["validation_accuracies"][0].as_f64().unwrap();
        // The first of equals.
        accuracy(a).total_cmp(&accuracy(b)).then(b["trial"].as_u64().cmp(&a["trial"].as_u64()))
    });
    assert_eq!(best.unwrap()["settings"]["metric"], chosen);
    succeed(out, &["train", "own/nearest.toml", "--limit-train=50", "--limit-test=20"]);

    let config = std::fs::read_to_string(out.join("runs/0001-reproduce-own-shapes10/config.toml")).unwrap();
    for part in ["suite = \"own\"", "only = [\"nearest\"]", "quick = false", "seed = 42", "fingerprint = "] {
        assert!(config.contains(part), "{part} is not in {config}");
    }
    let message = fail(out, 2, &["train", "knn", "--config=runs/0001-reproduce-own-shapes10/config.toml"]);
    assert!(message.contains("`zoo reproduce` measures it again"), "{message}");
    let message = fail(out, 1, &["pictures", "runs/0001-reproduce-own-shapes10"]);
    assert!(message.contains("has the figures of a suite, which there are no pictures of"), "{message}");
}

#[test]
fn a_sample_of_few_images_leaves_some_to_learn_from() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path();
    succeed(out, &["data", "export", "photos", "--limit-train=50", "--limit-test=20"]);
    let row = succeed(out, &["reproduce", "cs231n", "--quick", "--only=softmax", "--data=photos", "--json"]);
    let row: Value = serde_json::from_str(&row).unwrap();
    let images = serde_json::json!({ "train": 25, "validation": 25, "test": 20 });
    assert_eq!((&row["rows"][0]["images"], &row["rows"][0]["error"]), (&images, &Value::Null));
}

#[test]
fn a_setting_that_fails_is_told_beside_the_figures_of_the_others() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path();
    std::fs::create_dir(out.join("own")).unwrap();
    let row = ROW.replace("search.metric = [\"l1\", \"l2\"]", "search.k = [1, 10000]");
    let row = row.replace("metric = \"l2\"", "k = 10000");
    std::fs::write(out.join("own/a.toml"), row).unwrap();
    let output = run(out, &["reproduce", "own", "--data=shapes10"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("trial 2: k = 10000"), "{}", text(&output.stderr));
    let result = read(&out.join("runs/0001-reproduce-own-shapes10/result.json"));
    let row = &result["rows"][0];
    assert_eq!(row["figures"][0]["verdict"], "failed");
    assert_eq!(row["figures"][1]["verdict"], "not_judged");
    assert_eq!((row["trials"].as_array().unwrap().len(), &row["config"]["k"]), (2, &1.into()));
}

#[test]
fn rows_that_fail_are_rows() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path();
    std::fs::create_dir(out.join("own")).unwrap();
    let failing = ROW
        .replace("k = 1", "k = 10000")
        .replace("search.metric", "# metric")
        .replace("\"validation\"\nsetting = { metric = \"l2\" }", "\"test\"");
    std::fs::write(out.join("own/a.toml"), failing).unwrap();
    std::fs::write(out.join("own/b.toml"), ROW).unwrap();
    let output = run(out, &["reproduce", "own", "--data=shapes10"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("k = 10000"), "{}", text(&output.stderr));
    let result = read(&out.join("runs/0001-reproduce-own-shapes10/result.json"));
    assert_eq!(result["rows"][0]["figures"][0]["verdict"], "failed");
    assert_eq!(result["rows"][1]["error"], Value::Null);
    let markdown = std::fs::read_to_string(out.join("runs/0001-reproduce-own-shapes10/result.md")).unwrap();
    assert!(markdown.contains("nearest neighbour failed: "), "{markdown}");
}

/// Each mistake is compared with the recipe that is right, which comes along.
#[test]
fn mistakes_have_a_cost_and_what_names_them() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path();
    let rows = ["labels-off-by-one", "not-scaled", "training-mode", "small-test-set", "chosen-by-test"];
    let only = rows.map(|row| format!("--only={row}"));
    let arguments: Vec<&str> = only.iter().map(String::as_str).collect();
    let table =
        succeed(out, &[&["reproduce", "mistakes", "--quick", "--data=shapes10"], &arguments[..]].concat());
    assert!(table.contains("points lost") && table.contains("5 mistakes: "), "{table}");
    let folder = out.join("runs/0001-reproduce-mistakes-shapes10");
    let result = read(&folder.join("result.json"));
    let rows = result["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["row"], &rows[0]["cost"]), (6, &"correct".into(), &Value::Null));
    let cost = |row: &str| &rows.iter().find(|found| found["row"] == row).unwrap()["cost"];
    assert_eq!(cost("labels-off-by-one")["changes"][0], "mistake = \"labels_off_by_one\"");
    assert_eq!(cost("labels-off-by-one")["against"], "correct");
    let named_by = cost("not-scaled")["named_by"].as_array().unwrap();
    assert!(named_by.iter().any(|clue| clue["check"] == "sanity: first loss"), "{named_by:?}");
    assert_eq!(cost("small-test-set")["images"], 100);
    assert_eq!(cost("chosen-by-test")["measure"], "choice");
    let wrong = cost("training-mode");
    let points = wrong["right"].as_f64().unwrap() - wrong["wrong"].as_f64().unwrap();
    assert!((points - wrong["points"].as_f64().unwrap()).abs() < 1e-9);
    assert!((wrong["low"].as_f64().unwrap()..=wrong["high"].as_f64().unwrap()).contains(&points));
    let page = std::fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("What mistakes cost") && page.contains("dropout left on at test time"));
}

/// A recipe with a mistake is a recipe: it is trained as it says, and its run says so.
#[test]
fn a_mistake_can_be_made_anywhere() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path();
    let few = ["--limit-train=200", "--limit-test=50", "--set=train.epochs=1"];
    succeed(out, &[&["train", "softmax", "--set=mistake=no_shuffling"], &few[..]].concat());
    let config = std::fs::read_to_string(out.join("runs/0001-train-softmax-shapes10/config.toml")).unwrap();
    assert!(config.contains("mistake = \"no_shuffling\""), "{config}");
    let message = fail(out, 2, &[&["train", "softmax", "--set=mistake=no_shufling"], &few[..]].concat());
    assert!(message.contains("did you mean `no_shuffling`?"), "{message}");
    let message = fail(out, 2, &["train", "knn", "--set=mistake=no_shuffling"]);
    assert!(message.contains("unknown field `mistake`"), "{message}");
}

#[test]
fn wrong_usage_is_refused_before_anything_starts() {
    let place = tempfile::tempdir().unwrap();
    for (arguments, part) in [
        (&["cs231"][..], "did you mean \"cs231n\"?"),
        (&["cs231n", "--only=svn", "--data=shapes10"], "did you mean \"svm\"?"),
        (&["cs231n", "--set=k=1"], "leave out --set"),
        (&["cs231n", "--limit-train=5"], "leave out --limit-train"),
        (&["cs231n", "--backend=flex,ndarray", "--data=shapes10"], "several backends"),
        (&["."], "there is no row in it"),
    ] {
        let arguments = [&["reproduce"], arguments].concat();
        let message = fail(place.path(), 2, &arguments);
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
    let message = fail(place.path(), 1, &["reproduce", "cs231n", "--data-dir=nowhere"]);
    assert!(message.contains("zoo data fetch cifar10"), "{message}");
    assert!(files(place.path()).is_empty());
}
