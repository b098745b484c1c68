//! `zoo predict`: what trained models see in image files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde_json::Value;

use crate::common::{fail, files, finish, json, run, succeed, text};

const LIMITS: [&str; 2] = ["--limit-train=200", "--limit-test=40"];

/// A folder `shapes` with some images as files.
fn export(place: &Path) {
    succeed(place, &[&["data", "export", "shapes"][..], &LIMITS].concat());
}

/// Runs of k-NN, whose images are those in `shapes`, and of an SVM.
fn train(place: &Path) {
    export(place);
    succeed(place, &["train", "knn", "--data=shapes", "--set=k=2"]);
    succeed(place, &["train", "svm", "--data=shapes", "--set=train.epochs=1"]);
}

fn image_in(folder: &Path) -> PathBuf {
    files(folder).into_iter().find(|path| path.is_file()).unwrap()
}

/// The predictions of a list, or of lines.
fn predictions(document: &Value) -> Vec<zoo_schema::Prediction> {
    serde_json::from_value(document.clone()).unwrap()
}

#[test]
fn what_is_seen_agrees_with_the_figures() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    export(place);
    let trained = json(place, &["train", "knn", "--data=shapes", "--set=k=2"]);
    let seen = predictions(&json(place, &["predict", "knn", "shapes/test"]));
    let right = seen.iter().filter(|seen| seen.image.parent().unwrap().ends_with(&seen.classes[0].class));
    assert_eq!(right.count() as f64 / 40.0, trained["results"][0]["test"]["accuracy"].as_f64().unwrap());
    // The files by name, wherever they are named.
    let mut images: Vec<PathBuf> =
        files(&place.join("shapes/test")).into_iter().filter(|path| path.is_file()).collect();
    images.sort();
    let found: Vec<PathBuf> = seen.iter().map(|seen| place.join(&seen.image)).collect();
    assert_eq!(found, images);
    let again = json(place, &["predict", "runs/0001-train-knn-shapes", "--image", "shapes/test"]);
    assert_eq!(predictions(&again), seen);
}

#[test]
fn runs_stand_side_by_side_and_an_svm_has_scores() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    train(place);
    let star = image_in(&place.join("shapes/test/star"));
    let star = star.to_str().unwrap();
    let runs = ["runs/0001-train-knn-shapes", "runs/0002-train-svm-shapes"];
    let document = json(place, &["predict", runs[0], "svm", star, "--top", "10"]);
    let seen = predictions(&document);
    let [knn, svm] = &seen[..] else { panic!("{document}") };
    for (seen, run) in [knn, svm].into_iter().zip(runs) {
        assert_eq!((seen.run.to_str(), seen.image.to_str()), (Some(run), Some(star)));
        let scores: Vec<f32> = seen.classes.iter().map(|guess| guess.score.unwrap()).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    }
    let shares: Vec<f32> = knn.classes.iter().map(|guess| guess.probability.unwrap()).collect();
    assert!(shares.len() <= 2 && (shares.iter().sum::<f32>() - 1.0).abs() < 1e-6, "two votes: {shares:?}");
    assert_eq!((knn.nearest.len(), svm.nearest.len(), svm.classes.len()), (2, 0, 10));
    assert!(document[1]["classes"][0]["probability"].is_null(), "{document}");
    // With `--image`, as it has been.
    let table = succeed(place, &["predict", runs[0], runs[1], "--image", star, star]);
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    let heads = lines.iter().position(|line| line.contains(&"0001-train-knn-shapes")).expect(&table);
    assert_eq!(lines[heads].last(), Some(&"0002-train-svm-shapes"), "{table}");
    assert_eq!(lines[heads + 1], ["image", "probability", "nearest,", "distance", "score"], "{table}");
    assert_eq!(table.matches(star).count(), 2, "a row per image: {table}");
}

