//! A model that is used as if it were still in training.

use std::cell::Cell;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use zoo_core::Classifier;

/// What `model.eval()` of PyTorch is for, left out: dropout drops outputs, and BatchNorm takes the statistics of the batch.
#[derive(Debug)]
pub struct TrainingMode<M> {
    model: M,
    /// What is dropped in the next batch follows from how many there were.
    batches: Cell<u64>,
}

impl<M: Module + Classifier> TrainingMode<M> {
    /// Uses `model`, which is off autodiff, as in training.
    #[must_use]
    pub fn new(model: M) -> Self {
        Self { model: model.train(), batches: Cell::new(0) }
    }
}

impl<M: Module + Classifier> Classifier for TrainingMode<M> {
    fn batch_size(&self, device: &Device) -> usize {
        self.model.batch_size(device)
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let batch = self.batches.replace(self.batches.get() + 1);
        images.device().seed(batch);
        self.model.forward(Tensor::from_inner(images)).inner()
    }

    fn probabilities(&self, scores: Tensor<2>) -> Tensor<2> {
        self.model.probabilities(scores)
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Dropout, DropoutConfig};
    use burn::tensor::Device;

    use super::*;

    /// Scores that are the pixels, half of them dropped.
    #[derive(Module, Debug)]
    struct Pixels {
        dropout: Dropout,
    }

    impl Classifier for Pixels {
        fn forward(&self, images: Tensor<4>) -> Tensor<2> {
            self.dropout.forward(images).flatten(0, 2)
        }
    }

    #[test]
    fn outputs_are_dropped_again_each_time() {
        let plain = Pixels { dropout: DropoutConfig::new(0.5).init() };
        let images = Tensor::<4>::ones([1, 1, 50, 40], &Device::flex());
        let scores = |classifier: &dyn Classifier| -> Vec<f32> {
            let scores = classifier.forward(images.clone());
            assert!(!scores.device().is_autodiff());
            scores.into_data().try_to_vec().unwrap()
        };
        assert_eq!(scores(&plain), [1.0; 2000]);
        let noisy = TrainingMode::new(plain.clone());
        let (first, second) = (scores(&noisy), scores(&noisy));
        let dropped = first.iter().filter(|score| **score == 0.0).count();
        assert!((850..1150).contains(&dropped) && first.iter().all(|score| [0.0, 2.0].contains(score)));
        assert_ne!(first, second);
        assert_eq!(scores(&TrainingMode::new(plain)), first);
    }
}
