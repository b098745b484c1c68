//! Disks that are full or can't be written to, at every write of every command: a sentence, no half file, and nothing lost of before.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{DEADLINE, Running, files, finish, run, say, says, succeed, text, zoo};

const SMALL: [&str; 2] = ["--limit-train=60", "--limit-test=30"];

/// Commands that write, each with what its run needs of an earlier one.
const COMMANDS: [&[&str]; 8] = [
    &["train", "cnn", "--set=train.epochs=2", "--set=architecture.widths=[8,8,8]"],
    &["compare", "knn", "softmax", "--set=softmax.train.epochs=2"],
    &["tune", "softmax", "--set=optimizer.learning_rate=0.01,0.1", "--set=train.epochs=1", "--jobs=1"],
    &["data", "export", "exported"],
    &["reproduce", "cs231n", "--quick", "--only=softmax", "--data=shapes10"],
    &["pictures"],
    &["report", "../before/0001-compare-shapes10", "../before/0002-compare-shapes10"],
    &["evaluate", "../before/0001-compare-shapes10/softmax", "--scores=scores.safetensors"],
];

/// A file system in memory of this many kilobytes at `path`; `None` where it can't be had.
struct Tiny(PathBuf);

impl Tiny {
    fn new(path: &Path, kilobytes: usize) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let size = format!("size={kilobytes}k");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(path).output();
        mount.is_ok_and(|output| output.status.success()).then(|| Self(path.into()))
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn output(place: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = zoo(place);
    command.args(["--backend=flex", "-q", "--out=."]).args(arguments);
    if !["report", "evaluate", "reproduce"].contains(&arguments[0]) {
        command.args(SMALL);
    }
    Running::start(&mut command).wait(DEADLINE)
}

/// Two comparisons of the same images in `place/before`.
fn earlier(place: &Path) {
    for model in ["softmax", "knn"] {
        succeed(place, &[&["compare", model, "--out=before"], &SMALL[..]].concat());
    }
}

/// Every file that is there is whole.
fn all_whole(place: &Path, what: &str) {
    for path in files(place).iter().filter(|path| path.is_file()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!name.starts_with(".zoo"), "{what}: {} is left", path.display());
        let bytes = std::fs::read(path).unwrap();
        let whole = match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => serde_json::from_slice::<serde_json::Value>(&bytes).is_ok(),
            Some("jsonl") => bytes.ends_with(b"\n") || bytes.is_empty(),
            Some("toml") => text(&bytes).parse::<toml::Table>().is_ok(),
            Some("safetensors") => safetensors::SafeTensors::deserialize(&bytes).is_ok(),
            Some("html") => text(&bytes).trim_end().ends_with("</html>"),
            Some("svg") => text(&bytes).trim_end().ends_with("</svg>"),
            Some("png") => bytes.ends_with(b"IEND\xAEB`\x82"),
            Some("csv" | "md") => bytes.ends_with(b"\n"),
            _ => true,
        };
        assert!(whole, "{what}: {} is not whole", path.display());
    }
}

#[test]
fn a_disk_that_is_full_at_any_write() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    earlier(place);
    let before = files(&place.join("before"));
    for (number, command) in COMMANDS.iter().enumerate() {
        // Up to the size at which it succeeds.
        let (mut kilobytes, mut failures) = (12, 0);
        loop {
            let Some(tiny) = Tiny::new(&place.join(format!("tiny-{number}")), kilobytes) else {
                say(
                    "skipped disk::a_disk_that_is_full_at_any_write: no file system in memory can be mounted here",
                );
                return;
            };
            let what = format!("{command:?} in {kilobytes} kB");
            let output = output(&tiny.0, command);
            let message = text(&output.stderr);
            assert!(!message.contains("panicked"), "{what}: {message}");
            all_whole(&tiny.0, &what);
            if output.status.success() {
                break;
            }
            assert_eq!(output.status.code(), Some(1), "{what}: {message}");
            assert!(
                message.contains("No space left") || message.contains("os error 28"),
                "{what}: {message}"
            );
            failures += 1;
            kilobytes *= 2;
        }
        assert!(failures > 1, "{command:?} wrote nothing");
    }
    assert_eq!(files(&place.join("before")), before);
    all_whole(&place.join("before"), "what was there before");
}

#[test]
fn a_disk_that_is_read_only() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    earlier(place);
    let Some(tiny) = Tiny::new(&place.join("tiny"), 8) else { return };
    let remount = Command::new("mount").args(["-o", "remount,ro"]).arg(&tiny.0).status();
    if !remount.is_ok_and(|status| status.success()) {
        say("skipped disk::a_disk_that_is_read_only: it can't be made so here");
        return;
    }
    for command in COMMANDS {
        let output = output(&tiny.0, command);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {message}");
        says(&message, &["Read-only file system"]);
        assert!(!message.contains("panicked"), "{message}");
    }
    assert_eq!(files(&tiny.0), Vec::<PathBuf>::new());
}

#[test]
fn a_file_in_the_place_of_a_folder() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    std::fs::write(place.join("file"), "precious").unwrap();
    for command in &COMMANDS[..6] {
        let mut arguments: Vec<&str> =
            command.iter().map(|&word| if word == "exported" { "file" } else { word }).collect();
        if command[0] != "reproduce" {
            arguments.extend(SMALL);
        }
        let output = finish(zoo(place).args(["--backend=flex", "-q", "--out=file"]).args(&arguments));
        let message = text(&output.stderr);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{command:?}: {message}");
        assert!(message.contains("file") && !message.contains("panicked"), "{message}");
        assert_eq!(std::fs::read(place.join("file")).unwrap(), b"precious");
    }
    // Within a run.
    succeed(place, &[&["train", "softmax", "--set=train.epochs=1"], &SMALL[..]].concat());
    let folder = place.join("runs/0001-train-softmax-shapes10");
    std::fs::write(folder.join("pictures"), "").unwrap();
    let output = run(place, &["pictures", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    says(&text(&output.stderr), &["pictures"]);
    std::fs::remove_file(folder.join("model.safetensors")).unwrap();
    std::fs::remove_dir_all(folder.join("checkpoint")).unwrap();
    std::fs::write(folder.join("checkpoint"), "").unwrap();
    let output = run(place, &["train", "--resume", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    says(&text(&output.stderr), &["checkpoint"]);
}
