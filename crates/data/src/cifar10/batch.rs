//! What a batch file is, whichever its layout.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;

use crate::names::Names;

/// The ten classes; a label is a place in this list.
pub const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Records in each of the official batch files.
pub(super) const BATCH_RECORDS: usize = 10_000;

/// Names the classes of the binary layout, one per line.
pub(crate) const META: &str = "batches.meta.txt";

/// What a batch file must satisfy.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    /// The number of records, or any whole number.
    pub(super) records: Option<usize>,
    pub(super) classes: &'a [String],
}

/// The content of one or more batch files.
pub(super) struct Batch {
    pub(super) pixels: Vec<u8>,
    pub(super) labels: Vec<u32>,
    /// The file, and the record's number in it.
    pub(super) names: Names,
}

/// A file about to be read: from a folder, or unpacked from an archive.
pub(super) struct OpenFile {
    pub(super) path: PathBuf,
    /// In bytes.
    pub(super) length: usize,
    pub(super) reader: Box<dyn Read + Send>,
}

impl OpenFile {
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let file = File::open(&path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Self { path, length: metadata.len() as usize, reader: Box::new(file) })
    }

    /// What its images' names begin with: `data_batch_2`, whichever the layout.
    pub(super) fn batch_name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub(super) fn unpacked(path: PathBuf, bytes: Vec<u8>) -> Self {
        Self { path, length: bytes.len(), reader: Box::new(Cursor::new(bytes)) }
    }
}
