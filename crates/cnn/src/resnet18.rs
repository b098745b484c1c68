//! The residual network of 18 layers for ImageNet (He, Zhang, Ren and Sun, *Deep Residual Learning for Image Recognition*, 2015, table 1)
//! without its last layer, as a source of features: what torchvision calls `resnet18`.
//!
//! A 7×7 convolution of stride 2 and 3×3 max-pooling of stride 2; four stages of two blocks, each from the second on at half the height
//! and width of the one before; the mean over the plane. A block is as in [`ResnetConfig`](crate::ResnetConfig). It is not trained here:
//! its fields have the names of torchvision's, so that its weights are loaded as they are.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig};
use burn::tensor::{Device, Tensor};
use zoo_kernels::{Activation, Window};

use crate::layer::{SAME, mean};

/// Means of ImageNet's red, green and blue, as shares of white; what torchvision's weights were trained with.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Their standard deviations.
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
/// Blocks of each stage.
const BLOCKS: usize = 2;
/// The first convolution's window.
const STEM: Window = Window::square(7, 2).with_padding(3);
/// The window of the pooling behind it.
const POOL: Window = Window::square(3, 2).with_padding(1);

/// ResNet-18 without its last layer.
#[derive(Module, Debug)]
pub struct Resnet18 {
    conv1: Conv2d,
    bn1: BatchNorm,
    layer1: Vec<BasicBlock>,
    layer2: Vec<BasicBlock>,
    layer3: Vec<BasicBlock>,
    layer4: Vec<BasicBlock>,
}

/// ReLU(x + F(x)), F being convolution, BatchNorm, ReLU, convolution, BatchNorm.
#[derive(Module, Debug)]
struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    /// What x goes through where a stage changes its shape: a 1×1 convolution of stride 2 and BatchNorm.
    downsample: Option<(Conv2d, BatchNorm)>,
    #[module(skip)]
    window: Window,
}

impl Resnet18 {
    /// Channels of each stage of the published network; the last are the features of an image.
    pub const WIDTHS: [usize; 4] = [64, 128, 256, 512];

    /// With four stages of these `widths`, and weights that are to be loaded.
    #[must_use]
    pub fn new(widths: [usize; 4], device: &Device) -> Self {
        let [first, second, third, fourth] = widths;
        let stage = |channels: [usize; 2], stride| {
            let block = |number| match number {
                0 => BasicBlock::new(channels, stride, device),
                _ => BasicBlock::new([channels[1]; 2], 1, device),
            };
            (0..BLOCKS).map(block).collect()
        };
        Self {
            conv1: convolution([3, first], STEM, device),
            bn1: BatchNormConfig::new(first).init(device),
            layer1: stage([first, first], 1),
            layer2: stage([first, second], 2),
            layer3: stage([second, third], 2),
            layer4: stage([third, fourth], 2),
        }
    }

    /// What it sees in images.
    ///
    /// # Shapes
    /// - `images`: `[batch, 3, height, width]`, pixel values 0 to 255, of any size.
    /// - returns: `[batch, widths[3]]`.
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let device = images.device();
        let statistics = |values: [f32; 3]| -> Tensor<1> { zoo_kernels::upload(values, &device) };
        // (v / 255 − mean) / deviation = (v − 255 mean) / 255 deviation.
        let (center, scale) = (statistics(MEAN) * 255.0, (statistics(DEVIATION) * 255.0).recip());
        let images = images.permute([0, 2, 3, 1]);
        let images =
            zoo_kernels::affine(images, [center.clone(), scale, center.zeros_like()], Activation::Identity);
        let features = step(&self.conv1, &self.bn1, STEM, images, Activation::Relu);
        let features = zoo_kernels::max_pool2d(features, POOL);
        let stages = [&self.layer1, &self.layer2, &self.layer3, &self.layer4];
        mean(stages.into_iter().flatten().fold(features, |features, block| block.forward(features)))
    }
}

impl BasicBlock {
    fn new(channels: [usize; 2], stride: usize, device: &Device) -> Self {
        let window = Window { stride: [stride; 2], ..SAME };
        let norm = || BatchNormConfig::new(channels[1]).init(device);
        let changes = stride > 1 || channels[0] != channels[1];
        Self {
            conv1: convolution(channels, window, device),
            bn1: norm(),
            conv2: convolution([channels[1]; 2], SAME, device),
            bn2: norm(),
            downsample: changes.then(|| (convolution(channels, Window::square(1, stride), device), norm())),
            window,
        }
    }

    /// # Shapes
    /// - `features`: `[batch, height, width, channels in]`.
    /// - returns: the same with `channels out`, and half the height and width, rounded up, where a stage begins.
    fn forward(&self, features: Tensor<4>) -> Tensor<4> {
        let residual = step(&self.conv1, &self.bn1, self.window, features.clone(), Activation::Relu);
        let residual = step(&self.conv2, &self.bn2, SAME, residual, Activation::Identity);
        let features = match &self.downsample {
            Some((convolution, norm)) => {
                let window = Window { stride: self.window.stride, ..Window::square(1, 1) };
                step(convolution, norm, window, features, Activation::Identity)
            }
            None => features,
        };
        zoo_kernels::add(features, residual, Activation::Relu)
    }
}

/// A convolution, BatchNorm and an activation.
fn step(
    convolution: &Conv2d,
    norm: &BatchNorm,
    window: Window,
    features: Tensor<4>,
    activation: Activation,
) -> Tensor<4> {
    zoo_kernels::conv2d_normalize(features, convolution.weight.val(), (window, None), norm, activation)
}

/// Without bias; what else it is, the window says.
fn convolution(channels: [usize; 2], window: Window, device: &Device) -> Conv2d {
    Conv2dConfig::new(channels, window.size).with_bias(false).init(device)
}
