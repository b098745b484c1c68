//! Which command is of which kind, and which options each one takes: what help shows, and what is refused.

use std::fmt::Write;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory};

use super::Cli;

/// The commands by what they are for, in the order of help.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Start", &["compare", "data"]),
    ("Train and use", &["train", "evaluate", "predict", "tune"]),
    ("Understand", &["report", "mistakes", "pictures", "losses", "gradcheck", "sanity"]),
    ("Published results", &["reproduce"]),
    ("System", &["backends", "schema"]),
];

const PLACE: &[&str] = &["data", "data_dir", "cache_dir"];
const LIMITS: &[&str] = &["limit_train", "limit_test"];
const PHOTOS: &[&str] = &["image_size", "resize", "background", "skip_broken", "group_by"];
const RECIPE: &[&str] = &["config", "set", "seed", "validation"];
const COMPUTING: &[&str] = &["backend", "threads"];
const SHOWN: &[&str] = &["json", "quiet", "verbose"];

/// Options that say what is done. Others say where, and how it is shown; whoever sets them for every command does no harm.
const MEANT: [&[&str]; 5] = [&["data"], LIMITS, PHOTOS, RECIPE, &["tui"]];

/// Commands that say for themselves why they take no other recipe or images than those of a run or a suite.
const WITH_REASONS: [&str; 7] =
    ["evaluate", "predict", "report", "pictures", "losses", "mistakes", "reproduce"];

/// The options that `zoo --help` shows: most commands take them.
const COMMON: [&str; 9] =
    ["data", "data_dir", "seed", "backend", "threads", "out", "json", "quiet", "verbose"];

/// The options that do something for a command, by sets.
fn taken(command: &str) -> &'static [&'static [&'static str]] {
    match command {
        "compare" | "train" => &[PLACE, LIMITS, PHOTOS, RECIPE, COMPUTING, &["out", "narrow", "tui"], SHOWN],
        "tune" | "sanity" => &[PLACE, LIMITS, PHOTOS, RECIPE, COMPUTING, &["out"], SHOWN],
        "evaluate" => &[PLACE, LIMITS, PHOTOS, RECIPE, COMPUTING, &["out", "narrow"], SHOWN],
        "gradcheck" => &[PLACE, LIMITS, PHOTOS, RECIPE, &["threads", "out"], SHOWN],
        "pictures" => &[PLACE, LIMITS, PHOTOS, &["seed", "out", "narrow"], COMPUTING, SHOWN],
        "reproduce" => &[PLACE, PHOTOS, &["seed", "out"], COMPUTING, SHOWN],
        "predict" => &[COMPUTING, &["out"], SHOWN],
        "report" => &[PLACE, &["threads", "out"], SHOWN],
        "losses" => &[PLACE, COMPUTING, &["out"], SHOWN],
        "mistakes" => &[&["out"], SHOWN],
        "data fetch" => &[&["data_dir"], SHOWN],
        "data info" | "data verify" | "data export" => &[PLACE, LIMITS, PHOTOS, &["seed", "threads"], SHOWN],
        "data audit" => &[PLACE, LIMITS, PHOTOS, &["seed", "threads", "out"], SHOWN],
        "backends" => &[&["cache_dir", "threads"], SHOWN],
        _ => &[],
    }
}

/// Whether the option `id` does something for `command`: `data fetch`.
pub(super) fn takes(command: &str, id: &str) -> bool {
    taken(command).iter().any(|ids| ids.contains(&id))
}

/// The first option on the command line that says what is to be done, and that `command` does nothing with.
pub(super) fn useless(command: &str, matches: &ArgMatches) -> Option<String> {
    let is_given = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let has_reason = |id: &&str| WITH_REASONS.contains(&command) && !["data", "tui"].contains(id);
    let meant = MEANT.iter().flat_map(|ids| ids.iter().copied());
    let id = meant.filter(is_given).find(|id| !takes(command, id) && !has_reason(id))?;
    Some(format!("--{}", id.replace('_', "-")))
}

