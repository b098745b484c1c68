//! Decoded photos in a file, so that they are decoded once.
//!
//! A file has the pixels of each readable photo, in order, then the [`Record`] as JSON, then the length of that. Its name follows from
//! the folder and from how photos are read, the record's key from the photos: when they change, the file is replaced. It may be removed
//! at any time.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use zoo_files::hexadecimal;

use crate::folder::listing::Listing;
use crate::folder::reading::Reading;
use crate::images::ImageShape;
use crate::pixels::Pixels;

/// Changes when the same photo is decoded to other pixels than before.
const VERSION: &str = "zoo-images-1";

/// Bytes of the number at the end.
const LENGTH: u64 = 8;

/// What is known of photos apart from their pixels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Of the photos, and of how they are read.
    pub(crate) key: String,
    /// The shape that they were given.
    pub(crate) shape: ImageShape,
    /// Width and height of each as it was; (0, 0) of one that can't be read.
    pub(crate) sizes: Vec<(u32, u32)>,
    /// Those that can't be decoded: place and reason.
    pub(crate) broken: Vec<(usize, String)>,
}

impl Record {
    /// Bytes of all pixels.
    fn length(&self) -> Option<u64> {
        let images = self.sizes.len().checked_sub(self.broken.len())? as u64;
        let ImageShape { channels, height, width } = self.shape;
        let values = (channels as u64).checked_mul(height as u64)?.checked_mul(width as u64)?;
        images.checked_mul(values)
    }
}

/// Tells apart what decoded photos may be made from.
pub(crate) fn key(listing: &Listing, reading: &Reading) -> String {
    let mut digest = Md5::new();
    digest.update(format!("{VERSION} {}\n", settings(reading)));
    for entry in &listing.entries {
        let (length, changed) = entry.version;
        digest.update(format!("{length} {changed} {}\n", entry.path.display()));
    }
    hexadecimal(&digest.finalize())
}

/// What pixels follow from, apart from the photos.
fn settings(reading: &Reading) -> String {
    let Reading { image_size, resize, background, .. } = reading;
    format!("{image_size} {resize:?} {background}")
}

/// The file for the folder `root`, read so, in the cache folder.
pub(crate) fn file(cache: &Path, root: &Path, reading: &Reading) -> PathBuf {
    let whole = root.canonicalize().unwrap_or_else(|_| root.into());
    let digest = Md5::digest(format!("{} {}", settings(reading), whole.display()));
    cache.join(format!("photos-{}.images", &hexadecimal(&digest)[..16]))
}

/// Opens the file at `path` if it was made from the photos of `key`.
pub(crate) fn open(path: &Path, key: &str) -> Option<(Record, Pixels)> {
    let mut file = zoo_files::open(path).ok()?;
    let whole = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(whole.checked_sub(LENGTH)?)).ok()?;
    let mut length = [0; LENGTH as usize];
    file.read_exact(&mut length).ok()?;
    let pixels = whole.checked_sub(LENGTH)?.checked_sub(u64::from_le_bytes(length))?;
    file.seek(SeekFrom::Start(pixels)).ok()?;
    let mut text = Vec::new();
    Read::by_ref(&mut file).take(whole - LENGTH - pixels).read_to_end(&mut text).ok()?;
    let record: Record = serde_json::from_slice(&text).ok()?;
    let is_of_these = record.key == key && record.length() == Some(pixels);
    is_of_these.then_some((record, Pixels::File { file, length: pixels }))
}

/// Where pixels go while they are decoded: a file next to the one that is to be, or one without a name.
pub(crate) enum Draft {
    /// To be kept as the file of the path.
    Named(BufWriter<NamedTempFile>, PathBuf),
    /// Gone when it is closed.
    Unnamed(BufWriter<File>),
}

impl Draft {
    /// Begins the file `path`.
    pub(crate) fn named(path: &Path) -> io::Result<Self> {
        let folder = zoo_files::parent(path);
        std::fs::create_dir_all(folder)?;
        // What a process left behind that was killed while it decoded.
        zoo_files::clear(folder);
        let file = zoo_files::temporary(folder)?;
        Ok(Self::Named(BufWriter::new(file), path.into()))
    }

    /// Begins a file for this process only.
    pub(crate) fn unnamed() -> io::Result<Self> {
        Ok(Self::Unnamed(BufWriter::new(tempfile::tempfile()?)))
    }

    /// Adds pixels.
    pub(crate) fn write(&mut self, pixels: &[u8]) -> io::Result<()> {
        match self {
            Self::Named(file, _) => file.write_all(pixels),
            Self::Unnamed(file) => file.write_all(pixels),
        }
    }

    /// The pixels that were written. A named file is there under its name from now on.
    pub(crate) fn finish(self, record: &Record) -> io::Result<Pixels> {
        let length = record.length().unwrap_or_default();
        let file = match self {
            Self::Unnamed(file) => file.into_inner()?,
            Self::Named(mut file, path) => {
                let text = serde_json::to_vec(record)?;
                file.write_all(&text)?;
                file.write_all(&(text.len() as u64).to_le_bytes())?;
                file.into_inner()?.persist(&path)?
            }
        };
        Ok(Pixels::File { file, length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let shape = ImageShape { channels: 1, height: 1, width: 2 };
        let broken = vec![(1, "no".into())];
        Record { key: "k".into(), shape, sizes: vec![(5, 6), (0, 0), (7, 8)], broken }
    }

    fn written(path: &Path) {
        let mut draft = Draft::named(path).unwrap();
        draft.write(&[1, 2]).unwrap();
        draft.write(&[3, 4]).unwrap();
        draft.finish(&record()).unwrap();
    }

    #[test]
    fn what_is_written_is_read_back_for_the_same_photos() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("new/photos.images");
        assert!(open(&path, "k").is_none());
        written(&path);
        let (found, pixels) = open(&path, "k").unwrap();
        assert_eq!((found, pixels.len()), (record(), 4));
        assert_eq!((&*pixels.get(0, 2), &*pixels.get(1, 2)), (&[1, 2][..], &[3, 4][..]));
        assert!(open(&path, "other").is_none());
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_file_that_is_not_whole_is_not_taken() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("photos.images");
        written(&path);
        let bytes = std::fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(open(&path, "k").is_none(), "{length} bytes");
            std::fs::write(&path, &bytes[bytes.len() - length..]).unwrap();
            assert!(open(&path, "k").is_none(), "the last {length} bytes");
        }
        std::fs::write(&path, [0xFF; 20]).unwrap();
        assert!(open(&path, "k").is_none());
    }
}
