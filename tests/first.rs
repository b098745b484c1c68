//! The first minutes with `zoo`: help, habits from elsewhere, what is seen at a terminal, and what a package installs next to it.

#[cfg(target_os = "linux")]
use std::path::Path;

use crate::common::{fail, finish, json, run, says, succeed, text, without_times, zoo};

/// A comparison of seconds.
const QUICK: [&str; 5] =
    ["compare", "softmax", "--limit-train=200", "--limit-test=50", "--set=softmax.train.epochs=3"];

#[test]
fn zoo_alone_shows_the_short_help() {
    let place = tempfile::tempdir().unwrap();
    // Also where the environment has a say.
    let alone = finish(zoo(place.path()).env("ZOO_BACKEND", "flex"));
    assert_eq!((alone.status.code(), text(&alone.stderr)), (Some(0), String::new()));
    let help = text(&alone.stdout);
    says(
        &help,
        &[
            "Usage: zoo",
            "Start:\n  compare ",
            "Train and use:",
            "Understand:",
            "Published results:",
            "System:",
        ],
    );
    assert_eq!(help.matches("\n  zoo ").count(), 3, "{help}");
    assert!(
        !help.contains("--threads") && !help.contains("completions") && !help.contains("trial"),
        "{help}"
    );
    assert_eq!(help, text(&finish(zoo(place.path()).arg("-h")).stdout));

    let long = text(&finish(zoo(place.path()).arg("--help")).stdout);
    says(&long, &["Start:\n  compare ", "--threads", "Exit codes:", "zoo reproduce cs231n"]);
    assert!(!long.contains("--group-by") && !long.contains("completions"), "{long}");
}

#[test]
fn options_are_where_they_work() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let help = |command: &[&str]| succeed(place, &[command, &["--help"]].concat());
    says(
        &help(&["compare"]),
        &["--limit-train", "--tui", "--threads", "Images:", "Examples:\n  zoo compare"],
    );
    for (command, has, has_not) in [
        (&["data", "fetch"][..], "--data-dir", "--limit-train"),
        (&["evaluate"], "--set", "--tui"),
        (&["predict"], "--backend", "--seed"),
        (&["backends"], "--json", "--backend <"),
        (&["schema"], "Examples:\n  zoo schema", "--json"),
    ] {
        let help = help(command);
        assert!(help.contains(has) && !help.contains(has_not), "{command:?}: {help}");
    }
    let message = fail(place, 2, &["data", "fetch", "mnist", "--seed=3"]);
    says(&message, &["`zoo data fetch` does nothing with --seed; leave it out"]);
    // What says where to compute may be said to every command.
    succeed(place, &["schema", "result", "--threads=1"]);
}

#[test]
fn habits_from_elsewhere_are_told_what_to_write() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    says(
        &fail(place, 2, &["train", "cnn", "--epochs", "20"]),
        &["unexpected argument '--epochs'", "--set train.epochs=20"],
    );
    says(&fail(place, 2, &["compare", "svm", "--lr=0.1"]), &["--set svm.optimizer.learning_rate=0.1"]);
    says(&fail(place, 2, &["train", "cnn", "--batch-size", "64"]), &["--set train.batch_size=64"]);
    says(&fail(place, 2, &["train", "cnn", "--device", "cuda"]), &["--backend gpu"]);
    // Others are still told what is near.
    says(&fail(place, 2, &["train", "cnn", "--limit-trian", "20"]), &["'--limit-train'"]);
}

#[test]
fn threads_change_no_result() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let with = |threads: &str| {
        let document = json(place, &[&QUICK[..], &["knn", "vgg", "mlp", "--threads", threads]].concat());
        let adapter = document["adapter"].as_str().unwrap().to_owned();
        (without_times(document)["results"].clone(), adapter)
    };
    let (one, three) = (with("1"), with("3"));
    assert_eq!(one.0, three.0);
    assert_eq!((one.1.as_str(), three.1.as_str()), ("CPU, 1 thread", "CPU, 3 threads"));
    for threads in ["0", "1025", "two"] {
        says(&fail(place, 2, &["compare", "--threads", threads]), &["--threads", threads]);
    }
}

