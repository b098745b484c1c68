//! Residual branches that training leaves out at random.

use burn::module::{Flag, Module, Param};
use burn::tensor::{Distribution, Tensor};

/// Drops the residual branch of an image with probability `rate` while training (Huang, Sun, Liu, Sedra and Weinberger, *Deep
/// Networks with Stochastic Depth*, 2016): each image goes through a shallower network of its own.
///
/// What is kept is scaled by 1 / (1 − rate), so that evaluation has nothing to do. The paper scales by 1 − rate in evaluation
/// instead, which has the same expectation; and it drops a block for a whole batch, which saves the block's time but makes
/// gradients noisier.
#[derive(Module, Debug)]
pub(crate) struct StochasticDepth {
    rate: f64,
    /// Whether to behave as in training; cleared when the module is frozen, as that of Burn's dropout is.
    training: Param<Flag>,
}

impl StochasticDepth {
    /// Drops at `rate`, at least 0 and below 1.
    pub(crate) fn new(rate: f64) -> Self {
        Self { rate, training: Param::from_bool(true) }
    }

    // ANCHOR: forward
    /// Training is where the device computes gradients.
    ///
    /// # Shapes
    /// - `residual`, returns: `[batch, height, width, channels]`.
    pub(crate) fn forward(&self, residual: Tensor<4>) -> Tensor<4> {
        let device = residual.device();
        if self.rate == 0.0 || !device.is_autodiff() || !self.training.is_enabled() {
            return residual;
        }
        let kept = 1.0 - self.rate;
        let images = [residual.dims()[0], 1, 1, 1];
        let options = (&device, residual.dtype());
        residual * (Tensor::random(images, Distribution::Bernoulli(kept), options) / kept)
    }
    // ANCHOR_END: forward
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    const IMAGES: usize = 4000;

    /// The two values that are left of each image's ones.
    fn forward(stochastic_depth: &StochasticDepth, device: &Device) -> Vec<[f32; 2]> {
        let ones = Tensor::ones([IMAGES, 1, 2, 1], device);
        let values: Vec<f32> = stochastic_depth.forward(ones).into_data().try_to_vec().unwrap();
        values.chunks_exact(2).map(|image| [image[0], image[1]]).collect()
    }

    #[test]
    fn training_drops_whole_images_and_keeps_the_expectation() {
        let device = Device::flex().autodiff();
        device.seed(7);
        let images = forward(&StochasticDepth::new(0.2), &device);
        assert!(images.iter().all(|image| [[0.0; 2], [1.25; 2]].contains(image)));
        let dropped = images.iter().filter(|image| image[0] == 0.0).count() as f64 / IMAGES as f64;
        // Six standard deviations of the share.
        assert!((dropped - 0.2).abs() < 6.0 * (0.2 * 0.8 / IMAGES as f64).sqrt(), "{dropped}");
        let mean = images.iter().flatten().sum::<f32>() / (2 * IMAGES) as f32;
        assert!((mean - 1.0).abs() < 0.05, "{mean}");
    }

    #[test]
    fn a_dropped_branch_gets_no_gradient() {
        let device = Device::flex().autodiff();
        device.seed(8);
        let residual = Tensor::<4>::ones([64, 1, 1, 1], &device).require_grad();
        let output = StochasticDepth::new(0.5).forward(residual.clone());
        let gradient = residual.grad(&output.clone().sum().backward()).unwrap();
        assert_eq!(gradient.into_data(), output.inner().into_data());
    }

    #[test]
    fn evaluation_frozen_and_rate_zero_leave_all() {
        let device = Device::flex();
        let training = device.clone().autodiff();
        let stochastic_depth = StochasticDepth::new(0.5);
        let untouched = |images: Vec<[f32; 2]>| images.iter().all(|image| image == &[1.0; 2]);
        assert!(untouched(forward(&stochastic_depth, &device)));
        assert!(untouched(forward(&stochastic_depth.clone().freeze(), &training)));
        assert!(untouched(forward(&StochasticDepth::new(0.0), &training)));
        assert!(!untouched(forward(&stochastic_depth.valid().train(), &training)));
    }
}
