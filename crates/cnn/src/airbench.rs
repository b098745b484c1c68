//! The network of airbench (Jordan, *94% on CIFAR-10 in 3.29 Seconds on a Single GPU*, 2024).
//!
//! A whitening layer; groups of two 3×3 convolutions, each followed by BatchNorm and GELU, that halve height and width by
//! max-pooling behind the first; 3×3 max-pooling; a linear layer without bias whose scores are divided by 9.
//!
//! It needs few epochs because much is in place before the first step: the whitening layer is computed from the images, and
//! the first filters of each convolution pass their input on.
//!
//! Images that are larger or smaller than CIFAR-10's: see [`front`]. Whitening halves long sides, narrow groups in front of the
//! others halve what is still long; a group leaves sides of fewer than six pixels as they are; the last pooling takes all of a
//! side of fewer than six.

use std::iter::{once, repeat_n};

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::{Architecture, Classifier, InputSpec, InvalidConfig, Loss, Normalizer};
use zoo_kernels::{Activation, Pooling, Window};

use crate::front::{self, LONG, NARROW};
use crate::layer::{SAME, flatten};
use crate::whitening::Whitening;

/// What scores are divided by, so that probabilities start even and stay moderate.
const TEMPERATURE: f64 = 9.0;
/// ε of BatchNorm. airbench's own, 1e-12, multiplies the gradient of what doesn't vary (a colour that all images have) by a million
/// in each layer, and training diverges.
const EPSILON: f64 = 1e-5;

/// The shortest side that a group halves, so that three pixels are left.
const LEAST: usize = 6;

/// The last pooling: of 3×3 pixels, or of all that is left of a side that has no room for two of these.
fn last(plane: [usize; 2]) -> Window {
    let size = plane.map(|side| if side < LEAST { side } else { 3 });
    Window { size, stride: size, padding: [0; 2] }
}

/// The `[architecture]` of airbench's network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AirbenchConfig {
    /// Channels of each group; each group halves height and width where they have six pixels or more. Default:
    /// `[64, 256, 256]`.
    pub widths: Vec<usize>,
    /// Convolutions of a group: 2, or 3, of which the last two add to what the first gives (He et al., 2015). Default: 2.
    pub depth: usize,
    /// Epochs that the whitening layer's bias is trained for. Default: 3.
    pub whitening_bias_epochs: usize,
}

impl Default for AirbenchConfig {
    fn default() -> Self {
        Self { widths: vec![64, 256, 256], depth: 2, whitening_bias_epochs: 3 }
    }
}

/// Airbench's network. Pixels are normalised by channel.
#[derive(Module, Debug)]
pub struct Airbench {
    normalizer: Normalizer,
    whitening: Whitening,
    /// For large images.
    front: Vec<Group>,
    groups: Vec<Group>,
    linear: Linear,
}

/// Convolution, 2×2 max-pooling, BatchNorm, GELU; convolution, BatchNorm, GELU. With a third layer those behind the first are a residual
/// branch: convolution, BatchNorm, the sum, GELU.
#[derive(Module, Debug)]
struct Group {
    first: DiracLayer,
    second: DiracLayer,
    third: Option<DiracLayer>,
}

/// 3×3 convolution without bias whose first filters start as the identity, and BatchNorm that learns a bias but no scale.
#[derive(Module, Debug)]
struct DiracLayer {
    convolution: Conv2d,
    norm: BatchNorm,
}

impl AirbenchConfig {
    /// Height and width behind the groups, of features that come to them with those of `plane`.
    fn behind_groups(&self, plane: [usize; 2]) -> [usize; 2] {
        self.widths.iter().fold(plane, |plane, _| front::halving(plane, LEAST).places(plane))
    }
}

impl Architecture for AirbenchConfig {
    type Model = Airbench;

