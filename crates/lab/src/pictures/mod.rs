//! What the course shows of data, models and searches, drawn from one's own.

mod audit;
mod comparison;
mod dataset;
mod image;
mod mistakes;
pub(crate) mod neighbours;
mod search;
pub(crate) mod weights;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zoo_backends::{Backend, Machine};
use zoo_core::Features;
use zoo_data::{Dataset, Splits};
use zoo_knn::KnnConfig;
use zoo_recipes::{REPRODUCE, Registry};
use zoo_schema::Audit;

use crate::error::LabError;
use crate::failure::catch;
use crate::run::{
    AUDIT, CONFIG, MODEL_FILE, RESULT, TRIALS, TrainingRun, create, read_config, write, write_picture,
};
use crate::source::Relocation;
use crate::watch::Watch;

use neighbours::Extent;

pub use image::Named;
pub(crate) use image::raster;

/// The folder in a run's own that its pictures go to.
const FOLDER: &str = "pictures";

/// Where a picture is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Its name.
    pub picture: String,
    /// The vector graphic.
    pub svg: PathBuf,
    /// The same in pixels.
    pub png: PathBuf,
}

/// Draws the images of `dataset` themselves: samples, mean images, distances, nearest neighbours.
#[must_use]
pub fn of_dataset(dataset: &Dataset, seed: u64) -> Vec<Named> {
    dataset::draw(dataset, seed)
}

/// Writes pictures to a new run folder in `out`.
///
/// # Errors
/// [`LabError`]; nothing of the folder is left then.
pub fn keep(out: &Path, dataset: &str, pictures: &[Named]) -> Result<Vec<Written>, LabError> {
    let folder = create(out, &format!("{FOLDER}-{dataset}"), |folder| {
        pictures.iter().try_for_each(|(name, picture)| write_picture(folder, name, picture))
    })?;
    Ok(pictures.iter().map(|(name, _)| Written::new(&folder, name)).collect())
}

/// Writes `audit.json`, `audit.csv` and a sheet of at most `most` findings of each kind to a new run folder in `out`.
///
/// # Errors
/// [`LabError`]; nothing of the folder is left then.
pub fn keep_audit(out: &Path, dataset: &Dataset, audit: &Audit, most: usize) -> Result<PathBuf, LabError> {
    let pictures = audit::draw(dataset, audit, most);
    let document = serde_json::to_string_pretty(audit)? + "\n";
    create(out, &format!("audit-{}", dataset.name), |folder| {
        write(&folder.join(format!("{AUDIT}.json")), document.as_bytes())?;
        write(&folder.join(format!("{AUDIT}.csv")), audit.to_csv().as_bytes())?;
        pictures.iter().try_for_each(|(name, picture)| write_picture(folder, name, picture))
    })
}

/// Writes pictures of the run in folder `path` to its folder `pictures`.
///
/// # Errors
/// [`LabError::Io`] or [`LabError::Picture`].
pub fn keep_in_run(path: &Path, pictures: &[Named]) -> Result<Vec<Written>, LabError> {
    let folder = path.join(FOLDER);
    std::fs::create_dir_all(&folder).map_err(LabError::io("make", &folder))?;
    let write = |(name, picture): &Named| {
        write_picture(&folder, name, picture)?;
        Ok(Written::new(&folder, name))
    };
    pictures.iter().map(write).collect()
}

/// Draws whatever applies to the run in folder `path`. The backend is opened only where there is a model to look at.
///
/// # Errors
/// [`LabError`] if there is nothing to draw, or the model of the run can't be loaded.
pub fn of_run(
    registry: &Registry,
    path: &Path,
    relocation: &Relocation,
    backend: Backend,
    watch: &dyn Watch,
) -> Result<Vec<Named>, LabError> {
    let has = |name: &str| path.join(name).is_file();
    let is_trained = has(MODEL_FILE);
    if has(CONFIG) && read_config(path)?.1.contains_key(REPRODUCE) {
        let reason = "has the figures of a suite, which there are no pictures of; `zoo train` takes its rows, as in \
                      configs/cs231n, and leaves a model to draw";
        return Err(LabError::run(path, reason));
    }
    let mut pictures = Vec::new();
    if has(TRIALS) {
        pictures.push(search::draw(path)?);
    }
    // What a search has found is not a comparison of models.
    if has(RESULT) && pictures.is_empty() {
        pictures.extend(comparison::draw(path, is_trained)?);
    }
    if is_trained {
        let run = TrainingRun::open(registry, path)?;
        let (splits, machine) = (run.splits(relocation, watch)?, backend.select()?);
        watch.line(&format!("{}: {machine}", path.display()));
        pictures.extend(of_model(&run, &splits, &machine, watch)?);
    }
    if pictures.is_empty() {
        let reason = format!("it has no {RESULT} and no {TRIALS}");
        let reason = if has(CONFIG) {
            format!("is not finished: {reason}, which pictures are drawn from")
        } else {
            format!("is no run folder: {reason}")
        };
        return Err(LabError::run(path, reason));
    }
    Ok(pictures)
}

/// What the model of a finished run has learnt, and what it takes for something else.
fn of_model(
    run: &TrainingRun,
    splits: &Splits,
    machine: &Machine,
    watch: &dyn Watch,
) -> Result<Vec<Named>, LabError> {
    catch(machine, || {
        let mut pictures = vec![mistakes::draw(run, splits, machine, watch)?];
        match run.contender.estimator.neighbours() {
            Some(KnnConfig { metric, features: Features::Pixels, .. }) => {
                let no_test = run.config.protocol().no_test;
                let grid = neighbours::of_splits(splits, no_test, metric, run.config.seed, Extent::PICTURE);
                pictures.push(("neighbours".into(), grid.draw()));
            }
            // Of other features there is nothing to see.
            Some(_) => {}
            None => {
                let (file, shape) = (run.model_file()?, run.config.dimensions().shape);
                let grid = weights::grid(run.contender.name(), &file, shape, &splits.classes, &splits.name)?;
                pictures.extend(grid.map(|(name, grid)| (name.into(), grid.draw())));
            }
        }
        Ok(pictures)
    })
}

impl Written {
    fn new(folder: &Path, picture: &str) -> Self {
        let file = |extension: &str| folder.join(format!("{picture}.{extension}"));
        Self { svg: file("svg"), png: file("png"), picture: picture.into() }
    }
}
