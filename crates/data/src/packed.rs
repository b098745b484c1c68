//! What is packed, into memory: never more of it than there is room for in a dataset.

use std::collections::HashMap;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::GzDecoder;

use crate::error::{DataError, Result};

/// The most bytes that are unpacked, 1 GiB: CIFAR-100 has 184 MB, and what claims to be a dataset may be anything.
pub(crate) const LIMIT: u64 = 1 << 30;

/// Unpacks those files of the `.tar.gz` archive `path` that are `wanted`, by name, whichever folder they are in.
///
/// # Errors
/// [`DataError::TooLarge`] if they have more than [`LIMIT`] bytes together; [`DataError::Io`] if the archive can't be read.
pub(crate) fn unpack_tar(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<HashMap<String, Vec<u8>>> {
    unpack_tar_within(LIMIT, path, wanted)
}

fn unpack_tar_within(
    limit: u64,
    path: &Path,
    wanted: impl Fn(&str) -> bool,
) -> Result<HashMap<String, Vec<u8>>> {
    let file = zoo_files::open(path).map_err(DataError::io("open", path))?;
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    let mut files = HashMap::new();
    let damaged = |source| DataError::Io { action: "unpack", path: path.into(), source };
    let mut left = limit;
    for entry in archive.entries().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path().map_err(damaged)?.file_name().map(|name| name.to_string_lossy().into_owned());
        let Some(name) = name.filter(|name| wanted(name)) else { continue };
        let bytes = read_at_most(left, entry).map_err(damaged)?;
        let too_large = || DataError::TooLarge { path: path.into(), limit };
        left = left.checked_sub(bytes.len() as u64).ok_or_else(too_large)?;
        files.insert(name, bytes);
    }
    Ok(files)
}

/// Unpacks the `.gz` file `path`.
///
/// # Errors
/// [`DataError::TooLarge`] if it has more than [`LIMIT`] bytes; [`DataError::Io`] if it can't be read.
pub(crate) fn unpack_gzip(path: &Path) -> Result<Vec<u8>> {
    let file = zoo_files::open(path).map_err(DataError::io("open", path))?;
    let unpacked = read_at_most(LIMIT, GzDecoder::new(BufReader::new(file)));
    let bytes = unpacked.map_err(DataError::io("unpack", path))?;
    if bytes.len() as u64 > LIMIT {
        return Err(DataError::TooLarge { path: path.into(), limit: LIMIT });
    }
    Ok(bytes)
}

/// Reads to the end; of more than `limit` bytes one more than that. Memory grows with what is there, whatever was promised.
pub(crate) fn read_at_most(limit: u64, reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// An archive of two files of zeros, which its packed form has a thousandth of.
    fn bomb(path: &Path, zeros: u64) {
        let file = GzEncoder::new(File::create(path).unwrap(), Compression::fast());
        let mut tar = tar::Builder::new(file);
        for name in ["inside/first", "inside/second"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(zeros);
            tar.append_data(&mut header, name, io::repeat(0).take(zeros)).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
    }

    #[test]
    fn no_more_than_the_limit_is_unpacked_and_only_what_is_wanted() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("archive.tar.gz");
        bomb(&path, 1000);
        let unpack = |limit, wanted: &[&str]| unpack_tar_within(limit, &path, |name| wanted.contains(&name));
        assert!(unpack(10, &["other"]).unwrap().is_empty());
        assert_eq!(unpack(1000, &["second"]).unwrap(), HashMap::from([("second".into(), vec![0; 1000])]));
        assert_eq!(unpack(2000, &["first", "second"]).unwrap().len(), 2);
        for (limit, wanted) in [(999, &["first"][..]), (1999, &["first", "second"])] {
            let error = unpack(limit, wanted).unwrap_err();
            assert!(matches!(error, DataError::TooLarge { limit: found, .. } if found == limit), "{error}");
        }
    }
}
