//! Runs that are killed, stopped, started twice or damaged lose nothing and end as they would have.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{DEADLINE, Running, fail, finish, run, say, says, succeed, text, zoo};

const IMAGES: [&str; 2] = ["--limit-train=300", "--limit-test=60"];

const SOFTMAX: &[&str] =
    &["train", "softmax", "--set=optimizer.kind=adam", "--set=train.epochs=40", "--set=train.batch_size=50"];
const MLP: &[&str] = &[
    "train",
    "mlp",
    "--set=architecture.hidden=[64]",
    "--set=architecture.dropout=0.3",
    "--set=train.epochs=30",
    "--set=train.batch_size=50",
];
const CNN: &[&str] = &[
    "train",
    "cnn",
    "--set=train.epochs=4",
    "--set=train.batch_size=50",
    "--set=augment.crop=2",
    "--set=augment.flip=random",
    "--set=ema.decay=0.9",
];

/// How often each is killed: 4 times, or as many as are asked for.
fn kills() -> u32 {
    std::env::var("ZOO_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(4)
}

/// What a finished run in `folder` comes to: its weights, its history and what it says of images; except for times, to the last byte.
fn outcome(folder: &Path) -> (Vec<u8>, String, String) {
    let read =
        |name: &str| std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    (
        read("model.safetensors"),
        without_seconds(&text(&read("metrics.jsonl"))),
        text(&read("predictions.csv")),
    )
}

/// A history without the time that each epoch took, the rest as it is written.
fn without_seconds(lines: &str) -> String {
    let mut parts = lines.split("\"seconds\":");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.trim_start_matches(|letter: char| letter.is_ascii_digit() || ".e-".contains(letter))
    })
}

fn training(place: &Path, out: &str, arguments: &[&str], threads: u32) -> Command {
    let mut command = zoo(place);
    command.args(["--backend=flex", "-q", "--out", out]).args(arguments);
    if arguments[1] != "--resume" {
        command.args(IMAGES);
    }
    command.env("RAYON_NUM_THREADS", threads.to_string());
    command
}

/// The only run in `out`, if there is one.
fn only_run(out: &Path) -> Option<PathBuf> {
    let mut runs = std::fs::read_dir(out).ok()?.flatten().map(|entry| entry.path());
    runs.find(|run| !run.file_name().unwrap_or_default().to_string_lossy().starts_with('.'))
}

/// Kills a training, and then what goes on with it, at random moments of the time that it takes; with another number of threads each
/// time. It must end with the files of a training that was not killed.
fn survives(arguments: &[&str]) {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let start = Instant::now();
    assert!(finish(&mut training(place, "whole", arguments, 2)).status.success());
    let took = start.elapsed();
    let whole = outcome(&only_run(&place.join("whole")).unwrap());
    let (kills, mut hits, mut attempt) = (kills(), 0, 0_u32);
    while hits < kills {
        attempt += 1;
        assert!(attempt < 20 * kills, "{hits} of {attempt} kills came before the end");
        // Weyl's sequence: spread evenly, without a pattern.
        let moment = took.mul_f64((f64::from(attempt) * 0.618_033_988_749_895).fract());
        let out = format!("killed-{attempt}");
        let first = Running::start(&mut training(place, &out, arguments, 1 + attempt % 3));
        thread::sleep(moment);
        first.kill();
        let Some(folder) = only_run(&place.join(&out)) else { continue };
        if folder.join("model.safetensors").exists() {
            continue;
        }
        hits += 1;
        let name = folder.to_str().unwrap();
        let resume = |threads| training(place, &out, &["train", "--resume", name], threads);
        let again = Running::start(&mut resume(1 + (attempt + 1) % 3));
        thread::sleep(moment.mul_f64(0.6));
        again.kill();
        if !folder.join("model.safetensors").exists() {
            hits += 1;
            let output = finish(&mut resume(1 + (attempt + 2) % 3));
            assert!(output.status.success(), "after {moment:?}: {}", text(&output.stderr));
        }
        assert!(outcome(&folder) == whole, "killed after {moment:?} of {took:?}: another outcome");
        // What was being written is cleared by whoever works there next.
        assert!(finish(zoo(place).args(["report", name])).status.success());
        assert_eq!(hidden(&folder), Vec::<PathBuf>::new(), "killed after {moment:?}");
        std::fs::remove_dir_all(place.join(&out)).unwrap();
    }
    say(&format!("{hits} kills in {attempt} runs of {took:?}"));
}

/// Files in `folder` and below whose names begin with a dot.
fn hidden(folder: &Path) -> Vec<PathBuf> {
    let is_hidden = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().starts_with('.');
    crate::common::files(folder).into_iter().filter(is_hidden).collect()
}

#[test]
fn a_softmax_classifier_with_adam_survives_kills() {
    survives(SOFTMAX);
}

#[test]
fn an_mlp_with_dropout_survives_kills() {
    survives(MLP);
}

#[test]
fn a_cnn_with_augmentation_and_ema_survives_kills() {
    survives(CNN);
}

