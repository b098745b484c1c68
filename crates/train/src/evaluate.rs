//! Scores of many images, and what they cost.

use burn::tensor::{Device, Int, Tensor, TensorData};
use zoo_core::{Classifier, Loss, Scores};
use zoo_data::Subset;

use crate::TrainError;

/// Scores every image of `subset`, in order, a batch at a time; `progress` hears how many are done.
///
/// # Errors
/// [`TrainError::Device`] if the device can't deliver, [`TrainError::NotFinite`] if a score is no number.
pub fn score(
    classifier: &dyn Classifier,
    subset: &Subset,
    classes: usize,
    device: &Device,
    progress: &mut dyn FnMut(usize),
) -> Result<Scores, TrainError> {
    let mut scores = Scores::empty(classes);
    let batch_size = classifier.batch_size();
    for start in (0..subset.len()).step_by(batch_size) {
        let end = (start + batch_size).min(subset.len());
        let batch = subset.batch(start..end, device);
        scores.extend(classifier.forward(batch.images)).map_err(TrainError::Device)?;
        progress(end);
    }
    if scores.are_finite() { Ok(scores) } else { Err(TrainError::NotFinite) }
}

/// The mean loss of `scores` against `labels`, one an image; `None` for no images.
///
/// # Errors
/// [`TrainError::Device`] if the device can't deliver.
pub fn mean_loss(
    loss: &Loss,
    scores: &Scores,
    labels: &[usize],
    device: &Device,
) -> Result<Option<f64>, TrainError> {
    if scores.is_empty() {
        return Ok(None);
    }
    let values: Vec<f32> = scores.rows().flatten().copied().collect();
    let values = Tensor::<2>::from_data(TensorData::new(values, [scores.len(), scores.classes()]), device);
    let labels: Vec<i32> = labels.iter().map(|&label| label as i32).collect();
    let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [scores.len()]), device);
    read(loss.forward(values, labels)).map(Some)
}

/// Waits for a single number.
pub(crate) fn read(value: Tensor<1>) -> Result<f64, TrainError> {
    let data = value.try_into_data().map_err(|error| TrainError::Device(error.to_string()))?;
    let values =
        data.convert::<f32>().try_to_vec::<f32>().map_err(|error| TrainError::Device(error.to_string()))?;
    Ok(f64::from(values[0]))
}
