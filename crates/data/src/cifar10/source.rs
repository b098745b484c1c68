//! Finding CIFAR-10 on disk, and loading it.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::GzDecoder;

use crate::cifar10::batch::{BATCH_RECORDS, Batch, CLASSES, META, OpenFile, Rules};
use crate::cifar10::{binary, python};
use crate::dataset::Dataset;
use crate::error::{DataError, Result};
use crate::images::{ImageShape, Images, Subset};

/// The folders that CIFAR-10 may be in, and the archives, in the order they are looked for.
const PLACES: [&str; 4] =
    ["cifar-10-batches-bin", "cifar-10-batches-py", "cifar-10-binary.tar.gz", "cifar-10-python.tar.gz"];

/// One of the two layouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
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

    pub(super) fn files(self) -> impl Iterator<Item = &'static str> {
        self.train_files().into_iter().chain([self.test_file()])
    }

    /// Reads `files` into one subset, in their order.
    fn read(self, files: Vec<OpenFile>, rules: Rules<'_>) -> Result<Subset> {
        let Batch { pixels, labels, names } = match self {
            Self::Binary => binary::read(files, rules)?,
            Self::Python => python::read(files, rules)?,
        };
        let images = Images::new(ImageShape::CIFAR10, pixels, labels)?.named(names)?;
        Ok(Subset::all(Arc::new(images)))
    }
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

    pub(super) fn at(path: &Path) -> Option<Self> {
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

    /// Opens what is there of the six batches and the names of their classes.
    fn open(&self) -> Result<(Layout, HashMap<String, OpenFile>)> {
        let mut files = HashMap::new();
        if self.archive {
            let (layout, contents) = read_archive(&self.path)?;
            for (name, bytes) in contents {
                let file = OpenFile::unpacked(self.path.join(&name), bytes);
                files.insert(name, file);
            }
            return Ok((layout, files));
        }
        for name in self.layout.files().chain([META]) {
            let path = self.path.join(name);
            match OpenFile::open(path.clone()) {
                Ok(file) => files.insert(name.into(), file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(DataError::io("read", path)(error)),
            };
        }
        Ok((self.layout, files))
    }
}

/// Loads CIFAR-10 from `path`: a folder of batches, an official archive, or a folder that has one of them.
///
/// # Errors
/// [`DataError::NoCifar10`] if there is nothing, otherwise what is wrong with which batch: a missing or truncated
/// file, a label that is not a class, a damaged archive or pickle.
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
    let (layout, mut files) = source.open()?;
    let classes = match files.remove(META) {
        Some(file) if records.is_none() => class_names(file)?,
        _ => CLASSES.map(String::from).to_vec(),
    };
    let rules = Rules { records, classes: &classes };
    let mut take = |names: &[&str]| -> Result<Vec<OpenFile>> {
        let missing = |name| DataError::MissingBatch { path: source.path.join(name) };
        names.iter().map(|&name| files.remove(name).ok_or_else(|| missing(name))).collect()
    };
    let (train, test) = (take(&layout.train_files())?, take(&[layout.test_file()])?);
    let (train, test) = rayon::join(|| layout.read(train, rules), || layout.read(test, rules));
    Ok(Dataset { name: name.into(), train: train?, test: test?, classes })
}

/// Reads class names, which may become names of folders.
fn class_names(mut file: OpenFile) -> Result<Vec<String>> {
    let mut text = Vec::new();
    file.reader.read_to_end(&mut text).map_err(DataError::io("read", &file.path))?;
    let text = String::from_utf8_lossy(&text);
    let names: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_name = |name: &&str| !name.starts_with('.') && !name.contains(['/', '\\']);
    let distinct: HashSet<&str> = names.iter().copied().collect();
    if names.len() < 2 || distinct.len() != names.len() || !names.iter().all(is_name) {
        let reason =
            "expected at least two class names, one per line, all different and without slashes".into();
        return Err(DataError::Folder { path: file.path, reason });
    }
    Ok(names.into_iter().map(String::from).collect())
}

/// Reads the batch files of an archive into memory, by name, whichever folder they are in.
pub(super) fn read_archive(path: &Path) -> Result<(Layout, HashMap<String, Vec<u8>>)> {
    let file = File::open(path).map_err(DataError::io("open", path))?;
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    let mut files = HashMap::new();
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

#[cfg(test)]
mod tests {
    use flate2::write::GzEncoder;

    use super::*;
    use crate::export::export_binary;
    use crate::shapes10;

    const GOLDEN: &[u8] = include_bytes!("golden/python2.pickle");

    fn load_at(path: &Path) -> Result<Dataset> {
        load_batches(&Source::find(path).unwrap())
    }

    fn archive(folder: &Path, path: &Path) {
        let mut tar =
            tar::Builder::new(GzEncoder::new(File::create(path).unwrap(), flate2::Compression::fast()));
        tar.append_dir_all("batches", folder).unwrap();
        tar.into_inner().unwrap().finish().unwrap();
    }

    #[test]
    fn folders_and_archives_of_either_layout_read_alike() {
        let place = tempfile::tempdir().unwrap();
        let [binary, python] = ["binary", "python"].map(|name| place.path().join(name));
        // 9, 9, 9, 8 and 8 training images.
        export_binary(&shapes10::generate(43, 20, 1), &binary).unwrap();
        std::fs::create_dir(&python).unwrap();
        for name in Layout::Python.files() {
            std::fs::write(python.join(name), GOLDEN).unwrap();
        }
        for (folder, train, test) in [(binary, 43, 20), (python, 10, 2)] {
            let packed = folder.with_extension("tar.gz");
            archive(&folder, &packed);
            let (folder, packed) = (load_at(&folder).unwrap(), load_at(&packed).unwrap());
            assert_eq!((folder.train.len(), folder.test.len()), (train, test));
            assert_eq!(folder.classes, packed.classes);
            for (folder, packed) in [(&folder.train, &packed.train), (&folder.test, &packed.test)] {
                assert_eq!(folder.labels(), packed.labels());
                assert!((0..folder.len()).all(|position| folder.pixels(position) == packed.pixels(position)));
                assert!((0..folder.len()).all(|position| folder.name(position) == packed.name(position)));
            }
            let first = train.div_ceil(5);
            assert_eq!(packed.train.name(first - 1), format!("data_batch_1/{}", first - 1));
            assert_eq!(
                (packed.train.name(first), packed.test.name(1)),
                ("data_batch_2/0".into(), "test_batch/1".into())
            );
        }
    }

    #[test]
    fn a_batch_that_is_missing_or_a_folder_is_named() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("batches");
        export_binary(&shapes10::generate(5, 1, 1), &folder).unwrap();
        let second = folder.join("data_batch_2.bin");
        std::fs::remove_file(&second).unwrap();
        let error = load_at(&folder).unwrap_err();
        assert!(matches!(&error, DataError::MissingBatch { path } if *path == second), "{error}");
        std::fs::create_dir(&second).unwrap();
        let error = load_at(&folder).unwrap_err();
        assert!(matches!(&error, DataError::Io { action: "read", path, .. } if *path == second), "{error}");
    }
}
