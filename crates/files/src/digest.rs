//! What tells whether files are as they were written.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::read::{open, read_to_string};

/// The file with the digests of the others in its folder: a line each, as `sha256sum --check` takes them.
pub const SUMS: &str = "SHA256SUMS";

/// The most bytes of such a file, 1 MiB.
const LARGEST: u64 = 1 << 20;

/// Bytes as text, two digits each.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The SHA-256 of all that `reader` has, in hexadecimal.
///
/// # Errors
/// What the operating system says.
pub fn sha256(mut reader: impl Read) -> Result<String> {
    let (mut digest, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(hexadecimal(&digest.finalize())),
            Ok(count) => digest.update(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The SHA-256 of each file in `folder` by its name, except that of [`SUMS`].
///
/// # Errors
/// What the operating system says; anything else than files there.
pub fn sums(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut sums = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != SUMS {
            sums.insert(name, sha256(open(&entry.path())?)?);
        }
    }
    Ok(sums)
}

/// Writes the [`sums`] of `folder` into it.
///
/// # Errors
/// Those of [`sums`], and what the operating system says.
pub fn write_sums(folder: &Path) -> Result<()> {
    let lines = sums(folder)?.into_iter().map(|(name, digest)| format!("{digest}  {name}\n"));
    std::fs::write(folder.join(SUMS), lines.collect::<String>())
}

/// What [`write_sums`] has written into `folder`.
///
/// # Errors
/// What the operating system says, or [`ErrorKind::InvalidData`] for what is no list of digests.
pub fn read_sums(folder: &Path) -> Result<BTreeMap<String, String>> {
    let text = read_to_string(&folder.join(SUMS), LARGEST)?;
    let sum = |(place, line): (usize, &str)| {
        let wrong = || {
            let reason = format!("it is damaged: line {} is no digest of a file", place + 1);
            Error::new(ErrorKind::InvalidData, reason)
        };
        let (digest, name) = line.split_once("  ").ok_or_else(wrong)?;
        Ok((name.to_owned(), digest.to_owned()))
    };
    text.lines().enumerate().map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_nothing_and_of_more_than_a_buffer() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(&[][..]).unwrap(), empty);
        let million = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
        assert_eq!(sha256(&vec![b'a'; 1_000_000][..]).unwrap(), million);
    }

    #[test]
    fn sums_are_read_back_and_tell_what_has_changed() {
        let place = tempfile::tempdir().unwrap();
        for name in ["b", "a file"] {
            std::fs::write(place.path().join(name), name).unwrap();
        }
        write_sums(place.path()).unwrap();
        let written = read_sums(place.path()).unwrap();
        assert_eq!(written.keys().collect::<Vec<_>>(), ["a file", "b"]);
        assert_eq!(sums(place.path()).unwrap(), written);
        std::fs::write(place.path().join("b"), "c").unwrap();
        assert_ne!(sums(place.path()).unwrap(), written);
        std::fs::write(place.path().join(SUMS), "a  b\nc d\n").unwrap();
        let error = read_sums(place.path()).unwrap_err();
        assert_eq!(error.to_string(), "it is damaged: line 2 is no digest of a file");
    }
}
