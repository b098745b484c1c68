//! Run folders: what a command leaves on disk. Every file appears whole or not at all.
//!
//! ```text
//! runs/0001-compare-shapes10/   config.toml  result.json  result.md  curves.svg  curves.png
//! runs/0002-train-cnn-cifar10/  config.toml  result.json  metrics.jsonl  model.safetensors  checkpoint/
//! runs/0003-tune-svm-cifar10/   config.toml  result.json  result.md  trials.jsonl  best.toml
//! runs/0004-reproduce-cs231n-cifar10/  config.toml  result.json  result.md
//! runs/0005-pictures-cifar10/   samples.svg  samples.png  …
//! ```
//!
//! `zoo pictures` adds a folder `pictures/` to a run.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempDir};
use toml::Table;
use zoo_core::reproduction::Reproduction;
use zoo_core::result::{Comparison, DatasetSummary, ModelResult, SCHEMA};
use zoo_data::Splits;
use zoo_report::Picture;

use crate::backend::Selected;
use crate::cli::GlobalOptions;
use crate::config::{Contender, MODEL, REPRODUCE, RUN, SEARCH, parse, to_table};
use crate::recipes::Dimensions;
use crate::source::Source;

/// This version of zoo.
pub(crate) const ZOO_VERSION: &str = env!("CARGO_PKG_VERSION");
/// The version of Burn that zoo is built with.
pub(crate) const BURN_VERSION: &str = "0.22.1";

pub(crate) const RESULT: &str = "result.json";
pub(crate) const TRIALS: &str = "trials.jsonl";
pub(crate) const METRICS: &str = "metrics.jsonl";
pub(crate) const MODEL_FILE: &str = "model.safetensors";
pub(crate) const CHECKPOINT: &str = "checkpoint";
pub(crate) const CONFIG: &str = "config.toml";
pub(crate) const MARKDOWN: &str = "result.md";
const CURVES: &str = "curves";

/// The `[run]` of a config: all that a run depends on besides its recipes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunConfig {
    pub(crate) zoo_version: String,
    pub(crate) burn_version: String,
    pub(crate) backend: String,
    pub(crate) adapter: String,
    pub(crate) seed: u64,
    /// The name of the recipe that is trained, if it is not the model's default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) recipe: Option<String>,
    /// Channels, height, width.
    shape: [usize; 3],
    /// Training images, those held out for validation included.
    images: usize,
    /// Of every image in its part; tells whether the images are still the same.
    fingerprint: String,
    pub(crate) classes: Vec<String>,
    pub(crate) source: Source,
}

impl RunConfig {
    pub(crate) fn new(source: &Source, splits: &Splits, selected: &[Selected], seed: u64) -> Self {
        let join = |name: fn(&Selected) -> &str| selected.iter().map(name).collect::<Vec<_>>().join(", ");
        let dimensions = Dimensions::of(splits);
        Self {
            zoo_version: ZOO_VERSION.into(),
            burn_version: BURN_VERSION.into(),
            backend: join(|selected| selected.backend),
            adapter: join(|selected| &selected.adapter),
            seed,
            recipe: None,
            shape: dimensions.shape,
            images: dimensions.images,
            fingerprint: splits.fingerprint(),
            classes: splits.classes.clone(),
            source: source.clone(),
        }
    }

    /// The same run on another device.
    pub(crate) fn on(self, selected: &Selected) -> Self {
        Self { backend: selected.backend.into(), adapter: selected.adapter.clone(), ..self }
    }

    /// The images that models of this run work with.
    pub(crate) fn dimensions(&self) -> Dimensions {
        let (classes, has_validation) = (self.classes.len(), self.source.validation > 0.0);
        Dimensions { shape: self.shape, classes, images: self.images, has_validation }
    }

    /// The results of this run in the schema, the best first.
    pub(crate) fn comparison(&self, splits: &Splits, results: Vec<ModelResult>) -> Comparison {
        let mut comparison = Comparison {
            schema: SCHEMA,
            zoo_version: self.zoo_version.clone(),
            burn_version: self.burn_version.clone(),
            dataset: summary(splits),
            backend: self.backend.clone(),
            adapter: self.adapter.clone(),
            seed: self.seed,
            results,
        };
        comparison.sort();
        comparison
    }

    /// Where the images of the run stand now.
    pub(crate) fn source(&self, options: &GlobalOptions) -> Source {
        let mut source = self.source.clone();
        if let Some(data) = &options.data {
            source.data.clone_from(data);
        }
        if let Some(data_dir) = &options.data_dir {
            source.data_dir.clone_from(data_dir);
        }
        source
    }

    /// The images of the run in folder `path`, from where they stand now.
    ///
    /// # Errors
    /// If they are not the same any more: a model must not be tested on what it was trained on.
    pub(crate) fn splits(&self, options: &GlobalOptions, path: &Path) -> anyhow::Result<Splits> {
        let source = self.source(options);
        let splits = source.splits(self.seed)?;
        if splits.fingerprint() != self.fingerprint {
            let path = path.display();
            bail!("the images of {path} have changed: {} has others now, or in another order", source.data);
        }
        Ok(splits)
    }
}

