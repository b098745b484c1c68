//! LeNet-5 (LeCun, Bottou, Bengio and Haffner, *Gradient-Based Learning Applied to Document Recognition*, 1998) for colour
//! images, as PyTorch's tutorial *Training a Classifier* has it.
//!
//! 5×5 convolutions, each followed by an activation and 2×2 max-pooling; linear layers, each followed by an activation; a
//! linear layer. Images of 32×32 leave the second pooling as 5×5.
//!
//! Images that are larger than that have narrow layers in front (see [`crate::front`]). A convolution that would leave less than two
//! pixels of a side to pool is padded there by half its window instead, and that side is not pooled.
//!
//! The three-layer network of CS231n's second assignment is of the same kind: one convolution of 7×7 that keeps the size.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::{Architecture, Classifier, InputSpec, InvalidConfig, Loss, Normalizer, kaiming, linear_layer};
use zoo_kernels::{Activation, Window};

use crate::front::{self, Front};
use crate::layer::{self, Layer};

/// The `[architecture]` of LeNet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LenetConfig {
    /// Channels of each convolution. Default: `[6, 16]`.
    pub widths: Vec<usize>,
    /// Height and width of the convolutions' windows. Default: 5.
    pub kernel: usize,
    /// Zeros on each side of what is convolved; half the kernel keeps the size. Default: 0.
    pub padding: usize,
    /// Outputs of each linear layer except the last. Default: `[120, 84]`.
    pub hidden: Vec<usize>,
    /// What follows each layer except the last. Default: `relu`; the paper's is a scaled `tanh`.
    pub activation: Activation,
    /// The share of the last features that training drops (Srivastava et al., 2014). Default: 0.
    pub dropout: f64,
}

impl Default for LenetConfig {
    fn default() -> Self {
        Self {
            widths: vec![6, 16],
            kernel: 5,
            padding: 0,
            hidden: vec![120, 84],
            activation: Activation::Relu,
            dropout: 0.0,
        }
    }
}

/// LeNet-5. Pixels are normalised by channel.
#[derive(Module, Debug)]
pub struct Lenet {
    normalizer: Normalizer,
    /// For large images.
    front: Front,
    layers: Vec<Layer>,
    hidden: Vec<Linear>,
    dropout: Dropout,
    linear: Linear,
    /// The pooling behind each of the layers.
    #[module(skip)]
    pooling: Vec<Window>,
    #[module(skip)]
    activation: Activation,
}

impl LenetConfig {
    /// Convolution and pooling of a plane.
    fn windows(&self, plane: [usize; 2]) -> [Window; 2] {
        let fits = plane.map(|side| side + 2 * self.padding > self.kernel);
        let padding = fits.map(|fits| if fits { self.padding } else { self.kernel / 2 });
        let size = fits.map(|fits| if fits { 2 } else { 1 });
        let convolution = Window { padding, ..Window::square(self.kernel, 1) };
        [convolution, Window { size, stride: size, padding: [0; 2] }]
    }
}

impl Architecture for LenetConfig {
    type Model = Lenet;

