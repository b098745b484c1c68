//! A small Vision Transformer (Dosovitskiy et al., *An Image is Worth 16×16 Words*, 2021) in the plain form of Beyer, Zhai and
//! Kolesnikov, *Better plain ViT baselines for ImageNet-1k*, 2022.
//!
//! The image is cut into patches p, each of which becomes a vector of `width` channels. Sines and cosines that tell where it is are
//! added; they are not trained. Then come `depth` blocks:
//!
//! ```text
//! x⁰ = p E + b + positions
//! y  = xˡ⁻¹ + A(norm(xˡ⁻¹))          A(z) = [softmax(Qₕ Kₕᵀ / √d) Vₕ]ₕ W_O,   Q, K, V = z W_Q, z W_K, z W_V
//! xˡ = y + P(norm(y))                P(z) = GELU(z W₁ + b₁) W₂ + b₂
//! s  = (mean over the patches of norm(xᴸ)) W + b
//! ```
//!
//! Q, K and V are `[patches, width]`; each of the h heads has d = width / heads of their channels. norm gives the channels of a
//! patch mean 0 and deviation 1.
//!
//! Images may have any size. A patch is longer along sides of more than 48 pixels, twice as long for each time that the side has to be
//! halved to have at most 48 (224×224: 32×32 pixels, 49 patches), and shorter along a side that would have fewer than four; the last
//! ones are padded where they have too few pixels.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use zoo_core::{Architecture, Classifier, InputSpec};
//! use zoo_vit::VitConfig;
//!
//! let device = Device::flex();
//! let input = InputSpec::without_statistics([3, 32, 32], 10);
//! let config = VitConfig { width: 64, depth: 2, heads: 2, hidden: 128, ..VitConfig::default() };
//! let model = config.draw(&input, &device, 42);
//! let block = 4 * 64 * 64 + (64 + 1) * 128 + (128 + 1) * 64;
//! assert_eq!(zoo_core::parameters(&model), (48 + 1) * 64 + 2 * block + (64 + 1) * 10);
//! let scores = model.forward(Tensor::zeros([4, 3, 32, 32], &device));
//! assert_eq!(scores.dims(), [4, 10]);
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read tensors as they like"))]

mod block;
mod patches;
#[cfg(test)]
mod tests;

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::{Architecture, Classifier, InputSpec, InvalidConfig, Loss, Normalizer, kaiming, linear_layer};
use zoo_kernels::Activation;

use block::{Block, normalize};
use patches::Patches;

/// Scores of patches for each other that are computed at a time: 32 MiB; twice as many on a GPU.
const SCORES: usize = 1 << 23;

/// The `[architecture]` of a Vision Transformer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VitConfig {
    /// Height and width of a patch, in images of up to 48×48; along longer sides it is twice or four times as long, and so on, and it is
    /// shorter along sides that would have fewer than four. Default: 4.
    pub patch: usize,
    /// Channels of a patch within the network, a multiple of 4. Default: 96.
    pub width: usize,
    /// Blocks of attention and perceptron. Default: 4.
    pub depth: usize,
    /// Heads of the attention, which share the channels among them. Default: 3.
    pub heads: usize,
    /// Outputs of each perceptron's hidden layer. Default: 192.
    pub hidden: usize,
}

impl Default for VitConfig {
    fn default() -> Self {
        Self { patch: 4, width: 96, depth: 4, heads: 3, hidden: 192 }
    }
}

/// A Vision Transformer. Pixels are normalised by channel.
#[derive(Module, Debug)]
pub struct Vit {
    normalizer: Normalizer,
    embedding: Linear,
    /// `[rows, columns, width]`, not trained.
    positions: Param<Tensor<3>>,
    blocks: Vec<Block>,
    linear: Linear,
    #[module(skip)]
    patches: Patches,
    #[module(skip)]
    heads: usize,
}

impl VitConfig {
    fn patches(&self, input: &InputSpec) -> Patches {
        let [_, height, width] = input.shape;
        Patches::new(self.patch, [height, width])
    }
}

impl Architecture for VitConfig {
    type Model = Vit;

    fn name(&self) -> &'static str {
        "vit"
    }

    /// Layers start from Kaiming's normal distribution (He et al., 2015) and biases 0, the last layer as PyTorch draws it.
    fn init(&self, input: &InputSpec, device: &Device) -> Vit {
        let Self { width, depth, heads, hidden, .. } = *self;
        let patches = self.patches(input);
        let values = patches.values(input.shape[0]);
        let positions = patches.positions(width, device);
        Vit {
            normalizer: Normalizer::channels(input, device),
            embedding: linear_layer(values, width, kaiming(Activation::Identity), device),
            positions: Param::from_tensor(positions).set_require_grad(false),
            blocks: (0..depth).map(|_| Block::new(width, heads, hidden, device)).collect(),
            linear: LinearConfig::new(width, input.classes).init(device),
            patches,
            heads,
        }
    }

    fn kept(&self, input: &InputSpec) -> Vec<usize> {
        let Self { width, depth, heads, hidden, .. } = *self;
        let count = self.patches(input).count();
        let block = [12 * count * width, 2 * count * hidden, 3 * heads * count * count];
        let embedding = [2 * input.values(), 4 * count * width];
        embedding.into_iter().chain(std::iter::repeat_n(block, depth).flatten()).collect()
    }

    fn validate(&self, _input: &InputSpec, _loss: &Loss) -> Result<(), InvalidConfig> {
        let Self { patch, width, depth, heads, hidden } = *self;
        let within = |key: &str, value: usize, most: usize| {
            let valid = (1..=most).contains(&value);
            InvalidConfig::check(valid, &format!("architecture.{key}"), value, &format!("1 to {most}"))
        };
        within("patch", patch, 64)?;
        let valid = (4..=4096).contains(&width) && width.is_multiple_of(4);
        InvalidConfig::check(valid, "architecture.width", width, "a multiple of 4, 4096 at most")?;
        within("depth", depth, 64)?;
        let valid = heads > 0 && width.is_multiple_of(heads);
        let expected = format!("a divisor of the width, {width}");
        InvalidConfig::check(valid, "architecture.heads", heads, &expected)?;
        within("hidden", hidden, 16_384)
    }
}

impl Classifier for Vit {
    fn batch_size(&self, device: &Device) -> usize {
        let (count, factor) = (self.patches.count(), if zoo_kernels::is_gpu(device) { 2 } else { 1 });
        (factor * SCORES / (self.heads * count * count)).clamp(1, factor * 500)
    }

    // ANCHOR: forward
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let patches = self.patches.cut(self.normalizer.forward(images));
        let ([batch, count, values], positions) = (patches.dims(), self.positions.val());
        let [rows, columns, width] = positions.dims();
        let embedded = self.embedding.forward(patches.reshape([batch * count, values]));
        let mut features = embedded.reshape([batch, rows, columns, width]) + positions.unsqueeze();
        for block in &self.blocks {
            features = block.forward(features);
        }
        let mean = normalize(features).flatten::<3>(1, 2).mean_dim(1).flatten(1, 2);
        self.linear.forward(mean)
    }
    // ANCHOR_END: forward
}
