//! Options that other programs have, typed by habit: what to write instead.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};
use zoo_files::printable;

use super::layout::takes;

/// What `zoo` has in the place of an option.
#[derive(Clone, Copy, Debug)]
enum Instead {
    /// A key of the recipe.
    Key(&'static str),
    /// An option with this id, and how it is written.
    Other(&'static str, &'static str),
    /// An argument without an option, where recipes are taken.
    Model,
}

use Instead::{Key, Model, Other};

/// Options by the names that they have elsewhere, words joined by `-`.
const HABITS: [(&[&str], Instead); 26] = [
    (&["epochs", "epoch", "num-epochs", "n-epochs", "max-epochs"], Key("train.epochs")),
    (&["lr", "learning-rate"], Key("optimizer.learning_rate")),
    (&["batch-size", "batch", "bs"], Key("train.batch_size")),
    (&["weight-decay", "wd", "l2", "reg"], Key("optimizer.weight_decay")),
    (&["momentum"], Key("optimizer.momentum")),
    (&["optimizer", "optim"], Key("optimizer.kind")),
    (&["patience", "early-stopping"], Key("train.patience")),
    (&["dropout"], Key("architecture.dropout")),
    (&["hidden", "hidden-size", "hidden-sizes"], Key("architecture.hidden")),
    (&["activation"], Key("architecture.activation")),
    (&["scheduler", "lr-scheduler", "schedule"], Key("schedule.kind")),
    (&["loss"], Key("loss.kind")),
    (&["label-smoothing"], Key("loss.label_smoothing")),
    (&["k", "n-neighbors", "neighbors", "neighbours"], Key("k")),
    (&["metric", "distance"], Key("metric")),
    (&["device", "accelerator"], Other("backend", "--backend gpu")),
    (&["gpu", "cuda", "gpus"], Other("backend", "--backend gpu")),
    (&["cpu"], Other("backend", "--backend cpu")),
    (&["dataset", "data-path"], Other("data", "--data cifar10")),
    (&["workers", "num-workers", "num-threads", "n-jobs", "j"], Other("threads", "--threads 4")),
    (&["output", "output-dir", "outdir", "save-dir", "o"], Other("out", "--out DIR")),
    (&["random-state", "random-seed", "manual-seed"], Other("seed", "--seed 7")),
    (&["val-split", "validation-split", "val-fraction"], Other("validation", "--validation 0.1")),
    (&["img-size", "imgsz", "size", "resolution"], Other("image_size", "--image-size 64")),
    (&["limit", "subset", "max-images", "max-samples"], Other("limit_train", "--limit-train 1000")),
    (&["model", "arch", "m"], Model),
];

/// The same error, with what to write instead if the option is known from elsewhere. `arguments` come after the program's name.
pub(super) fn with_hint(mut error: Error, command: &Command, arguments: &[OsString]) -> Error {
    let arguments: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(ContextValue::Strings(names)) = error.get(ContextKind::SuggestedSubcommand) {
        let is_hidden = |name: &String| command.find_subcommand(name).is_some_and(Command::is_hide_set);
        let shown = names.iter().filter(|name| !is_hidden(name)).cloned().collect();
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(shown));
    }
    let context = (error.kind(), error.get(ContextKind::InvalidArg));
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(unknown))) = context else { return error };
    if let Some(hint) = hint(unknown, command, &arguments) {
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    }
    error
}

/// What to write instead of `option`, which no command has.
fn hint(option: &str, command: &Command, arguments: &[String]) -> Option<String> {
    let name = option.trim_start_matches('-').replace('_', "-").to_lowercase();
    let (_, instead) = HABITS.iter().find(|(names, _)| names.contains(&name.as_str()))?;
    let (path, rest) = chosen(command, arguments);
    match *instead {
        Key(key) if takes(&path, "set") => {
            let key = key_among_models(key, &path, rest)?;
            let value = value(option, arguments).unwrap_or("VALUE");
            Some(format!("that is a key of the recipe: --set {key}={}", printable(value)))
        }
        Other(id, written) if takes(&path, id) => Some(format!("zoo calls it {written}")),
        Model if takes(&path, "set") => Some(format!("models are named without an option: zoo {path} cnn")),
        _ => None,
    }
}

/// The command that `arguments` are for, `data fetch`, and what comes after it.
fn chosen<'a>(command: &Command, arguments: &'a [String]) -> (String, &'a [String]) {
    let takes_value = |word: &String| {
        let mut options = command.get_arguments().filter(|option| option.get_action().takes_values());
        options.any(|option| word.strip_prefix("--").is_some_and(|name| option.get_long() == Some(name)))
    };
    let is_value = |place: usize| place > 0 && takes_value(&arguments[place - 1]);
    let mut words = arguments.iter().enumerate();
    let found = words.find(|&(place, word)| command.find_subcommand(word).is_some() && !is_value(place));
    let Some((place, _)) = found else { return (String::new(), &[]) };
    let (name, rest) = (&arguments[place], &arguments[place + 1..]);
    let below = command.find_subcommand(name).filter(|below| below.has_subcommands());
    match below.map(|below| chosen(below, rest)) {
        Some((further, rest)) if !further.is_empty() => (format!("{name} {further}"), rest),
        _ => (name.clone(), rest),
    }
}