/// What `zoo` shows at a terminal of its own; nothing where there is no `script` to make one.
#[cfg(target_os = "linux")]
fn at_terminal(place: &Path, arguments: &str) -> Option<String> {
    let has_script = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join("script").is_file()));
    if !has_script {
        crate::common::say("skipped what is seen at a terminal: there is no `script`, which is in bsdutils");
        return None;
    }
    let line = format!("'{}' --backend flex {arguments}", env!("CARGO_BIN_EXE_zoo"));
    let mut script = std::process::Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).current_dir(place).env("TERM", "xterm").env("SHELL", "/bin/sh");
    for variable in ["ZOO_BACKEND", "ZOO_DATA_DIR", "RUST_LOG"] {
        script.env_remove(variable);
    }
    script.env("ZOO_CACHE_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    let output = finish(&mut script);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{arguments}: {shown}");
    Some(shown)
}

#[cfg(target_os = "linux")]
#[test]
fn at_a_terminal_a_line_per_model_is_left_and_the_first_time_a_hint() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let quick = QUICK.join(" ");
    let Some(first) = at_terminal(place, &quick) else { return };
    says(&first, &["softmax: kept epoch", "next:", "zoo report last --open", "zoo mistakes last"]);
    assert!(!first.contains("softmax epoch 2/3: train loss"), "{first}");

    let verbose = at_terminal(place, &format!("{quick} -v")).unwrap();
    says(&verbose, &["softmax epoch 2/3: train loss"]);
    assert!(!verbose.contains("next:"), "{verbose}");
    for (number, option) in ["--json", "-q"].into_iter().enumerate() {
        let shown = at_terminal(place, &format!("{quick} --out new-{number} {option}")).unwrap();
        assert!(!shown.contains("next:"), "{option}: {shown}");
    }
    // Elsewhere than in runs/ the run is named.
    let elsewhere = at_terminal(place, &format!("{quick} --out elsewhere")).unwrap();
    says(&elsewhere, &["zoo mistakes elsewhere/0001-compare-shapes10"]);
}

#[test]
fn at_no_terminal_epochs_are_a_log() {
    let place = tempfile::tempdir().unwrap();
    let output = run(place.path(), &QUICK);
    let log = text(&output.stderr);
    says(&log, &["softmax epoch 2/3: train loss", "softmax: kept epoch"]);
    assert!(!log.contains("next:"), "{log}");
}

#[test]
fn shells_learn_to_complete() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        says(&succeed(place, &["completions", shell]), &["compare", "limit-train"]);
    }
    says(&fail(place, 2, &["completions", "csh"]), &["csh", "bash"]);
    #[cfg(unix)]
    {
        std::fs::write(place.join("zoo.bash"), succeed(place, &["completions", "bash"])).unwrap();
        let complete = "source ./zoo.bash; COMP_WORDS=(zoo comp); COMP_CWORD=1; _zoo zoo comp zoo; \
                        printf '%s\\n' \"${COMPREPLY[@]}\"";
        let output = finish(std::process::Command::new("bash").args(["-c", complete]).current_dir(place));
        assert_eq!(text(&output.stdout).trim(), "compare", "{}", text(&output.stderr));
    }
}

#[test]
fn the_manual_has_a_page_per_command() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(place, &["man", "share/man1"]);
    let page = |name: &str| std::fs::read_to_string(place.join("share/man1").join(name)).unwrap();
    for name in ["zoo.1", "zoo-compare.1", "zoo-data-fetch.1", "zoo-schema.1"] {
        says(&page(name), &[".TH", ".SH NAME", ".SH SYNOPSIS"]);
    }
    assert!(!place.join("share/man1/zoo-trial.1").exists());
    // Again, as an update would.
    succeed(place, &["man", "share/man1"]);
    std::fs::write(place.join("file"), "").unwrap();
    says(&fail(place, 1, &["man", "file"]), &["cannot make the folder file"]);
}
