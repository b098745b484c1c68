//! Folders that appear whole or not at all.

use std::path::Path;

use zoo_files::Aside;

use crate::error::{DataError, Result};

/// Fills a new folder next to `destination` with `fill`, then renames it into place. If `fill` fails, nothing is left.
///
/// # Errors
/// [`DataError::Exists`] if `destination` exists, otherwise what `fill` or the operating system reports.
pub(crate) fn write_folder<T>(destination: &Path, fill: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    if std::fs::symlink_metadata(destination).is_ok() {
        return Err(DataError::Exists { path: destination.into() });
    }
    let parent = zoo_files::parent(destination);
    std::fs::create_dir_all(parent).map_err(DataError::io("create", parent))?;
    // What a process left behind that was killed while it filled one.
    zoo_files::clear(parent);
    let aside = Aside::new(parent).map_err(DataError::io("create a folder in", parent))?;
    let value = fill(aside.path())?;
    aside.move_to(destination).map_err(DataError::io("rename a folder to", destination))?;
    Ok(value)
}
