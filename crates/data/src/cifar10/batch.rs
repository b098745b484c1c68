//! What a batch file is, whichever its layout.

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
    pub(super) label: Label,
}

/// Which label of an image is read: CIFAR-100 has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// CIFAR-10's.
    Only,
    /// One of CIFAR-100's twenty superclasses.
    Coarse,
    /// One of CIFAR-100's hundred classes.
    Fine,
}

impl Label {
    /// How many bytes a binary record begins with, one per label, and which of them is this one.
    pub(super) const fn bytes(self) -> (usize, usize) {
        match self {
            Self::Only => (1, 0),
            Self::Coarse => (2, 0),
            Self::Fine => (2, 1),
        }
    }

    /// What a Python batch calls it.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Only => "labels",
            Self::Coarse => "coarse_labels",
            Self::Fine => "fine_labels",
        }
    }
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
        let file = zoo_files::open(&path)?;
        Ok(Self { path, length: file.metadata()?.len() as usize, reader: Box::new(file) })
    }

    /// What its images' names begin with: `data_batch_2`, whichever the layout.
    pub(super) fn batch_name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub(super) fn unpacked(path: PathBuf, bytes: Vec<u8>) -> Self {
        Self { path, length: bytes.len(), reader: Box::new(Cursor::new(bytes)) }
    }
}
