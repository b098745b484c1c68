//! Finding CIFAR-10 and CIFAR-100 on disk, and loading them.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zoo_files::printable;

use crate::cifar10::batch::{BATCH_RECORDS, Batch, CLASSES, Label, META, OpenFile, Rules};
use crate::cifar10::{binary, python};
use crate::dataset::Dataset;
use crate::error::{DataError, Result};
use crate::images::{ImageShape, Images, Subset};
use crate::packed::{read_at_most, unpack_tar};

/// The most bytes that a list of class names has.
const NAMES_LIMIT: u64 = 1 << 20;

/// One of the two datasets, and how it is told from the other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Family {
    title: &'static str,
    name: &'static str,
    layouts: &'static [Layout],
    /// The folders that it may be in, and the archives, in the order they are looked for.
    places: &'static [&'static str],
    /// The files that it needs, in words.
    files: &'static str,
}

pub(crate) static TEN: Family = Family {
    title: "CIFAR-10",
    name: "cifar10",
    layouts: &[Layout::Binary, Layout::Python],
    places: &[
        "cifar-10-batches-bin",
        "cifar-10-batches-py",
        "cifar-10-binary.tar.gz",
        "cifar-10-python.tar.gz",
    ],
    files: "five training batches and one test batch",
};

pub(crate) static HUNDRED: Family = Family {
    title: "CIFAR-100",
    name: "cifar100",
    layouts: &[Layout::Binary100, Layout::Python100],
    places: &["cifar-100-binary", "cifar-100-python", "cifar-100-binary.tar.gz", "cifar-100-python.tar.gz"],
    files: "a training batch, a test batch and the names of its classes",
};

impl Family {
    /// Looks for it at `path`: a folder of batches, an archive, or a folder that has either.
    fn find(&self, path: &Path) -> Option<Source> {
        let at = |path: &Path| Source::at(path).filter(|source| self.may_be(source));
        at(path).or_else(|| self.places.iter().find_map(|place| at(&path.join(place))))
    }

    /// Whether `source` is of this dataset, as far as can be told without opening it.
    fn may_be(&self, source: &Source) -> bool {
        source.layout.is_none_or(|layout| self.layouts.contains(&layout))
    }

    fn not_found(&self, path: &Path) -> DataError {
        let &Self { title, name, places, .. } = self;
        DataError::NotFound { title, name, places, path: path.into() }
    }
}

/// How files hold images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Binary,
    Python,
    Binary100,
    Python100,
}

impl Layout {
    const ALL: [Self; 4] = [Self::Binary, Self::Python, Self::Binary100, Self::Python100];

    const fn train_files(self) -> &'static [&'static str] {
        match self {
            Self::Binary => &[
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
            ],
            Self::Python => &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"],
            Self::Binary100 => &["train.bin"],
            Self::Python100 => &["train"],
        }
    }

    const fn test_file(self) -> &'static str {
        match self {
            Self::Binary => "test_batch.bin",
            Self::Python => "test_batch",
            Self::Binary100 => "test.bin",
            Self::Python100 => "test",
        }
    }

    /// Where the names of classes are: those of superclasses, and those of classes, which may be in the same file.
    const fn names_files(self) -> [&'static str; 2] {
        match self {
            Self::Binary | Self::Python => [META; 2],
            Self::Binary100 => ["coarse_label_names.txt", "fine_label_names.txt"],
            Self::Python100 => ["meta"; 2],
        }
    }

    /// The files with images.
    pub(super) fn files(self) -> impl Iterator<Item = &'static str> {
        self.train_files().iter().copied().chain([self.test_file()])
    }

    /// All files.
    fn all_files(self) -> impl Iterator<Item = &'static str> {
        self.files().chain(self.names_files())
    }

    /// The family whose layout it is.
    fn family(self) -> &'static Family {
        if TEN.layouts.contains(&self) { &TEN } else { &HUNDRED }
    }

    /// Reads `files` into one subset, in their order.
    fn read(self, files: Vec<OpenFile>, rules: Rules<'_>) -> Result<Subset> {
        let Batch { pixels, labels, names } = match self {
            Self::Binary | Self::Binary100 => binary::read(files, rules)?,
            Self::Python | Self::Python100 => python::read(files, rules)?,
        };
        let images = Images::new(ImageShape::CIFAR10, pixels, labels)?.named(names)?;
        Ok(Subset::all(Arc::new(images)))
    }
}

/// Where CIFAR-10 or CIFAR-100 was found.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    /// That of a folder; what is inside an archive shows when it is opened.
    layout: Option<Layout>,
}

/// Batches that are open, by their files' names.
struct Opened {
    path: PathBuf,
    layout: Layout,
    files: HashMap<String, OpenFile>,
}

