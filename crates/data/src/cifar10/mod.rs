//! CIFAR-10: 60,000 photographs of ten classes, 32×32 RGB (Krizhevsky, *Learning Multiple Layers of Features from
//! Tiny Images*, 2009; <https://www.cs.toronto.edu/~kriz/cifar.html>).
//!
//! | layout | folder | archive |
//! |---|---|---|
//! | binary: records of a label byte and 3,072 pixel bytes, 10,000 a file | `cifar-10-batches-bin` | `cifar-10-binary.tar.gz` |
//! | Python: a pickled dictionary of a `[10000, 3072]` array and a list of labels a file | `cifar-10-batches-py` | `cifar-10-python.tar.gz` |
//!
//! Archives are read as they are, without unpacking to disk.

mod binary;
mod fetch;
mod python;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::GzDecoder;
use rayon::prelude::*;

use crate::{DataError, Dataset, ImageShape, Images, Result, Subset};

pub use fetch::{ARCHIVE, Archive, Fetched, Progress, fetch};

pub(crate) use binary::write_record;

/// The ten classes; a label is a place in this list.
pub const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Records in each of the official batch files.
const BATCH_RECORDS: usize = 10_000;

/// The folders that CIFAR-10 may stand in, and the archives, in the order they are looked for.
const PLACES: [&str; 4] =
    ["cifar-10-batches-bin", "cifar-10-batches-py", "cifar-10-binary.tar.gz", "cifar-10-python.tar.gz"];

/// One of the two layouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Binary,
    Python,
}

impl Layout {
    const ALL: [Self; 2] = [Self::Binary, Self::Python];

    const fn train_files(self) -> [&'static str; 5] {
        match self {
            Self::Binary => [
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
            ],
            Self::Python => ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"],
        }
    }

    const fn test_file(self) -> &'static str {
        match self {
            Self::Binary => "test_batch.bin",
            Self::Python => "test_batch",
        }
    }

    fn files(self) -> impl Iterator<Item = &'static str> {
        self.train_files().into_iter().chain([self.test_file()])
    }

    fn parse(self, path: &Path, bytes: &[u8], rules: Rules<'_>) -> Result<Batch> {
        match self {
            Self::Binary => binary::parse(path, bytes, rules),
            Self::Python => python::parse(path, bytes, rules),
        }
    }
}

/// What a batch file must satisfy.
#[derive(Clone, Copy)]
struct Rules<'a> {
    /// The number of records, or any whole number.
    records: Option<usize>,
    classes: &'a [String],
}

/// The content of one batch file.
struct Batch {
    pixels: Vec<u8>,
    labels: Vec<u32>,
}

/// Where CIFAR-10 was found.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    layout: Layout,
    archive: bool,
}

impl Source {
    /// Looks for CIFAR-10 at `path`: a folder of batches, an archive, or a folder that has either.
    #[must_use]
    pub fn find(path: &Path) -> Option<Self> {
        Self::at(path).or_else(|| PLACES.iter().find_map(|place| Self::at(&path.join(place))))
    }

    fn at(path: &Path) -> Option<Self> {
        if path.is_file() {
            let name = path.file_name()?.to_str()?.to_lowercase();
            let archive = [".tar.gz", ".tgz"].iter().any(|ending| name.ends_with(ending));
            // The layout inside an archive shows when it is opened.
            return archive.then(|| Self { path: path.into(), layout: Layout::Binary, archive });
        }
        let layout =
            Layout::ALL.into_iter().find(|layout| layout.files().any(|file| path.join(file).is_file()))?;
        Some(Self { path: path.into(), layout, archive: false })
    }

