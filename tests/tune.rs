//! `zoo tune`: searches, from the command line to a recipe that can be trained.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::common::{
    DEADLINE, Running, fail, files, finish, json, poll, run, succeed, text, without_times, zoo,
};

/// Few images; trials in a fraction of a second.
const IMAGES: [&str; 2] = ["--limit-train=300", "--limit-test=20"];

/// Draws over two keys of softmax, two epochs each.
const SOFTMAX: [&str; 6] = [
    "tune",
    "softmax",
    "--set=train.epochs=2",
    "--set=optimizer.learning_rate=0.0001..0.1",
    "--set=augment.flip=none,random",
    "--jobs=1",
];

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The trials of a document, by number.
fn trials(document: &Value) -> Vec<Value> {
    let mut trials = document["trials"].as_array().unwrap().clone();
    trials.sort_by_key(|trial| trial["trial"].as_u64());
    trials
}

/// The lines of a search's `trials.jsonl`.
fn lines(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("trials.jsonl")).unwrap_or_default();
    text.lines().map(String::from).collect()
}

#[test]
fn a_grid_is_tried_and_written() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let arguments = ["tune", "knn", "--set=metric=l2,l1", "--set=k=1,200,5"];
    let document = json(place, &[&arguments[..], &IMAGES].concat());
    let folder = place.join("runs/0001-tune-knn-shapes10");
    assert_eq!(read(&folder.join("result.json")), document);
    assert_eq!((&document["model"], &document["folds"]), (&"knn".into(), &Value::Null));
    assert_eq!(
        (&document["dataset"]["train"], &document["dataset"]["validation"]),
        (&270.into(), &30.into())
    );

    let tried: Vec<_> = trials(&document)
        .iter()
        .map(|trial| {
            let settings = &trial["settings"];
            (settings["metric"].as_str().unwrap().to_string(), settings["k"].as_i64().unwrap())
        })
        .collect();
    let grid = [("l2", 1), ("l2", 200), ("l2", 5), ("l1", 1), ("l1", 200), ("l1", 5)];
    assert_eq!(tried, grid.map(|(metric, k)| (metric.to_string(), k)));
    let accuracies: Vec<f64> = document["trials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trial| {
            assert_eq!(trial["validation_accuracies"].as_array().unwrap().len(), 1);
            trial["validation_accuracies"][0].as_f64().unwrap()
        })
        .collect();
    assert!(accuracies.is_sorted_by(|left, right| left >= right), "{accuracies:?}");
    assert_eq!(document["best"]["validation_accuracy"].as_f64(), Some(accuracies[0]));
    assert_eq!(document["best"]["config"]["k"], document["best"]["settings"]["k"]);
    // Two hundred neighbours of 270 are nearly all: the images held out are none of them.
    assert!(accuracies[0] > accuracies[5] + 0.1 && accuracies[0] < 1.0, "{accuracies:?}");
    let nearest = trials(&document)[0]["training_accuracy"].as_f64();
    assert_eq!(nearest, Some(1.0), "a training image is its own nearest neighbour");

    assert_eq!(lines(&folder).len(), 6);
    let markdown = std::fs::read_to_string(folder.join("result.md")).unwrap();
    assert!(markdown.contains("| trial | metric |   k | validation accuracy |"), "{markdown}");
    let names: Vec<_> =
        files(&folder).iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(
        names,
        ["best.toml", "config.toml", "report.html", "result.json", "result.md", "trials.jsonl"]
    );
}

