//! What goes to stdout.

use std::io::{ErrorKind, Write};
use std::ops::ControlFlow;

use serde::Serialize;
use zoo_files::{printable_json, printable_lines};
use zoo_report::wrapped;
use zoo_schema::Comparison;

use crate::failure::Failure;
use crate::options::Options;

/// Prints a line or several. A closed pipe is not an error: its reader wants no more.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    print_more(text).map(|_| ())
}

/// Prints a line or several of what more may follow: [`ControlFlow::Break`] says that nobody reads on. Names in it may be a stranger's, and
/// command no terminal.
pub(crate) fn print_more(text: &str) -> Result<ControlFlow<()>, Failure> {
    write(&printable_lines(text))
}

/// Prints what has commands for the terminal of our own.
pub(crate) fn print_coloured(text: &str) -> Result<(), Failure> {
    write(text).map(|_| ())
}

fn write(text: &str) -> Result<ControlFlow<()>, Failure> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(Failure::Output(error)),
    }
}

/// Prints a JSON document.
pub(crate) fn print_json(document: &impl Serialize) -> Result<(), Failure> {
    write(&printable_json(&serde_json::to_string_pretty(document)?)).map(|_| ())
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
