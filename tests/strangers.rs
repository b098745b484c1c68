//! What strangers name, link to or write into a run: nothing of it reaches another file, a terminal, or the end of memory.

use std::path::Path;

use crate::common::{fail, finish, json, run, says, succeed, text};

const SMALL: [&str; 2] = ["--limit-train=60", "--limit-test=20"];

#[cfg(target_os = "linux")]
#[test]
fn a_recipe_that_fits_into_no_memory_is_refused_with_the_figure() {
    let place = tempfile::tempdir().unwrap();
    let layers = format!("--set=architecture.hidden=[{}]", ["16384"; 16].join(","));
    let script =
        format!("ulimit -v 8000000; exec \"$0\" train mlp --backend=flex {layers} {} {}", SMALL[0], SMALL[1]);
    let mut shell = std::process::Command::new("sh");
    let output = finish(shell.args(["-c", &script, env!("CARGO_BIN_EXE_zoo")]).current_dir(place.path()));
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    says(&message, &["mlp would need about", "GB of memory, and this machine has", "lower the sizes"]);
}

#[test]
fn the_name_of_a_recipe_leads_nowhere() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    std::fs::create_dir(place.join("victim")).unwrap();
    std::fs::write(place.join("victim/config.toml"), "precious").unwrap();
    for name in ["../../victim", "/victim", "..", ".", "a/b", ".hidden", ""] {
        std::fs::write(place.join("recipes.toml"), format!("[{name:?}]\nmodel = \"softmax\"\n")).unwrap();
        let message = fail(place, 2, &["compare", "recipes.toml", "knn", SMALL[0], SMALL[1]]);
        says(&message, &["is no name for a recipe"]);
    }
    assert_eq!(std::fs::read(place.join("victim/config.toml")).unwrap(), b"precious");
    let deep = format!("{}a=1", "a.".repeat(60_000));
    says(&fail(place, 2, &["compare", "softmax", "--set", &deep]), &["60001 parts, 80 at most"]);
}

#[cfg(unix)]
#[test]
fn pipes_and_links_are_refused_at_once() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(place, &[&["compare", "softmax", "--set=train.epochs=2"], &SMALL[..]].concat());
    assert!(std::process::Command::new("mkfifo").arg(place.join("pipe.toml")).status().unwrap().success());
    std::fs::copy(place.join("runs/0001-compare-shapes10/softmax/config.toml"), place.join("softmax.toml"))
        .unwrap();
    let run = "runs/0001-compare-shapes10/softmax";
    for arguments in [
        &["compare", "pipe.toml"][..],
        &["compare", "--config=pipe.toml"],
        &["evaluate", "--config=softmax.toml", "--weights=pipe.toml"],
        &["predict", run, "--image=pipe.toml"],
        &["data", "info", "--data=pipe.toml"],
        &["evaluate", run, "--scores=pipe.toml"],
        &["evaluate", run, "--scores=/dev/null"],
    ] {
        let output = crate::common::run(place, arguments);
        let message = text(&output.stderr);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments:?}: {message}");
        assert!(!message.contains("panicked"), "{message}");
    }
    std::fs::write(place.join("precious"), "precious").unwrap();
    std::fs::create_dir(place.join("other")).unwrap();
    std::os::unix::fs::symlink(place.join("precious"), place.join("link")).unwrap();
    says(
        &fail(place, 1, &["evaluate", run, "--scores=link"]),
        &["it is a symbolic link, and only files are replaced"],
    );
    // Within a run's folder nothing leads out of it.
    for (name, to) in
        [("checkpoint/link", "other"), (".lock", "precious"), ("pictures", "other"), ("pipe", "pipe.toml")]
    {
        let link = place.join(run).join(name);
        std::os::unix::fs::symlink(place.join(to), &link).unwrap();
        for command in [&["evaluate", run][..], &["pictures", run], &["report", run]] {
            says(&fail(place, 1, command), &["is a symbolic link, which no run has"]);
        }
        std::fs::remove_file(link).unwrap();
    }
    assert_eq!(std::fs::read(place.join("precious")).unwrap(), b"precious");
    succeed(place, &["evaluate", run]);
}

