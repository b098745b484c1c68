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
    /// There is nothing of a named dataset where it was looked for.
    #[error(
        "no {title} in {}: expected {}; `zoo data fetch {name}` downloads it, --data-dir names another place",
        path.display(), places.join(" or ")
    )]
    NotFound {
        /// What the dataset is called in print: CIFAR-10, MNIST, …
        title: &'static str,
        /// What `--data` calls it.
        name: &'static str,
        /// The files and folders that it may be in.
        places: &'static [&'static str],
        /// The folder that was searched.
        path: PathBuf,
    },
    /// One of the files that make up a dataset is not there.
    #[error("{} is missing; {title} needs {files}", path.display())]
    MissingFile {
        /// The file, inside a folder or an archive.
        path: PathBuf,
        /// What the dataset is called in print.
        title: &'static str,
        /// All the files that it needs, in words.
        files: &'static str,
    },
    /// What is packed is larger than any dataset's.
    #[error("{} unpacks to more than {limit} bytes, which no dataset here has; fetch it again", path.display())]
    TooLarge {
        /// The packed file, or an archive.
        path: PathBuf,
        /// How many bytes are read at most.
        limit: u64,
    },
    /// A binary batch does not hold a whole number of records, or not as many as it should.
    #[error(
        "{} holds {found} bytes, expected {expected} ({records} records of {record} bytes): \
         the file is truncated or not a batch of CIFAR; fetch it again", path.display()
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
         the file is damaged or of another dataset", path.display()
    )]
    Label {
        /// The file.
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
    #[error("{}: {reason}; it is not a Python batch of CIFAR-10, or it is damaged", path.display())]
    Pickle {
        /// The batch file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of MNIST's format is not what it should be.
    #[error("{}: {reason}; the file is damaged or not in MNIST's format (IDX)", path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There are not as many labels as images.
    #[error(
        "{} holds {image_count} images, but {} holds {label_count} labels; they are not of the same dataset", images.display(),
        labels.display()
    )]
    LabelCount {
        /// The file of images.
        images: PathBuf,
        /// How many it holds.
        image_count: usize,
        /// The file of labels.
        labels: PathBuf,
        /// How many it holds.
        label_count: usize,
    },
    /// A folder that should hold images of several classes does not.
    #[error("{}: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it and what is expected.
        reason: String,
    },
    /// A file with a photo's name is not a photo, or is damaged.
    #[error("cannot decode {}; remove it, or replace it with a whole PNG, JPEG, WebP, GIF, BMP or TIFF file", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// The decoder's reason.
        source: image::ImageError,
    },
    /// Some photos of a folder can't be decoded.
    #[error("{}", broken_photos(folder, *photos, broken))]
    Broken {
        /// The folder.
        folder: PathBuf,
        /// How many photos there are in all.
        photos: usize,
        /// Those that can't be decoded.
        broken: Vec<BrokenPhoto>,
    },
    /// The pattern that should tell which photos show the same object doesn't.
    #[error(
        "--group-by {pattern:?}: {reason}; give a regular expression that matches what the names of one object's photos have in common"
    )]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
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
        pixels: u64,
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
    /// A download doesn't have the size of the official file.
    #[error(
        "{url} delivers {found} bytes, but the official file has {expected}: it is another one, of which nothing was kept"
    )]
    DownloadSize {
        /// The address.
        url: String,
        /// Its length in bytes.
        found: u64,
        /// The official length in bytes.
        expected: u64,
    },
    /// A download doesn't have the checksum of the official file.
    #[error("{}: SHA-256 is {found}, the official file has {expected}: the download is damaged or another one; nothing was kept", path.display())]
    Checksum {
        /// The file.
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

/// A photo that can't be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenPhoto {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// A line for each photo that can't be decoded.
fn broken_photos(folder: &std::path::Path, photos: usize, broken: &[BrokenPhoto]) -> String {
    let lines: Vec<String> =
        broken.iter().map(|photo| format!("\n  {}: {}", photo.path.display(), photo.reason)).collect();
    format!(
        "{}: {} of {photos} photos can't be decoded; remove or replace them, or go on without them by --skip-broken{}",
        folder.display(),
        broken.len(),
        lines.concat()
    )
}

impl DataError {
    /// Wraps an I/O error with what was tried on which path; for `map_err`.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
