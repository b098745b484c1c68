//! A small VGG-like network of convolutions (after Simonyan and Zisserman, *Very Deep Convolutional Networks for
//! Large-Scale Image Recognition*, 2015).
//!
//! Blocks of 3×3 convolution → BatchNorm → ReLU, each block ended by 2×2 max-pooling; then the mean over what is left
//! of the plane, dropout and a linear layer. Convolutions have no bias: BatchNorm's own makes it useless.

use burn::module::{Initializer, Module};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig, PaddingConfig2d, Relu,
};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use zoo_core::{Architecture, Classifier, InputSpec, InvalidConfig, Loss, Normalizer};

/// The `[architecture]` of a CNN's recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CnnConfig {
    /// Channels of each block; each block halves height and width. Default: `[32, 64, 128]`.
    pub widths: Vec<usize>,
    /// Convolutions in each block, one number a block. Default: `[1, 2, 2]`.
    pub depths: Vec<usize>,
    /// The share of the last features that are dropped while training. Default: 0.
    pub dropout: f64,
}

impl Default for CnnConfig {
    fn default() -> Self {
        Self { widths: vec![32, 64, 128], depths: vec![1, 2, 2], dropout: 0.0 }
    }
}

/// A VGG-like network.
#[derive(Module, Debug)]
pub struct Cnn {
    normalizer: Normalizer,
    blocks: Vec<Block>,
    dropout: Dropout,
    linear: Linear,
}

/// Convolutions at one resolution, then a step down to the next.
#[derive(Module, Debug)]
struct Block {
    layers: Vec<Layer>,
    pool: MaxPool2d,
}

/// 3×3 convolution, BatchNorm, ReLU.
#[derive(Module, Debug)]
struct Layer {
    convolution: Conv2d,
    norm: BatchNorm,
    activation: Relu,
}

impl Architecture for CnnConfig {
    type Model = Cnn;

    fn init(&self, input: &InputSpec, device: &Device) -> Cnn {
        let mut channels = input.shape[0];
        let blocks = self
            .widths
            .iter()
            .zip(&self.depths)
            .map(|(&width, &depth)| {
                let layers = (0..depth)
                    .map(|_| Layer::new(std::mem::replace(&mut channels, width), width, device))
                    .collect();
                Block { layers, pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init() }
            })
            .collect();
        Cnn {
            normalizer: Normalizer::channels(input, device),
            blocks,
            dropout: DropoutConfig::new(self.dropout).init(),
            linear: LinearConfig::new(channels, input.classes).init(device),
        }
    }

    fn validate(&self, input: &InputSpec, _loss: &Loss) -> Result<(), InvalidConfig> {
        let _ = input;
        Ok(())
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
        Self { convolution, norm: BatchNormConfig::new(channels_out).init(device), activation: Relu::new() }
    }
}

impl Classifier for Cnn {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let mut features = self.normalizer.forward(images);
        for block in &self.blocks {
            for (index, layer) in block.layers.iter().enumerate() {
                features = layer.convolution.forward(features);
                if index == 0 {
                    features = block.pool.forward(features);
                }
                features = layer.activation.forward(layer.norm.forward(features));
            }
        }
        let [batch, channels, height, width] = features.dims();
        let pooled =
            features.reshape([batch, channels, height * width]).mean_dim(2).reshape([batch, channels]);
        self.linear.forward(self.dropout.forward(pooled))
    }
}
