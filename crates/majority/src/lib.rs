//! The majority classifier: every image is of the class that most training images are of, whatever it shows.
//!
//! It is what guessing comes to that knows nothing but how often each class occurs, s_c = n_c / n, n_c being the training images of
//! class c and n those of all: a model that is not better has learnt nothing from pixels. Its scores are probabilities as they are; no
//! other probabilities that are the same for all images have a smaller mean cross-entropy on the images that they were counted from.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use zoo_core::Classifier;
//! use zoo_majority::Majority;
//!
//! // One image of the first class, three of the second.
//! let device = Device::flex();
//! let majority = Majority::new(&[1, 3], &device);
//! let scores = majority.forward(Tensor::zeros([2, 3, 32, 32], &device));
//! assert_eq!(scores.into_data().try_to_vec::<f32>().unwrap(), [0.25, 0.75, 0.25, 0.75]);
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read tensors as they like"))]

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::Classifier;

/// The recipe of a majority classifier, which has no keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MajorityConfig {}

/// A majority classifier. Among classes with equally many images the one with the smaller label is the answer.
#[derive(Module, Debug)]
pub struct Majority {
    /// `[classes]`. Not trained.
    shares: Param<Tensor<1>>,
}

impl Majority {
    /// The classifier of classes that have this many training images each, in the order of labels. Without any image all shares are 0.
    #[must_use]
    pub fn new(images: &[usize], device: &Device) -> Self {
        let all = images.iter().sum::<usize>().max(1) as f64;
        let shares: Vec<f32> = images.iter().map(|&count| (count as f64 / all) as f32).collect();
        Self { shares: Param::from_tensor(zoo_kernels::upload(&shares[..], device)).set_require_grad(false) }
    }

    /// The number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.shares.val().dims()[0]
    }
}

impl Classifier for Majority {
    fn batch_size(&self, _device: &Device) -> usize {
        1000
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let (batch, classes) = (images.dims()[0], self.classes());
        self.shares.val().reshape([1, classes]).repeat_dim(0, batch)
    }

    /// The scores, which are shares already.
    fn probabilities(&self, scores: Tensor<2>) -> Tensor<2> {
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(tensor: Tensor<2>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn says_the_shares_of_all_images() {
        let device = Device::flex();
        let majority = Majority::new(&[1, 5, 0, 2], &device);
        let scores = majority.forward(Tensor::ones([3, 1, 2, 2], &device));
        assert_eq!((scores.dims(), majority.classes()), ([3, 4], 4));
        assert_eq!(values(majority.probabilities(scores)), [0.125, 0.625, 0.0, 0.25].repeat(3));
    }

    #[test]
    fn the_smaller_label_wins_among_equals() {
        let device = Device::flex();
        let mut scores = zoo_core::Scores::empty();
        let majority = Majority::new(&[1, 7, 7], &device);
        scores.extend(majority.forward(Tensor::zeros([2, 1, 1, 1], &device))).unwrap();
        assert_eq!(scores.predictions(), [1, 1]);
    }

    #[test]
    fn nothing_is_trained() {
        let majority = Majority::new(&[1, 1], &Device::flex().autodiff());
        assert_eq!(zoo_core::parameters(&majority), 0);
        assert_eq!(
            values(
                Majority::new(&[0, 0], &Device::flex()).forward(Tensor::zeros([1, 1, 1, 1], &Device::flex()))
            ),
            [0.0, 0.0]
        );
    }
}
