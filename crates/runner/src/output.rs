//! What goes to stdout.

use std::io::{ErrorKind, Write};

use serde::Serialize;
use zoo_report::wrapped;
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

/// Prints the table of a comparison and what follows from it, or the document.
pub(crate) fn show(options: &Options, comparison: &Comparison) -> Result<(), Failure> {
    if options.json {
        return print_json(comparison);
    }
    let columns = options.width();
    let mut parts = vec![wrapped(&zoo_report::describe(comparison), columns)];
    parts.push(zoo_report::table_within(comparison, columns));
    if options.is_verbose() && comparison.results.iter().any(|result| result.test.is_some()) {
        parts.push(zoo_report::details(comparison));
    }
    parts.extend(zoo_report::notes(comparison).iter().map(|note| wrapped(note, columns)));
    print(&parts.join("\n"))
}
