//! From pixel values to values around 0.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use zoo_kernels::Activation;

use crate::classifier::InputSpec;

/// x' = (x − mean) / scale, part of the model so that a file of weights is all that is needed to use it.
///
/// Mean and scale are not trained.
#[derive(Module, Debug)]
pub struct Normalizer {
    /// `[1, channels, height, width]` or `[1, channels, 1, 1]`.
    mean: Param<Tensor<4>>,
    /// `[1, channels, 1, 1]`.
    scale: Param<Tensor<4>>,
}

impl Normalizer {
    /// Subtracts the mean image and divides by `scale`: what the course does for linear classifiers (CS231n,
    /// *linear-classify*, "Image data preprocessing").
    #[must_use]
    pub fn mean_image(input: &InputSpec, scale: f32, device: &Device) -> Self {
        let [channels, height, width] = input.shape;
        Self::new((&input.mean_image, [1, channels, height, width]), &vec![scale; channels], device)
    }

    /// Subtracts each channel's mean and divides by its standard deviation: what networks of convolutions get.
    ///
    /// A channel that doesn't vary is left at mean 0.
    #[must_use]
    pub fn channels(input: &InputSpec, device: &Device) -> Self {
        let scale: Vec<f32> = input
            .channel_deviation
            .iter()
            .map(|&deviation| if deviation > 0.0 { deviation } else { 1.0 })
            .collect();
        Self::new((&input.channel_mean, [1, input.shape[0], 1, 1]), &scale, device)
    }

    fn new((mean, shape): (&[f32], [usize; 4]), scale: &[f32], device: &Device) -> Self {
        let constant = |values: &[f32], shape: [usize; 4]| {
            let tensor = zoo_kernels::upload(TensorData::new(values.to_vec(), shape), device);
            Param::from_tensor(tensor).set_require_grad(false)
        };
        Self { mean: constant(mean, shape), scale: constant(scale, [1, scale.len(), 1, 1]) }
    }

    /// Normalises pixels.
    ///
    /// # Shapes
    /// - `images`, returns: `[batch, channels, height, width]`.
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let [batch, channels, height, width] = images.dims();
        let [center, scale] = self.center_and_scale([channels, height, width]);
        let zeros = center.zeros_like();
        // One pass over the pixels, all values of an image being channels of a single pixel.
        let images = images.reshape([batch, 1, 1, channels * height * width]);
        let normalized = zoo_kernels::affine(images, [center, scale, zeros], Activation::Identity);
        normalized.reshape([batch, channels, height, width])
    }

    /// The normalization as scale · (x − center), both `[channels · height · width]`.
    #[must_use]
    pub fn center_and_scale(&self, [channels, height, width]: [usize; 3]) -> [Tensor<1>; 2] {
        [self.mean.val(), self.scale.val().recip()]
            .map(|values| values.expand([1, channels, height, width]).flatten(0, 3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> InputSpec {
        InputSpec {
            shape: [2, 1, 2],
            classes: 3,
            channel_mean: vec![1.0, 10.0],
            channel_deviation: vec![2.0, 0.0],
            mean_image: vec![0.0, 2.0, 9.0, 11.0],
            ..InputSpec::without_statistics([2, 1, 2], 3)
        }
    }

    fn forward(normalizer: &Normalizer) -> Vec<f32> {
        let images = Tensor::<1>::from_data([255.0, 2.0, 10.0, 11.0], &Device::flex()).reshape([1, 2, 1, 2]);
        normalizer.forward(images).into_data().try_to_vec().unwrap()
    }

    #[test]
    fn channels_and_mean_image() {
        let device = Device::flex();
        assert_eq!(forward(&Normalizer::channels(&input(), &device)), [127.0, 0.5, 0.0, 1.0]);
        let normalized = forward(&Normalizer::mean_image(&input(), 255.0, &device));
        let expected = [1.0, 0.0, 1.0 / 255.0, 0.0];
        assert!(normalized.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-7), "{normalized:?}");
    }

    #[test]
    fn is_not_trained() {
        let normalizer = Normalizer::channels(&input(), &Device::flex().autodiff());
        assert!(!normalizer.mean.is_require_grad() && !normalizer.scale.is_require_grad());
        assert!(!normalizer.train().mean.is_require_grad());
    }
}
