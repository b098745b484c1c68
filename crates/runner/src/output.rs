//! What goes to stdout.

use std::io::{ErrorKind, Write};

use serde::Serialize;
use zoo_schema::Comparison;

use crate::failure::Failure;
use crate::options::Options;

/// Prints a line or several. A closed pipe is not an error: its reader wants no more.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(()),
    }
}

/// Prints a JSON document.
pub(crate) fn print_json(document: &impl Serialize) -> Result<(), Failure> {
    print(&serde_json::to_string_pretty(document)?)
}

/// Prints the table of a comparison, or the document.
pub(crate) fn show(options: &Options, comparison: &Comparison) -> Result<(), Failure> {
    if options.json {
        return print_json(comparison);
    }
    print(&format!("{}\n{}", zoo_report::describe(comparison), zoo_report::terminal_table(comparison)))
}