#[cfg(unix)]
#[test]
fn a_signal_ends_training_with_its_step_and_says_how_to_go_on() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let long = [CNN, &["--set=train.epochs=3", "--set=train.batch_size=10"]].concat();
    assert!(finish(&mut training(place, "whole", &long, 2)).status.success());
    let whole = outcome(&only_run(&place.join("whole")).unwrap());
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let out = place.join(name);
        let mut first = Running::start(&mut training(place, name, &long, 2));
        first.until("it had a first epoch", || {
            only_run(&out)?.join("checkpoint/epoch-1").exists().then_some(())
        });
        assert!(first.signal(name));
        let output = first.wait(DEADLINE);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{message}");
        let folder = only_run(&out).unwrap();
        let advice = format!("stopped; go on with zoo train --resume {name}/");
        says(&message, &["stopping after this step", &advice]);
        assert!(output.status.code().is_some() && !message.contains("error"), "{message}");
        let resumed = finish(&mut training(place, name, &["train", "--resume", folder.to_str().unwrap()], 1));
        assert!(resumed.status.success(), "{}", text(&resumed.stderr));
        assert_eq!(outcome(&folder).1, whole.1, "{name}");
        assert!(outcome(&folder) == whole, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_comparison_and_keeps_what_is_finished() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let arguments = ["--backend=flex", "compare", "knn", "softmax", "--set=softmax.train.epochs=100000"];
    let mut comparison = Running::start(zoo(place).args(arguments).args(IMAGES));
    let folder = place.join("runs/0001-compare-shapes10");
    comparison.until("softmax trained", || folder.join("softmax/checkpoint").exists().then_some(()));
    assert!(comparison.signal("TERM"));
    let output = comparison.wait(DEADLINE);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(143), "{message}");
    says(&message, &["stopped; go on with zoo compare --resume runs/0001-compare-shapes10"]);
    assert!(text(&output.stdout).contains("knn"));
    assert!(folder.join("knn/model.safetensors").exists() && folder.join("result.json").exists());
}

#[test]
fn one_process_at_a_time() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let long = ["--backend=flex", "-q", "train", "softmax", "--set=train.epochs=100000"];
    let mut first = Running::start(zoo(place).args(long).args(IMAGES));
    let folder = place.join("runs/0001-train-softmax-shapes10");
    first.until("it had a checkpoint", || folder.join("checkpoint/epoch-2").exists().then_some(()));
    let output = run(place, &["train", "--resume", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    says(&text(&output.stderr), &["0001-train-softmax-shapes10 is at work already, in another process"]);
    // The first one goes on.
    let epoch =
        || std::fs::read_to_string(folder.join("metrics.jsonl")).map_or(0, |text| text.lines().count());
    let before = epoch();
    first.until("it trained on", || (epoch() > before + 2).then_some(()));
    first.kill();
}

#[test]
fn a_damaged_checkpoint_is_replaced_by_the_one_before() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    assert!(finish(&mut training(place, "runs", SOFTMAX, 2)).status.success());
    let folder = only_run(&place.join("runs")).unwrap();
    let whole = outcome(&folder);
    let name = folder.to_str().unwrap();
    let newest = folder.join("checkpoint/epoch-40");
    for file in ["state.json", "model.bpk", "best.bpk", "optimizer.bpk", "SHA256SUMS"] {
        std::fs::remove_file(folder.join("model.safetensors")).unwrap();
        let path = newest.join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let output = run(place, &["train", "--resume", name]);
        let message = text(&output.stderr);
        assert!(output.status.success(), "{file}: {message}");
        says(&message, &["it is damaged", "going on from", "epoch-39 instead"]);
        assert!(outcome(&folder) == whole, "{file}");
    }
    // A model that is not whole is made again.
    for length in [0, 100, whole.0.len() - 1] {
        std::fs::write(folder.join("model.safetensors"), &whole.0[..length]).unwrap();
        assert!(fail(place, 1, &["evaluate", name]).contains("--resume"));
        succeed(place, &["train", "--resume", name]);
        assert!(outcome(&folder) == whole);
    }
    // With both damaged there is an end.
    std::fs::remove_file(folder.join("model.safetensors")).unwrap();
    for epoch in ["epoch-39", "epoch-40"] {
        std::fs::write(folder.join("checkpoint").join(epoch).join("model.bpk"), "").unwrap();
    }
    says(&fail(place, 1, &["train", "--resume", name]), &["epoch-40/model.bpk", "it is damaged"]);
}

#[test]
fn what_the_dead_left_behind_goes() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let mut export = Running::start(zoo(place).args(["data", "export", "out"]));
    let aside = || {
        let mut names = std::fs::read_dir(place).unwrap().flatten().map(|entry| entry.file_name());
        names.find(|name| name.to_string_lossy().starts_with(".zoo-"))
    };
    export.until("it wrote", aside);
    thread::sleep(Duration::from_millis(50));
    export.kill();
    assert!(aside().is_some() && !place.join("out").exists());
    succeed(place, &["data", "export", "other", "--limit-train=20", "--limit-test=10"]);
    assert_eq!(aside(), None);
}
