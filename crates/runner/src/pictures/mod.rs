//! `zoo pictures`: what the course shows of data, models and searches, drawn from one's own.

mod comparison;
mod dataset;
mod mistakes;
mod neighbours;
mod search;
mod weights;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;
use zoo_data::{Dataset, ImageShape, Splits, Subset, derive_seed};
use zoo_report::{Picture, Raster};

use crate::cli::GlobalOptions;
use crate::config::REPRODUCE;
use crate::failure;
use crate::output::{print, print_json};
use crate::progress::Progress;
use crate::runs::{self, TrainingRun};
use crate::source::Source;

/// The folder in a run's own that its pictures go to.
const FOLDER: &str = "pictures";

/// A picture and the name of its files.
type Named = (String, Picture);

/// Where a picture is now.
#[derive(Serialize)]
struct Written {
    picture: String,
    svg: PathBuf,
    png: PathBuf,
}

/// Draws what there is to see in each of `paths`; in the images of `--data` if there is none.
pub(crate) fn run(options: &GlobalOptions, paths: &[PathBuf]) -> anyhow::Result<()> {
    let written = if paths.is_empty() { of_dataset(options)? } else { of_runs(options, paths)? };
    if options.json {
        return print_json(&written);
    }
    let lines: Vec<String> = written
        .iter()
        .map(|Written { svg, png, .. }| format!("{}\n{}", svg.display(), png.display()))
        .collect();
    print(&lines.join("\n"))
}

/// Pictures of the images themselves, in a new run folder.
fn of_dataset(options: &GlobalOptions) -> anyhow::Result<Vec<Written>> {
    let seed = options.seed();
    let dataset = Source::new(options).open(seed)?.limit(options.limit_train, options.limit_test, seed)?;
    runs::check_writable(&options.out())?;
    let selected = options.one_backend()?.select()?;
    let progress = Progress::new(options.quiet);
    progress.line(&format!("backend: {selected}"));
    let drawn = failure::catch(&selected, || dataset::draw(&dataset, &selected, seed, progress))?;
    let folder = runs::create(&options.out(), &format!("{FOLDER}-{}", dataset.name), |folder| {
        drawn.iter().try_for_each(|(name, picture)| runs::write_picture(folder, name, picture))
    })?;
    Ok(drawn.into_iter().map(|(name, _)| Written::new(&folder, name)).collect())
}

/// Pictures of each run, in its own folder; none is written before all are drawn.
fn of_runs(options: &GlobalOptions, paths: &[PathBuf]) -> anyhow::Result<Vec<Written>> {
    options.keep_to_the_run()?;
    let drawn = paths.iter().map(|path| Ok((path.join(FOLDER), of_run(options, path)?)));
    let drawn = drawn.collect::<anyhow::Result<Vec<_>>>()?;
    let mut written = Vec::new();
    for (folder, pictures) in drawn {
        let cannot = || format!("cannot make {}", folder.display());
        std::fs::create_dir_all(&folder).with_context(cannot)?;
        for (name, picture) in pictures {
            runs::write_picture(&folder, &name, &picture)?;
            written.push(Written::new(&folder, name));
        }
    }
    Ok(written)
}

/// Whatever applies to the run in folder `path`.
fn of_run(options: &GlobalOptions, path: &Path) -> anyhow::Result<Vec<Named>> {
    let has = |name: &str| path.join(name).is_file();
    let is_trained = has(runs::MODEL_FILE);
    if has(runs::CONFIG) && runs::read_config(path)?.1.contains_key(REPRODUCE) {
        bail!(
            "{} has the figures of a suite, which there are no pictures of; `zoo train` takes its rows, as in configs/cs231n, and \
             leaves a model to draw",
            path.display()
        );
    }
    let mut pictures = Vec::new();
    if has(runs::TRIALS) {
        pictures.push(search::draw(path)?);
    }
    // What a search has found is no comparison of models.
    if has(runs::RESULT) && pictures.is_empty() {
        pictures.extend(comparison::draw(path, is_trained)?);
    }
    if is_trained {
        pictures.extend(of_model(options, &TrainingRun::open(path)?)?);
    }
    if pictures.is_empty() {
        let (path, result, trials) = (path.display(), runs::RESULT, runs::TRIALS);
        if has(runs::CONFIG) {
            bail!(
                "{path} is not finished: it has no {result} and no {trials}, which pictures are drawn from"
            );
        }
        bail!("{path} is no run folder: it has no {result} and no {trials}");
    }
    Ok(pictures)
}

/// What the model of a finished run has learnt, and what it takes for something else.
fn of_model(options: &GlobalOptions, run: &TrainingRun) -> anyhow::Result<Vec<Named>> {
    let splits = run.splits(options)?;
    let selected = options.one_backend()?.select()?;
    let progress = Progress::new(options.quiet);
    progress.line(&format!("{}: {selected}", run.path.display()));
    failure::catch(&selected, || {
        let mut pictures = vec![mistakes::draw(run, &splits, &selected, progress)?];
        match neighbours::metric(run)? {
            Some(metric) => {
                let Splits { name, classes, train, validation, test } = splits;
                // All that the model has as neighbours.
                let dataset = Dataset { name, classes, train: train.chain(&validation), test };
                pictures.push(neighbours::draw(&dataset, metric, &selected, run.config.seed, progress)?);
            }
            None => pictures.extend(weights::draw(run, &splits)?),
        }
        Ok(pictures)
    })
}

impl Written {
    fn new(folder: &Path, picture: String) -> Self {
        let file = |extension: &str| folder.join(format!("{picture}.{extension}"));
        Self { svg: file("svg"), png: file("png"), picture }
    }
}

/// The image at `position` for a picture.
fn raster(images: &Subset, position: usize) -> Raster {
    let ImageShape { channels, height, width } = images.shape();
    Raster::new(images.pixels(position), [channels, height, width])
}

/// At most `count` images of each of `classes` classes, by their positions; which ones follows from `seed`.
fn choose(images: &Subset, classes: usize, count: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut chosen = vec![Vec::new(); classes];
    for position in 0..images.len() {
        chosen[images.label(position)].push(position);
    }
    for positions in &mut chosen {
        positions.sort_by_cached_key(|&position| derive_seed(seed, position as u64));
        positions.truncate(count);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_chosen_by_the_seed() {
        let images = zoo_data::shapes10::generate(200, 10, 1).train;
        let chosen = choose(&images, 10, 7, 42);
        for (class, positions) in chosen.iter().enumerate() {
            assert_eq!(positions.len(), 7);
            assert!(positions.iter().all(|&position| images.label(position) == class));
        }
        assert_eq!(choose(&images, 10, 7, 42), chosen);
        assert_ne!(choose(&images, 10, 7, 43), chosen);
        assert_eq!(choose(&images, 11, 1000, 42)[10], [0; 0]);
    }
}
