//! `zoo man`: the manual, a page per command.

use std::io;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use zoo_lab::LabError;
use zoo_lab::run::write;

use crate::cli::shown_command;
use crate::failure::Failure;

/// Writes the pages into `folder`, which is made if it isn't there.
pub(crate) fn run(folder: &Path) -> Result<(), Failure> {
    let pages = pages().map_err(|source| Failure::Process { action: "cannot make the manual", source })?;
    let cannot = |source| LabError::Io { action: "make the folder", path: folder.into(), source };
    std::fs::create_dir_all(folder).map_err(cannot)?;
    for (name, page) in &pages {
        write(&folder.join(name), page)?;
    }
    Ok(())
}

/// The pages with the names of their files: `zoo.1`, `zoo-data-fetch.1`.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    // Else there would be a page for `zoo help`, and one for each command that it helps with.
    let mut command = shown_command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    write_pages(&command, &mut pages)?;
    Ok(pages)
}

/// Adds the page of `command`, and those of all below it.
fn write_pages(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    pages.push((format!("{name}.1"), page));
    command.get_subcommands().try_for_each(|below| write_pages(below, pages))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_of_what_help_shows() {
        let pages = pages().unwrap();
        let page = |name: &str| {
            let (_, page) =
                pages.iter().find(|(other, _)| other == name).unwrap_or_else(|| panic!("no {name}"));
            // Options are written with escaped hyphens.
            String::from_utf8_lossy(page).replace("\\-", "-")
        };
        assert!(page("zoo.1").contains("zoo-compare(1)"), "{}", page("zoo.1"));
        assert!(page("zoo-compare.1").contains("--limit-train"), "{}", page("zoo-compare.1"));
        let fetch = page("zoo-data-fetch.1");
        assert!(fetch.contains("--timeout") && !fetch.contains("--limit-train"), "{fetch}");
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert!(!names.iter().any(|name| name.contains("trial") || name.contains("help")), "{names:?}");
        assert!(names.len() > 20, "{names:?}");
    }
}