/// The key, with a model in front where a command takes several; `None` if none of those that are named has such a key.
fn key_among_models(key: &str, path: &str, rest: &[String]) -> Option<String> {
    if !["compare", "gradcheck", "sanity"].contains(&path) {
        return Some(key.into());
    }
    let named = rest.iter().take_while(|word| !word.starts_with('-'));
    let names: Vec<&str> = named.filter_map(|word| Path::new(word).file_stem()?.to_str()).collect();
    let is_of_knn = ["k", "metric"].contains(&key);
    let has_it = |name: &&str| if is_of_knn { *name == "knn" } else { !["knn", "majority"].contains(name) };
    let model = match &names[..] {
        [] => Some(if is_of_knn { "knn" } else { "cnn" }),
        names => names.iter().copied().find(has_it),
    };
    model.map(|model| format!("{}.{key}", printable(model)))
}

/// The value that `option` was given: `--epochs 20`, `--epochs=20`, `-k5`.
fn value<'a>(option: &str, arguments: &'a [String]) -> Option<&'a str> {
    let place = arguments.iter().position(|word| {
        word.strip_prefix(option)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('=') || !option.starts_with("--"))
    })?;
    let rest = &arguments[place][option.len()..];
    let value =
        if rest.is_empty() { arguments.get(place + 1)?.as_str() } else { rest.trim_start_matches('=') };
    (!value.is_empty() && !value.starts_with("--")).then_some(value)
}

#[cfg(test)]
mod tests {
    use zoo_recipes::Registry;

    use super::*;
    use crate::cli::{command, parse};

    /// What is said of a command that is typed wrongly.
    fn said(line: &str) -> String {
        let parsed = parse(line.split(' ').map(Into::into).collect());
        parsed.err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn habits_are_told_the_key_or_the_option() {
        for (line, tip) in [
            ("zoo train cnn --epochs 20", "--set train.epochs=20"),
            ("zoo train cnn --epochs=20 --data cifar10", "--set train.epochs=20"),
            ("zoo train cnn --lr 1e-3", "--set optimizer.learning_rate=1e-3"),
            ("zoo train cnn --learning_rate", "--set optimizer.learning_rate=VALUE"),
            ("zoo tune mlp --batch-size 64", "--set train.batch_size=64"),
            ("zoo compare --epochs 3", "--set cnn.train.epochs=3"),
            ("zoo compare knn softmax --lr 0.1", "--set softmax.optimizer.learning_rate=0.1"),
            ("zoo compare knn -k 5", "--set knn.k=5"),
            ("zoo train knn -k5", "--set k=5"),
            ("zoo train cnn --device cuda", "--backend gpu"),
            ("zoo compare --gpu", "--backend gpu"),
            ("zoo --out data compare --gpu", "--backend gpu"),
            ("zoo --data cifar10 compare --num-workers 4", "--threads 4"),
            ("zoo data info --img-size 32", "--image-size 64"),
            ("zoo train --model cnn", "zoo train cnn"),
        ] {
            let said = said(line);
            assert!(said.contains("  tip: ") && said.contains(tip), "{line}: {said}");
            assert!(
                said.starts_with("error: unexpected argument '-") && said.matches("tip:").count() == 1,
                "{said}"
            );
        }
        // Where it would be of no use, nothing is said.
        for line in [
            "zoo backends --epochs 3",
            "zoo data fetch mnist --lr 1",
            "zoo mistakes last --gpu",
            "zoo compare knn --epochs 3",
            "zoo compare softmax -k 5",
        ] {
            assert!(!said(line).contains("--set") && !said(line).contains("--backend"), "{}", said(line));
        }
        assert!(!said("zoo train cnn --lr \u{1b}[2J").contains("=\u{1b}"));
    }

    #[test]
    fn no_hidden_command_is_suggested() {
        let said = said("zoo trian");
        assert!(said.contains("'train'") && !said.contains("trial"), "{said}");
    }

    #[test]
    fn habits_name_what_there_is() {
        let contenders = Registry::zoo().contenders(&["mlp", "knn"]).unwrap();
        let tables: Vec<_> = contenders.iter().map(|contender| contender.table().unwrap()).collect();
        let command = command();
        for (names, instead) in HABITS {
            match instead {
                Key(key) => {
                    let found = tables.iter().any(|table| {
                        let mut parts = key.split('.');
                        let first = parts.next().and_then(|part| table.get(part));
                        parts.fold(first, |value, part| value?.get(part)).is_some()
                    });
                    assert!(found, "no recipe has {key}");
                }
                Other(id, written) => {
                    let option = format!("--{}", id.replace('_', "-"));
                    assert!(written.starts_with(&option), "{written}");
                    assert!(takes("compare", id), "{id}");
                }
                Model => {}
            }
            for name in names {
                let compare = command.find_subcommand("compare").unwrap();
                let is_option = compare.get_arguments().any(|arg| arg.get_long() == Some(*name));
                assert!(!is_option, "zoo compare has --{name}");
            }
        }
    }
}
