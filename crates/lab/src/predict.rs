//! What trained models see in image files.

use std::path::{Path, PathBuf};

use burn::tensor::{Tensor, TensorData};
use zoo_backends::Machine;
use zoo_core::Classifier;
use zoo_data::{ImageShape, folder};
use zoo_schema::{Guess, Prediction};
use zoo_train::TrainError;

use crate::error::LabError;
use crate::failure::catch;
use crate::run::TrainingRun;

/// Classifies image files with each of `runs`: the `top` likeliest classes of each, image by image.
///
/// # Errors
/// [`LabError`] if a run is not finished, a model can't be loaded or an image can't be read.
pub fn predict(
    runs: &[TrainingRun],
    images: &[PathBuf],
    top: usize,
    machine: &Machine,
) -> Result<Vec<Prediction>, LabError> {
    let mut predictions = catch(machine, || {
        let mut predictions = Vec::new();
        for run in runs {
            let (model, shape) = (run.model(machine)?, run.config.dimensions().shape);
            for image in images {
                let pixels = Tensor::from_data(load(image, shape)?, &machine.device);
                let scores = model.classifier().forward(pixels);
                let classes = guesses(&run.config.classes, model.classifier(), scores, top)?;
                let (image, path) = (image.clone(), run.path.clone());
                let model = run.contender.entry.name.into();
                predictions.push(Prediction { image, run: path, model, classes });
            }
        }
        Ok(predictions)
    })?;
    predictions.sort_by_key(|prediction| images.iter().position(|image| *image == prediction.image));
    Ok(predictions)
}

/// The `top` classes by score, the order that accuracy is measured in, with their probabilities.
fn guesses(
    classes: &[String],
    classifier: &dyn Classifier,
    scores: Tensor<2>,
    top: usize,
) -> Result<Vec<Guess>, LabError> {
    let failed = |error: String| TrainError::Device(error);
    let read = |tensor: Tensor<2>| -> Result<Vec<f32>, TrainError> {
        let data = tensor.try_into_data().map_err(|error| failed(error.to_string()))?;
        data.convert::<f32>().try_to_vec().map_err(|error| failed(error.to_string()))
    };
    let (values, probabilities) = (read(scores.clone())?, read(classifier.probabilities(scores))?);
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let guess = |class: usize| Guess { class: classes[class].clone(), probability: probabilities[class] };
    Ok(order.into_iter().take(top).map(guess).collect())
}

fn load(path: &Path, [channels, height, width]: [usize; 3]) -> Result<TensorData, LabError> {
    let pixels = folder::load_image(path, ImageShape { channels, height, width })?;
    let values: Vec<f32> = pixels.into_iter().map(f32::from).collect();
    Ok(TensorData::new(values, [1, channels, height, width]))
}
