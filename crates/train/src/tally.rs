//! Loss and accuracy of an epoch while it goes on.

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::evaluate::read_all;

/// Sums over an epoch. They stay on the device until they are asked for.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) images: usize,
    loss: f64,
    correct: f64,
    /// Sums of stretches of steps, `[2]` each. What they come to doesn't depend on when they are asked for.
    stretches: Vec<Tensor<1>>,
    /// Of the steps since.
    pending: Option<[Tensor<1>; 2]>,
}

/// An epoch that was stopped on its way: enough to go on as if it had not been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// Steps that were done.
    pub(crate) steps: usize,
    /// The time that they took.
    pub(crate) seconds: f64,
    images: usize,
    loss: f64,
    correct: f64,
    /// What would still be on the device, of a stretch that has not ended.
    pending: Option<[f32; 2]>,
}

/// What a [look](Tally::look) shows.
pub(crate) struct Look {
    /// Mean loss so far.
    pub(crate) loss: f64,
    /// Mean accuracy so far.
    pub(crate) accuracy: f64,
    /// What else was looked at.
    pub(crate) more: Vec<f64>,
}

impl Begun {
    /// Whether the loss has been a number at each of its steps.
    pub(crate) fn is_finite(&self) -> bool {
        self.loss.is_finite() && self.pending.is_none_or(|sums| sums.iter().all(|sum| sum.is_finite()))
    }
}

impl Tally {
    /// Adds images with these scores; `loss` is theirs, as a mean over `batch` images.
    pub(crate) fn add(&mut self, loss: &Tensor<1>, batch: usize, scores: Tensor<2>, labels: Tensor<1, Int>) {
        let [images, _] = scores.dims();
        let loss = loss.clone().detach().inner() * batch as f64;
        let predictions: Tensor<1, Int> = scores.detach().inner().argmax(1).flatten(0, 1);
        let correct = predictions.equal(labels.inner()).float().sum();
        self.images += images;
        self.pending = Some(match self.pending.take() {
            Some([losses, corrects]) => [losses + loss, corrects + correct],
            None => [loss, correct],
        });
    }

    /// Ends a stretch of steps whose sums are added on the device.
    pub(crate) fn end_stretch(&mut self) {
        self.stretches.extend(self.pending.take().map(|sums| Tensor::cat(sums.into(), 0)));
    }

    /// Loss and accuracy up to the end of the last stretch, and the values of `more`, all with one read.
    pub(crate) fn look(&mut self, more: Option<Tensor<1>>) -> Result<Look, TrainError> {
        let stretches = std::mem::take(&mut self.stretches);
        let sums = 2 * stretches.len();
        let tensors: Vec<Tensor<1>> = stretches.into_iter().chain(more).collect();
        let mut values = if tensors.is_empty() { Vec::new() } else { read_all(Tensor::cat(tensors, 0))? };
        let more = values.split_off(sums);
        for [loss, correct] in values.as_chunks::<2>().0 {
            self.loss += loss;
            self.correct += correct;
        }
        let images = self.images.max(1) as f64;
        Ok(Look { loss: self.loss / images, accuracy: self.correct / images, more })
    }

    /// The same after `steps`, to be written down. Sums of a stretch that has not ended stay by themselves, so that they are rounded as they
    /// would have been.
    pub(crate) fn stopped(mut self, steps: usize) -> Result<Begun, TrainError> {
        let pending = self.pending.take().map(|sums| Tensor::cat(sums.into(), 0));
        let pending = self.look(pending)?.more;
        let pending = pending.first_chunk().map(|sums: &[f64; 2]| sums.map(|sum| sum as f32));
        let Self { images, loss, correct, .. } = self;
        Ok(Begun { steps, seconds: 0.0, images, loss, correct, pending })
    }

    /// What was written down, on `device`.
    pub(crate) fn resumed(begun: &Begun, device: &Device) -> Self {
        let on_device = |value| zoo_kernels::upload(TensorData::new(vec![value], [1]), device);
        let &Begun { images, loss, correct, pending, .. } = begun;
        let pending = pending.map(|sums| sums.map(on_device));
        Self { images, loss, correct, stretches: Vec::new(), pending }
    }
}
