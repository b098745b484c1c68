//! What can go wrong between a file and a batch.

use std::path::PathBuf;

/// A [`std::result::Result`] with a [`DataError`].
pub type Result<T, E = DataError> = std::result::Result<T, E>;

/// Why images could not be had. Each message says what happened, to which file and where in it, and
/// what to do.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The operating system refused a read or a write.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: "read", "write", "create", …
        action: &'static str,
        /// The file or folder it was tried on.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// There are neither batches nor an archive where CIFAR-10 was looked for.
    #[error(
        "no CIFAR-10 in {}: expected cifar-10-batches-bin, cifar-10-batches-py, or one of the official archives; \
         `zoo data fetch cifar10` downloads it, --data-dir names another place", path.display()
    )]
    NoCifar10 {
        /// The folder that was searched.
        path: PathBuf,
    },
    /// One of the six batch files is not there.
    #[error("{} is missing; CIFAR-10 needs five training batches and one test batch", path.display())]
    MissingBatch {
        /// The batch file, inside a folder or an archive.
        path: PathBuf,
    },
    /// A binary batch does not hold a whole number of records, or not as many as it should.
    #[error(
        "{} holds {found} bytes, expected {expected} ({records} records of {record} bytes): \
         the file is truncated or not a CIFAR-10 batch; fetch it again", path.display()
    )]
    BatchSize {
        /// The batch file.
        path: PathBuf,
        /// Its length in bytes.
        found: usize,
        /// The length it should have, in bytes.
        expected: usize,
        /// The number of records it should hold.
        records: usize,
        /// The length of one record in bytes.
        record: usize,
    },
    /// A record's label names no class.
    #[error(
        "{}: record {record} (byte {offset}) has label {label}, but there are {classes} classes; \
         the file is damaged or not a CIFAR-10 batch", path.display()
    )]
    Label {
        /// The batch file.
        path: PathBuf,
        /// The record's number, from 0.
        record: usize,
        /// Where the record starts, in bytes.
        offset: usize,
        /// The label that is there.
        label: u8,
        /// The number of classes.
        classes: usize,
    },
    /// A Python batch is not the dictionary that CIFAR-10's are.
    #[error("{}: {reason}; it is not a CIFAR-10 Python batch, or it is damaged", path.display())]
    Pickle {
        /// The batch file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder that should hold images of several classes does not.
    #[error("{}: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it and what is expected.
        reason: String,
    },
    /// A file with an image's name is not an image.
    #[error("cannot decode {}; remove it or replace it with a PNG or JPEG image", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// The decoder's reason.
        source: image::ImageError,
    },
    /// More images are asked for than there are, or none.
    #[error("asked for {asked} {part} images, but {name} has {available}; ask for 1 to {available}")]
    Limit {
        /// Which part of the dataset: "training" or "test".
        part: &'static str,
        /// The dataset's name.
        name: String,
        /// How many were asked for.
        asked: usize,
        /// How many there are.
        available: usize,
    },
    /// The validation split would leave nothing to train on, or is not a fraction.
    #[error(
        "cannot hold out {fraction} of {available} training images for validation; the fraction must be at least 0 and leave an image to train on"
    )]
    Validation {
        /// The fraction that was asked for.
        fraction: f64,
        /// How many training images there are.
        available: usize,
    },
    /// There are not as many training images as folds, or there is one fold, which would leave nothing to train on.
    #[error("cannot divide {available} training images into {folds} folds; ask for 2 to {available}")]
    Folds {
        /// How many folds were asked for.
        folds: usize,
        /// How many training images there are.
        available: usize,
    },
    /// Pixels, labels and shape contradict each other.
    #[error("{labels} labels and {pixels} bytes of pixels are no whole set of {shape} images")]
    Inconsistent {
        /// The number of labels.
        labels: usize,
        /// The number of bytes.
        pixels: usize,
        /// Channels × height × width.
        shape: String,
    },
    /// There are not as many names as images.
    #[error("{names} names for {images} images")]
    NameCount {
        /// The number of names.
        names: usize,
        /// The number of images.
        images: usize,
    },
    /// A table that should name images does not.
    #[error(
        "{}: {reason}; expected CSV with a column \"image\", as predictions.csv of a run and `zoo mistakes --csv` have", path.display()
    )]
    Table {
        /// The table's file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A table names an image that is not there.
    #[error(
        "{}, line {line}: {name:?} is none of the {images} images of {dataset}, which have names like {example:?}; \
         the table must be of the same --data, and a limit leaves images out", path.display()
    )]
    UnknownImage {
        /// The table's file.
        path: PathBuf,
        /// The first line that has the name, from 1.
        line: u64,
        /// The name.
        name: String,
        /// The dataset's name.
        dataset: String,
        /// How many images there are.
        images: usize,
        /// The name of one of them.
        example: String,
    },
    /// A server did not deliver.
    #[error(
        "cannot download {url}: {reason}; try again (a broken download goes on where it stopped) or name a mirror with --url"
    )]
    Download {
        /// The address.
        url: String,
        /// What the server or the network said.
        reason: String,
    },
    /// A download doesn't have the size of the official archive.
    #[error(
        "{url} delivers {found} bytes, but the official archive has {expected}: it is another file, and nothing of it was kept"
    )]
    DownloadSize {
        /// The address.
        url: String,
        /// Its length in bytes.
        found: u64,
        /// The official length in bytes.
        expected: u64,
    },
    /// A download doesn't have the checksum of the official archive.
    #[error("{}: MD5 is {found}, the official archive has {expected}: the download is damaged or another file; nothing was kept", path.display())]
    Checksum {
        /// The archive.
        path: PathBuf,
        /// The checksum it has, in hexadecimal.
        found: String,
        /// The official checksum.
        expected: &'static str,
    },
    /// What should be written is there already.
    #[error("{} exists already; name a folder that does not, or remove it first", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The binary layout has room only for 32×32 RGB images of at most 256 classes, in five training batches.
    #[error(
        "the CIFAR-10 binary layout holds 3×32×32 images of at most 256 classes, at least 5 of them to train on, not \
         {train} training images of {classes} classes, {shape}; export as an image folder instead"
    )]
    Layout {
        /// The number of training images.
        train: usize,
        /// Channels × height × width.
        shape: String,
        /// The number of classes.
        classes: usize,
    },
}

impl DataError {
    /// Wraps an I/O error with what was tried on which path; for `map_err`.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
