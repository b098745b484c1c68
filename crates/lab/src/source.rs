//! From `--data` to images.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zoo_core::nearest;
use zoo_data::folder::{Reading, Workshop};
use zoo_data::{DataError, Dataset, Splits, cifar10, cifar100, folder, mnist, shapes10};

use crate::error::LabError;
use crate::reader::Reader;
use crate::watch::{Silent, Watch};

/// The most classes of a dataset.
pub(crate) const MOST_CLASSES: usize = 10_000;

/// What opens a named dataset; its files, if it has any, are in the folder that it is given.
type Open = fn(&Path) -> Result<Dataset, LabError>;

/// The datasets that `--data` takes by name.
const NAMED: [(&str, Open); 6] = [
    ("shapes10", |_| Ok(shapes10::generate(shapes10::TRAIN, shapes10::TEST, shapes10::SEED))),
    ("cifar10", |folder| Ok(cifar10::load(folder)?)),
    ("cifar100", |folder| Ok(cifar100::load(folder)?)),
    ("cifar100-coarse", |folder| Ok(cifar100::load_coarse(folder)?)),
    ("mnist", |folder| Ok(mnist::load(folder)?)),
    ("fashion-mnist", |folder| Ok(mnist::load_fashion(folder)?)),
];

/// Which images a run uses: all that is needed to get the same ones again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// `shapes10`, `cifar10` or a path.
    pub data: String,
    /// The folder of named datasets.
    pub data_dir: PathBuf,
    /// How many training images are used; all if `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_train: Option<usize>,
    /// How many test images are used; all if `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_test: Option<usize>,
    /// The share of the training images that is held out.
    pub validation: f64,
    /// Whether limits take the first images, validation the last of the training images, and folds are consecutive, as courses
    /// do with CIFAR-10's batches; otherwise each class is in proportion, by the seed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_order: bool,
    /// How photos in folders are read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub photos: Reading,
    /// The folder that decoded photos are kept in, so that they are decoded once; nowhere if `None`. It changes nothing but time.
    #[serde(skip)]
    pub cache: Option<PathBuf>,
}

fn is_default(photos: &Reading) -> bool {
    *photos == Reading::default()
}

/// Where the images of a run are now, if they have moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relocation {
    /// `shapes10`, `cifar10` or a path.
    pub data: Option<String>,
    /// The folder of named datasets.
    pub data_dir: Option<PathBuf>,
    /// The folder that decoded photos are kept in.
    pub cache: Option<PathBuf>,
}

