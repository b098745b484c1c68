//! From `--data` to images.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use zoo_data::{Dataset, ImageShape, Splits, cifar10, folder, shapes10};

use crate::cli::{GlobalOptions, UsageError};

/// Names that `--data` takes besides paths.
const NAMES: [&str; 2] = ["shapes10", "cifar10"];

/// Which images a run uses: all that is needed to get the same ones again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Source {
    /// `shapes10`, `cifar10` or a path.
    pub(crate) data: String,
    /// Where named datasets stand.
    pub(crate) data_dir: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit_train: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit_test: Option<usize>,
    /// The share of the training images that is held out.
    pub(crate) validation: f64,
    /// Whether limits take the first images, validation the last of the training images, and folds are consecutive, as courses
    /// do with CIFAR-10's batches; otherwise each class is in proportion, by the seed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) in_order: bool,
}

impl Source {
    pub(crate) fn new(options: &GlobalOptions) -> Self {
        Self {
            data: options.data.clone().unwrap_or_else(|| "shapes10".into()),
            data_dir: options.data_dir(),
            limit_train: options.limit_train,
            limit_test: options.limit_test,
            validation: options.validation.unwrap_or(0.1),
            in_order: options.in_order,
        }
    }

    /// All images, before limits.
    pub(crate) fn open(&self, seed: u64) -> anyhow::Result<Dataset> {
        match self.data.as_str() {
            "shapes10" => Ok(shapes10::generate(shapes10::TRAIN, shapes10::TEST, shapes10::SEED)),
            "cifar10" => Ok(cifar10::load(&self.data_dir)?),
            path => open_path(Path::new(path), seed),
        }
    }

    /// As many of them as are asked for.
    pub(crate) fn dataset(&self, seed: u64) -> anyhow::Result<Dataset> {
        let (whole, train, test) = (self.open(seed)?, self.limit_train, self.limit_test);
        Ok(if self.in_order { whole.limit_in_order(train, test) } else { whole.limit(train, test, seed) }?)
    }

    /// The images of a run: limited, a share held out.
    pub(crate) fn splits(&self, seed: u64) -> anyhow::Result<Splits> {
        let (dataset, share) = (self.dataset(seed)?, self.validation);
        Ok(if self.in_order { dataset.hold_out_last(share) } else { dataset.hold_out(share, seed) }?)
    }

    /// The images of a run with cross-validation: limited, each of `count` folds held out once.
    pub(crate) fn folds(&self, count: usize, seed: u64) -> anyhow::Result<Vec<Splits>> {
        let dataset = self.dataset(seed)?;
        Ok(if self.in_order { dataset.consecutive_folds(count) } else { dataset.folds(count, seed) }?)
    }
}

fn open_path(path: &Path, seed: u64) -> anyhow::Result<Dataset> {
    if !path.exists() {
        let name = path.to_string_lossy();
        let suggestion = crate::nearest::nearest(&name, &NAMES)
            .map_or_else(String::new, |name| format!(" (did you mean {name}?)"));
        return Err(UsageError(format!(
            "--data {name}: no such dataset or path{suggestion}; named datasets: {}",
            NAMES.join(", ")
        ))
        .into());
    }
    if let Some(source) = cifar10::Source::find(path) {
        return Ok(cifar10::load_batches(&source)?);
    }
    let ImageShape { height, width, .. } = ImageShape::CIFAR10;
    folder::load(path, (height, width), seed).context("--data")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn in_order_takes_stretches_of_the_images() {
        let arguments = ["zoo", "compare", "--limit-train=50", "--limit-test=10", "--validation=0.2"];
        let mut source = Source::new(&Cli::parse_from(arguments).global);
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