#[test]
fn what_cannot_be_read_is_a_row_and_exit_code_1() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    train(place);
    std::fs::write(place.join("shapes/test/star/broken.PNG"), "not an image").unwrap();
    let see = |form: &[&str]| {
        let arguments = ["predict", "knn", "svm", "shapes/test", "--image", "none.png", "--top=1"];
        let output = run(place, &[&arguments[..], form].concat());
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("error: 2 of 42 images can't be read"), "{message}");
        text(&output.stdout)
    };
    let table = see(&[]);
    assert!(table.contains("broken.PNG") && table.contains("cannot read none.png"), "{table}");

    let list = predictions(&serde_json::from_str(&see(&["--json"])).unwrap());
    assert_eq!(list.len(), 84);
    let broken: Vec<_> = list.iter().filter(|seen| seen.error.is_some()).collect();
    assert_eq!(broken.len(), 4);
    assert!(broken.iter().all(|seen| seen.classes.is_empty() && seen.nearest.is_empty()));
    let lines = see(&["--jsonl"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(predictions(&lines.into()), list);

    let csv = see(&["--csv"]);
    let mut rows = csv.lines();
    let (knn, svm) = ("0001-train-knn-shapes", "0002-train-svm-shapes");
    let titles = format!(
        "image,{knn},{knn} probability,{knn} nearest,{knn} nearest class,{knn} nearest distance,{svm},{svm} score,error"
    );
    assert_eq!(rows.next(), Some(&*titles));
    let rows: Vec<&str> = rows.collect();
    assert_eq!(rows.len(), 42);
    assert!(rows[41].starts_with("none.png,,,,,,,,") && rows[0].ends_with(','), "{csv}");
}

#[test]
fn neighbours_are_named_wherever_the_data_are() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    train(place);
    // Those that were held out are neighbours as well.
    let held_out = std::fs::read_to_string(place.join("runs/0001-train-knn-shapes/config.toml")).unwrap();
    assert!(held_out.contains("validation = 0.1"), "{held_out}");
    std::fs::rename(place.join("shapes"), place.join("moved")).unwrap();
    let seen = predictions(&json(place, &["predict", "knn", "moved/train", "--top=1"]));
    assert_eq!(seen.len(), 200, "more than one batch");
    for seen in &seen {
        let name = seen.image.strip_prefix("moved").unwrap().to_str().unwrap();
        let nearest = &seen.nearest[0];
        assert_eq!((nearest.image.as_deref(), nearest.distance), (Some(name), 0.0));
        assert_eq!(Path::new(name).parent().unwrap().file_name().unwrap().to_str(), Some(&*nearest.class));
    }

    // An older version has kept no names.
    let file = place.join("runs/0001-train-knn-shapes/model.safetensors");
    let bytes = std::fs::read(&file).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    std::fs::write(&file, safetensors::serialize(tensors.tensors(), None::<HashMap<_, _>>).unwrap()).unwrap();
    let output = run(place, &["predict", "knn", "moved/train/star", "--json"]);
    assert!(
        output.status.success() && text(&output.stderr).contains("kept no names"),
        "{}",
        text(&output.stderr)
    );
    let seen = predictions(&serde_json::from_slice(&output.stdout).unwrap());
    assert!(seen.iter().all(|seen| seen.nearest[0].image.is_none() && seen.nearest[0].class == "star"));
}

#[test]
fn arguments_are_runs_or_images() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(place, &["compare", "knn", "majority", "--limit-train=50", "--limit-test=20"]);
    let run = "runs/0001-compare-shapes10";
    assert!(fail(place, 2, &["predict", run]).contains("--image"));
    assert!(fail(place, 2, &["predict", "last", "none.png"]).contains("none.png: neither a folder nor"));
    std::fs::create_dir(place.join("empty")).unwrap();
    assert!(fail(place, 1, &["predict", "last", "empty"]).contains("empty: has no image (.png"));
    assert!(fail(place, 2, &["predict", "empty"]).contains("no run is named"));
    // A run has pictures in it, and is a run.
    image::RgbImage::new(9, 7).save(place.join(run).join("knn/mine.png")).unwrap();
    image::GrayImage::new(3, 50).save(place.join("mine.png")).unwrap();
    let table = succeed(place, &["predict", run, "mine.png"]);
    let heads: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(heads, ["knn", "knn", "majority"], "{table}");
    assert!(table.contains("mine.png") && table.contains(" %"), "{table}");
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    train(place);
    for form in ["--csv", "--jsonl", "--json", "--top=1"] {
        let script = format!(
            "{{ \"$0\" predict --backend flex knn shapes/train {form}; echo \"code $?\" >&2; }} | head -n 0"
        );
        let mut shell = std::process::Command::new("sh");
        let output = finish(shell.args(["-c", &script, env!("CARGO_BIN_EXE_zoo")]).current_dir(place));
        let message = text(&output.stderr);
        assert!(message.ends_with("code 0\n") && !message.contains("panicked"), "{form}: {message}");
    }
}
