//! What networks of convolutions are stacked from.

use burn::module::{Initializer, Module};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use zoo_core::kaiming;
use zoo_kernels::{Activation, Pooling, Window};

/// The window of a 3×3 convolution that leaves height and width as they are.
pub(crate) const SAME: Window = Window::square(3, 1).with_padding(1);

/// A convolution, and behind it BatchNorm or a bias, and the activation.
#[derive(Module, Debug)]
pub(crate) struct Layer {
    pub(crate) convolution: Conv2d,
    pub(crate) norm: Option<BatchNorm>,
    #[module(skip)]
    window: Window,
}

impl Layer {
    /// With BatchNorm (Ioffe and Szegedy, 2015), and without the bias that BatchNorm's own makes useless.
    ///
    /// `channels` are those in and out; `activation` is the network's, which the weights are scaled for.
    pub(crate) fn normalized(
        channels: [usize; 2],
        window: Window,
        activation: Activation,
        device: &Device,
    ) -> Self {
        let norm = BatchNormConfig::new(channels[1]).init(device);
        Self { convolution: convolution(channels, window, activation, device), norm: Some(norm), window }
    }

    /// With a bias, which starts at 0.
    pub(crate) fn biased(
        channels: [usize; 2],
        window: Window,
        activation: Activation,
        device: &Device,
    ) -> Self {
        let mut convolution = convolution(channels, window, activation, device);
        convolution.bias = Some(Initializer::Zeros.init([channels[1]], device));
        Self { convolution, norm: None, window }
    }

    /// Convolution, BatchNorm or the bias, and `activation`.
    ///
    /// # Shapes
    /// - `features`: `[batch, height, width, channels in]`.
    /// - returns: `[batch, places down, places across, channels out]`.
    pub(crate) fn forward(&self, features: Tensor<4>, activation: Activation) -> Tensor<4> {
        self.pooled(features, None, activation)
    }

    /// The same with max-pooling.
    pub(crate) fn pooled(
        &self,
        features: Tensor<4>,
        pool: Option<Pooling>,
        activation: Activation,
    ) -> Tensor<4> {
        let weight = self.convolution.weight.val();
        if let Some(norm) = &self.norm {
            return zoo_kernels::conv2d_normalize(features, weight, (self.window, pool), norm, activation);
        }
        let bias = self.convolution.bias.as_ref().expect("a layer has BatchNorm or a bias").val();
        zoo_kernels::conv2d_pooled(features, weight, (self.window, pool), |features| {
            zoo_kernels::add_bias(features, bias, activation)
        })
    }
}

/// Without bias.
fn convolution(channels: [usize; 2], window: Window, activation: Activation, device: &Device) -> Conv2d {
    let [down, across] = window.padding;
    Conv2dConfig::new(channels, window.size)
        .with_stride(window.stride)
        .with_padding(PaddingConfig2d::Explicit(down, across, down, across))
        .with_bias(false)
        .with_initializer(kaiming(activation))
        .init(device)
}

/// The mean over the plane.
///
/// # Shapes
/// - `features`: `[batch, height, width, channels]`.
/// - returns: `[batch, channels]`.
pub(crate) fn mean(features: Tensor<4>) -> Tensor<2> {
    features.flatten::<3>(1, 2).mean_dim(1).flatten(1, 2)
}

/// The features of an image as one vector, channel by channel as PyTorch flattens them: weights of the layer behind go from
/// one to the other as they are.
///
/// # Shapes
/// - `features`: `[batch, height, width, channels]`.
/// - returns: `[batch, channels · height · width]`.
pub(crate) fn flatten(features: Tensor<4>) -> Tensor<2> {
    features.permute([0, 3, 1, 2]).flatten(1, 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    fn layer() -> Layer {
        Layer::biased([1, 2], Window::square(1, 1), Activation::Relu, &Device::flex().autodiff())
    }

    #[test]
    fn a_bias_by_hand() {
        let device = Device::flex().autodiff();
        let mut layer = layer();
        assert_eq!(values(layer.convolution.bias.as_ref().unwrap().val()), [0.0; 2]);
        layer.convolution.weight = layer.convolution.weight.map(|weight| weight.ones_like() * 2.0);
        let bias = layer.convolution.bias.take().unwrap();
        layer.convolution.bias = Some(bias.map(|_| Tensor::from_data([-3.0, 1.0], &device).require_grad()));
        let features = Tensor::<1>::from_data([1.0, 2.0], &device).reshape([1, 1, 2, 1]);
        assert_eq!(values(layer.forward(features.clone(), Activation::Relu)), [0.0, 3.0, 1.0, 5.0]);
        assert_eq!(values(layer.forward(features, Activation::Identity)), [-1.0, 3.0, 1.0, 5.0]);
    }

    #[test]
    fn a_bias_learns() {
        let layer = layer();
        let features = Tensor::<4>::ones([3, 2, 2, 1], &Device::flex().autodiff());
        let gradients = layer.forward(features, Activation::Sigmoid).sum().backward();
        let bias = layer.convolution.bias.as_ref().unwrap().val();
        let gradient = values(bias.grad(&gradients).unwrap());
        assert!(gradient.iter().all(|&slope| slope > 0.1), "{gradient:?}");
        assert!(layer.convolution.weight.val().grad(&gradients).is_some());
    }

    #[test]
    fn weights_are_as_large_as_kaiming_says() {
        let device = Device::flex();
        device.seed(2);
        let weight = Layer::normalized([32, 64], SAME, Activation::Relu, &device).convolution.weight.val();
        let square: f32 = weight.powi_scalar(2).mean().into_scalar();
        assert!((f64::from(square) * 288.0 / 2.0 - 1.0).abs() < 0.06, "{square}");
    }

    #[test]
    fn means_and_vectors_are_by_channel() {
        let features = Tensor::<1>::from_data([1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 6.0, 60.0], &Device::flex())
            .reshape([1, 2, 2, 2]);
        assert_eq!(values(mean(features.clone())), [3.0, 30.0]);
        assert_eq!(values(flatten(features)), [1.0, 2.0, 3.0, 6.0, 10.0, 20.0, 30.0, 60.0]);
    }
}
