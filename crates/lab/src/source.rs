//! From `--data` to images.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zoo_core::nearest;
use zoo_data::{Dataset, ImageShape, Splits, cifar10, folder, shapes10};

use crate::error::LabError;

/// What opens a named dataset; its files, if it has any, are in the folder that it is given.
type Open = fn(&Path) -> Result<Dataset, LabError>;

/// The datasets that `--data` takes by name.
const NAMED: [(&str, Open); 2] = [
    ("shapes10", |_| Ok(shapes10::generate(shapes10::TRAIN, shapes10::TEST, shapes10::SEED))),
    ("cifar10", |folder| Ok(cifar10::load(folder)?)),
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
}

/// Where the images of a run are now, if they have moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relocation {
    /// `shapes10`, `cifar10` or a path.
    pub data: Option<String>,
    /// The folder of named datasets.
    pub data_dir: Option<PathBuf>,
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
        source
    }

    /// All images, before limits.
    ///
    /// # Errors
    /// [`LabError`] if they can't be found or read.
    pub fn open(&self, seed: u64) -> Result<Dataset, LabError> {
        match NAMED.iter().find(|(name, _)| *name == self.data) {
            Some((_, open)) => open(&self.data_dir),
            None => open_path(Path::new(&self.data), seed),
        }
    }

    /// As many of them as are asked for.
    ///
    /// # Errors
    /// [`LabError`] if there are not as many.
    pub fn dataset(&self, seed: u64) -> Result<Dataset, LabError> {
        let (whole, train, test) = (self.open(seed)?, self.limit_train, self.limit_test);
        Ok(if self.in_order { whole.limit_in_order(train, test) } else { whole.limit(train, test, seed) }?)
    }

    /// The images of a run: limited, a share held out.
    ///
    /// # Errors
    /// [`LabError`] if there are not as many.
    pub fn splits(&self, seed: u64) -> Result<Splits, LabError> {
        let (dataset, share) = (self.dataset(seed)?, self.validation);
        Ok(if self.in_order { dataset.hold_out_last(share) } else { dataset.hold_out(share, seed) }?)
    }

    /// The images of a run with cross-validation: limited, each of `count` folds held out once.
    ///
    /// # Errors
    /// [`LabError`] if there are not as many.
    pub fn folds(&self, count: usize, seed: u64) -> Result<Vec<Splits>, LabError> {
        let dataset = self.dataset(seed)?;
        Ok(if self.in_order { dataset.consecutive_folds(count) } else { dataset.folds(count, seed) }?)
    }
}

fn open_path(path: &Path, seed: u64) -> Result<Dataset, LabError> {
    if !path.exists() {
        let data = path.to_string_lossy().into_owned();
        let names: Vec<&str> = Source::names().collect();
        return Err(LabError::NoDataset { suggestion: nearest(&data, &names), names, data });
    }
    if let Some(source) = cifar10::Source::find(path) {
        return Ok(cifar10::load_batches(&source)?);
    }
    let ImageShape { height, width, .. } = ImageShape::CIFAR10;
    folder::load(path, (height, width), seed).map_err(LabError::Folder)
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

        let whole = source.open(1).unwrap();
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