    fn name(&self) -> &'static str {
        "airbench"
    }

    fn init(&self, input: &InputSpec, device: &Device) -> Airbench {
        let [channels, height, width] = input.shape;
        let whitened = Whitening::window([height, width]).places([height, width]);
        let mut channels = Whitening::width(channels);
        let mut group = |width: usize| {
            let first = DiracLayer::new(std::mem::replace(&mut channels, width), width, device);
            let same = || DiracLayer::new(width, width, device);
            Group { first, second: same(), third: (self.depth > 2).then(same) }
        };
        let front = (0..front::halvings(whitened)).map(|_| group(NARROW)).collect();
        let groups = self.widths.iter().map(|&width| group(width)).collect();
        let plane = self.behind_groups(front::behind(whitened));
        let [down, across] = last(plane).places(plane);
        Airbench {
            normalizer: Normalizer::channels(input, device),
            whitening: Whitening::new(input, device),
            front,
            groups,
            linear: LinearConfig::new(channels * down * across, input.classes).with_bias(false).init(device),
        }
    }

    fn kept(&self, input: &InputSpec) -> Vec<usize> {
        let [channels, height, width] = input.shape;
        let mut plane = Whitening::window([height, width]).places([height, width]);
        let in_front = front::halvings(plane);
        let whitened = 2 * Whitening::width(channels) * plane[0] * plane[1];
        let mut group = |channels, least| {
            let before = plane;
            plane = front::halving(before, least).places(before);
            let after = repeat_n(front::kept(channels, plane, plane), self.depth - 1);
            once(front::kept(channels, before, plane)).chain(after)
        };
        let mut kept = vec![2 * input.values(), whitened];
        kept.extend((0..in_front).flat_map(|_| group(NARROW, LONG)));
        kept.extend(self.widths.iter().flat_map(|&width| group(width, LEAST)));
        kept
    }

    fn before_epoch(&self, model: Airbench, epoch: usize) -> Airbench {
        let whitening = model.whitening.freeze_bias(epoch >= self.whitening_bias_epochs);
        Airbench { whitening, ..model }
    }

    fn validate(&self, input: &InputSpec, _loss: &Loss) -> Result<(), InvalidConfig> {
        let Self { widths, depth, whitening_bias_epochs: _ } = self;
        InvalidConfig::check((2..=3).contains(depth), "architecture.depth", depth, "2 or 3")?;
        let valid = (1..=16).contains(&widths.len()) && widths.iter().all(|width| (1..=4096).contains(width));
        let expected = "1 to 16 groups, each of 1 to 4096 channels";
        InvalidConfig::check(valid, "architecture.widths", format!("{widths:?}"), expected)?;
        let [_, height, width] = input.shape;
        let expected = "images of 2×2 pixels or more, which is what it whitens";
        InvalidConfig::check(height.min(width) > 1, "images", format!("{height}×{width}"), expected)
    }
}

impl DiracLayer {
    /// Filter k of the first `channels_in` starts as the identity of channel k (Zagoruyko and Komodakis, *DiracNets*, 2017);
    /// the others as PyTorch draws them.
    fn new(channels_in: usize, channels_out: usize, device: &Device) -> Self {
        let mut convolution = Conv2dConfig::new([channels_in, channels_out], [3, 3])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .with_bias(false)
            .init(device);
        let filters = channels_in.min(channels_out);
        convolution.weight = convolution.weight.init_mapper(move |weight: Tensor<4>| {
            let identity = zoo_kernels::upload(dirac(filters, channels_in), &weight.device());
            weight.slice_assign(0..filters, identity)
        });
        let mut norm =
            BatchNormConfig::new(channels_out).with_epsilon(EPSILON).with_momentum(0.4).init(device);
        norm.gamma = norm.gamma.set_require_grad(false);
        Self { convolution, norm }
    }

    /// Convolution, pooling if any, BatchNorm, the activation.
    fn forward(&self, features: Tensor<4>, pool: Option<Window>, activation: Activation) -> Tensor<4> {
        let weight = self.convolution.weight.val();
        let pool = pool.map(Pooling::First);
        zoo_kernels::conv2d_normalize(features, weight, (SAME, pool), &self.norm, activation)
    }
}

/// 3×3 filters of which number k has a 1 in the middle of channel k, `[filters, channels, 3, 3]`.
fn dirac(filters: usize, channels: usize) -> TensorData {
    let mut values = vec![0.0f32; filters * channels * 9];
    for filter in 0..filters {
        values[(filter * channels + filter) * 9 + 4] = 1.0;
    }
    TensorData::new(values, [filters, channels, 3, 3])
}

impl Group {
    /// Halves sides of at least `least` pixels.
    fn forward(&self, features: Tensor<4>, least: usize) -> Tensor<4> {
        let pool = front::pooling(front::halving(front::plane(&features), least));
        let features = self.first.forward(features, pool, Activation::Gelu);
        let second = self.second.forward(features.clone(), None, Activation::Gelu);
        match &self.third {
            Some(third) => {
                let residual = third.forward(second, None, Activation::Identity);
                zoo_kernels::add(features, residual, Activation::Gelu)
            }
            None => second,
        }
    }
}

impl Classifier for Airbench {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let images = self.normalizer.forward(images).permute([0, 2, 3, 1]);
        let features = self.whitening.forward(images);
        let features = self.front.iter().fold(features, |features, group| group.forward(features, LONG));
        let features = self.groups.iter().fold(features, |features, group| group.forward(features, LEAST));
        let window = last(front::plane(&features));
        let features = front::pool(features, window);
        self.linear.forward(flatten(features)) / TEMPERATURE
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::Distribution;

    use super::*;

    fn config() -> AirbenchConfig {
        AirbenchConfig { widths: vec![30, 6], depth: 2, whitening_bias_epochs: 2 }
    }

    fn input() -> InputSpec {
        InputSpec::without_statistics([3, 32, 32], 10)
    }

    fn images(device: &Device) -> Tensor<4> {
        Tensor::random([4, 3, 32, 32], Distribution::Normal(0.0, 1.0), device)
    }

