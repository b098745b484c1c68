//! What the whole-program tests share: running the binary and the place of CIFAR-10.

#![allow(dead_code, reason = "each test file uses a part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The `zoo` binary in the folder `place`, with an environment that doesn't reach it.
pub(crate) fn zoo(place: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zoo"));
    command.current_dir(place).env_remove("ZOO_BACKEND").env_remove("ZOO_DATA_DIR").env_remove("RUST_LOG");
    command
}

/// Runs `zoo` with `arguments` on the fast CPU backend.
pub(crate) fn run(place: &Path, arguments: &[&str]) -> Output {
    zoo(place).args(["--backend", "flex"]).args(arguments).output().expect("zoo starts")
}

/// Runs `zoo`, which must succeed, and returns what it printed.
pub(crate) fn succeed(place: &Path, arguments: &[&str]) -> String {
    let output = run(place, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Runs `zoo --json`, which must succeed, and returns the document.
pub(crate) fn json(place: &Path, arguments: &[&str]) -> Value {
    let printed = succeed(place, &[arguments, &["--json"]].concat());
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {printed}"))
}

/// Runs `zoo`, which must fail with exit code `code` and in one go: nothing on stdout, no panic, nothing written to
/// `place`. Returns what it said.
pub(crate) fn fail(place: &Path, code: i32, arguments: &[&str]) -> String {
    let before = files(place);
    let output = run(place, arguments);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert!(!message.contains("panicked"), "{message}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    assert_eq!(files(place), before, "{arguments:?} wrote something");
    message
}

/// Every file and folder below `place`.
pub(crate) fn files(place: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(place).expect("the folder is there") {
        let path = entry.expect("its entries can be read").path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

/// The folder that holds CIFAR-10, from `ZOO_DATA_DIR`; without it the test says that it was skipped.
pub(crate) fn cifar10(test: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let place = std::env::var("ZOO_DATA_DIR").ok().map(|place| root.join(place).display().to_string());
    if place.is_none() {
        say(&format!("skipped {test}: ZOO_DATA_DIR does not name a folder with CIFAR-10"));
    }
    place
}

/// Says something even if the test passes: the test harness keeps what `eprintln!` prints to itself.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The result without what time tells.
pub(crate) fn without_times(mut document: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|key, _| !key.contains("seconds") && !key.contains("per_second"));
                map.values_mut().for_each(strip);
            }
            Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut document);
    document
}