/// Name, sizes and classes of a dataset.
pub(crate) fn summary(splits: &Splits) -> DatasetSummary {
    DatasetSummary {
        name: splits.name.clone(),
        train: splits.train.len(),
        validation: splits.validation.len(),
        test: splits.test.len(),
        classes: splits.classes.clone(),
    }
}

/// Writes the folder of a comparison and returns it.
pub(crate) fn write_comparison(
    out: &Path,
    config: &RunConfig,
    contenders: &[Contender],
    comparison: &Comparison,
) -> anyhow::Result<PathBuf> {
    let mut table = Table::from_iter([(RUN.to_string(), to_table(config)?.into())]);
    for contender in contenders {
        table.insert(contender.name().into(), contender.table()?.into());
    }
    create(out, &format!("compare-{}", comparison.dataset.name), |folder| {
        write(&folder.join(CONFIG), toml::to_string(&table)?.as_bytes())?;
        write_result(folder, comparison)?;
        write(&folder.join(MARKDOWN), zoo_report::markdown(comparison).as_bytes())?;
        zoo_report::curves(comparison).map_or(Ok(()), |curves| write_picture(folder, CURVES, &curves))
    })
}

/// Makes the folder of a suite of which `rows` are to be measured.
pub(crate) fn start_reproduction(
    out: &Path,
    config: &RunConfig,
    rows: &[&str],
    reproduction: &Reproduction,
) -> anyhow::Result<PathBuf> {
    let Reproduction { suite, quick, dataset, .. } = reproduction;
    let reproduce = Table::from_iter([
        ("suite".to_string(), suite.as_str().into()),
        ("only".to_string(), rows.to_vec().into()),
        ("quick".to_string(), (*quick).into()),
    ]);
    let table = Table::from_iter([
        (REPRODUCE.to_string(), reproduce.into()),
        (RUN.to_string(), to_table(config)?.into()),
    ]);
    create(out, &format!("reproduce-{suite}-{}", dataset.name), |folder| {
        write(&folder.join(CONFIG), toml::to_string(&table)?.as_bytes())?;
        write_reproduction(folder, reproduction)
    })
}

/// Writes what has been measured so far.
pub(crate) fn write_reproduction(folder: &Path, reproduction: &Reproduction) -> anyhow::Result<()> {
    let document = serde_json::to_string_pretty(reproduction)? + "\n";
    write(&folder.join(RESULT), document.as_bytes())?;
    write(&folder.join(MARKDOWN), zoo_report::reproduction_markdown(reproduction).as_bytes())
}

/// Makes the folder of a training run, with its config.
pub(crate) fn start_training(
    out: &Path,
    config: &RunConfig,
    contender: &Contender,
    dataset: &str,
) -> anyhow::Result<PathBuf> {
    let mut table = contender.table()?;
    table.insert(RUN.into(), to_table(config)?.into());
    create(out, &format!("train-{}-{dataset}", contender.name()), |folder| {
        write(&folder.join(CONFIG), toml::to_string(&table)?.as_bytes())
    })
}

/// A training run that is read back.
pub(crate) struct TrainingRun {
    pub(crate) path: PathBuf,
    pub(crate) config: RunConfig,
    pub(crate) contender: Contender,
}

impl TrainingRun {
    /// Reads the config of the run in folder `path`.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let (file, mut table) = read_config(path)?;
        if table.contains_key(SEARCH) {
            bail!(
                "{0} is a search, which keeps no model; `zoo train {0}/best.toml` makes one",
                path.display()
            );
        }
        let run = table.remove(RUN).and_then(|value| value.try_into::<Table>().ok());
        let (Some(run), Some(toml::Value::String(_))) = (run, table.get(MODEL)) else {
            bail!("{} is not the run of one model; `zoo train MODEL` makes one", path.display());
        };
        let config: RunConfig = in_file(&file, parse(run).context("[run]"))?;
        let contender = in_file(&file, Contender::from_table(table, config.recipe.clone()))?;
        in_file(&file, contender.recipe.validate(config.dimensions()))?;
        Ok(Self { path: path.into(), config, contender })
    }

    /// Whether this run was made from the same images in the same split as `other`.
    pub(crate) fn has_the_images_of(&self, other: &Self) -> bool {
        self.config.fingerprint == other.config.fingerprint
    }

    /// The images of the run, which may stand somewhere else now.
    ///
    /// # Errors
    /// If they are not the same any more.
    pub(crate) fn splits(&self, options: &GlobalOptions) -> anyhow::Result<Splits> {
        self.config.splits(options, &self.path)
    }

    /// Removes the folder of a run that failed before its first checkpoint: there is nothing to go on with.
    pub(crate) fn remove_if_nothing_was_saved(&self) {
        if zoo_train::Checkpoints::new(self.path.join(CHECKPOINT)).latest().is_none() {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }

    /// The file of the finished model.
    pub(crate) fn model_file(&self) -> anyhow::Result<PathBuf> {
        let file = self.path.join(MODEL_FILE);
        if !file.is_file() {
            let path = self.path.display();
            bail!("{path} is not finished: it has no {MODEL_FILE}; `zoo train --resume {path}` finishes it");
        }
        Ok(file)
    }
}

