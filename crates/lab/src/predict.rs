//! What trained models see in image files.

use std::path::{Path, PathBuf};

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;
use zoo_backends::Machine;
use zoo_core::Scores;
use zoo_data::ImageShape;
use zoo_data::folder::Reading;
use zoo_recipes::{Model, Near};
use zoo_schema::{Guess, NearestImage, Prediction};
use zoo_train::TrainError;

use crate::error::{LabError, in_words};
use crate::failure::catch;
use crate::run::TrainingRun;

/// How many files are read, and classified, at a time: memory holds no more of them.
const BATCH: usize = 100;

/// The models of trained runs, ready to look at image files.
pub struct Predictor<'a> {
    models: Vec<(&'a TrainingRun, Box<dyn Model>)>,
    machine: &'a Machine,
}

/// The pixels of a file, or why it can't be read.
type Pixels = Result<Vec<u8>, String>;

/// What a model sees in an image.
struct Seen {
    classes: Vec<Guess>,
    nearest: Vec<NearestImage>,
}

impl<'a> Predictor<'a> {
    /// Loads the models of `runs`.
    ///
    /// # Errors
    /// [`LabError`] if a run is not finished, or its model can't be loaded.
    pub fn load(runs: &'a [TrainingRun], machine: &'a Machine) -> Result<Self, LabError> {
        let load = |run: &'a TrainingRun| run.model(machine).map(|model| (run, model));
        Ok(Self { models: catch(machine, || runs.iter().map(load).collect())?, machine })
    }

    /// Looks at `files`, some at a time: file by file the `top` likeliest classes of each run, in the order of the runs, and of k-nearest
    /// neighbours the `top` nearest. For a file that can't be read they say why.
    ///
    /// # Errors
    /// Each item is a [`LabError`] if the device fails.
    pub fn predict<'b>(
        &'b self,
        files: &'b [PathBuf],
        top: usize,
    ) -> impl Iterator<Item = Result<Vec<Prediction>, LabError>> + 'b {
        files.chunks(BATCH).map(move |files| catch(self.machine, || self.batch(files, top)))
    }

    fn batch(&self, files: &[PathBuf], top: usize) -> Result<Vec<Prediction>, LabError> {
        let mut read: Vec<((ImageShape, Reading), Vec<Pixels>)> = Vec::new();
        let mut of_runs = Vec::new();
        for (run, model) in &self.models {
            let reading = reading(run);
            let known = read.iter().position(|(other, _)| *other == reading);
            let place = known.unwrap_or_else(|| {
                let pixels = files.par_iter().map(|file| load(file, &reading)).collect();
                read.push((reading, pixels));
                read.len() - 1
            });
            let pixels = &read[place].1;
            let readable: Vec<&[u8]> = pixels.iter().flatten().map(Vec::as_slice).collect();
            let size = model.classifier().batch_size(&self.machine.device);
            let parts = readable.chunks(size).map(|images| self.look(run, &**model, images, top));
            let mut seen = parts.collect::<Result<Vec<_>, _>>()?.into_iter().flatten();
            let predictions = files.iter().zip(pixels).map(|(file, pixels)| {
                let seen = pixels.as_ref().map(|_| seen.next()).map_err(Clone::clone);
                prediction(file, run, seen)
            });
            of_runs.push(predictions.collect::<Vec<_>>().into_iter());
        }
        let of_file = |_| of_runs.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>();
        Ok(files.iter().flat_map(of_file).collect())
    }

    /// What `model` sees in each of `images`, `[channel, row, column]`.
    fn look(
        &self,
        run: &TrainingRun,
        model: &dyn Model,
        images: &[&[u8]],
        top: usize,
    ) -> Result<Vec<Seen>, LabError> {
        let [channels, height, width] = run.config.dimensions().shape;
        let values: Vec<f32> = images.iter().copied().flatten().map(|&value| f32::from(value)).collect();
        let data = TensorData::new(values, [images.len(), channels, height, width]);
        let (scores, nearest) = model.explain(zoo_kernels::upload(data, &self.machine.device));
        let estimator = &run.contender.estimator;
        let probabilities =
            estimator.claims_probabilities().then(|| model.classifier().probabilities(scores.clone()));
        let (scores, probabilities) = (read(scores)?, probabilities.map(read).transpose()?);
        // A vote counts 1: a class without any is no answer.
        let least = estimator.neighbours().map(|_| 1.0);
        let classes = &run.config.classes;
        let seen = scores.rows().enumerate().map(|(place, scores)| {
            let probabilities = probabilities.as_ref().and_then(|rows| rows.rows().nth(place));
            let order = ranked(scores).filter(|&class| least.is_none_or(|least| scores[class] >= least));
            let guess = |class: usize| Guess {
                class: classes[class].clone(),
                probability: probabilities.map(|row| row[class]),
                score: Some(scores[class]),
            };
            let nearest = nearest.get(place).into_iter().flatten();
            Seen {
                classes: order.take(top).map(guess).collect(),
                nearest: nearest.take(top).map(|near| nearest_image(near, classes)).collect(),
            }
        });
        Ok(seen.collect())
    }
}

/// How `run` reads image files: as it has read its own.
fn reading(run: &TrainingRun) -> (ImageShape, Reading) {
    let [channels, height, width] = run.config.dimensions().shape;
    (ImageShape { channels, height, width }, run.config.source.photos.clone())
}

/// Reads an image file, `[channel, row, column]`.
fn load(file: &Path, (shape, reading): &(ImageShape, Reading)) -> Pixels {
    reading.photo(file, *shape).map_err(|error| in_words(&error))
}

/// Waits for scores, or probabilities.
fn read(tensor: Tensor<2>) -> Result<Scores, TrainError> {
    let mut scores = Scores::empty();
    scores.extend(tensor).map_err(TrainError::Device)?;
    if scores.are_finite() { Ok(scores) } else { Err(TrainError::NotFinite) }
}

/// All classes, the largest score first; the smaller class number among equals, as accuracy is measured.
fn ranked(scores: &[f32]) -> impl Iterator<Item = usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].partial_cmp(&scores[a]).unwrap_or(std::cmp::Ordering::Equal));
    order.into_iter()
}

fn nearest_image(near: &Near, classes: &[String]) -> NearestImage {
    NearestImage { image: near.name.clone(), class: classes[near.label].clone(), distance: near.distance }
}

fn prediction(file: &Path, run: &TrainingRun, seen: Result<Option<Seen>, String>) -> Prediction {
    // JSON has no paths that aren't Unicode.
    let unicode = |path: &Path| PathBuf::from(path.to_string_lossy().into_owned());
    let (seen, error) = match seen {
        Ok(seen) => (seen, None),
        Err(error) => (None, Some(error)),
    };
    let (classes, nearest) = seen.map_or_else(Default::default, |seen| (seen.classes, seen.nearest));
    let model = run.contender.entry.name.into();
    Prediction { image: unicode(file), run: unicode(&run.path), model, classes, nearest, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_are_ranked_by_class() {
        assert_eq!(ranked(&[0.0, 2.0, -0.0, 2.0, 1.0]).collect::<Vec<_>>(), [1, 3, 4, 0, 2]);
    }
}
