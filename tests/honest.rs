//! An honest comparison: nothing is lost, test images can be left alone, chance is told, and wrong images have names.

use std::path::{Path, PathBuf};

use serde_json::Value;
use zoo_schema::{Answers, Comparison};

use crate::common::{Running, files, json, run, succeed, text, without_times, zoo};

const SMALL: [&str; 2] = ["--limit-train=300", "--limit-test=100"];
const TWO_EPOCHS: [&str; 2] = ["--set=softmax.train.epochs=2", "--set=svm.train.epochs=2"];

fn compare(place: &Path, more: &[&str]) -> Comparison {
    let document = json(place, &[&["compare"], more, &SMALL].concat());
    serde_json::from_value(document).unwrap()
}

/// The only run folder.
fn only_run(place: &Path) -> PathBuf {
    place.join("runs/0001-compare-shapes10")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn answers(run: &Path) -> Answers {
    Answers::from_csv(&read(&run.join("predictions.csv"))).unwrap()
}

/// What a run came to, apart from times.
fn figures(path: &Path) -> Value {
    without_times(serde_json::from_str(&read(path)).unwrap())
}

/// All files in the folder `place` and below.
fn all_files(place: &Path) -> Vec<PathBuf> {
    files(place).into_iter().filter(|path| path.is_file()).collect()
}

/// Four models; the third, of three epochs over many images, takes long enough to be killed in.
const LONG: [&str; 9] = [
    "compare",
    "knn",
    "softmax",
    "cnn",
    "svm",
    "--limit-train=1500",
    "--limit-test=100",
    "--set=cnn.train.epochs=3",
    "--set=cnn.train.batch_size=100",
];

#[test]
fn a_comparison_that_is_killed_goes_on_and_ends_the_same() {
    let (killed, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut running = Running::start(zoo(killed.path()).args(LONG).arg("--json"));
    let folder = only_run(killed.path());
    running.until("the first checkpoint of the third model", || {
        folder.join("cnn/checkpoint/epoch-1").is_dir().then_some(())
    });
    running.kill();
    let so_far: Comparison = serde_json::from_str(&read(&folder.join("result.json"))).unwrap();
    let mut names: Vec<&str> = so_far.results.iter().map(zoo_schema::ModelResult::name).collect();
    names.sort_unstable();
    assert_eq!(names, ["knn", "softmax"]);
    for model in names {
        assert!(folder.join(model).join("model.safetensors").is_file(), "{model}");
        succeed(killed.path(), &["evaluate", model]);
    }
    assert!(!folder.join("cnn/model.safetensors").exists() && !folder.join("svm").exists());
    // What was there before isn't trained again.
    let before = std::fs::metadata(folder.join("softmax/model.safetensors")).unwrap().modified().unwrap();
    let output = run(killed.path(), &["compare", "--resume", "last"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("cnn goes on after epoch"), "{}", text(&output.stderr));
    let after = std::fs::metadata(folder.join("softmax/model.safetensors")).unwrap().modified().unwrap();
    assert_eq!(before, after);
    assert_eq!(std::fs::read_dir(killed.path().join("runs")).unwrap().count(), 1);

    succeed(whole.path(), &LONG);
    let undisturbed = only_run(whole.path());
    assert_eq!(figures(&folder.join("result.json")), figures(&undisturbed.join("result.json")));
    assert_eq!(read(&folder.join("predictions.csv")), read(&undisturbed.join("predictions.csv")));
    for model in ["cnn", "knn", "softmax", "svm"] {
        assert!(weights(&folder, model) == weights(&undisturbed, model), "the weights of {model} differ");
    }
}

/// The numbers in the file of a model, without the header before them, whose metadata come in any order.
fn weights(folder: &Path, model: &str) -> Vec<u8> {
    let mut bytes = std::fs::read(folder.join(model).join("model.safetensors")).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    bytes.split_off(8 + header as usize)
}

#[test]
fn the_test_images_can_be_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let comparison = compare(place.path(), &["knn", "softmax", "--no-test", "--set=softmax.train.epochs=2"]);
    for result in &comparison.results {
        assert!(result.test.is_none() && result.validation.is_some(), "{result:?}");
    }
    let majority = comparison.majority.unwrap();
    assert!(majority.test_accuracy.is_none() && majority.validation_accuracy.is_some());
    assert!(comparison.verdict.unwrap().contains("validation images"));
    let answers = answers(&only_run(place.path()));
    assert_eq!((answers.part, answers.images.len()), (zoo_schema::Part::Validation, 30));
    // Trained the same, the figures of validation are those of a comparison that looks at test images as well.
    let other = tempfile::tempdir().unwrap();
    let whole = compare(other.path(), &["knn", "softmax", "--set=softmax.train.epochs=2"]);
    let accuracies = |comparison: &[zoo_schema::ModelResult]| -> Vec<_> {
        comparison.iter().map(|result| (result.model.clone(), result.validation.unwrap().accuracy)).collect()
    };
    assert_eq!(accuracies(&comparison.results), accuracies(&whole.results));
    let output = run(place.path(), &["compare", "knn", "--no-test", "--validation=0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--validation above 0"), "{}", text(&output.stderr));
    // A run that has left them alone says so in its config, so that it is repeated the same way.
    let again = json(place.path(), &["compare", "--config", "runs/0001-compare-shapes10/config.toml"]);
    assert!(again["results"][0]["test"].is_null());
}

#[test]
fn k_nearest_neighbours_have_not_seen_validation_images() {
    let place = tempfile::tempdir().unwrap();
    let comparison = compare(place.path(), &["knn", "--set=k=1"]);
    let validation = comparison.results[0].validation.unwrap();
    assert!(validation.accuracy < 0.6, "each image would be its own neighbour: {validation:?}");
    // The same after it was loaded.
    let evaluated: Comparison =
        serde_json::from_value(json(place.path(), &["evaluate", "last/knn"])).unwrap();
    assert_eq!(evaluated.results[0].validation, Some(validation));
    assert_eq!(evaluated.results[0].test, comparison.results[0].test);
}

#[test]
fn several_seeds_have_a_mean_a_deviation_and_a_folder_each() {
    let place = tempfile::tempdir().unwrap();
    let comparison =
        compare(place.path(), &["softmax", "svm", "knn", "--seeds=3", TWO_EPOCHS[0], TWO_EPOCHS[1]]);
    let of = |name: &str| comparison.results.iter().find(|result| result.model == name).unwrap();
    let seeds = of("softmax").seeds.as_ref().unwrap();
    assert_eq!(seeds.trainings.iter().map(|training| training.seed).collect::<Vec<_>>(), [42, 43, 44]);
    let accuracies: Vec<f64> =
        seeds.trainings.iter().map(|training| training.test_accuracy.unwrap()).collect();
    let mean = accuracies.iter().sum::<f64>() / 3.0;
    let spread = seeds.test.unwrap();
    assert!((spread.mean - mean).abs() < 1e-12 && spread.std.unwrap() > 0.0, "{spread:?}");
    assert!(accuracies[0] != accuracies[1] || accuracies[1] != accuracies[2], "trainings differ");
    assert!(of("knn").seeds.is_none(), "nothing of it depends on the seed");
    let comparing = only_run(place.path());
    for training in &seeds.trainings {
        let folder = comparing.join(training.folder.as_ref().unwrap());
        assert!(folder.join("model.safetensors").is_file());
        // Each is a run like any other: the images are those of the comparison.
        let path = folder.strip_prefix(place.path()).unwrap().to_str().unwrap();
        let evaluated: Comparison = serde_json::from_value(json(place.path(), &["evaluate", path])).unwrap();
        assert_eq!(evaluated.results[0].accuracy(), training.test_accuracy);
    }
    assert!(
        comparison.pairs.iter().all(|pair| pair.test == zoo_schema::PairTest::MinF),
        "{:?}",
        comparison.pairs
    );
    // The first training is that of a comparison with one seed.
    let other = tempfile::tempdir().unwrap();
    let single = compare(other.path(), &["softmax", "svm", TWO_EPOCHS[0], TWO_EPOCHS[1]]);
    let softmax = single.results.iter().find(|result| result.model == "softmax").unwrap();
    assert_eq!((&softmax.test, softmax.validation), (&of("softmax").test, of("softmax").validation));
    let table = text(&run(place.path(), &["compare", "--resume", "last"]).stdout);
    assert!(table.contains("softmax ×3") && table.contains(" ± "), "{table}");
    // A recipe's name means all of its trainings, or the first where only one will do.
    let document = json(place.path(), &["mistakes", "last", "--model", "softmax"]);
    assert_eq!(document["mistakes"][0]["answers"].as_array().unwrap().len(), 3);
    succeed(place.path(), &["evaluate", "last/softmax"]);
}

#[test]
fn a_budget_ends_training_with_the_epoch_that_passes_it() {
    let place = tempfile::tempdir().unwrap();
    let comparison = compare(place.path(), &["softmax", "--budget=1ms", "--set=train.epochs=50"]);
    let result = &comparison.results[0];
    assert_eq!((result.history.len(), result.kept_epoch), (1, Some(1)));
    assert_eq!(result.stopped_by, Some(zoo_schema::EarlyStop::Budget));
    let table = text(&run(place.path(), &["compare", "--resume", "last"]).stdout);
    assert!(table.contains("stopped after epoch 1 of 50"), "{table}");
    let output = run(place.path(), &["compare", "softmax", "--budget=soon"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn wrong_images_have_names() {
    let place = tempfile::tempdir().unwrap();
    compare(place.path(), &["knn", "softmax", "--set=softmax.train.epochs=2"]);
    let all = answers(&only_run(place.path()));
    let softmax = all.models.iter().position(|model| model.model == "softmax").unwrap();
    let expected: Vec<&str> = (0..all.images.len())
        .filter(|&image| all.images[image].class == "star" && !all.is_right(softmax, image))
        .map(|image| all.images[image].name.as_str())
        .collect();
    assert!(!expected.is_empty());
    let asked = ["mistakes", "last", "--model", "softmax", "--class", "star"];
    let document = json(place.path(), &asked);
    let mut named: Vec<&str> = document["mistakes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mistake| mistake["image"].as_str().unwrap())
        .collect();
    named.sort_unstable();
    let mut sorted = expected.clone();
    sorted.sort_unstable();
    assert_eq!(named, sorted);
    let table = text(&run(place.path(), &asked).stdout);
    assert!(expected.iter().all(|name| table.contains(name)), "{table}");
    // `zoo data export` of them shows them.
    let list = run(place.path(), &[&asked[..], &["--csv"]].concat());
    std::fs::write(place.path().join("stars.csv"), &list.stdout).unwrap();
    succeed(place.path(), &["data", "export", "stars", "--only", "stars.csv"]);
    let exported = all_files(&place.path().join("stars"));
    assert_eq!(exported.len(), expected.len());
    assert!(exported.iter().all(|file| file.parent().unwrap().ends_with("test/star")), "{exported:?}");
    // Two runs of the same images side by side, by the names of their recipes.
    let document = json(place.path(), &["mistakes", "softmax", "knn", "--disagree"]);
    assert!(!document["mistakes"].as_array().unwrap().is_empty());
    let output = run(place.path(), &["mistakes", "last", "--class", "strar"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("star"), "{}", text(&output.stderr));
}

#[test]
fn the_models_of_a_comparison_are_runs() {
    let place = tempfile::tempdir().unwrap();
    compare(place.path(), &["softmax", "svm", "majority", TWO_EPOCHS[0], TWO_EPOCHS[1]]);
    succeed(place.path(), &["data", "export", "shapes", "--limit-train=20", "--limit-test=10"]);
    let image = all_files(&place.path().join("shapes/test")).remove(0);
    let image = image.to_str().unwrap();
    let predictions = json(place.path(), &["predict", "last", "--image", image]);
    assert_eq!(predictions.as_array().unwrap().len(), 3);
    succeed(place.path(), &["losses", "softmax", "svm"]);
    succeed(place.path(), &["pictures", "softmax"]);
    assert!(only_run(place.path()).join("softmax/pictures").is_dir());
    let output = run(place.path(), &["evaluate", "last"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("name one of its models"), "{}", text(&output.stderr));
}

#[test]
fn chance_is_told() {
    let place = tempfile::tempdir().unwrap();
    let arguments = ["compare", "softmax", "majority", "--set=softmax.train.epochs=3"];
    let output = run(place.path(), &[&arguments[..], &SMALL].concat());
    let table = text(&output.stdout);
    for part in
        ["told apart on the test images", "95 % (Wilson)", "always the largest class", "[too-few-steps]"]
    {
        assert!(table.contains(part), "{part} is not in\n{table}");
    }
    let narrow = text(&run(place.path(), &["compare", "--resume", "last", "--narrow"]).stdout);
    let widest = narrow.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 80, "{widest} columns:\n{narrow}");
}

#[test]
fn answers_of_knn_do_not_depend_on_how_many_images_are_held_out() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    // Every training image is there twice, once in each class: the vote is a draw, and the first in the data decides it.
    for (part, more) in [("train", 0), ("test", 3)] {
        for class in ["a", "b"] {
            let folder = place.join("twins").join(part).join(class);
            std::fs::create_dir_all(&folder).unwrap();
            for number in 0..10_u8 {
                let image = image::GrayImage::from_pixel(2, 2, image::Luma([number * 20 + more]));
                image.save(folder.join(format!("{number}.png"))).unwrap();
            }
        }
    }
    let mut answers = Vec::new();
    for (number, share) in (1..).zip(["0", "0.1", "0.3", "0.5"]) {
        let document = json(place, &["train", "knn", "--data=twins", "--validation", share]);
        let table = place.join(format!("runs/{number:04}-train-knn-twins/predictions.csv"));
        answers.push((document["results"][0]["test"].clone(), std::fs::read_to_string(table).unwrap()));
    }
    assert_eq!(answers[0].0["accuracy"], 0.5);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}
