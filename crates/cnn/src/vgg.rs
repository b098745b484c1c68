//! A small network after VGG (Simonyan and Zisserman, *Very Deep Convolutional Networks for Large-Scale Image
//! Recognition*, 2015).
//!
//! Blocks of 3×3 convolutions, each followed by BatchNorm (Ioffe and Szegedy, 2015) and ReLU; each block halves height and
//! width by 2×2 max-pooling; at the end the mean over what is left of the plane, dropout, and a linear layer.
//!
//! Two choices save time: convolutions have no bias, which BatchNorm's own makes useless, and a block pools right after its
//! first convolution rather than at its end unless told otherwise, so that everything after it sees a quarter of the pixels.

use burn::module::{Initializer, Module};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use zoo_core::{Architecture, Classifier, InputSpec, InvalidConfig, Loss, Normalizer};
use zoo_kernels::{Activation, Window};

/// The `[architecture]` of a VGG-like network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VggConfig {
    /// Channels of each block; each block halves height and width. Default: `[16, 48, 96]`.
    pub widths: Vec<usize>,
    /// Convolutions in each block, one number a block. Default: `[1, 1, 2]`.
    pub depths: Vec<usize>,
    /// The share of the last features that training drops (Srivastava et al., 2014). Default: 0.
    pub dropout: f64,
    /// Where a block pools. Default: `first`.
    pub pool: Pool,
}

/// Where a block halves height and width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// After its first convolution: everything behind it sees a quarter of the pixels.
    #[default]
    First,
    /// At its end, as VGG does.
    Last,
}

impl Default for VggConfig {
    fn default() -> Self {
        Self { widths: vec![16, 48, 96], depths: vec![1, 1, 2], dropout: 0.0, pool: Pool::First }
    }
}

/// A VGG-like network. Pixels are normalised by channel.
#[derive(Module, Debug)]
pub struct Vgg {
    normalizer: Normalizer,
    blocks: Vec<Block>,
    dropout: Dropout,
    linear: Linear,
}

/// A step down in resolution and convolutions at the new one.
#[derive(Module, Debug)]
struct Block {
    layers: Vec<Layer>,
    #[module(skip)]
    pool: Pool,
}

/// 3×3 convolution, BatchNorm, ReLU.
#[derive(Module, Debug)]
struct Layer {
    convolution: Conv2d,
    norm: BatchNorm,
}

impl Architecture for VggConfig {
    type Model = Vgg;

    /// Convolutions start from Kaiming's normal distribution for ReLU (He et al., 2015).
    fn init(&self, input: &InputSpec, device: &Device) -> Vgg {
        let mut channels = input.shape[0];
        let blocks = self
            .widths
            .iter()
            .zip(&self.depths)
            .map(|(&width, &depth)| {
                let layer = |_| Layer::new(std::mem::replace(&mut channels, width), width, device);
                Block { layers: (0..depth).map(layer).collect(), pool: self.pool }
            })
            .collect();
        Vgg {
            normalizer: Normalizer::channels(input, device),
            blocks,
            dropout: DropoutConfig::new(self.dropout).init(),
            linear: LinearConfig::new(channels, input.classes).init(device),
        }
    }

    fn validate(&self, input: &InputSpec, _loss: &Loss) -> Result<(), InvalidConfig> {
        let Self { widths, depths, dropout, pool: _ } = self;
        let [_, height, width] = input.shape;
        let blocks = widths.len();
        let most = height.min(width).ilog2() as usize;
        let list = |values: &[usize]| format!("{values:?}");
        let expected =
            format!("1 to {most} blocks for images of {height}×{width}, each of 1 to 4096 channels");
        let valid = (1..=most).contains(&blocks) && widths.iter().all(|width| (1..=4096).contains(width));
        InvalidConfig::check(valid, "architecture.widths", list(widths), &expected)?;
        let expected = format!("{blocks} numbers of 1 to 16, one for each of the widths");
        let valid = depths.len() == blocks && depths.iter().all(|depth| (1..=16).contains(depth));
        InvalidConfig::check(valid, "architecture.depths", list(depths), &expected)?;
        let valid = (0.0..1.0).contains(dropout);
        InvalidConfig::check(valid, "architecture.dropout", dropout, "at least 0 and below 1")
    }
}

impl Layer {
    fn new(channels_in: usize, channels_out: usize, device: &Device) -> Self {
        let convolution = Conv2dConfig::new([channels_in, channels_out], [3, 3])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .with_bias(false)
            .with_initializer(Initializer::KaimingNormal {
                gain: std::f64::consts::SQRT_2,
                fan_out_only: false,
            })
            .init(device);
        Self { convolution, norm: BatchNormConfig::new(channels_out).init(device) }
    }
}