#[test]
fn the_best_recipe_trains_to_the_same_figures() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let printed = succeed(place, &[&SOFTMAX[..], &["--trials=4"], &IMAGES].concat());
    let command = printed.lines().last().unwrap().strip_prefix("train it: zoo ").unwrap();
    let arguments: Vec<&str> = command.split(' ').collect();
    assert_eq!(arguments, ["train", "runs/0001-tune-softmax-shapes10/best.toml"]);
    let best = read(&place.join("runs/0001-tune-softmax-shapes10/result.json"))["best"].clone();
    let trained = json(place, &arguments);
    assert_eq!(trained["dataset"]["train"], 270);
    let accuracy = trained["results"][0]["validation"]["accuracy"].as_f64().unwrap();
    assert!((accuracy - best["validation_accuracy"].as_f64().unwrap()).abs() < 1e-9);
    assert_eq!(trained["results"][0]["config"], best["config"]);

    // The config of a search is its recipe with its search: it can be run again.
    let again = json(place, &["tune", "runs/0001-tune-softmax-shapes10/config.toml", "--jobs=1"]);
    assert_eq!(trials(&without_times(again))[0], trials(&without_times(read_result(place, 1)))[0]);
    let message = fail(place, 1, &["evaluate", "runs/0001-tune-softmax-shapes10"]);
    assert!(message.contains("is a search, which keeps no model"), "{message}");
}

fn read_result(place: &Path, number: usize) -> Value {
    read(&place.join(format!("runs/{number:04}-tune-softmax-shapes10/result.json")))
}

#[test]
fn a_search_that_was_killed_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let arguments = [&SOFTMAX[..], &["--trials=6"], &IMAGES].concat();
    let whole = json(place, &arguments);

    let mut search = Running::start(zoo(place).args(["--backend=flex", "-q"]).args(&arguments));
    let folder = place.join("runs/0002-tune-softmax-shapes10");
    search.until("it could be killed after two trials", || (lines(&folder).len() >= 2).then_some(()));
    let message = fail(place, 1, &["tune", "--resume", folder.to_str().unwrap()]);
    assert!(message.contains("is at work already, in another process"), "{message}");
    search.kill();
    nothing_runs_in(place);
    let done = lines(&folder).len();
    assert!(done < 6 && !folder.join("result.json").exists());
    // As a kill in the middle of a line leaves it.
    let torn = std::fs::read_to_string(folder.join("trials.jsonl")).unwrap() + "{\"trial\":3,\"sett";
    std::fs::write(folder.join("trials.jsonl"), torn).unwrap();

    let resumed = json(place, &["tune", "--resume", folder.to_str().unwrap(), "--jobs=1"]);
    assert_eq!(without_times(resumed), without_times(whole));
    assert_eq!(lines(&folder).len(), 6);
    // What is finished is shown again, and nothing is tried.
    let before = std::fs::read(folder.join("trials.jsonl")).unwrap();
    succeed(place, &["tune", "--resume", folder.to_str().unwrap()]);
    assert_eq!(std::fs::read(folder.join("trials.jsonl")).unwrap(), before);

    let message = fail(place, 2, &["tune", "--resume", folder.to_str().unwrap(), "--seed=1"]);
    assert!(message.contains("leave out --seed"), "{message}");
    let message = fail(place, 1, &["tune", "--resume", "runs"]);
    assert!(message.contains("runs is no run folder"), "{message}");
}

/// Waits until no process has `place` as its working directory; fails if that takes long.
fn nothing_runs_in(place: &Path) {
    let place = place.canonicalize().unwrap();
    let processes = || {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == place))
            .count()
    };
    let none = poll(Duration::from_secs(5), || (processes() == 0).then_some(()));
    assert!(none.is_some(), "{} processes have outlived the search", processes());
}

/// A child of a process, whichever of its threads has started it.
#[cfg(target_os = "linux")]
fn child(process: u32) -> Option<String> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let mut children =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
    let first = |children: String| children.split_whitespace().next().map(String::from);
    children.find_map(first)
}

/// Signals the second of two trials, which would take hours. Returns what the search then said and left.
#[cfg(target_os = "linux")]
fn signal_second_trial(place: &Path, signal: &str) -> (std::process::Output, Vec<String>) {
    let arguments = ["--backend=flex", "tune", "softmax", "--set=train.epochs=1,1000000", "--jobs=1", "-q"];
    let mut search = Running::start(zoo(place).args(arguments).args(IMAGES));
    let folder = place.join("runs/0001-tune-softmax-shapes10");
    let process = search.id();
    let second = search.until("its second trial ran", || {
        // The first has ended when it is written: a child that is seen after that is the second.
        let first_is_written = lines(&folder).len() == 1;
        child(process).filter(|_| first_is_written)
    });
    let killed = finish(std::process::Command::new("kill").args([signal, &second]));
    assert!(killed.status.success(), "{}", text(&killed.stderr));
    (search.wait(DEADLINE), lines(&folder))
}

