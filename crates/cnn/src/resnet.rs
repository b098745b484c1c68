//! The residual network for CIFAR (He, Zhang, Ren and Sun, *Deep Residual Learning for Image Recognition*, 2015, section 4.2).
//!
//! A 3×3 convolution; three stages of n blocks, the second and the third at half the height and width of the one before; the
//! mean over the plane; a linear layer: 6n + 2 layers in all. A block is f(x + F(x)), F being convolution, BatchNorm, f,
//! convolution, BatchNorm, so that it has only to learn what to change, and gradients reach the first layers through the sums.
//!
//! Images that are larger than CIFAR-10's have narrow layers in front: see [`crate::front`].
//!
//! Where a stage changes the shape, x goes through a 1×1 convolution of stride 2 and BatchNorm, the paper's option B.

use std::iter::{once, repeat_n};

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::{Architecture, Classifier, InputSpec, InvalidConfig, Loss, Normalizer};
use zoo_kernels::{Activation, Window};

use crate::front::{self, Front};
use crate::layer::{self, Layer, SAME};
use crate::stochastic_depth::StochasticDepth;

/// The number of stages.
const STAGES: usize = 3;

/// The `[architecture]` of a residual network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResnetConfig {
    /// The number of layers that have weights, 6n + 2 for n blocks per stage. Default: 20.
    pub depth: usize,
    /// Channels of each of the three stages. Default: `[16, 32, 64]`.
    pub widths: Vec<usize>,
    /// The share of images that training takes past the last block; it rises linearly from the first, block l of L having
    /// l / L of it (Huang et al., *Deep Networks with Stochastic Depth*, 2016). Default: 0.
    pub stochastic_depth: f64,
    /// f. Default: `relu`.
    pub activation: Activation,
}

impl Default for ResnetConfig {
    fn default() -> Self {
        let activation = Activation::Relu;
        Self { depth: 20, widths: vec![16, 32, 64], stochastic_depth: 0.0, activation }
    }
}

/// A residual network. Pixels are normalised by channel.
#[derive(Module, Debug)]
pub struct Resnet {
    normalizer: Normalizer,
    /// For large images.
    front: Front,
    stem: Layer,
    blocks: Vec<Block>,
    linear: Linear,
    #[module(skip)]
    activation: Activation,
}

/// f(x + F(x)).
#[derive(Module, Debug)]
struct Block {
    first: Layer,
    second: Layer,
    shortcut: Option<Layer>,
    stochastic_depth: StochasticDepth,
    #[module(skip)]
    activation: Activation,
}

impl ResnetConfig {
    /// n.
    const fn blocks_per_stage(&self) -> usize {
        self.depth.saturating_sub(2) / (2 * STAGES)
    }

    /// The share of images that training takes past each block.
    fn rates(&self) -> impl Iterator<Item = f64> {
        let blocks = STAGES * self.blocks_per_stage();
        (1..=blocks).map(move |block| self.stochastic_depth * block as f64 / blocks as f64)
    }
}

impl Architecture for ResnetConfig {
    type Model = Resnet;