    fn name(&self) -> &'static str {
        "lenet"
    }

    fn smooth(&self) -> Option<Self> {
        self.activation.kink().map(|_| Self { activation: Activation::Gelu, ..self.clone() })
    }

    fn without_noise(&self) -> Self {
        Self { dropout: 0.0, ..self.clone() }
    }

    /// All layers except the last start from Kaiming's normal distribution (He et al., 2015), that one as PyTorch draws it.
    fn init(&self, input: &InputSpec, device: &Device) -> Lenet {
        let [mut channels, height, width] = Front::shape(input.shape);
        let mut plane = [height, width];
        let next = |&width: &usize| {
            let [convolution, pooling] = self.windows(plane);
            plane = pooling.places(convolution.places(plane));
            let channels = [std::mem::replace(&mut channels, width), width];
            (Layer::biased(channels, convolution, self.activation, device), pooling)
        };
        let (layers, pooling) = self.widths.iter().map(next).unzip();
        let mut features = channels * plane[0] * plane[1];
        let next = |&width: &usize| {
            let inputs = std::mem::replace(&mut features, width);
            linear_layer(inputs, width, kaiming(self.activation), device)
        };
        let hidden = self.hidden.iter().map(next).collect();
        Lenet {
            normalizer: Normalizer::channels(input, device),
            front: Front::new(input.shape, false, self.activation, device),
            layers,
            hidden,
            dropout: DropoutConfig::new(self.dropout).init(),
            linear: LinearConfig::new(features, input.classes).init(device),
            pooling,
            activation: self.activation,
        }
    }

    fn kept(&self, input: &InputSpec) -> Vec<usize> {
        let [_, height, width] = Front::shape(input.shape);
        let mut plane = [height, width];
        let layers = self.widths.iter().map(|&width| {
            let [convolution, pooling] = self.windows(plane);
            let before = convolution.places(plane);
            plane = pooling.places(before);
            front::kept(width, before, plane)
        });
        let hidden = self.hidden.iter().map(|&width| 2 * width);
        Front::kept(input.shape).into_iter().chain(layers).chain(hidden).collect()
    }

    fn validate(&self, input: &InputSpec, _loss: &Loss) -> Result<(), InvalidConfig> {
        let Self { widths, kernel, padding, hidden, dropout, activation: _ } = self;
        let [_, height, width] = input.shape;
        let side = height.min(width);
        let valid = (1..=side).contains(kernel);
        InvalidConfig::check(
            valid,
            "architecture.kernel",
            kernel,
            &format!("1 to {side}, the images' side"),
        )?;
        let expected = "less than the kernel, so that every window sees the image";
        InvalidConfig::check(padding < kernel, "architecture.padding", padding, expected)?;
        let list = |values: &[usize]| format!("{values:?}");
        let valid = (1..=16).contains(&widths.len()) && widths.iter().all(|width| (1..=4096).contains(width));
        let expected = "1 to 16 convolutions, each of 1 to 4096 channels";
        InvalidConfig::check(valid, "architecture.widths", list(widths), expected)?;
        let valid =
            (1..=16).contains(&hidden.len()) && hidden.iter().all(|width| (1..=16_384).contains(width));
        let expected = "1 to 16 layers, each of 1 to 16384 outputs";
        InvalidConfig::check(valid, "architecture.hidden", list(hidden), expected)?;
        InvalidConfig::share("architecture.dropout", *dropout)
    }
}

impl Classifier for Lenet {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let images = self.normalizer.forward(images).permute([0, 2, 3, 1]);
        let layers = self.layers.iter().zip(&self.pooling);
        let features = layers.fold(self.front.forward(images), |features, (layer, &pooling)| {
            front::pool(layer.forward(features, self.activation), pooling)
        });
        let features = self.hidden.iter().fold(layer::flatten(features), |features, linear| {
            self.activation.forward(linear.forward(features))
        });
        self.linear.forward(self.dropout.forward(features))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    fn images(side: usize, device: &Device) -> Tensor<4> {
        Tensor::random([4, 3, side, side], Distribution::Uniform(-1.0, 1.0), device)
    }

    fn input(side: usize) -> InputSpec {
        InputSpec::without_statistics([3, side, side], 10)
    }

    #[test]
    fn has_the_parameters_of_the_tutorial() {
        let model = LenetConfig::default().init(&input(32), &Device::flex());
        let convolutions = 25 * (3 * 6 + 6 * 16) + 6 + 16;
        let linear = 400 * 120 + 120 + 120 * 84 + 84 + 84 * 10 + 10;
        assert_eq!(convolutions + linear, 62_006);
        assert_eq!(model.num_params(), 62_006 + 2 * 3);
    }

    #[test]
    fn is_the_course_s_network_too() {
        let config = LenetConfig {
            widths: vec![32],
            kernel: 7,
            padding: 3,
            hidden: vec![100],
            ..LenetConfig::default()
        };
        let model = config.init(&input(32), &Device::flex());
        let expected = 32 * 3 * 49 + 32 + 32 * 16 * 16 * 100 + 100 + 100 * 10 + 10;
        assert_eq!(model.num_params(), expected + 2 * 3);
        assert_eq!(model.forward(images(32, &Device::flex())).dims(), [4, 10]);
    }

