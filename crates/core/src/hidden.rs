//! The weights that layers inside a network start with.

use std::f64::consts::SQRT_2;

use burn::module::Initializer;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::Device;
use zoo_kernels::Activation;

/// Kaiming's normal distribution (He, Zhang, Ren and Sun, *Delving Deep into Rectifiers*, 2015), N(0, gain² / inputs), for a layer
/// that `activation` follows: layers neither blow features up nor let them fade.
///
/// The gain makes up for what the activation takes: √2 for ReLU and its kin, which take half of the square; 5/3 for tanh, as
/// PyTorch has it; 1 otherwise.
#[must_use]
pub const fn kaiming(activation: Activation) -> Initializer {
    let gain = match activation {
        Activation::Relu | Activation::LeakyRelu | Activation::Gelu => SQRT_2,
        Activation::Tanh => 5.0 / 3.0,
        Activation::Identity | Activation::Sigmoid => 1.0,
    };
    Initializer::KaimingNormal { gain, fan_out_only: false }
}

/// A layer W x + b, W drawn by `initializer`, b = 0.
#[must_use]
pub fn linear_layer(inputs: usize, outputs: usize, initializer: Initializer, device: &Device) -> Linear {
    let mut linear =
        LinearConfig::new(inputs, outputs).with_bias(false).with_initializer(initializer).init(device);
    linear.bias = Some(Initializer::Zeros.init([outputs], device));
    linear
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Distribution, Tensor};

    use super::*;

    fn square(values: Tensor<2>) -> f32 {
        values.powi_scalar(2).mean().into_scalar()
    }

    #[test]
    fn weights_are_as_large_as_the_formula_says() {
        let device = Device::flex();
        device.seed(2);
        for (activation, gain) in [
            (Activation::Relu, SQRT_2),
            (Activation::Gelu, SQRT_2),
            (Activation::Tanh, 5.0 / 3.0),
            (Activation::Sigmoid, 1.0),
        ] {
            let linear = linear_layer(288, 64, kaiming(activation), &device);
            let found = f64::from(square(linear.weight.val())).sqrt();
            assert!((found * 288f64.sqrt() / gain - 1.0).abs() < 0.03, "{activation:?}: {found}");
            let bias: Vec<f32> = linear.bias.unwrap().val().into_data().try_to_vec().unwrap();
            assert_eq!(bias, [0.0; 64]);
        }
    }

    #[test]
    fn depth_neither_blows_up_nor_fades() {
        let device = Device::flex();
        device.seed(9);
        let pixels = Tensor::<2>::random([16, 256], Distribution::Normal(0.0, 1.0), &device);
        for activation in [Activation::Relu, Activation::LeakyRelu, Activation::Gelu, Activation::Identity] {
            let values = (0..8).fold(pixels.clone(), |values, _| {
                activation.forward(linear_layer(256, 256, kaiming(activation), &device).forward(values))
            });
            let kept = square(values) / square(pixels.clone());
            assert!((0.1..4.0).contains(&kept), "{activation:?}: {kept}");
        }
    }
}
