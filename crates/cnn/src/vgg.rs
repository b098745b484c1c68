//! A small network after VGG (Simonyan and Zisserman, *Very Deep Convolutional Networks for Large-Scale Image
//! Recognition*, 2015).
//!
//! Blocks of 3×3 convolutions, each followed by BatchNorm (Ioffe and Szegedy, 2015), or a bias, and ReLU; each block halves
//! height and width by 2×2 max-pooling; at the end the mean over what is left of the plane, dropout, and a linear layer.
//!
//! Images that are larger than CIFAR-10's have narrow layers in front (see [`crate::front`]); a block leaves a side of one pixel as it
//! is.
//!
//! Two choices save time: convolutions have no bias where BatchNorm's own makes it useless, and a block pools right after its
//! first convolution rather than at its end unless told otherwise, so that everything after it sees a quarter of the pixels.

use std::iter::repeat_n;

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::{Architecture, Classifier, InputSpec, InvalidConfig, Loss, Normalizer};
use zoo_kernels::{Activation, Pooling};

use crate::front::{self, Front};
use crate::layer::{self, Layer, SAME};

/// The `[architecture]` of a VGG-like network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VggConfig {
    /// Channels of each block; each block halves height and width where they have two pixels or more. Default: `[16, 48, 96]`.
    pub widths: Vec<usize>,
    /// Convolutions in each block, one number per block. Default: `[1, 1, 2]`.
    pub depths: Vec<usize>,
    /// The share of the last features that training drops (Srivastava et al., 2014). Default: 0.
    pub dropout: f64,
    /// Where a block pools. Default: `first`.
    pub pool: Pool,
    /// What follows each convolution. Default: `relu`.
    pub activation: Activation,
    /// Whether BatchNorm comes between a convolution and its activation; if not, the convolution has a bias, as VGG's did.
    /// Default: true.
    pub batch_norm: bool,
}

/// Where a block halves height and width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
        Self {
            widths: vec![16, 48, 96],
            depths: vec![1, 1, 2],
            dropout: 0.0,
            pool: Pool::First,
            activation: Activation::Relu,
            batch_norm: true,
        }
    }
}

/// A VGG-like network. Pixels are normalised by channel.
#[derive(Module, Debug)]
pub struct Vgg {
    normalizer: Normalizer,
    /// For large images.
    front: Front,
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
    #[module(skip)]
    activation: Activation,
}

impl Architecture for VggConfig {
    type Model = Vgg;

    fn name(&self) -> &'static str {
        "vgg"
    }

    fn smooth(&self) -> Option<Self> {
        self.activation.kink().map(|_| Self { activation: Activation::Gelu, ..self.clone() })
    }

    fn without_noise(&self) -> Self {
        Self { dropout: 0.0, ..self.clone() }
    }

    /// Convolutions start from Kaiming's normal distribution (He et al., 2015).
    fn init(&self, input: &InputSpec, device: &Device) -> Vgg {
        let Self { pool, activation, .. } = *self;
        let make = if self.batch_norm { Layer::normalized } else { Layer::biased };
        let [mut channels, ..] = Front::shape(input.shape);
        let blocks = self
            .widths
            .iter()
            .zip(&self.depths)
            .map(|(&width, &depth)| {
                let layer =
                    |_| make([std::mem::replace(&mut channels, width), width], SAME, activation, device);
                Block { layers: (0..depth).map(layer).collect(), pool, activation }
            })
            .collect();
        Vgg {
            normalizer: Normalizer::channels(input, device),
            front: Front::new(input.shape, self.batch_norm, activation, device),
            blocks,
            dropout: DropoutConfig::new(self.dropout).init(),
            linear: LinearConfig::new(channels, input.classes).init(device),
        }
    }

    fn kept(&self, input: &InputSpec) -> Vec<usize> {
        let [_, height, width] = Front::shape(input.shape);
        let mut plane = [height, width];
        let blocks = self.widths.iter().zip(&self.depths).flat_map(|(&width, &depth)| {
            let before = plane;
            plane = front::halving(before, 2).places(before);
            let large = if self.pool == Pool::First { 1 } else { depth };
            let after = repeat_n(front::kept(width, plane, plane), depth - large);
            repeat_n(front::kept(width, before, plane), large).chain(after)
        });
        Front::kept(input.shape).into_iter().chain(blocks).collect()
    }

    fn validate(&self, _input: &InputSpec, _loss: &Loss) -> Result<(), InvalidConfig> {
        let Self { widths, depths, dropout, .. } = self;
        let blocks = widths.len();
        let list = |values: &[usize]| format!("{values:?}");
        let expected = "1 to 16 blocks, each of 1 to 4096 channels";
        let valid = (1..=16).contains(&blocks) && widths.iter().all(|width| (1..=4096).contains(width));
        InvalidConfig::check(valid, "architecture.widths", list(widths), expected)?;
        let expected = format!("{blocks} numbers of 1 to 16, one for each of the widths");
        let valid = depths.len() == blocks && depths.iter().all(|depth| (1..=16).contains(depth));
        InvalidConfig::check(valid, "architecture.depths", list(depths), &expected)?;
        InvalidConfig::share("architecture.dropout", *dropout)
    }
}

