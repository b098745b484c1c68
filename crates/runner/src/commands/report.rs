//! `zoo report`: what runs have found, as a page.

use std::path::PathBuf;

use serde_json::json;
use zoo_lab::run::check_writable;

use crate::cli::ReportArguments;
use crate::failure::Failure;
use crate::options::Options;
use crate::output::{print, print_json};

/// Writes the page of a run, or of several side by side, and opens it if that is asked for.
pub(crate) fn run(options: &Options, arguments: &ReportArguments) -> Result<(), Failure> {
    options.refuse_overrides_of_run()?;
    let paths = arguments.runs.iter().map(|run| options.find(run)).collect::<Result<Vec<PathBuf>, _>>()?;
    if paths.len() > 1 {
        check_writable(&options.out)?;
    }
    let page =
        zoo_lab::report(&options.registry, &paths, &options.relocation, &options.out, &options.watch())?;
    if options.json {
        print_json(&json!({ "report": page }))?;
    } else {
        print(&page.display().to_string())?;
    }
    if arguments.open {
        open::that_detached(&page).map_err(|source| Failure::Process {
            action: "the page is written, but no browser could be started; open the file yourself",
            source,
        })?;
    }
    Ok(())
}
