//! Writing what must not be lost.

use std::fs::{File, TryLockError};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::read::special;
use crate::{PREFIX, parent};

/// Writes a file whole or not at all: next to its place, onto the disk, and renamed. What is replaced keeps its permissions.
///
/// # Errors
/// What the operating system says, a full disk for instance: then all is as before; those of [`check_replaceable`].
pub fn write(path: &Path, content: &[u8]) -> Result<()> {
    check_replaceable(path)?;
    let mut file = temporary(parent(path))?;
    file.write_all(content)?;
    if let Ok(before) = std::fs::metadata(path) {
        file.as_file().set_permissions(before.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(parent(path))
}

/// Accepts a place where nothing is, or a regular file. A link, a pipe or a device is somebody's, and would be lost.
///
/// # Errors
/// [`ErrorKind::InvalidInput`].
pub fn check_replaceable(path: &Path) -> Result<()> {
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return Ok(()) };
    match special(metadata.file_type()) {
        Some(kind) => {
            Err(Error::new(ErrorKind::InvalidInput, format!("it is {kind}, and only files are replaced")))
        }
        None => Ok(()),
    }
}

/// Puts onto the disk which files a folder has. Where folders can't be synced (Windows), that is the system's to do.
///
/// # Errors
/// What the operating system says.
pub fn sync_folder(path: &Path) -> Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// A new file in `folder`, locked, with the permissions that new files have, unlike most temporary ones. It is gone when it is dropped,
/// unless it is given a name.
///
/// # Errors
/// What the operating system says.
pub fn temporary(folder: &Path) -> Result<NamedTempFile> {
    loop {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.prefix(PREFIX).tempfile_in(folder)?;
        if hold(file.as_file())? && file.path().exists() {
            return Ok(file);
        }
    }
}

/// Locks a file; `false` if another process was faster. Some network file systems have no locks: there it counts as locked.
pub(crate) fn hold(file: &File) -> Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_permissions() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        write(&path, b"one").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
            write(&path, b"two").unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        }
        assert_eq!(std::fs::read_dir(&place).unwrap().count(), 1);
        assert!(write(&path.join("below"), b"").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_replaced() {
        let place = tempfile::tempdir().unwrap();
        let (file, link) = (place.path().join("file"), place.path().join("link"));
        std::fs::write(&file, "precious").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let refusal = "it is a symbolic link, and only files are replaced";
        assert_eq!(write(&link, b"new").unwrap_err().to_string(), refusal);
        assert_eq!(std::fs::read(&file).unwrap(), b"precious");
        let refusal = "it is a device, and only files are replaced";
        assert_eq!(write(Path::new("/dev/null"), b"new").unwrap_err().to_string(), refusal);
    }
}