/// The command line as it is parsed and shown: commands in groups, and with each the options that do something there. The others are
/// accepted, for whoever sets them for every command, but not shown.
pub(crate) fn command() -> Command {
    let command = Cli::command();
    let global = global(&command);
    let template = template(&command);
    let given = |path: &str| {
        let options = global.iter().map(|arg| arg.clone().hide(!takes(path, arg.get_id().as_str())));
        options.collect::<Vec<Arg>>()
    };
    command
        .help_template(template)
        .mut_args(|arg| {
            let is_common = COMMON.contains(&arg.get_id().as_str());
            arg.hide(!is_common).hide_short_help(true)
        })
        .mut_subcommands(|below| with_options(below, None, &given))
}

/// The command line without what help doesn't show, for shells and the manual.
pub(crate) fn shown_command() -> Command {
    let command = Cli::command();
    let global: Vec<Arg> = global(&command).into_iter().map(|arg| arg.global(false)).collect();
    let among = |is_shown: &dyn Fn(&str) -> bool| {
        global.iter().filter(|arg| is_shown(arg.get_id().as_str())).cloned().collect::<Vec<Arg>>()
    };
    let given = |path: &str| among(&|id| takes(path, id));
    Command::new("zoo")
        .version(env!("CARGO_PKG_VERSION"))
        .about(command.get_about().cloned().unwrap_or_default())
        .after_help(command.get_after_long_help().cloned().unwrap_or_default())
        .subcommand_required(true)
        .args(among(&|id| COMMON.contains(&id)))
        .subcommands(visible(&command).map(|below| with_options(below.clone(), None, &given)))
}

/// The commands below one that aren't for the program's own use.
fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|below| !below.is_hide_set())
}

/// The options that are for all commands, as far as parsing goes.
fn global(command: &Command) -> Vec<Arg> {
    command.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect()
}

/// `command`, and each one below it, with its own copies of the options that are `given` for its path.
fn with_options(command: Command, above: Option<&str>, given: &dyn Fn(&str) -> Vec<Arg>) -> Command {
    let name = command.get_name();
    let path = above.map_or_else(|| name.to_owned(), |above| format!("{above} {name}"));
    command.args(given(&path)).mut_subcommands(|below| with_options(below, Some(&path), given))
}