/// The config of the run in folder `path`, and the file that it stands in.
///
/// # Errors
/// If there is none, or it can't be read or parsed.
pub(crate) fn read_config(path: &Path) -> anyhow::Result<(PathBuf, Table)> {
    let file = path.join(CONFIG);
    if !file.is_file() {
        bail!("{} is no run folder: it has no {CONFIG}", path.display());
    }
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let table = text.parse().with_context(|| format!("cannot parse {}", file.display()))?;
    Ok((file, table))
}

/// Says which `file` something is wrong in.
pub(crate) fn in_file<T, E: Into<anyhow::Error>>(file: &Path, result: Result<T, E>) -> anyhow::Result<T> {
    result.map_err(|error| anyhow::anyhow!("{}: {:#}", file.display(), error.into()))
}

/// Writes `result.json`.
pub(crate) fn write_result(folder: &Path, document: &impl Serialize) -> anyhow::Result<()> {
    write(&folder.join(RESULT), (serde_json::to_string_pretty(document)? + "\n").as_bytes())
}

/// Writes `NAME.svg` and `NAME.png`.
pub(crate) fn write_picture(folder: &Path, name: &str, picture: &Picture) -> anyhow::Result<()> {
    write(&folder.join(format!("{name}.svg")), picture.svg().as_bytes())?;
    write(&folder.join(format!("{name}.png")), &picture.png()?)
}

/// Writes a file beside and renames it.
pub(crate) fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let persist = || -> std::io::Result<()> {
        let mut file = temporary_file(folder)?;
        file.write_all(content)?;
        file.persist(path)?;
        Ok(())
    };
    persist().with_context(|| format!("cannot write {}", path.display()))
}

/// A file with the permissions that new files have, unlike most temporary ones.
fn temporary_file(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.prefix(".new-").tempfile_in(folder)
}

/// Accepts a folder that run folders can be made in, before hours are spent on one. Leaves nothing there.
pub(crate) fn check_writable(out: &Path) -> anyhow::Result<()> {
    let existed = out.exists();
    let made = std::fs::create_dir_all(out).and_then(|()| temporary_file(out).map(drop));
    if !existed {
        let _ = std::fs::remove_dir(out);
    }
    made.with_context(|| format!("cannot write to {}", out.display()))
}

/// Makes `out/NNNN-name`, the next free number, and fills it first: it appears whole or not at all.
pub(crate) fn create(
    out: &Path,
    name: &str,
    fill: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let cannot = || format!("cannot make a run folder in {}", out.display());
    let existed = out.exists();
    std::fs::create_dir_all(out).with_context(cannot)?;
    let made = (|| {
        let aside = TempDir::with_prefix_in(".run-", out).with_context(cannot)?;
        let content = aside.path().join("run");
        std::fs::create_dir(&content).with_context(cannot)?;
        fill(&content)?;
        loop {
            let path = out.join(format!("{:04}-{name}", next_number(out).with_context(cannot)?));
            match std::fs::rename(&content, &path) {
                Ok(()) => return Ok(path),
                Err(_) if path.exists() => {}
                Err(error) => return Err(error).with_context(cannot),
            }
        }
    })();
    if made.is_err() && !existed {
        let _ = std::fs::remove_dir(out);
    }
    made
}

/// One more than the largest number that a run folder in `out` begins with.
fn next_number(out: &Path) -> std::io::Result<u32> {
    let mut largest = 0;
    for entry in std::fs::read_dir(out)? {
        let name = entry?.file_name();
        let digits = name.to_string_lossy().split('-').next().and_then(|digits| digits.parse().ok());
        largest = largest.max(digits.unwrap_or(0));
    }
    Ok(largest + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_burn_is_the_one_in_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"burn\"\nversion = \"{BURN_VERSION}\"\n")));
    }

    #[test]
    fn folders_are_numbered_and_appear_whole() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("runs");
        assert!(create(&out, "a", |_| bail!("full")).is_err());
        assert!(!out.exists());
        for (number, expected) in ["0001-a", "0002-a", "0003-a"].into_iter().enumerate() {
            let made = create(&out, "a", |folder| write(&folder.join("x"), &[0; 3])).unwrap();
            assert_eq!(made, out.join(expected));
            assert_eq!(std::fs::read_dir(&out).unwrap().count(), number + 1);
        }
        assert!(create(&out, "a", |_| bail!("full")).is_err());
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), 3);
    }
}
