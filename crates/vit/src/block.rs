//! What the network is stacked from.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use zoo_core::{kaiming, linear_layer};
use zoo_kernels::Activation;

/// What keeps a deviation from being 0; PyTorch's.
const EPSILON: f64 = 1e-5;

/// x + attention(norm(x)), then x + perceptron(norm(x)).
///
/// Both parts see features that are normalised ("pre-norm"), and add to what is there: a fresh block changes little, and
/// the gradient has a way around each.
#[derive(Module, Debug)]
pub(crate) struct Block {
    attention: Attention,
    first: Linear,
    second: Linear,
}

/// Each patch takes from all patches, in proportion to how well its query suits their keys.
#[derive(Module, Debug)]
struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    #[module(skip)]
    heads: usize,
}

impl Block {
    /// For features of `width` channels, with `hidden` outputs of the perceptron's hidden layer.
    pub(crate) fn new(width: usize, heads: usize, hidden: usize, device: &Device) -> Self {
        Self {
            attention: Attention::new(width, heads, device),
            first: linear_layer(width, hidden, kaiming(Activation::Gelu), device),
            second: linear_layer(hidden, width, kaiming(Activation::Identity), device),
        }
    }

    /// # Shapes
    /// - `features`, returns: `[batch, rows, columns, width]`, a place for each patch.
    // ANCHOR: block
    pub(crate) fn forward(&self, features: Tensor<4>) -> Tensor<4> {
        let change = self.attention.forward(&normalize(features.clone()));
        let features = zoo_kernels::add(features, change, Activation::Identity);
        let hidden = layer(&self.first, normalize(features.clone()), Activation::Gelu);
        let change = layer(&self.second, hidden, Activation::Identity);
        zoo_kernels::add(features, change, Activation::Identity)
    }
    // ANCHOR_END: block
}

impl Attention {
    /// Without biases: that of the keys would change nothing, since it adds the same to all scores of a query, and what the
    /// others add the perceptron's biases can.
    fn new(width: usize, heads: usize, device: &Device) -> Self {
        let initializer = kaiming(Activation::Identity);
        let linear = LinearConfig::new(width, width).with_bias(false).with_initializer(initializer);
        let [query, key, value, output] = [(); 4].map(|()| linear.init(device));
        Self { query, key, value, output, heads }
    }

    // ANCHOR: attention
    /// softmax(Q Kᵀ / √d) V for each head, which has d of the channels.
    ///
    /// # Shapes
    /// - `features`, returns: `[batch, rows, columns, width]`.
    fn forward(&self, features: &Tensor<4>) -> Tensor<4> {
        let [query, key, value] =
            [&self.query, &self.key, &self.value].map(|linear| product(linear, features.clone()));
        let mixed = zoo_kernels::attention(query, key, value, self.heads);
        product(&self.output, mixed)
    }
    // ANCHOR_END: attention
}

/// Layer normalization without γ and β: a linear layer follows everywhere, which can do what they would.
///
/// # Shapes
/// - `features`, returns: `[batch, rows, columns, width]`.
pub(crate) fn normalize(features: Tensor<4>) -> Tensor<4> {
    zoo_kernels::layer_norm(features, EPSILON)
}

/// x W at every place: one large product rather than one per image.
fn product(linear: &Linear, features: Tensor<4>) -> Tensor<4> {
    let [batch, rows, columns, width] = features.dims();
    let weight = linear.weight.val();
    let [_, outputs] = weight.dims();
    features.reshape([batch * rows * columns, width]).matmul(weight).reshape([batch, rows, columns, outputs])
}

/// σ(x W + b) at every place.
fn layer(linear: &Linear, features: Tensor<4>, activation: Activation) -> Tensor<4> {
    let bias = linear.bias.as_ref().expect("it has a bias").val();
    zoo_kernels::add_bias(product(linear, features), bias, activation)
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::{Distribution, TensorData};

    use super::*;

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    fn close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?}, {expected:?}");
    }

    /// Three places of two channels.
    const FEATURES: [f32; 6] = [1.0, 0.0, 0.0, 2.0, -1.0, 1.0];

    fn features(device: &Device) -> Tensor<4> {
        Tensor::from_data(TensorData::new(FEATURES.to_vec(), [1, 1, 3, 2]), device)
    }

    /// Expected values are those of PyTorch's `scaled_dot_product_attention`. The book has the same example.
    #[test]
    fn attention_by_hand() {
        let device = Device::flex();
        let linear = |weight: [[f32; 2]; 2]| Linear {
            weight: Param::from_tensor(Tensor::from_data(weight, &device)),
            bias: None,
        };
        let mut attention = Attention::new(2, 1, &device);
        attention.query = linear([[1.0, 0.0], [0.0, 1.0]]);
        attention.key = linear([[0.0, 1.0], [1.0, 0.0]]);
        attention.value = linear([[1.0, 2.0], [0.0, -1.0]]);
        attention.output = linear([[1.0, 0.0], [0.0, 1.0]]);
        close(&values(attention.forward(&features(&device))), &ONE_HEAD);
        // Each head has a channel of its own.
        attention.heads = 2;
        close(&values(attention.forward(&features(&device))), &TWO_HEADS);
    }

    const ONE_HEAD: [f32; 6] = [-0.143_966, -1.723_879, 0.722_53, 1.026_283, 0.709_925, 1.129_774];
    const TWO_HEADS: [f32; 6] = [-0.154_698, -1.0, 0.0, 1.451_377, 0.420_512, 0.570_933];

    #[test]
    fn normalised_features_by_hand() {
        let device = Device::flex();
        let values = values(normalize(features(&device)));
        // Half the difference is the deviation, as long as ε is small next to its square.
        let expected = [0.25_f32, 1.0, 1.0].map(|variance| (variance / (variance + 1e-5)).sqrt());
        let [a, b, c] = expected;
        close(&values, &[a, -a, -b, b, -c, c]);
    }

    #[test]
    fn all_layers_learn() {
        let device = Device::flex().autodiff();
        let block = Block::new(8, 2, 12, &device);
        let features = Tensor::random([2, 3, 2, 8], Distribution::Normal(0.0, 1.0), &device);
        let gradients = block.forward(features).powi_scalar(2).sum().backward();
        let Attention { query, key, value, output, .. } = &block.attention;
        for linear in [query, key, value, output, &block.first, &block.second] {
            let slopes = values(linear.weight.val().grad(&gradients).unwrap());
            assert!(slopes.iter().any(|&slope| slope != 0.0), "{linear:?}");
        }
        for linear in [&block.first, &block.second] {
            let slopes = values(linear.bias.as_ref().unwrap().val().grad(&gradients).unwrap());
            assert!(slopes.iter().any(|&slope| slope != 0.0), "{linear:?}");
        }
    }
}