/// The template of `zoo`'s own help. Clap knows one heading for all commands.
fn template(command: &Command) -> String {
    let styles = command.get_styles();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let mut groups = String::new();
    for (title, names) in GROUPS {
        let _ = writeln!(groups, "{header}{title}:{header:#}");
        for name in names {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(groups, "  {literal}{name:<10}{literal:#}  {about}");
        }
        groups.push('\n');
    }
    format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}{header}Options:{header:#}\n{{options}}{{after-help}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command that help shows, with its path: `data fetch`.
    fn shown(command: &Command, above: &str) -> Vec<(String, Command)> {
        let mut found = Vec::new();
        for below in visible(command).filter(|below| below.get_name() != "help") {
            let path = format!("{above}{}", below.get_name());
            found.extend(shown(below, &format!("{path} ")));
            found.push((path, below.clone()));
        }
        found
    }

    #[test]
    fn every_command_is_in_one_group() {
        let command = command();
        let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let mut names: Vec<&str> = visible(&command).map(Command::get_name).collect();
        let mut sorted = grouped.clone();
        names.sort_unstable();
        sorted.sort_unstable();
        assert_eq!(sorted, names);
    }

    #[test]
    fn the_first_page_fits_a_narrow_terminal() {
        let help = command().term_width(80).render_help().to_string();
        assert!(help.lines().count() <= 45, "{help}");
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        assert!(!help.contains(['{', '}']), "{help}");
        assert_eq!(help.matches("\n  zoo ").count(), 3, "{help}");
        for (title, _) in GROUPS {
            assert!(help.contains(&format!("{title}:\n")), "{title} is not in\n{help}");
        }
    }

    #[test]
    fn options_are_those_that_there_are_and_each_is_of_use_somewhere() {
        let command = command();
        let global: Vec<&str> = command
            .get_arguments()
            .filter(|arg| arg.is_global_set())
            .map(|arg| arg.get_id().as_str())
            .collect();
        for (path, _) in shown(&command, "") {
            for id in taken(&path).iter().flat_map(|ids| ids.iter()) {
                assert!(global.contains(id), "{path}: there is no {id}");
            }
        }
        for id in MEANT.iter().flat_map(|ids| ids.iter()).chain(&COMMON) {
            assert!(global.contains(id), "there is no {id}");
        }
        for id in global {
            assert!(takes("compare", id), "{id}");
        }
    }

    #[test]
    fn help_shows_what_a_command_takes_and_an_example() {
        let mut command = command();
        command.build();
        for (path, mut below) in shown(&command, "") {
            let help = below.render_help().to_string();
            let shows = |option: &str| {
                help.lines().any(|line| {
                    line.trim_start()
                        .trim_start_matches("-q, ")
                        .trim_start_matches("-v, ")
                        .starts_with(option)
                })
            };
            assert_eq!(shows("--limit-train"), takes(&path, "limit_train"), "{path}\n{help}");
            assert_eq!(shows("--quiet"), takes(&path, "quiet"), "{path}\n{help}");
            assert_eq!(shows("--tui"), takes(&path, "tui"), "{path}\n{help}");
            assert!(help.contains("Examples:\n  zoo "), "{path}\n{help}");
        }
    }

    /// The commands in the examples of `text`: what comes before a remark, each part of a pipe, without what goes to a file.
    fn examples(text: &str) -> Vec<Vec<&str>> {
        let lines = text.lines().filter_map(|line| line.strip_prefix("  "));
        let commands = lines.map(|line| line.split("   ").next().unwrap_or_default());
        let parts = commands.flat_map(|line| line.split(" | ").flat_map(|part| part.split(" && ")));
        let words = parts.map(|part| part.split(" >").next().unwrap_or_default().split_whitespace());
        words.map(Iterator::collect).filter(|words: &Vec<&str>| words.first() == Some(&"zoo")).collect()
    }

    #[test]
    fn examples_are_commands() {
        let command = command();
        let mut texts: Vec<String> = shown(&command, "")
            .iter()
            .filter_map(|(_, below)| Some(below.get_after_help()?.to_string()))
            .collect();
        texts.extend(command.get_after_help().map(ToString::to_string));
        texts.extend(command.get_after_long_help().map(ToString::to_string));
        let mut count = 0;
        for example in texts.iter().flat_map(|text| examples(text)) {
            let parsed = super::super::parse(example.iter().map(Into::into).collect());
            assert!(parsed.is_ok(), "{}: {}", example.join(" "), parsed.unwrap_err());
            count += 1;
        }
        assert!(count > 50, "{count} examples");
    }

    #[test]
    fn what_a_command_does_nothing_with_is_refused() {
        let refusal = |line: &str| {
            let parsed = super::super::parse(line.split(' ').map(Into::into).collect());
            parsed.err().map(|error| error.to_string())
        };
        for (line, option) in [
            ("zoo data fetch mnist --seed 3", "--seed"),
            ("zoo --limit-train 3 backends", "--limit-train"),
            ("zoo schema recipe --set k=3", "--set"),
            ("zoo tune knn --tui", "--tui"),
            ("zoo predict cnn cat.png --data cifar10", "--data"),
        ] {
            let message = refusal(line).unwrap_or_default();
            assert!(
                message.contains(&format!("does nothing with {option}; leave it out")),
                "{line}: {message}"
            );
        }
        for line in [
            "zoo --backend flex schema recipe",
            "zoo data fetch mnist --json --threads 2 --out runs",
            "zoo evaluate cnn --seed 3",
            "zoo data info --seed 3 --image-size 64",
            "zoo trial",
        ] {
            assert_eq!(refusal(line), None, "{line}");
        }
    }
}
