//! What is said on stderr: lines, and the log.

use std::io::Write;

use crate::cli::GlobalOptions;

/// Says a line or several on stderr, without commands to a terminal that a stranger's names may have.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", zoo_files::printable_lines(text));
}

/// Logs go to stderr: warnings unless told otherwise. `RUST_LOG` overrides.
pub(crate) fn start_logging(options: &GlobalOptions) {
    let level = match (options.quiet, options.verbose) {
        (true, _) => "off",
        // Software drivers and autotune warn of what nobody can change.
        (false, 0) => "error,zoo=warn",
        (false, 1) => "warn,zoo=debug",
        (false, _) => "debug",
    };
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(level))
        .format_timestamp(None)
        .format_target(false)
        .init();
}
