//! Loss and accuracy of an epoch while it goes on.

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::evaluate::read;

/// Sums over an epoch. Those of the last steps stay on the device until they are asked for.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) images: usize,
    loss: f64,
    correct: f64,
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
    /// What would still be on the device.
    pending: Option<[f32; 2]>,
}

impl Tally {
    pub(crate) fn add(&mut self, loss: &Tensor<1>, scores: Tensor<2>, labels: Tensor<1, Int>) {
        let [batch, _] = scores.dims();
        let loss = loss.clone().detach().inner() * batch as f64;
        let predictions: Tensor<1, Int> = scores.detach().inner().argmax(1).flatten(0, 1);
        let correct = predictions.equal(labels.inner()).float().sum();
        self.images += batch;
        self.pending = Some(match self.pending.take() {
            Some([losses, corrects]) => [losses + loss, corrects + correct],
            None => [loss, correct],
        });
    }

    /// Mean loss and accuracy so far.
    pub(crate) fn look(&mut self) -> Result<(f64, f64), TrainError> {
        if let Some([loss, correct]) = self.pending.take() {
            self.loss += read(loss)?;
            self.correct += read(correct)?;
        }
        let images = self.images.max(1) as f64;
        Ok((self.loss / images, self.correct / images))
    }

    /// The same after `steps`, to be written down. Sums that are on the device stay by themselves, so that they are rounded as they would
    /// have been.
    pub(crate) fn stopped(self, steps: usize) -> Result<Begun, TrainError> {
        let read = |tensor| Ok::<_, TrainError>(read(tensor)? as f32);
        let pending = match self.pending {
            Some([loss, correct]) => Some([read(loss)?, read(correct)?]),
            None => None,
        };
        let Self { images, loss, correct, .. } = self;
        Ok(Begun { steps, seconds: 0.0, images, loss, correct, pending })
    }

    /// What was written down, on `device`.
    pub(crate) fn resumed(begun: &Begun, device: &Device) -> Self {
        let on_device = |value| zoo_kernels::upload(TensorData::new(vec![value], [1]), device);
        let &Begun { images, loss, correct, pending, .. } = begun;
        Self { images, loss, correct, pending: pending.map(|sums| sums.map(on_device)) }
    }
}