    #[test]
    fn takes_every_size_that_validation_lets_through() {
        let device = Device::flex();
        for (side, widths) in [
            (16, vec![4, 5]),
            (28, vec![4, 5]),
            (64, vec![4, 5, 6]),
            (9, vec![4]),
            (8, vec![4, 5, 6]),
            (5, vec![4]),
            (224, vec![4, 5]),
        ] {
            let config = LenetConfig { widths, ..LenetConfig::default() };
            config.validate(&input(side), &Loss::MeanSquaredError).unwrap();
            let model = config.init(&input(side), &device);
            assert_eq!(model.forward(images(side, &device)).dims(), [4, 10], "{side}");
        }
        let input = InputSpec::without_statistics([1, 48, 160], 10);
        let model = LenetConfig::default().init(&input, &device);
        assert_eq!(model.forward(Tensor::ones([2, 1, 48, 160], &device)).dims(), [2, 10]);
    }

    #[test]
    fn all_layers_learn() {
        let device = Device::flex().autodiff();
        let config = LenetConfig { activation: Activation::Tanh, ..LenetConfig::default() };
        let model = config.init(&input(32), &device);
        let gradients = model.forward(images(32, &device)).powi_scalar(2).sum().backward();
        let size = |gradient: Option<Tensor<1>>| -> f32 { gradient.unwrap().abs().sum().into_scalar() };
        let convolutions = model.layers.iter().map(|layer| layer.convolution.bias.as_ref());
        let linear = model.hidden.iter().map(|linear| linear.bias.as_ref());
        for bias in convolutions.chain(linear) {
            assert!(size(bias.unwrap().val().grad(&gradients)) > 0.0);
        }
    }

    #[test]
    fn evaluation_neither_drops_nor_depends_on_the_batch() {
        let training = Device::flex().autodiff();
        training.seed(4);
        let model = LenetConfig { dropout: 0.5, ..LenetConfig::default() }.init(&input(32), &training);
        let batch = images(32, &training);
        let read = |scores: Tensor<2>| scores.into_data().try_to_vec::<f32>().unwrap();
        assert_ne!(read(model.forward(batch.clone())), read(model.forward(batch.clone())));
        let (model, batch) = (model.valid(), batch.inner());
        let together = read(model.forward(batch.clone()));
        let alone = read(model.forward(batch.slice(0..1)));
        assert!(together.iter().zip(&alone).all(|(a, b)| (a - b).abs() < 1e-4), "{together:?} {alone:?}");
    }

    #[test]
    fn out_of_range() {
        let check = |side: usize, widths: &[usize], hidden: &[usize], dropout| {
            let config = LenetConfig {
                widths: widths.into(),
                hidden: hidden.into(),
                dropout,
                ..LenetConfig::default()
            };
            config.validate(&input(side), &Loss::MeanSquaredError)
        };
        let key = |result: Result<(), InvalidConfig>| result.unwrap_err().key;
        assert!(check(32, &[6, 16], &[120, 84], 0.5).is_ok());
        let error = check(32, &[6; 17], &[120], 0.0).unwrap_err().to_string();
        assert!(error.contains("1 to 16 convolutions"), "{error}");
        assert_eq!(key(check(4, &[6], &[120], 0.0)), "architecture.kernel");
        assert_eq!(key(check(32, &[], &[120], 0.0)), "architecture.widths");
        assert_eq!(key(check(32, &[0], &[120], 0.0)), "architecture.widths");
        assert_eq!(key(check(32, &[6], &[], 0.0)), "architecture.hidden");
        assert_eq!(key(check(32, &[6], &[84, 0], 0.0)), "architecture.hidden");
        assert_eq!(key(check(32, &[6], &[84], 1.0)), "architecture.dropout");
        let check = |kernel, padding| {
            let config = LenetConfig { widths: vec![6], kernel, padding, ..LenetConfig::default() };
            config.validate(&input(32), &Loss::MeanSquaredError)
        };
        assert!(check(7, 3).is_ok() && check(32, 0).is_ok());
        assert_eq!(key(check(33, 0)), "architecture.kernel");
        assert_eq!(key(check(3, 3)), "architecture.padding");
    }
}
