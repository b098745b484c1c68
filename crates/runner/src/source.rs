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
}

impl Source {
    pub(crate) fn new(options: &GlobalOptions) -> Self {
        Self {
            data: options.data.clone().unwrap_or_else(|| "shapes10".into()),
            data_dir: options.data_dir(),
            limit_train: options.limit_train,
            limit_test: options.limit_test,
            validation: options.validation.unwrap_or(0.1),
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

    /// The images of a run: limited, a share held out.
    pub(crate) fn splits(&self, seed: u64) -> anyhow::Result<Splits> {
        let dataset = self.open(seed)?.limit(self.limit_train, self.limit_test, seed)?;
        Ok(dataset.hold_out(self.validation, seed)?)
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