#[test]
fn a_config_that_cannot_be_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(
        place,
        &[
            &["compare", "softmax", "knn", "cnn", "--set=cnn.train.epochs=1", "--set=softmax.train.epochs=1"],
            &SMALL[..],
        ]
        .concat(),
    );
    for model in ["softmax", "knn", "cnn"] {
        let folder = place.join("runs/0001-compare-shapes10").join(model);
        let config = std::fs::read_to_string(folder.join("config.toml")).unwrap();
        let shape =
            config.lines().find(|line| line.starts_with("shape = ")).map_or("shape = [\n", |line| line);
        for wrong in ["[2000000, 32, 32]", "[3, 0, 0]", "[0, 32, 32]", "[3, 32, 99999]", "[1, 32, 32]"] {
            let changed = if shape.ends_with(']') {
                config.replace(shape, &format!("shape = {wrong}"))
            } else {
                let (before, rest) = config.split_once("shape = [").unwrap();
                format!("{before}shape = {wrong}{}", rest.split_once(']').unwrap().1)
            };
            assert_ne!(changed, config);
            std::fs::write(folder.join("config.toml"), changed).unwrap();
            let message = fail(place, 1, &["evaluate", folder.to_str().unwrap()]);
            assert!(!message.contains("panicked"), "{model} {wrong}: {message}");
        }
        let (before, rest) = config.split_once("classes = [").unwrap();
        std::fs::write(folder.join("config.toml"), format!("{before}classes = [\"one more\", {rest}"))
            .unwrap();
        let message = fail(place, 1, &["evaluate", folder.to_str().unwrap()]);
        assert!(!message.contains("panicked"), "{model}: {message}");
    }
}

/// Whether what was printed or written has a control character that isn't a line break.
fn commands(text: &str) -> bool {
    text.chars().any(|letter| (letter.is_control() && !matches!(letter, '\n' | '\t')) || letter == '\u{202e}')
}

#[cfg(unix)]
#[test]
fn names_command_no_terminal_and_no_table() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let classes = ["cat\u{1b}]0;title\u{7}", "a\nb", "\u{202e}right|<b>"];
    for class in classes {
        for part in ["train", "test"] {
            let folder = place.join("photos").join(part).join(class);
            std::fs::create_dir_all(&folder).unwrap();
            for number in 0..4_u8 {
                let pixels =
                    image::RgbImage::from_pixel(8, 8, image::Rgb([60 * number, 10, class.len() as u8]));
                pixels.save(folder.join(format!("\u{9b}{number}\u{1b}.png"))).unwrap();
            }
        }
    }
    for command in [
        &["data", "info"][..],
        &["data", "audit"],
        &["data", "verify"],
        &["compare", "knn", "softmax", "--set=knn.k=1"],
    ] {
        let output = run(place, &[command, &["--data=photos"]].concat());
        for said in [text(&output.stdout), text(&output.stderr)] {
            assert!(!commands(&said) && !said.contains("panicked"), "{command:?}: {said:?}");
        }
    }
    let compared = place.join("runs").join(
        std::fs::read_dir(place.join("runs"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .find(|name| name.contains("compare"))
            .unwrap(),
    );
    let folder = compared.to_str().unwrap();
    for command in [
        &["mistakes", folder][..],
        &["mistakes", folder, "--csv"],
        &["losses", folder],
        &["pictures", folder, "--terminal"],
    ] {
        let output = run(place, command);
        for said in [text(&output.stdout), text(&output.stderr)] {
            assert!(!commands(&said) && !said.contains("panicked"), "{command:?}: {said:?}");
        }
    }
    let markdown = std::fs::read_to_string(compared.join("result.md")).unwrap();
    assert!(!commands(&markdown) && !markdown.contains("<b>"), "{markdown}");
    // What is exported is read back with the same classes.
    let info = json(place, &["data", "info", "--data=photos"]);
    succeed(place, &["data", "export", "again", "--data=photos"]);
    let again = json(place, &["data", "info", "--data", Path::new("again").to_str().unwrap()]);
    assert_eq!(info["train"], again["train"]);
}
