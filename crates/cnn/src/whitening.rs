//! A first layer that is computed from the images rather than learnt.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use zoo_core::InputSpec;
use zoo_kernels::{Activation, Window};

use crate::eigen;
use crate::front::{self, LONG};

/// Added to each eigenvalue, so that what hardly varies is not blown up.
const EPSILON: f64 = 5e-4;

/// A 2×2 convolution that whitens, and GELU: over the training images the filters' outputs are uncorrelated and of about
/// variance 1. The filters are the eigenvectors of the patches' covariance, each over √(λ + ε), and their negatives, so
/// that GELU loses neither side. Only a bias is trained (Jordan, 2024, after Page, *How to Train Your ResNet*, 2019).
#[derive(Module, Debug)]
pub(crate) struct Whitening {
    /// `[8 · channels, channels, 2, 2]`, not trained.
    pub(crate) weight: Param<Tensor<4>>,
    /// `[8 · channels]`.
    pub(crate) bias: Param<Tensor<1>>,
    #[module(skip)]
    bias_is_frozen: bool,
}

impl Whitening {
    /// The number of channels out, for images of `channels`.
    pub(crate) const fn width(channels: usize) -> usize {
        8 * channels
    }

    pub(crate) fn new(input: &InputSpec, device: &Device) -> Self {
        let channels = input.shape[0];
        let width = Self::width(channels);
        let weight = TensorData::new(filters(&input.patch_covariance), [width, channels, 2, 2]);
        Self {
            weight: Param::from_tensor(zoo_kernels::upload(weight, device)).set_require_grad(false),
            bias: Param::from_tensor(Tensor::zeros([width], device)),
            bias_is_frozen: false,
        }
    }

    /// Lets the bias learn, or not any more. No gradient then goes through this layer.
    pub(crate) fn freeze_bias(self, bias_is_frozen: bool) -> Self {
        Self { bias_is_frozen, ..self }
    }

    /// The windows for images of `plane`: at every place, or at every second along a long side. These don't overlap, and as
    /// many filters as a window has values, each with its negative, lose nothing of it.
    pub(crate) fn window(plane: [usize; 2]) -> Window {
        let stride = front::halving(plane, LONG).stride;
        Window { stride, ..Window::square(2, 1) }
    }

    /// # Shapes
    /// - `images`: `[batch, height, width, channels]`, normalised by channel.
    /// - returns: `[batch, height − 1, width − 1, 8 · channels]`; ⌊side / 2⌋ in place of side − 1 where that is long.
    pub(crate) fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let window = Self::window(front::plane(&images));
        let features = zoo_kernels::conv2d(images, self.weight.val(), window);
        let bias = self.bias.val();
        let bias = if self.bias_is_frozen { bias.detach() } else { bias };
        zoo_kernels::add_bias(features, bias, Activation::Gelu)
    }
}

/// v / √(λ + ε) for each eigenpair of the covariance, the largest λ first, then their negatives.
fn filters(covariance: &[f32]) -> Vec<f32> {
    let size = covariance.len().isqrt();
    let rows = covariance.chunks_exact(size).map(|row| row.iter().map(|&value| f64::from(value)).collect());
    let scaled = eigen::symmetric(rows.collect()).into_iter().flat_map(|(value, vector)| {
        let scale = 1.0 / (value.max(0.0) + EPSILON).sqrt();
        vector.into_iter().map(move |component| (component * scale) as f32)
    });
    let mut filters: Vec<f32> = scaled.collect();
    let negatives: Vec<f32> = filters.iter().map(|value| -value).collect();
    filters.extend(negatives);
    filters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_uncorrelated_and_of_variance_one() {
        // A covariance of patches with four values, C = A Aᵀ.
        let a = [[2.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.5, -1.0, 0.7, 0.0], [0.1, 0.2, 0.3, 2.0f32]];
        let dot = |x: &[f32], y: &[f32]| -> f32 { x.iter().zip(y).map(|(x, y)| x * y).sum() };
        let covariance: Vec<f32> = (0..16).map(|at| dot(&a[at / 4], &a[at % 4])).collect();
        let filters = filters(&covariance);
        assert_eq!(filters.len(), 32);
        // w C wᵀ.
        let moment = |x: &[f32], y: &[f32]| -> f32 {
            let image: Vec<f32> = covariance.chunks_exact(4).map(|row| dot(row, y)).collect();
            dot(x, &image)
        };
        let rows: Vec<&[f32]> = filters.chunks_exact(4).collect();
        for (i, x) in rows.iter().enumerate() {
            for (j, y) in rows.iter().enumerate() {
                let expected = f32::from(u8::from(i % 4 == j % 4)) * if i / 4 == j / 4 { 1.0 } else { -1.0 };
                let found = moment(x, y);
                assert!((found - expected).abs() < 0.01, "{i}, {j}: {found} is not {expected}");
            }
        }
    }

    #[test]
    fn without_statistics_every_value_of_a_patch_passes() {
        let input = InputSpec::without_statistics([1, 4, 4], 10);
        let whitening = Whitening::new(&input, &Device::flex());
        let weight: Vec<f32> = whitening.weight.val().into_data().try_to_vec().unwrap();
        assert!(weight.iter().all(|value| value.abs() == 0.0 || (value.abs() - 1.0).abs() < 1e-3));
        assert_eq!(whitening.forward(Tensor::zeros([2, 4, 4, 1], &Device::flex())).dims(), [2, 3, 3, 8]);
    }
}