    fn name(&self) -> &'static str {
        "resnet"
    }

    fn smooth(&self) -> Option<Self> {
        self.activation.kink().map(|_| Self { activation: Activation::Gelu, ..self.clone() })
    }

    fn without_noise(&self) -> Self {
        Self { stochastic_depth: 0.0, ..self.clone() }
    }

    /// Convolutions start from Kaiming's normal distribution by their inputs (He et al., 2015), the linear layer as PyTorch
    /// draws it.
    fn init(&self, input: &InputSpec, device: &Device) -> Resnet {
        let activation = self.activation;
        let blocks_per_stage = self.blocks_per_stage();
        let mut channels = self.widths[0];
        let block = |(at, rate)| {
            let (stage, place) = (at / blocks_per_stage, at % blocks_per_stage);
            let stride = if stage > 0 && place == 0 { 2 } else { 1 };
            let width = self.widths[stage];
            let channels = [std::mem::replace(&mut channels, width), width];
            Block::new(channels, stride, activation, StochasticDepth::new(rate), device)
        };
        let blocks = self.rates().enumerate().map(block).collect();
        let [channels_in, ..] = Front::shape(input.shape);
        Resnet {
            normalizer: Normalizer::channels(input, device),
            front: Front::new(input.shape, true, activation, device),
            stem: Layer::normalized([channels_in, self.widths[0]], SAME, activation, device),
            blocks,
            linear: LinearConfig::new(channels, input.classes).init(device),
            activation,
        }
    }

    fn kept(&self, input: &InputSpec) -> Vec<usize> {
        let [_, height, width] = Front::shape(input.shape);
        let mut plane = [height, width];
        let stem = front::kept(self.widths[0], plane, plane);
        let stages = self.widths.iter().enumerate().flat_map(|(stage, &width)| {
            if stage > 0 {
                plane = plane.map(|side| side.div_ceil(2));
            }
            repeat_n(front::kept(width, plane, plane), 2 * self.blocks_per_stage())
        });
        Front::kept(input.shape).into_iter().chain(once(stem)).chain(stages).collect()
    }

    fn validate(&self, _input: &InputSpec, _loss: &Loss) -> Result<(), InvalidConfig> {
        let Self { depth, widths, stochastic_depth, activation: _ } = self;
        let valid = (8..=1202).contains(depth) && depth % (2 * STAGES) == 2;
        InvalidConfig::check(valid, "architecture.depth", depth, "6n + 2, 8 to 1202")?;
        let valid = widths.len() == STAGES && widths.iter().all(|width| (1..=4096).contains(width));
        let expected = "three numbers of 1 to 4096, one for each stage";
        InvalidConfig::check(valid, "architecture.widths", format!("{widths:?}"), expected)?;
        InvalidConfig::share("architecture.stochastic_depth", *stochastic_depth)
    }
}

impl Block {
    fn new(
        channels: [usize; 2],
        stride: usize,
        activation: Activation,
        stochastic_depth: StochasticDepth,
        device: &Device,
    ) -> Self {
        let layer = |channels, window| Layer::normalized(channels, window, activation, device);
        let changes = stride > 1 || channels[0] != channels[1];
        Self {
            first: layer(channels, Window { stride: [stride; 2], ..SAME }),
            second: layer([channels[1]; 2], SAME),
            shortcut: changes.then(|| layer(channels, Window::square(1, stride))),
            stochastic_depth,
            activation,
        }
    }

    /// # Shapes
    /// - `features`: `[batch, height, width, channels in]`.
    /// - returns: the same with `channels out`, and half the height and width, rounded up, where a stage begins.
    fn forward(&self, features: Tensor<4>) -> Tensor<4> {
        let residual = self.first.forward(features.clone(), self.activation);
        let residual = self.second.forward(residual, Activation::Identity);
        let features = match &self.shortcut {
            Some(shortcut) => shortcut.forward(features, Activation::Identity),
            None => features,
        };
        zoo_kernels::add(features, self.stochastic_depth.forward(residual), self.activation)
    }
}

impl Classifier for Resnet {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let images = self.normalizer.forward(images).permute([0, 2, 3, 1]);
        let features = self.stem.forward(self.front.forward(images), self.activation);
        let features = self.blocks.iter().fold(features, |features, block| block.forward(features));
        self.linear.forward(layer::mean(features))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    fn images([height, width]: [usize; 2], device: &Device) -> Tensor<4> {
        Tensor::random([16, 3, height, width], Distribution::Uniform(-1.0, 1.0), device)
    }

    fn input([height, width]: [usize; 2]) -> InputSpec {
        InputSpec::without_statistics([3, height, width], 10)
    }

    fn small() -> ResnetConfig {
        ResnetConfig { depth: 8, widths: vec![4, 4, 6], ..ResnetConfig::default() }
    }

    #[test]
    fn twenty_layers_have_the_parameters_of_the_paper() {
        let model = ResnetConfig::default().init(&input([32, 32]), &Device::flex());
        let stage = |from: usize, to: usize| 9 * (from * to + 5 * to * to) + 6 * 2 * to;
        let shortcut = |from: usize, to: usize| from * to + 2 * to;
        let stages = stage(16, 16) + stage(16, 32) + stage(32, 64) + shortcut(16, 32) + shortcut(32, 64);
        let learnt = 9 * 3 * 16 + 2 * 16 + stages + 64 * 10 + 10;
        // 0.27 million.
        assert_eq!(learnt, 272_474);
        let running = 2 * (16 + 6 * (16 + 32 + 64) + 32 + 64);
        assert_eq!(model.num_params(), learnt + running + 2 * 3);
        let weights = |layer: &Layer| usize::from(layer.convolution.weight.dims()[2] == 3);
        let layers: usize =
            model.blocks.iter().map(|block| weights(&block.first) + weights(&block.second)).sum();
        assert_eq!(1 + layers + 1, 20);
    }

