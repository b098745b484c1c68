//! One process at a time in a folder.

use std::fs::File;
#[cfg(unix)]
use std::fs::Metadata;
use std::io::Result;
use std::path::{Path, PathBuf};

use crate::write::{check_replaceable, hold};

/// What no other process works on. It ends with the process, however that ends.
///
/// Its file is removed at the end by the process that holds it. Another one may have it open and wait for it then, so whoever has locked a
/// file looks whether it is still the one that others would find.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Locks the file `path` at once, which is made if it isn't there; `None` if another process has it. Where there are no locks, on some network file systems, everybody has it.
    ///
    /// # Errors
    /// What the operating system says, or that the place of the lock is taken by something else.
    pub fn try_take(path: &Path) -> Result<Option<Self>> {
        loop {
            let file = open(path)?;
            if !hold(&file)? {
                return Ok(None);
            }
            if is_at(&file, path) {
                return Ok(Some(Self { file, path: path.into() }));
            }
        }
    }

    /// Locks the file `path`, and calls `waiting` once if another process has it.
    ///
    /// # Errors
    /// Those of [`try_take`](Self::try_take).
    pub fn take(path: &Path, waiting: impl FnOnce()) -> Result<Self> {
        let mut waiting = Some(waiting);
        loop {
            let file = open(path)?;
            if !hold(&file)? {
                if let Some(waiting) = waiting.take() {
                    waiting();
                }
                file.lock()?;
            }
            if is_at(&file, path) {
                return Ok(Self { file, path: path.into() });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

fn open(path: &Path) -> Result<File> {
    check_replaceable(path)?;
    File::options().create(true).truncate(false).write(true).open(path)
}

/// Whether `file` is the one that is at `path`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = |metadata: Metadata| (metadata.dev(), metadata.ino());
    file.metadata().map(inode).ok() == std::fs::symlink_metadata(path).map(inode).ok()
}

/// Elsewhere no file is removed that is open.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let path = &place.path().join(".lock");
        let first = Lock::try_take(path).unwrap().unwrap();
        assert!(Lock::try_take(path).unwrap().is_none());
        std::thread::scope(|scope| {
            let (told, hear) = std::sync::mpsc::channel();
            let second = scope.spawn(move || Lock::take(path, || told.send(()).unwrap()).is_ok());
            hear.recv().unwrap();
            drop(first);
            // The file that the second waited for is gone; it has made another one, and removed it.
            assert!(second.join().unwrap());
            assert!(!path.exists());
        });
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_its_place_empties_nothing() {
        let place = tempfile::tempdir().unwrap();
        let precious = place.path().join("precious");
        std::fs::write(&precious, "1").unwrap();
        let path = place.path().join(".lock");
        std::os::unix::fs::symlink(&precious, &path).unwrap();
        assert!(Lock::try_take(&path).is_err());
        assert_eq!(std::fs::read(&precious).unwrap(), b"1");
    }
}