impl Block {
    fn forward(&self, mut features: Tensor<4>) -> Tensor<4> {
        let window = front::pooling(front::halving(front::plane(&features), 2));
        for (place, layer) in self.layers.iter().enumerate() {
            let pool = match self.pool {
                Pool::First if place == 0 => window.map(Pooling::First),
                Pool::Last if place + 1 == self.layers.len() => window.map(Pooling::Last),
                _ => None,
            };
            features = layer.pooled(features, pool, self.activation);
        }
        features
    }
}

impl Classifier for Vgg {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let images = self.normalizer.forward(images).permute([0, 2, 3, 1]);
        let images = self.front.forward(images);
        let features = self.blocks.iter().fold(images, |features, block| block.forward(features));
        self.linear.forward(self.dropout.forward(layer::mean(features)))
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
        let (widths, depths) = (vec![4, 6], vec![1, 2]);
        VggConfig { widths, depths, dropout: 0.5, pool: Pool::Last, ..VggConfig::default() }
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
        let model = VggConfig { batch_norm: false, ..config() }.init(&input, &Device::flex());
        assert_eq!(model.num_params(), convolutions + (4 + 6 + 6) + 6 * 10 + 10 + 2 * 3);
    }

    #[test]
    fn takes_every_size() {
        let device = Device::flex();
        for [channels, height, width] in [[1, 8, 8], [3, 1, 1], [1, 28, 28], [3, 48, 160], [3, 224, 224]] {
            for pool in [Pool::First, Pool::Last] {
                let config = VggConfig { pool, widths: vec![4; 4], depths: vec![1; 4], ..config() };
                let input = InputSpec::without_statistics([channels, height, width], 10);
                config.validate(&input, &Loss::MeanSquaredError).unwrap();
                let images = Tensor::ones([2, channels, height, width], &device);
                assert_eq!(config.init(&input, &device).forward(images).dims(), [2, 10], "{height}×{width}");
            }
        }
    }

    #[test]
    fn learns_without_batch_norm_too() {
        let device = Device::flex().autodiff();
        let input = InputSpec::without_statistics([3, 32, 32], 10);
        for (pool, activation) in [(Pool::First, Activation::Gelu), (Pool::Last, Activation::Tanh)] {
            let config = VggConfig { batch_norm: false, dropout: 0.0, pool, activation, ..config() };
            let model = config.init(&input, &device);
            let scores = model.forward(images(&device) / 255.0);
            let gradients = scores.powi_scalar(2).sum().backward();
            for layer in model.blocks.iter().flat_map(|block| &block.layers) {
                let bias = layer.convolution.bias.as_ref().expect("a bias").val();
                let size: f32 = bias.grad(&gradients).expect("a gradient").abs().sum().into_scalar();
                assert!(size > 0.0, "{pool:?}, {activation:?}: {size}");
            }
        }
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
        assert!(check(&[8; 16], &[1; 16], 0.5).is_ok());
        assert_eq!(check(&[], &[], 0.0).unwrap_err(), "architecture.widths");
        assert_eq!(check(&[8; 17], &[1; 17], 0.0).unwrap_err(), "architecture.widths");
        assert_eq!(check(&[0], &[1], 0.0).unwrap_err(), "architecture.widths");
        assert_eq!(check(&[8, 8], &[1], 0.0).unwrap_err(), "architecture.depths");
        assert_eq!(check(&[8], &[0], 0.0).unwrap_err(), "architecture.depths");
        assert_eq!(check(&[8], &[1], 1.0).unwrap_err(), "architecture.dropout");
    }
}
