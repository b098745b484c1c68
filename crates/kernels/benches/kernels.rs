//! Our own code against the plain tensor operations on the CPU, for the layers of a network: `cargo bench -p zoo-kernels
//! --features flex`. A kernel that isn't faster by a fifth has no place in this crate.

use burn::tensor::{Device, Distribution, Int, Tensor};
use divan::{Bencher, black_box};
use zoo_kernels::{
    Activation, Window, affine, attention, batch_norm, conv2d, cross_entropy, layer_norm, linear, max_pool2d,
    plain,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A convolution's height and width, channels in, channels out; 128 images.
const CONVOLUTIONS: [[usize; 3]; 6] =
    [[32, 3, 32], [32, 32, 32], [16, 32, 64], [16, 64, 64], [8, 64, 128], [8, 128, 128]];
/// Height and width, channels.
const FEATURES: [[usize; 2]; 3] = [[32, 32], [16, 64], [8, 128]];

fn main() {
    divan::main();
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), device)
}

/// Which code, and whether gradients are computed too.
#[derive(Clone, Copy, Debug)]
enum What {
    Ours,
    Plain,
    OursWithGradient,
    PlainWithGradient,
}

use What::{Ours, OursWithGradient, Plain, PlainWithGradient};

const WHAT: [What; 4] = [Ours, Plain, OursWithGradient, PlainWithGradient];

/// A parameter of a layer, with gradient where there are gradients.
fn parameter<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    let values = random(shape, device);
    if device.is_autodiff() { values.require_grad() } else { values }
}

fn bench<const D: usize>(
    bencher: Bencher,
    what: What,
    (features, shape): ([usize; 4], [usize; D]),
    operation: impl Fn(bool, Tensor<4>, Tensor<D>) -> Tensor<4>,
) {
    let ours = matches!(what, Ours | OursWithGradient);
    let backward = matches!(what, OursWithGradient | PlainWithGradient);
    let device = if backward { Device::flex().autodiff() } else { Device::flex() };
    let (features, parameter) = (parameter(features, &device), parameter(shape, &device));
    bencher.bench_local(|| {
        let output = operation(ours, features.clone(), parameter.clone());
        if backward {
            black_box(output.sum().backward());
        } else {
            black_box(output);
        }
    });
}

#[divan::bench(consts = [0, 1, 2, 3, 4, 5], args = WHAT, sample_count = 10)]
fn convolution<const LAYER: usize>(bencher: Bencher, what: What) {
    let [side, channels_in, channels_out] = CONVOLUTIONS[LAYER];
    let window = Window::square(3, 1).with_padding(1);
    let shapes = ([128, side, side, channels_in], [channels_out, channels_in, 3, 3]);
    bench(bencher, what, shapes, |ours, features, weight| {
        let operation = if ours { conv2d } else { plain::conv2d };
        operation(features, weight, window)
    });
}

#[divan::bench(consts = [0, 1, 2], args = WHAT, sample_count = 10)]
fn batch_norm_and_relu<const LAYER: usize>(bencher: Bencher, what: What) {
    let [side, channels] = FEATURES[LAYER];
    bench(bencher, what, ([128, side, side, channels], [channels]), |ours, features, gamma| {
        let operation = if ours { batch_norm } else { plain::batch_norm };
        operation(features, gamma.clone(), gamma, 1e-5, Activation::Relu).output
    });
}

#[divan::bench(consts = [0, 1, 2], args = WHAT, sample_count = 10)]
fn max_pooling<const LAYER: usize>(bencher: Bencher, what: What) {
    let [side, channels] = FEATURES[LAYER];
    bench(bencher, what, ([128, side, side, channels], [1]), |ours, features, _| {
        let operation = if ours { max_pool2d } else { plain::max_pool2d };
        operation(features, Window::square(2, 2))
    });
}

/// A linear classifier on images, batch 256.
#[divan::bench(args = WHAT, sample_count = 20)]
fn linear_scores(bencher: Bencher, what: What) {
    bench(bencher, what, ([256, 3, 32, 32], [3072, 10]), |ours, images, weight| {
        let device = images.device();
        let (ones, zeros) = (Tensor::ones([3072], &device), Tensor::zeros([3072], &device));
        let operation = if ours { linear } else { plain::linear };
        let scores =
            operation(images.detach().flatten(1, 3), ones, zeros, weight, Tensor::zeros([10], &device));
        scores.reshape([256, 10, 1, 1])
    });
}

#[divan::bench(consts = [0, 1, 2], args = [Ours, Plain], sample_count = 10)]
fn scale_and_relu<const LAYER: usize>(bencher: Bencher, what: What) {
    let [side, channels] = FEATURES[LAYER];
    bench(bencher, what, ([128, side, side, channels], [channels]), |ours, features, scale| {
        let operation = if ours { affine } else { plain::affine };
        operation(features, [scale.clone(), scale.clone(), scale], Activation::Relu)
    });
}

/// A block of the default Transformer: 64 patches of 96 channels, three heads, batch 64.
#[divan::bench(args = WHAT, sample_count = 10)]
fn heads_of_attention(bencher: Bencher, what: What) {
    bench(bencher, what, ([64, 8, 8, 96], [1]), |ours, features, _| {
        let operation = if ours { attention } else { plain::attention };
        operation(features.clone(), features.clone(), features, 3)
    });
}

#[divan::bench(args = WHAT, sample_count = 10)]
fn layer_normalization(bencher: Bencher, what: What) {
    bench(bencher, what, ([64, 8, 8, 96], [1]), |ours, features, _| {
        let operation = if ours { layer_norm } else { plain::layer_norm };
        operation(features, 1e-5)
    });
}

/// The scores of a batch of 256 images for ten classes.
#[divan::bench(args = WHAT, sample_count = 20)]
fn losses(bencher: Bencher, what: What) {
    bench(bencher, what, ([256, 10, 1, 1], [1]), |ours, scores, _| {
        let device = scores.device();
        let labels = Tensor::<1, Int>::zeros([256], &device);
        let operation = if ours { cross_entropy } else { plain::cross_entropy };
        let scores = scores.flatten::<3>(1, 2).flatten(1, 2);
        operation(scores, labels, Tensor::ones([10], &device), 0.1).reshape([1, 1, 1, 1])
    });
}