    /// The folder or archive.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Loads CIFAR-10 from `path`: a folder of batches, an official archive, or a folder that has one of them.
///
/// # Errors
/// [`DataError::NoCifar10`] if there is nothing, otherwise what is wrong with which batch: a missing or truncated
/// file, a label that is no class, a damaged archive or pickle.
pub fn load(path: &Path) -> Result<Dataset> {
    let source = Source::find(path).ok_or_else(|| DataError::NoCifar10 { path: path.into() })?;
    load_source(&source, "cifar10", Some(BATCH_RECORDS))
}

/// Loads batches in one of CIFAR-10's layouts that need not be CIFAR-10: any number of records in a file, and the
/// classes of `batches.meta.txt` where there is one. This is what [`export_binary`](crate::export_binary) writes.
///
/// # Errors
/// As for [`load`].
pub fn load_batches(source: &Source) -> Result<Dataset> {
    let name =
        source.path.file_name().map_or_else(|| "batches".into(), |name| name.to_string_lossy().into_owned());
    let name = if PLACES.contains(&name.as_str()) { "cifar10".into() } else { name };
    load_source(source, &name, None)
}

fn load_source(source: &Source, name: &str, records: Option<usize>) -> Result<Dataset> {
    let (layout, mut files) = if source.archive { read_archive(&source.path)? } else { read_folder(source)? };
    let classes = match files.remove(META) {
        Some(text) if records.is_none() => class_names(&source.path.join(META), &text)?,
        _ => CLASSES.map(String::from).to_vec(),
    };
    let rules = Rules { records, classes: &classes };
    let parse = |names: &[&str]| -> Result<Subset> {
        let batches: Vec<Batch> = names
            .par_iter()
            .map(|&name| {
                let path = source.path.join(name);
                let bytes = files.get(name).ok_or_else(|| DataError::MissingBatch { path: path.clone() })?;
                layout.parse(&path, bytes, rules)
            })
            .collect::<Result<_>>()?;
        let labels = batches.iter().flat_map(|batch| &batch.labels).copied().collect();
        let pixels = batches.iter().map(|batch| batch.pixels.as_slice()).collect::<Vec<_>>().concat();
        Ok(Subset::all(Arc::new(Images::new(ImageShape::CIFAR10, pixels, labels)?)))
    };
    let train = parse(&layout.train_files())?;
    let test = parse(&[layout.test_file()])?;
    Ok(Dataset { name: name.into(), train, test, classes })
}

/// Names the classes of the binary layout, a line each.
pub(crate) const META: &str = "batches.meta.txt";

/// Reads class names, which may become names of folders.
fn class_names(path: &Path, text: &[u8]) -> Result<Vec<String>> {
    let text = String::from_utf8_lossy(text);
    let names: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_name = |name: &&str| !name.starts_with('.') && !name.contains(['/', '\\']);
    let distinct: HashSet<&str> = names.iter().copied().collect();
    if names.len() < 2 || distinct.len() != names.len() || !names.iter().all(is_name) {
        let reason =
            "expected at least two class names, a line each, all different and without slashes".into();
        return Err(DataError::Folder { path: path.into(), reason });
    }
    Ok(names.into_iter().map(String::from).collect())
}

type Files = HashMap<String, Vec<u8>>;

fn read_folder(source: &Source) -> Result<(Layout, Files)> {
    let mut files = Files::new();
    for name in source.layout.files().chain([META]) {
        let path = source.path.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => files.insert(name.into(), bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(DataError::io("read", path)(error)),
        };
    }
    Ok((source.layout, files))
}

/// Reads the batch files of an archive into memory, by name, whatever folder they stand in.
fn read_archive(path: &Path) -> Result<(Layout, Files)> {
    let file = File::open(path).map_err(DataError::io("open", path))?;
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    let mut files = Files::new();
    let damaged = |source| DataError::Io { action: "unpack", path: path.into(), source };
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = entry.path().map_err(damaged)?.file_name().map(|name| name.to_string_lossy().into_owned());
        let Some(name) =
            name.filter(|name| name == META || Layout::ALL.iter().any(|l| l.files().any(|f| f == name)))
        else {
            continue;
        };
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(damaged)?;
        files.insert(name, bytes);
    }
    let layout = Layout::ALL
        .into_iter()
        .find(|layout| layout.files().any(|file| files.contains_key(file)))
        .ok_or_else(|| DataError::NoCifar10 { path: path.into() })?;
    Ok((layout, files))
}
