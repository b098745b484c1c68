//! Folders from strangers.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use crate::read::special;

/// Folders within folders that are looked through.
const DEPTH: usize = 16;

/// Accepts a folder that has nothing but regular files and folders. A link would lead whoever writes there to other files, a pipe would
/// keep whoever reads waiting.
///
/// # Errors
/// What the operating system says, or [`ErrorKind::InvalidInput`] with the first entry that is something else.
pub fn check_inside(folder: &Path) -> Result<()> {
    check(folder, DEPTH)
}

fn check(folder: &Path, depth: usize) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let wrong = |reason: String| {
            Err(Error::new(ErrorKind::InvalidInput, format!("{} {reason}", entry.path().display())))
        };
        match special(kind) {
            None => {}
            Some(_) if kind.is_dir() && depth > 0 => check(&entry.path(), depth - 1)?,
            Some(_) if kind.is_dir() => return wrong(format!("is more than {DEPTH} folders deep")),
            Some(other) => return wrong(format!("is {other}, which no run has")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn links_are_refused_however_deep() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(place.path().join("a/b")).unwrap();
        std::fs::write(place.path().join("a/b/file"), "").unwrap();
        check_inside(place.path()).unwrap();
        std::os::unix::fs::symlink("/tmp", place.path().join("a/b/link")).unwrap();
        let error = check_inside(place.path()).unwrap_err().to_string();
        assert!(error.ends_with("a/b/link is a symbolic link, which no run has"), "{error}");
    }
}