impl Source {
    /// The datasets that have names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|(name, _)| *name)
    }

    /// All images of `data` (`shapes10`, `cifar10` or a path), a tenth of the training images held out. Named datasets are in the folder
    /// `data`.
    #[must_use]
    pub fn named(data: &str) -> Self {
        Self {
            data: data.into(),
            data_dir: "data".into(),
            limit_train: None,
            limit_test: None,
            validation: 0.1,
            in_order: false,
            photos: Reading::default(),
            cache: None,
        }
    }

    /// The same with named datasets in the folder `data_dir`.
    #[must_use]
    pub fn in_folder(self, data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), ..self }
    }

    /// The same with `train` training images, those held out included, and `test` test images, each class in proportion.
    #[must_use]
    pub fn limited(self, train: usize, test: usize) -> Self {
        Self { limit_train: Some(train), limit_test: Some(test), ..self }
    }

    /// The same with this share of the training images held out.
    #[must_use]
    pub fn with_validation(self, validation: f64) -> Self {
        Self { validation, ..self }
    }

    /// The same images where they are now.
    #[must_use]
    pub fn relocated(&self, relocation: &Relocation) -> Self {
        let mut source = self.clone();
        if let Some(data) = &relocation.data {
            source.data.clone_from(data);
        }
        if let Some(data_dir) = &relocation.data_dir {
            source.data_dir.clone_from(data_dir);
        }
        source.cache.clone_from(&relocation.cache);
        source
    }

    /// Whether it is a folder of photos.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        let path = Path::new(&self.data);
        Self::names().all(|name| name != self.data)
            && path.is_dir()
            && cifar10::Source::find(path).is_none()
            && mnist::find(path).is_none()
    }

    /// Reads the images, and tells `watch` how that goes; the other methods tell nobody.
    #[must_use]
    pub fn read<'a>(&'a self, watch: &'a dyn Watch) -> Reader<'a> {
        Reader { source: self, watch }
    }

    /// All images, before limits: see [`Reader::open`].
    ///
    /// # Errors
    /// [`LabError`] if they can't be found or read.
    pub fn open(&self) -> Result<Dataset, LabError> {
        self.read(&Silent).open()
    }

    /// As many of them as are asked for: see [`Reader::dataset`].
    ///
    /// # Errors
    /// [`LabError`] if there are not as many.
    pub fn dataset(&self, seed: u64) -> Result<Dataset, LabError> {
        self.read(&Silent).dataset(seed)
    }

    /// The images of a run: see [`Reader::splits`].
    ///
    /// # Errors
    /// [`LabError`] if there are not as many.
    pub fn splits(&self, seed: u64) -> Result<Splits, LabError> {
        self.read(&Silent).splits(seed)
    }

    /// The images of a run with cross-validation: see [`Reader::folds`].
    ///
    /// # Errors
    /// [`LabError`] if there are not as many.
    pub fn folds(&self, count: usize, seed: u64) -> Result<Vec<Splits>, LabError> {
        self.read(&Silent).folds(count, seed)
    }

    /// All images; photos go through `workshop`.
    pub(crate) fn open_by(&self, workshop: Workshop<'_>) -> Result<Dataset, LabError> {
        let dataset = self.read_by(workshop)?;
        let classes = dataset.classes.len();
        if classes > MOST_CLASSES {
            // A confusion matrix has their square.
            let reason = format!("there are {classes} classes, {MOST_CLASSES} at most");
            return Err(LabError::Folder(DataError::Folder { path: self.data.clone().into(), reason }));
        }
        Ok(dataset)
    }

    fn read_by(&self, mut workshop: Workshop<'_>) -> Result<Dataset, LabError> {
        if let Some((_, open)) = NAMED.iter().find(|(name, _)| *name == self.data) {
            return open(&self.data_dir);
        }
        let path = Path::new(&self.data);
        if !path.exists() {
            let data = self.data.clone();
            let names: Vec<&str> = Self::names().collect();
            return Err(LabError::NoDataset { suggestion: nearest(&data, &names), names, data });
        }
        if let Some(source) = cifar10::Source::find(path) {
            return Ok(cifar10::load_batches(&source)?);
        }
        if let Some(folder) = mnist::find(path) {
            return Ok(mnist::load_folder(&folder)?);
        }
        let loaded = folder::load(path, &self.photos, &mut workshop).map_err(LabError::Folder)?;
        Ok(loaded.dataset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_order_takes_stretches_of_the_images() {
        let mut source = Source::named("shapes10").limited(50, 10).with_validation(0.2);
        let text = toml::to_string(&source).unwrap();
        assert!(!text.contains("in_order"), "{text}");
        assert_eq!(toml::from_str::<Source>(&text).unwrap(), source);

        let whole = source.open().unwrap();
        source.in_order = true;
        assert_eq!(toml::from_str::<Source>(&toml::to_string(&source).unwrap()).unwrap(), source);
        let splits = source.splits(1).unwrap();
        assert_eq!(splits.train.labels(), whole.train.labels()[..40]);
        assert_eq!(splits.validation.labels(), whole.train.labels()[40..50]);
        assert_eq!(splits.test.labels(), whole.test.labels()[..10]);
        let folds = source.folds(5, 1).unwrap();
        assert_eq!(folds[1].validation.labels(), whole.train.labels()[10..20]);
        source.in_order = false;
        assert_ne!(source.splits(1).unwrap().fingerprint(), splits.fingerprint());
        assert_ne!(source.folds(5, 1).unwrap()[1].validation.labels(), folds[1].validation.labels());
    }
}
