//! Folders that appear whole or not at all, and what is left of those that never did.

use std::fs::File;
use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::write::{hold, sync_folder};
use crate::{PREFIX, parent};

/// The file that is locked while a folder is being filled.
const HELD: &str = ".held";

/// A new folder next to the place where it is to be, until it is [moved](Self::move_to) there. If it never is, it is removed.
#[derive(Debug)]
pub struct Aside {
    content: PathBuf,
    // Fields are dropped in this order: first the lock, so that the file can be removed everywhere.
    _held: File,
    _around: TempDir,
}

impl Aside {
    /// An empty folder within `parent`, which is there.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn new(parent: &Path) -> Result<Self> {
        loop {
            let around = TempDir::with_prefix_in(PREFIX, parent)?;
            let path = around.path().join(HELD);
            // Another process may just be removing what it takes for left behind.
            let held = match File::create_new(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                held => held?,
            };
            if hold(&held)? && path.exists() {
                let content = around.path().join("content");
                std::fs::create_dir(&content)?;
                return Ok(Self { content, _held: held, _around: around });
            }
        }
    }

    /// Where it is now.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.content
    }

    /// Moves it to `path`, where nothing is.
    ///
    /// # Errors
    /// What the operating system says; it is still here then, and can be moved to another place.
    pub fn move_to(&self, path: &Path) -> Result<()> {
        std::fs::rename(&self.content, path)?;
        sync_folder(parent(path))
    }
}

/// Puts everything in `folder` onto the disk, file by file: before it is moved, where it must survive a power cut.
///
/// # Errors
/// What the operating system says.
pub fn sync_all(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all(&entry.path())?;
        } else if cfg!(unix) {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(folder)
}

/// Removes from `folder` what was being written there by processes that are no more. What can't be removed stays.
pub fn clear(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            let path = entry.path();
            let _ = match entry.file_type() {
                Ok(kind) if kind.is_dir() => clear_folder(&path),
                Ok(kind) if kind.is_file() => clear_file(&path),
                _ => Ok(()),
            };
        }
    }
}

fn clear_folder(path: &Path) -> Result<()> {
    let Ok(held) = File::open(path.join(HELD)) else {
        // Killed at once, or at it just now: an empty folder is no loss to either.
        return std::fs::remove_dir(path);
    };
    if is_free(&held) { std::fs::remove_dir_all(path) } else { Ok(()) }
}

fn clear_file(path: &Path) -> Result<()> {
    if is_free(&File::open(path)?) { std::fs::remove_file(path) } else { Ok(()) }
}

/// Whether no process holds a file; never where that can't be known.
fn is_free(file: &File) -> bool {
    file.try_lock().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_folder_appears_whole_or_not_at_all() {
        let place = tempfile::tempdir().unwrap();
        let aside = Aside::new(place.path()).unwrap();
        std::fs::write(aside.path().join("file"), "1").unwrap();
        drop(aside);
        assert_eq!(names(place.path()), Vec::<String>::new());
        let aside = Aside::new(place.path()).unwrap();
        std::fs::create_dir(aside.path().join("below")).unwrap();
        std::fs::write(aside.path().join("below/file"), "1").unwrap();
        aside.move_to(&place.path().join("there")).unwrap();
        drop(aside);
        assert_eq!(names(place.path()), ["there"]);
        assert_eq!(std::fs::read(place.path().join("there/below/file")).unwrap(), b"1");
    }

    #[test]
    fn what_the_dead_left_is_removed_and_what_the_living_write_is_not() {
        let place = tempfile::tempdir().unwrap();
        let living = (Aside::new(place.path()).unwrap(), crate::write::temporary(place.path()).unwrap());
        let dead = place.path().join(".zoo-dead");
        std::fs::create_dir_all(dead.join("content")).unwrap();
        std::fs::write(dead.join(HELD), "").unwrap();
        std::fs::write(place.path().join(".zoo-file"), "half").unwrap();
        std::fs::write(place.path().join("other"), "").unwrap();
        assert_eq!(names(place.path()).len(), 5);
        clear(place.path());
        assert_eq!(names(place.path()).len(), 3);
        drop(living);
        assert_eq!(names(place.path()), ["other"]);
    }
}