    #[test]
    fn has_the_parameters_that_the_formula_gives() {
        let model = AirbenchConfig::default().init(&input(), &Device::flex());
        let convolutions = 9 * (24 * 64 + 64 * 64 + 64 * 256 + 3 * 256 * 256);
        let norms = 4 * 2 * (64 + 256 + 256);
        let whitening = 24 * 12 + 24;
        assert_eq!(model.num_params(), whitening + convolutions + norms + 256 * 10 + 2 * 3);
        assert_eq!(model.forward(images(&Device::flex())).dims(), [4, 10]);
        let deep = AirbenchConfig { depth: 3, ..AirbenchConfig::default() }.init(&input(), &Device::flex());
        let third: usize = [64, 256, 256].iter().map(|width| 9 * width * width + 4 * width).sum();
        assert_eq!(deep.num_params(), model.num_params() + third);
        assert_eq!(deep.forward(images(&Device::flex())).dims(), [4, 10]);
        // Two by two places are left of these.
        assert_eq!(config().init(&input(), &Device::flex()).linear.weight.dims(), [24, 10]);
    }

    #[test]
    fn the_first_filters_are_the_identity() {
        let model = config().init(&input(), &Device::flex());
        let weights = |layer: &DiracLayer| layer.convolution.weight.val();
        // 24 channels to 30, 30 to 6.
        let (wider, narrower) = (weights(&model.groups[0].first), weights(&model.groups[1].first));
        assert_eq!(wider.clone().slice(0..24).into_data(), dirac(24, 24));
        assert_eq!(narrower.into_data(), dirac(6, 30));
        let spread = 1.0 / (9.0f32 * 24.0).sqrt();
        let largest: f32 = wider.slice(24..30).abs().max().into_scalar();
        assert!((0.9 * spread..=spread).contains(&largest), "{largest} is not about {spread}");
    }

    #[test]
    fn scales_and_whitening_are_not_trained() {
        let device = Device::flex().autodiff();
        let gradients = |model: &Airbench| {
            let gradients = model.forward(images(&device)).powi_scalar(2).sum().backward();
            let has = |param: &Param<Tensor<1>>| param.val().grad(&gradients).is_some();
            let DiracLayer { norm, convolution } = &model.groups[1].second;
            assert!(model.whitening.weight.val().grad(&gradients).is_none());
            assert!(convolution.weight.val().grad(&gradients).is_some());
            (has(&norm.gamma), has(&norm.beta), has(&model.whitening.bias))
        };
        let model = config().before_epoch(config().init(&input(), &Device::flex()).train(), 1);
        assert_eq!(gradients(&model), (false, true, true));
        let model = config().before_epoch(model, 2);
        assert_eq!(gradients(&model), (false, true, false));
    }

    #[test]
    fn out_of_range() {
        let check = |widths: &[usize]| {
            let config = AirbenchConfig { widths: widths.into(), ..AirbenchConfig::default() };
            config.validate(&input(), &Loss::MeanSquaredError).map_err(|error| error.to_string())
        };
        assert!(check(&[8; 3]).is_ok() && check(&[8; 16]).is_ok());
        let error = check(&[8; 17]).unwrap_err();
        assert!(error.contains("1 to 16 groups"), "{error}");
        assert!(check(&[]).is_err() && check(&[0]).is_err());
        let deep = AirbenchConfig { depth: 4, ..AirbenchConfig::default() };
        let error = deep.validate(&input(), &Loss::MeanSquaredError).unwrap_err();
        assert_eq!(error.key, "architecture.depth");
        let line = InputSpec::without_statistics([3, 1, 32], 10);
        let error = config().validate(&line, &Loss::MeanSquaredError).unwrap_err().to_string();
        assert_eq!(error, "images = 1×32: must be images of 2×2 pixels or more, which is what it whitens");
    }

    #[test]
    fn takes_every_size() {
        let device = Device::flex();
        let config = AirbenchConfig { widths: vec![8, 6, 5], ..AirbenchConfig::default() };
        for (shape, front) in [
            ([3, 32, 32], 0),
            ([1, 28, 28], 0),
            ([1, 8, 8], 0),
            ([3, 2, 2], 0),
            ([3, 48, 48], 0),
            ([3, 64, 64], 0),
            ([3, 48, 160], 1),
            ([1, 224, 224], 2),
            ([3, 8, 200], 2),
        ] {
            let input = InputSpec::without_statistics(shape, 10);
            config.validate(&input, &Loss::MeanSquaredError).unwrap();
            let model = config.init(&input, &device);
            assert_eq!((model.front.len(), model.linear.weight.dims()), (front, [5, 10]), "{shape:?}");
            let [channels, height, width] = shape;
            let images = Tensor::ones([2, channels, height, width], &device);
            assert_eq!(model.forward(images).dims(), [2, 10], "{shape:?}");
        }
    }
}