    #[test]
    fn any_size_of_image() {
        let device = Device::flex();
        for plane in [[32, 32], [28, 28], [64, 64], [7, 10], [1, 1], [48, 160], [224, 224]] {
            small().validate(&input(plane), &Loss::Hinge { margin: 1.0 }).unwrap();
            let model = small().init(&input(plane), &device);
            assert_eq!(model.forward(images(plane, &device)).dims(), [16, 10], "{plane:?}");
        }
    }

    #[test]
    fn a_stage_halves_height_and_width_and_its_shortcut_follows() {
        let model = small().init(&input([8, 8]), &Device::flex());
        let mut features = Tensor::ones([2, 8, 8, 4], &Device::flex());
        for (block, shape) in model.blocks.iter().zip([[2, 8, 8, 4], [2, 4, 4, 4], [2, 2, 2, 6]]) {
            features = block.forward(features);
            assert_eq!(features.dims(), shape);
        }
        assert!(model.blocks.iter().map(|block| block.shortcut.is_some()).eq([false, true, true]));
    }

    #[test]
    fn a_block_adds_its_input() {
        let device = Device::flex();
        let mut model = small().init(&input([8, 8]), &device);
        let block = &mut model.blocks[0];
        // BatchNorm whose scale is 0 leaves nothing of the residual branch.
        let norm = block.second.norm.as_mut().unwrap();
        norm.gamma = norm.gamma.clone().map(|gamma| gamma * 0.0);
        let features = Tensor::<4>::random([2, 8, 8, 4], Distribution::Default, &device) - 0.5;
        let expected = Activation::Relu.forward(features.clone());
        assert_eq!(block.forward(features).into_data(), expected.into_data());
    }

    #[test]
    fn rates_rise_linearly_to_the_last_block() {
        let config = ResnetConfig { depth: 14, stochastic_depth: 0.3, ..small() };
        let rates: Vec<f64> = config.rates().collect();
        assert_eq!(rates.len(), 6);
        assert!(rates.iter().zip([0.05, 0.1, 0.15, 0.2, 0.25, 0.3]).all(|(a, b)| (a - b).abs() < 1e-12));
        assert_eq!(config.init(&input([8, 8]), &Device::flex()).blocks.len(), 6);
    }

    #[test]
    fn evaluation_neither_drops_nor_depends_on_the_batch() {
        let training = Device::flex().autodiff();
        training.seed(6);
        let batch = images([16, 16], &training);
        let read = |scores: Tensor<2>| scores.into_data().try_to_vec::<f32>().unwrap();
        for (rate, repeats) in [(0.0, true), (0.9, false)] {
            let config = ResnetConfig { stochastic_depth: rate, ..small() };
            let model = config.init(&input([16, 16]), &training);
            let twice = [(); 2].map(|()| read(model.forward(batch.clone())));
            assert_eq!(twice[0] == twice[1], repeats, "{rate}");
            let (model, batch) = (model.valid(), batch.clone().inner());
            let together = read(model.forward(batch.clone()));
            let alone = read(model.forward(batch.slice(0..1)));
            assert!(together.iter().zip(&alone).all(|(a, b)| (a - b).abs() < 1e-4), "{together:?} {alone:?}");
        }
    }

    #[test]
    fn out_of_range() {
        let check = |depth, widths: &[usize], stochastic_depth| {
            let widths = widths.into();
            let config = ResnetConfig { depth, widths, stochastic_depth, ..ResnetConfig::default() };
            config.validate(&input([32, 32]), &Loss::MeanSquaredError).map_err(|error| error.key)
        };
        assert!([8, 20, 56, 110, 1202].iter().all(|&depth| check(depth, &[1, 2, 3], 0.5).is_ok()));
        for depth in [0, 1, 2, 7, 18, 21, 1208, usize::MAX] {
            assert_eq!(check(depth, &[16; 3], 0.0).unwrap_err(), "architecture.depth", "{depth}");
        }
        assert_eq!(check(20, &[16; 2], 0.0).unwrap_err(), "architecture.widths");
        assert_eq!(check(20, &[16, 0, 64], 0.0).unwrap_err(), "architecture.widths");
        assert_eq!(check(20, &[16; 3], 1.0).unwrap_err(), "architecture.stochastic_depth");
        assert_eq!(check(20, &[16; 3], f64::NAN).unwrap_err(), "architecture.stochastic_depth");
    }
}
