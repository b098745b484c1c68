//! `zoo completions`: what makes a shell complete commands and options.

use clap_complete::{Shell, generate};

use crate::cli::shown_command;
use crate::failure::Failure;
use crate::output::print;

/// Prints the script for `shell`.
pub(crate) fn run(shell: Shell) -> Result<(), Failure> {
    print(script(shell).trim_end())
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut shown_command(), "zoo", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_learns_what_help_shows() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for part in ["compare", "fetch", "limit-train", "threads"] {
                assert!(script.contains(part), "{shell}: {part} is not in\n{script}");
            }
            assert!(!script.contains("trial "), "{shell} learns a hidden command");
        }
    }
}
