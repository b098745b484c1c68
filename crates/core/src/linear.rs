//! The linear score function that the softmax classifier and the SVM share.

use burn::module::{Initializer, Module};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use crate::{InputSpec, Normalizer};

/// s = W x + b, x being the image as one vector, the mean image subtracted and scaled to ±1 (tutorial 4.3).
///
/// W is `[features, classes]` as Burn stores it; column k is the template of class k. Weights start at N(0, 0.001²), so that
/// first scores are close to 0: softmax then loses ln(classes), the hinge classes − 1.
#[derive(Module, Debug)]
pub struct LinearScores {
    normalizer: Normalizer,
    linear: Linear,
}

impl LinearScores {
    /// Makes W and b for the images described by `input`.
    #[must_use]
    pub fn new(input: &InputSpec, device: &Device) -> Self {
        let linear = LinearConfig::new(input.features(), input.classes)
            .with_initializer(Initializer::Normal { mean: 0.0, std: 1e-3 })
            .init(device);
        Self { normalizer: Normalizer::mean_image(input, device), linear }
    }

    /// Scores images.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`, pixel values 0 to 255.
    /// - returns: `[batch, classes]`.
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let [_, channels, height, width] = images.dims();
        let [scale, shift] = self.normalizer.scale_and_shift([channels, height, width]);
        zoo_kernels::linear(images.flatten(1, 3), scale, shift, self.weight(), self.bias())
    }

    /// W, `[features, classes]`.
    #[must_use]
    pub fn weight(&self) -> Tensor<2> {
        self.linear.weight.val()
    }

    fn bias(&self) -> Tensor<1> {
        self.linear.bias.as_ref().expect("a linear layer is made with a bias").val()
    }
}