impl Source {
    /// Looks for CIFAR-10, then for CIFAR-100, at `path`: a folder of batches, an archive, or a folder that has either.
    #[must_use]
    pub fn find(path: &Path) -> Option<Self> {
        [&TEN, &HUNDRED].into_iter().find_map(|family| family.find(path))
    }

    fn at(path: &Path) -> Option<Self> {
        if path.is_file() {
            let name = path.file_name()?.to_str()?.to_lowercase();
            let is_archive = [".tar.gz", ".tgz"].iter().any(|ending| name.ends_with(ending));
            return is_archive.then(|| Self { path: path.into(), layout: None });
        }
        let is_there = |file: &str| path.join(file).is_file();
        // A file that is called `train` or `test` may be anything.
        let holds = |&layout: &Layout| {
            layout.files().any(is_there) && (layout != Layout::Python100 || is_there(layout.names_files()[0]))
        };
        let layout = Layout::ALL.into_iter().find(holds)?;
        Some(Self { path: path.into(), layout: Some(layout) })
    }

    /// The folder or archive.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens what is there of the batches and the names of their classes.
    fn open(&self) -> Result<Opened> {
        let path = self.path.clone();
        let mut files = HashMap::new();
        let Some(layout) = self.layout else {
            let is_known =
                |name: &str| Layout::ALL.iter().any(|layout| layout.all_files().any(|file| file == name));
            for (name, bytes) in unpack_tar(&path, is_known)? {
                let file = OpenFile::unpacked(path.join(&name), bytes);
                files.insert(name, file);
            }
            let holds = |layout: &Layout| layout.files().any(|file| files.contains_key(file));
            let layout = Layout::ALL.into_iter().find(holds).ok_or_else(|| TEN.not_found(&path))?;
            return Ok(Opened { path, layout, files });
        };
        for name in layout.all_files() {
            let path = path.join(name);
            match OpenFile::open(path.clone()) {
                Ok(file) => files.insert(name.into(), file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(DataError::io("read", path)(error)),
            };
        }
        Ok(Opened { path, layout, files })
    }
}

impl Opened {
    fn take(&mut self, name: &str) -> Result<OpenFile> {
        let Family { title, files, .. } = *self.layout.family();
        let missing = || DataError::MissingFile { path: self.path.join(name), title, files };
        self.files.remove(name).ok_or_else(missing)
    }

    fn take_all(&mut self, names: &[&str]) -> Result<Vec<OpenFile>> {
        names.iter().map(|name| self.take(name)).collect()
    }

    /// The classes that `label` is one of.
    fn classes(&mut self, label: Label) -> Result<Vec<String>> {
        let [coarse, fine] = self.layout.names_files();
        let (file, key) =
            if label == Label::Coarse { (coarse, "coarse_label_names") } else { (fine, "fine_label_names") };
        match self.layout {
            Layout::Binary | Layout::Python if !self.files.contains_key(file) => {
                Ok(CLASSES.map(String::from).to_vec())
            }
            Layout::Python100 => {
                let file = self.take(file)?;
                let path = file.path.clone();
                checked(python::class_names(file, key)?, path)
            }
            _ => class_lines(self.take(file)?),
        }
    }

