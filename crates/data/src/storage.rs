//! Folders that appear whole or not at all, and one process at a time.

use std::fs::{File, TryLockError};
use std::path::Path;

use tempfile::TempDir;

use crate::error::{DataError, Result};

/// Fills a new folder next to `destination` with `fill`, then renames it into place. If `fill` fails, nothing is left.
///
/// # Errors
/// [`DataError::Exists`] if `destination` exists, otherwise what `fill` or the operating system reports.
pub(crate) fn write_folder<T>(destination: &Path, fill: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    if destination.exists() {
        return Err(DataError::Exists { path: destination.into() });
    }
    let parent = match destination.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).map_err(DataError::io("create", parent))?;
    let aside =
        TempDir::with_prefix_in(".zoo-", parent).map_err(DataError::io("create a folder in", parent))?;
    let content = aside.path().join("content");
    std::fs::create_dir(&content).map_err(DataError::io("create", &content))?;
    let value = fill(&content)?;
    std::fs::rename(&content, destination).map_err(DataError::io("rename a folder to", destination))?;
    Ok(value)
}

/// Holds the lock file `path` until the returned file is dropped; calls `waiting` once if another process has it.
pub(crate) fn lock(path: &Path, waiting: impl FnOnce()) -> Result<File> {
    let file = File::create(path).map_err(DataError::io("create", path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            waiting();
            file.lock().map_err(DataError::io("lock", path))?;
        }
        Err(TryLockError::Error(source)) => return Err(DataError::io("lock", path)(source)),
    }
    Ok(file)
}
