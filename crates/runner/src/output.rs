//! What goes to stdout.

use std::io::{ErrorKind, Write};

use anyhow::Context;
use serde::Serialize;
use zoo_core::result::Comparison;

use crate::cli::GlobalOptions;

/// Prints a line or several. Whoever has closed the other end of a pipe wants no more, which is no error.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to stdout"),
        _ => Ok(()),
    }
}

/// Prints a JSON document.
pub(crate) fn print_json(document: &impl Serialize) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(document)?)
}

/// Prints the table of a comparison, or the document.
pub(crate) fn show(options: &GlobalOptions, comparison: &Comparison) -> anyhow::Result<()> {
    if options.json {
        return print_json(comparison);
    }
    print(&format!("{}\n{}", zoo_report::describe(comparison), zoo_report::terminal_table(comparison)))
}