    fn load(mut self, name: &str, records: Option<usize>, label: Label) -> Result<Dataset> {
        let layout = self.layout;
        let is_official = records.is_some();
        let classes = if is_official { CLASSES.map(String::from).to_vec() } else { self.classes(label)? };
        let rules = Rules { records, classes: &classes, label };
        let (train, test) = (self.take_all(layout.train_files())?, self.take_all(&[layout.test_file()])?);
        let (train, test) = rayon::join(|| layout.read(train, rules), || layout.read(test, rules));
        Ok(Dataset { name: name.into(), train: train?, validation: None, test: test?, classes })
    }
}

/// Loads CIFAR-10 from `path`: a folder of batches, an official archive, or a folder that has one of them.
///
/// # Errors
/// [`DataError::NotFound`] if there is nothing, otherwise what is wrong with which batch: a missing or truncated
/// file, a label that is not a class, a damaged archive or pickle.
pub fn load(path: &Path) -> Result<Dataset> {
    load_named(path, &TEN, TEN.name, Some(BATCH_RECORDS), Label::Only)
}

/// Loads one of CIFAR-100's labels.
pub(crate) fn load_hundred(path: &Path, name: &str, is_coarse: bool) -> Result<Dataset> {
    let label = if is_coarse { Label::Coarse } else { Label::Fine };
    load_named(path, &HUNDRED, name, None, label)
}

fn load_named(
    path: &Path,
    family: &Family,
    name: &str,
    records: Option<usize>,
    label: Label,
) -> Result<Dataset> {
    let opened = family.find(path).ok_or_else(|| family.not_found(path))?.open()?;
    if opened.layout.family() != family {
        return Err(family.not_found(path));
    }
    opened.load(name, records, label)
}

/// Loads batches in one of the layouts of CIFAR-10 or CIFAR-100 that need not be those: any number of records in a file, and the
/// classes of `batches.meta.txt` where there is one. This is what [`export_binary`](crate::export_binary) writes.
///
/// # Errors
/// As for [`load`].
pub fn load_batches(source: &Source) -> Result<Dataset> {
    let opened = source.open()?;
    let family = opened.layout.family();
    let name =
        source.path.file_name().map_or_else(|| "batches".into(), |name| name.to_string_lossy().into_owned());
    let name = if family.places.contains(&name.as_str()) { family.name.into() } else { name };
    let label = if *family == TEN { Label::Only } else { Label::Fine };
    opened.load(&name, None, label)
}

/// Reads class names, one per line.
fn class_lines(file: OpenFile) -> Result<Vec<String>> {
    let text = read_at_most(NAMES_LIMIT, file.reader).map_err(DataError::io("read", &file.path))?;
    let text = String::from_utf8_lossy(&text);
    let names = text.lines().map(str::trim).filter(|line| !line.is_empty());
    checked(names.map(String::from).collect(), file.path)
}

/// Class names that tell classes apart.
fn checked(names: Vec<String>, path: PathBuf) -> Result<Vec<String>> {
    let names: Vec<String> = names.into_iter().map(|name| printable(&name).into_owned()).collect();
    let distinct: HashSet<&String> = names.iter().collect();
    if names.len() < 2 || distinct.len() != names.len() {
        let reason = "expected at least two class names, one per line, all different".into();
        return Err(DataError::Folder { path, reason });
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use flate2::write::GzEncoder;

    use super::*;
    use crate::cifar100;
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
    fn cifar100_reads_alike_in_either_layout_packed_or_not() {
        let place = tempfile::tempdir().unwrap();
        let [binary, python] = ["cifar-100-binary", "cifar-100-python"].map(|name| place.path().join(name));
        std::fs::create_dir(&python).unwrap();
        for name in ["train", "test"] {
            std::fs::write(python.join(name), include_bytes!("golden/cifar100.pickle")).unwrap();
        }
        std::fs::write(python.join("meta"), include_bytes!("golden/cifar100-meta.pickle")).unwrap();
        let images = load_at(&python).unwrap().train;
        std::fs::create_dir(&binary).unwrap();
        let records = [&[1, 4][..], &images.pixels(0), &[0, 1], &images.pixels(1)].concat();
        for name in ["train.bin", "test.bin"] {
            std::fs::write(binary.join(name), &records).unwrap();
        }
        let fine = "apple\naquarium_fish\nbaby\nbear\nbeaver\n";
        std::fs::write(binary.join("fine_label_names.txt"), fine).unwrap();
        std::fs::write(binary.join("coarse_label_names.txt"), "aquatic_mammals\nfish\n\n").unwrap();
        for folder in [binary, python] {
            let packed = folder.with_extension("tar.gz");
            archive(&folder, &packed);
            for path in [&folder, &packed] {
                let (fine, coarse) = (cifar100::load(path).unwrap(), cifar100::load_coarse(path).unwrap());
                assert_eq!((fine.train.labels(), coarse.test.labels()), (vec![4, 1], vec![1, 0]));
                assert_eq!((fine.classes.len(), fine.classes[4].as_str()), (5, "beaver"));
                assert_eq!(coarse.classes, ["aquatic_mammals", "fish"]);
                assert_eq!(fine.train.pixels(1), images.pixels(1));
                assert_eq!((fine.train.name(1), fine.test.name(0)), ("train/1".into(), "test/0".into()));
                let by_path = load_at(path).unwrap();
                assert_eq!((by_path.name.as_str(), by_path.classes), ("cifar100", fine.classes));
                let error = load(path).unwrap_err();
                assert!(matches!(error, DataError::NotFound { title: "CIFAR-10", .. }), "{error}");
            }
        }
        assert!(cifar100::load(place.path()).is_ok() && load(place.path()).is_err());
    }

    #[test]
    fn a_batch_that_is_missing_or_a_folder_is_named() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("batches");
        export_binary(&shapes10::generate(5, 1, 1), &folder).unwrap();
        let second = folder.join("data_batch_2.bin");
        std::fs::remove_file(&second).unwrap();
        let error = load_at(&folder).unwrap_err();
        assert!(matches!(&error, DataError::MissingFile { path, .. } if *path == second), "{error}");
        std::fs::create_dir(&second).unwrap();
        let error = load_at(&folder).unwrap_err();
        assert!(matches!(&error, DataError::Io { action: "read", path, .. } if *path == second), "{error}");
    }
}