#[cfg(target_os = "linux")]
#[test]
fn a_trial_that_is_killed_is_a_row_and_is_tried_again() {
    let place = tempfile::tempdir().unwrap();
    let (output, lines) = signal_second_trial(place.path(), "-KILL");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(lines.len(), 1);
    let document = read_result(place.path(), 1);
    let error = trials(&document)[1]["error"].as_str().unwrap().to_string();
    assert!(error.contains("signal: 9") && error.contains("more memory than there is"), "{error}");
    assert_eq!(document["best"]["trial"], 1);
    let again = ["--backend=flex", "-q", "tune", "--resume", "runs/0001-tune-softmax-shapes10"];
    let mut search = Running::start(zoo(place.path()).args(again));
    let process = search.id();
    search.until("it tried the second again", || child(process));
    search.kill();
}

#[cfg(target_os = "linux")]
#[test]
fn a_search_that_is_interrupted_says_how_to_go_on() {
    let place = tempfile::tempdir().unwrap();
    // Not an interrupt, which the program would not get where the tests run in the background of a shell.
    let (output, lines) = signal_second_trial(place.path(), "-TERM");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr).trim(),
        "stopped; go on with zoo tune --resume runs/0001-tune-softmax-shapes10"
    );
    assert_eq!(lines.len(), 1, "the trial that was stopped is to be tried again");
}

#[test]
fn a_trial_that_fails_is_a_row() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let arguments = [&["tune", "softmax", "--set=train.epochs=1"], &IMAGES[..]].concat();
    let with = |rates: &str| {
        run(place, &[&arguments[..], &[&format!("--set=optimizer.learning_rate={rates}")]].concat())
    };
    let output = with("-1,1e38,0.01");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let document = read_result(place, 1);
    let found = trials(&document);
    let error = |trial: usize| found[trial]["error"].as_str().unwrap_or_default();
    assert!(error(0).contains("optimizer.learning_rate = -1: must be"), "{}", error(0));
    assert!(error(1).contains("diverged"), "{}", error(1));
    assert_eq!(found[1]["validation_accuracies"], serde_json::json!([]));
    assert_eq!((error(2), &document["best"]["trial"]), ("", &3.into()));
    let table = text(&output.stdout);
    assert!(table.contains("failure") && table.contains("must be"), "{table}");

    let output = with("-1,-2");
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("no trial has succeeded; trial 1: optimizer.learning_rate = -1"), "{message}");
    assert_eq!(read_result(place, 2)["best"], Value::Null);
    assert!(!place.join("runs/0002-tune-softmax-shapes10/best.toml").exists());
}

#[test]
fn cross_validation_has_a_figure_a_fold() {
    let place = tempfile::tempdir().unwrap();
    let arguments = ["tune", "knn", "--set=k=1,3", "--folds=5", "--validation=0"];
    let document = json(place.path(), &[&arguments[..], &IMAGES].concat());
    assert_eq!((&document["folds"], &document["dataset"]["train"]), (&5.into(), &300.into()));
    for trial in trials(&document) {
        let accuracies = trial["validation_accuracies"].as_array().unwrap();
        assert_eq!(accuracies.len(), 5);
        // Of sixty images each.
        let right = accuracies.iter().map(|one| one.as_f64().unwrap() * 60.0);
        assert!(right.into_iter().all(|right| (right - right.round()).abs() < 1e-6), "{accuracies:?}");
    }
    let folder = place.path().join("runs/0001-tune-knn-shapes10");
    assert!(std::fs::read_to_string(folder.join("result.md")).unwrap().contains("| deviation |"));
    succeed(place.path(), &["train", folder.join("best.toml").to_str().unwrap()]);
}

