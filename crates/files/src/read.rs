//! Reading what may be anything.

use std::fs::{File, FileType};
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Opens a regular file, or what a link to one leads to. A pipe would keep its reader waiting, a device may never end.
///
/// # Errors
/// What the operating system says, or [`ErrorKind::InvalidInput`] for anything else than a file.
pub fn open(path: &Path) -> Result<File> {
    let metadata = std::fs::metadata(path)?;
    match special(metadata.file_type()) {
        Some(kind) => Err(Error::new(ErrorKind::InvalidInput, format!("it is {kind}, not a file"))),
        None => File::open(path),
    }
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// Those of [`open`], and [`ErrorKind::FileTooLarge`] for a larger file, before anything is read.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let file = open(path)?;
    let too_large = |bytes: &str| {
        Error::new(ErrorKind::FileTooLarge, format!("it has {bytes} bytes; at most {limit} are read"))
    };
    let length = file.metadata()?.len();
    if length > limit {
        return Err(too_large(&length.to_string()));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length as usize)?;
    file.take(limit + 1).read_to_end(&mut bytes)?;
    // It grew meanwhile.
    if bytes.len() as u64 > limit { Err(too_large("more")) } else { Ok(bytes) }
}

/// Reads a regular file of at most `limit` bytes of UTF-8.
///
/// # Errors
/// Those of [`read`], and [`ErrorKind::InvalidData`] with the place of what is not UTF-8.
pub fn read_to_string(path: &Path, limit: u64) -> Result<String> {
    String::from_utf8(read(path, limit)?).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        Error::new(ErrorKind::InvalidData, format!("it is no text: byte {place} is not UTF-8"))
    })
}

/// What a file is called that is none.
pub(crate) fn special(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        return None;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Some("a pipe");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Some("a device");
        }
    }
    Some(match (kind.is_dir(), kind.is_symlink()) {
        (true, _) => "a folder",
        (_, true) => "a symbolic link",
        _ => "something else",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_size_are_read_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, b"123").unwrap();
        assert_eq!(read(&file, 3).unwrap(), b"123");
        assert_eq!(read(&file, 2).unwrap_err().to_string(), "it has 3 bytes; at most 2 are read");
        // Nobody has room for this, and nobody tries.
        File::options().write(true).open(&file).unwrap().set_len(1 << 42).unwrap();
        assert_eq!(read(&file, 1 << 30).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(read(place.path(), 9).unwrap_err().to_string(), "it is a folder, not a file");
        std::fs::write(&file, b"ab\xFFc").unwrap();
        assert_eq!(read_to_string(&file, 9).unwrap_err().to_string(), "it is no text: byte 2 is not UTF-8");
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_is_not_opened() {
        let place = tempfile::tempdir().unwrap();
        let socket = place.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(read(&socket, 9).unwrap_err().to_string(), "it is a socket, not a file");
        assert_eq!(read(Path::new("/dev/zero"), 9).unwrap_err().to_string(), "it is a device, not a file");
    }
}
