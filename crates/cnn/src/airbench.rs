//! The network of airbench (Jordan, *94% on CIFAR-10 in 3.29 Seconds on a Single GPU*, 2024).
//!
//! A whitening layer; groups of two 3×3 convolutions, each followed by BatchNorm and GELU, that halve height and width by
//! max-pooling behind the first; 3×3 max-pooling; a linear layer without bias whose scores are divided by 9.
//!
//! It needs few epochs because much is in place before the first step: the whitening layer is computed from the images, and
//! the first filters of each convolution pass their input on.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::{Architecture, Classifier, InputSpec, InvalidConfig, Loss, Normalizer};
use zoo_kernels::{Activation, Window};

use crate::layer::{SAME, flatten};
use crate::whitening::Whitening;

/// What scores are divided by, so that probabilities start even and stay moderate.
const TEMPERATURE: f64 = 9.0;

/// The last pooling.
const LAST: Window = Window::square(3, 3);

/// The `[architecture]` of airbench's network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AirbenchConfig {
    /// Channels of each group; each group halves height and width. Default: `[64, 256, 256]`.
    pub widths: Vec<usize>,
    /// Epochs that the whitening layer's bias is trained for. Default: 3.
    pub whitening_bias_epochs: usize,
}

impl Default for AirbenchConfig {
    fn default() -> Self {
        Self { widths: vec![64, 256, 256], whitening_bias_epochs: 3 }
    }
}

/// Airbench's network. Pixels are normalised by channel.
#[derive(Module, Debug)]
pub struct Airbench {
    normalizer: Normalizer,
    whitening: Whitening,
    groups: Vec<Group>,
    linear: Linear,
}

/// Convolution, 2×2 max-pooling, BatchNorm, GELU; convolution, BatchNorm, GELU.
#[derive(Module, Debug)]
struct Group {
    first: DiracLayer,
    second: DiracLayer,
}

/// 3×3 convolution without bias whose first filters start as the identity, and BatchNorm that learns a bias but no scale.
#[derive(Module, Debug)]
struct DiracLayer {
    convolution: Conv2d,
    norm: BatchNorm,
}

impl AirbenchConfig {
    /// Height and width behind the whitening layer and the groups.
    fn plane(&self, [_, height, width]: [usize; 3]) -> [usize; 2] {
        [height, width].map(|side| self.widths.iter().fold(side.saturating_sub(1), |side, _| side / 2))
    }
}

impl Architecture for AirbenchConfig {
    type Model = Airbench;

    fn name(&self) -> &'static str {
        "airbench"
    }

    fn init(&self, input: &InputSpec, device: &Device) -> Airbench {
        let mut channels = Whitening::width(input.shape[0]);
        let group = |&width: &usize| {
            let first = DiracLayer::new(std::mem::replace(&mut channels, width), width, device);
            Group { first, second: DiracLayer::new(width, width, device) }
        };
        let groups = self.widths.iter().map(group).collect();
        let [down, across] = LAST.places(self.plane(input.shape));
        Airbench {
            normalizer: Normalizer::channels(input, device),
            whitening: Whitening::new(input, device),
            groups,
            linear: LinearConfig::new(channels * down * across, input.classes).with_bias(false).init(device),
        }
    }

    fn before_epoch(&self, model: Airbench, epoch: usize) -> Airbench {
        let whitening = model.whitening.freeze_bias(epoch >= self.whitening_bias_epochs);
        Airbench { whitening, ..model }
    }

    fn validate(&self, input: &InputSpec, _loss: &Loss) -> Result<(), InvalidConfig> {
        let [_, height, width] = input.shape;
        let fits = self.plane(input.shape).iter().zip(LAST.size).all(|(&side, window)| side >= window);
        let valid =
            !self.widths.is_empty() && fits && self.widths.iter().all(|width| (1..=4096).contains(width));
        let most = (height.min(width).saturating_sub(1) / LAST.size[0]).checked_ilog2().unwrap_or(0);
        let expected =
            format!("1 to {most} groups for images of {height}×{width}, each of 1 to 4096 channels");
        InvalidConfig::check(valid, "architecture.widths", format!("{:?}", self.widths), &expected)
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
            let identity = Tensor::from_data(dirac(filters, channels_in), &weight.device());
            weight.slice_assign(0..filters, identity)
        });
        let mut norm = BatchNormConfig::new(channels_out).with_epsilon(1e-12).with_momentum(0.4).init(device);
        norm.gamma = norm.gamma.set_require_grad(false);
        Self { convolution, norm }
    }

    fn convolve(&self, features: Tensor<4>) -> Tensor<4> {
        zoo_kernels::conv2d(features, self.convolution.weight.val(), SAME)
    }

    fn normalize(&self, features: Tensor<4>) -> Tensor<4> {
        zoo_kernels::normalize(&self.norm, features, Activation::Gelu)
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
    fn forward(&self, features: Tensor<4>) -> Tensor<4> {
        let features = zoo_kernels::max_pool2d(self.first.convolve(features), Window::square(2, 2));
        let features = self.first.normalize(features);
        self.second.normalize(self.second.convolve(features))
    }
}

impl Classifier for Airbench {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let images = self.normalizer.forward(images).permute([0, 2, 3, 1]);
        let features = self.whitening.forward(images);
        let features = self.groups.iter().fold(features, |features, group| group.forward(features));
        let features = zoo_kernels::max_pool2d(features, LAST);
        self.linear.forward(flatten(features)) / TEMPERATURE
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::Distribution;

    use super::*;

    fn config() -> AirbenchConfig {
        AirbenchConfig { widths: vec![30, 6], whitening_bias_epochs: 2 }
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
        assert!(check(&[8; 3]).is_ok());
        let error = check(&[8; 4]).unwrap_err();
        assert!(error.contains("1 to 3 groups for images of 32×32"), "{error}");
        assert!(check(&[]).is_err() && check(&[0]).is_err());
    }
}