impl Layer {
    fn convolve(&self, features: Tensor<4>) -> Tensor<4> {
        zoo_kernels::conv2d(features, self.convolution.weight.val(), Window::square(3, 1).with_padding(1))
    }

    fn normalize(&self, features: Tensor<4>) -> Tensor<4> {
        zoo_kernels::normalize(&self.norm, features, Activation::Relu)
    }
}

impl Block {
    fn forward(&self, mut features: Tensor<4>) -> Tensor<4> {
        let pool = |features| zoo_kernels::max_pool2d(features, Window::square(2, 2));
        for (place, layer) in self.layers.iter().enumerate() {
            features = layer.convolve(features);
            if self.pool == Pool::First && place == 0 {
                features = pool(features);
            }
            features = layer.normalize(features);
        }
        if self.pool == Pool::Last { pool(features) } else { features }
    }
}

impl Classifier for Vgg {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let images = self.normalizer.forward(images).permute([0, 2, 3, 1]);
        let features = self.blocks.iter().fold(images, |features, block| block.forward(features));
        let features: Tensor<2> = features.flatten::<3>(1, 2).mean_dim(1).flatten(1, 2);
        self.linear.forward(self.dropout.forward(features))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    fn images(device: &Device) -> Tensor<4> {
        Tensor::random([4, 3, 32, 32], Distribution::Uniform(0.0, 255.0), device)
    }

    fn config() -> VggConfig {
        VggConfig { widths: vec![4, 6], depths: vec![1, 2], dropout: 0.5, pool: Pool::Last }
    }

    #[test]
    fn has_the_parameters_that_the_formula_gives() {
        let input = InputSpec::without_statistics([3, 32, 32], 10);
        let model = config().init(&input, &Device::flex());
        let convolutions = 9 * (3 * 4 + 4 * 6 + 6 * 6);
        // Scale, shift, running mean and variance of each BatchNorm; the normaliser's mean and deviation.
        let norms = 4 * (4 + 6 + 6);
        assert_eq!(model.num_params(), convolutions + norms + 6 * 10 + 10 + 2 * 3);
        assert_eq!(model.forward(images(&Device::flex())).dims(), [4, 10]);
    }

    #[test]
    fn a_fresh_network_sees_images_at_unit_scale() {
        let device = Device::flex();
        device.seed(3);
        let input = InputSpec {
            channel_mean: vec![127.5; 3],
            channel_deviation: vec![73.6; 3],
            ..InputSpec::without_statistics([3, 32, 32], 10)
        };
        let training = device.clone().autodiff();
        let model = VggConfig::default().init(&input, &training);
        let scores = model.forward(images(&training));
        let loss: f32 = Loss::CrossEntropy { label_smoothing: 0.0 }
            .forward(scores, Tensor::from_data([0, 1, 2, 3], &training))
            .into_scalar();
        assert!((loss - 10f32.ln()).abs() < 1.0, "{loss}");
    }

    #[test]
    fn evaluation_neither_drops_nor_depends_on_the_batch() {
        let device = Device::flex();
        device.seed(5);
        let training = device.clone().autodiff();
        let model = config().init(&InputSpec::without_statistics([3, 32, 32], 10), &training);
        let batch = images(&training);
        let read = |scores: Tensor<2>| scores.into_data().try_to_vec::<f32>().unwrap();
        assert_ne!(
            read(model.forward(batch.clone())),
            read(model.forward(batch.clone())),
            "dropout draws anew"
        );
        let model = model.valid();
        let batch = batch.inner();
        let together = read(model.forward(batch.clone()));
        let alone = read(model.forward(batch.slice(0..1)));
        assert!(together.iter().zip(&alone).all(|(a, b)| (a - b).abs() < 1e-4), "{together:?} {alone:?}");
    }

    #[test]
    fn out_of_range() {
        let input = InputSpec::without_statistics([3, 32, 32], 10);
        let check = |widths: &[usize], depths: &[usize], dropout| {
            let config =
                VggConfig { widths: widths.into(), depths: depths.into(), dropout, ..VggConfig::default() };
            config.validate(&input, &Loss::MeanSquaredError).map_err(|error| error.key)
        };
        assert!(check(&[8; 5], &[1; 5], 0.5).is_ok());
        assert_eq!(check(&[], &[], 0.0).unwrap_err(), "architecture.widths");
        assert_eq!(check(&[8; 6], &[1; 6], 0.0).unwrap_err(), "architecture.widths");
        assert_eq!(check(&[0], &[1], 0.0).unwrap_err(), "architecture.widths");
        assert_eq!(check(&[8, 8], &[1], 0.0).unwrap_err(), "architecture.depths");
        assert_eq!(check(&[8], &[0], 0.0).unwrap_err(), "architecture.depths");
        assert_eq!(check(&[8], &[1], 1.0).unwrap_err(), "architecture.dropout");
    }
}