#[test]
fn the_same_seed_tries_the_same_however_many_at_once() {
    let place = tempfile::tempdir().unwrap();
    let with = |extra: &[&str]| {
        let arguments = [&SOFTMAX[..5], &["--trials=4"], &IMAGES, extra].concat();
        trials(&without_times(json(place.path(), &arguments)))
    };
    let alone = with(&["--jobs=1"]);
    assert_eq!(with(&["--jobs=2"]), alone);
    assert_eq!(with(&[]), alone);
    assert_ne!(with(&["--jobs=2", "--seed=1"]), alone);
}

#[test]
fn a_search_whose_files_have_changed_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(place, &[&["tune", "knn", "--set=k=1,3"][..], &IMAGES].concat());
    let folder = place.join("runs/0001-tune-knn-shapes10");
    let resume = |part: &str| {
        let message = fail(place, 1, &["tune", "--resume", folder.to_str().unwrap()]);
        assert!(message.contains(part), "{part:?} is not in {message}");
    };
    let config = std::fs::read_to_string(folder.join("config.toml")).unwrap();
    let text = config.replace("k = [1, 3]", "k = [1, 5, 3]");
    assert_ne!(text, config);
    std::fs::write(folder.join("config.toml"), text).unwrap();
    resume("trials.jsonl, line 2: this is not trial 2 of the search in config.toml");
    std::fs::write(folder.join("config.toml"), config).unwrap();
    let trials = lines(&folder);
    std::fs::write(folder.join("trials.jsonl"), format!("{0}\n{0}\n", trials[0])).unwrap();
    resume("trials.jsonl, line 2: this is not trial 1");
}

#[test]
fn images_that_have_changed_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(place, &["data", "export", "photos", "--limit-train=40", "--limit-test=10"]);
    succeed(place, &["tune", "knn", "--data=photos", "--set=k=1,3"]);
    let star = files(&place.join("photos/train/star")).remove(0);
    std::fs::copy(files(&place.join("photos/train/cross")).remove(0), star).unwrap();
    let message = fail(place, 1, &["tune", "--resume", "runs/0001-tune-knn-photos"]);
    assert!(message.contains("the images of runs/0001-tune-knn-photos have changed"), "{message}");
}

#[test]
fn wrong_usage_is_refused_before_anything_starts() {
    let place = tempfile::tempdir().unwrap();
    for (arguments, part) in [
        (&["knn", "--set=kk=1,2"][..], "unknown field `kk`"),
        (&["knn", "--set=k=1,many"], "k is the string \"many\"; expected: integer"),
        (&["knn", "--set=k=1..9"], "--trials 20"),
        (&["knn", "--set=k=0..9", "--trials=3"], "0..9 is no range"),
        (&["knn", "--set=k=1,2", "--trials=5"], "there are 2 settings in all"),
        (&["knn", "--set=k=1", "--set=metric=l1", "--set=ties=nearest"], "nothing is searched"),
        (&["sofmax"], "did you mean \"softmax\"?"),
        (&["knn", "--validation=0"], "--folds"),
        (&["knn", "--folds=1"], "--folds"),
        (&["knn", "--jobs=0"], "--jobs"),
        (&["knn", "--backend=flex,ndarray"], "several backends"),
        (&["knn", "--resume=runs/0001"], "cannot be used with"),
        (&[], "MODEL|FILE"),
    ] {
        let arguments = [&["tune"], arguments].concat();
        let output = finish(zoo(place.path()).args(&arguments));
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
    let message = fail(place.path(), 1, &["tune", "knn", "--folds=21", "--limit-train=20"]);
    assert!(message.contains("cannot divide 20 training images into 21 folds"), "{message}");
    assert_eq!(files(place.path()), Vec::<std::path::PathBuf>::new());
    let output = finish(zoo(place.path()).arg("trial"));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("`zoo trial` is what `zoo tune` starts"));
}
