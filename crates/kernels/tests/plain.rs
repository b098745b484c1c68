//! Our own code against the plain tensor operations: values and gradients.
#![cfg(feature = "flex")]
#![allow(clippy::disallowed_methods, reason = "tests read tensors as they like")]

use burn::nn::BatchNormConfig;
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
use proptest::prelude::*;
use zoo_kernels::{
    Activation, Descent, Pooling, Window, affine, attention, batch_norm, conv2d, conv2d_max_pool2d,
    conv2d_normalize, cross_entropy, descend, layer_norm, linear, max_pool2d, plain,
};

const ACTIVATIONS: [Activation; 6] = [
    Activation::Identity,
    Activation::Relu,
    Activation::LeakyRelu,
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Gelu,
];

fn device() -> Device {
    Device::flex().autodiff()
}

fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), &device())
}

/// Runs `ours` and `theirs` on the same inputs, and sums a random weighting of the output so that gradients differ from
/// place to place. Returns the largest difference of outputs and gradients, relative to their largest value.
fn difference<const N: usize>(
    inputs: &[Tensor<4>; N],
    ours: impl Fn([Tensor<4>; N]) -> Tensor<4>,
    theirs: impl Fn([Tensor<4>; N]) -> Tensor<4>,
) -> f32 {
    let pairs = both(inputs, ours, theirs).into_iter();
    pairs.map(|[ours, theirs]| relative(ours, theirs)).fold(0.0, f32::max)
}

/// Output and gradients of the two, in pairs.
fn both<const N: usize>(
    inputs: &[Tensor<4>; N],
    ours: impl Fn([Tensor<4>; N]) -> Tensor<4>,
    theirs: impl Fn([Tensor<4>; N]) -> Tensor<4>,
) -> Vec<[Tensor<4>; 2]> {
    let weighting = random(theirs(inputs.clone()).dims());
    let run = |function: &dyn Fn([Tensor<4>; N]) -> Tensor<4>| {
        let inputs = inputs.clone().map(|input| input.detach().require_grad());
        let output = function(inputs.clone());
        let gradients = (output.clone() * weighting.clone()).sum().backward();
        let mut results = vec![output.inner()];
        results.extend(inputs.iter().map(|input| input.grad(&gradients).expect("a gradient")));
        results
    };
    run(&ours).into_iter().zip(run(&theirs)).map(|(ours, theirs)| [ours, theirs]).collect()
}

/// The largest difference, relative to the largest value, or to 1: a sum that happens to be near 0 has the rounding errors of what it adds up.
fn relative(ours: Tensor<4>, theirs: Tensor<4>) -> f32 {
    assert_eq!(ours.dims(), theirs.dims());
    if ours.shape().num_elements() == 0 {
        return 0.0;
    }
    let size: f32 = theirs.clone().abs().max().into_scalar();
    let largest: f32 = (ours - theirs).abs().max().into_scalar();
    largest / size.max(1.0)
}

/// The sum of all differences, as a share of all values.
fn share(ours: Tensor<4>, theirs: Tensor<4>) -> f32 {
    let size: f32 = theirs.clone().abs().sum().into_scalar();
    let sum: f32 = (ours - theirs).abs().sum().into_scalar();
    if sum == 0.0 { 0.0 } else { sum / size }
}

fn vector(values: &Tensor<4>) -> Tensor<1> {
    values.clone().flatten(0, 3)
}

fn activations() -> impl Strategy<Value = Activation> {
    proptest::sample::select(&ACTIVATIONS[..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn convolutions_of_any_size(
        (batch, height, width) in (0usize..4, 3usize..14, 3usize..14),
        (channels_in, channels_out) in (1usize..40, 1usize..40),
        (size, stride, padding) in ([1usize..4, 1..4], [1usize..3, 1..3], [0usize..3, 0..3]),
    ) {
        let window = Window { size, stride, padding };
        let inputs = [random([batch, height, width, channels_in]), random([channels_out, channels_in, size[0], size[1]])];
        let [ours, theirs] = [conv2d, plain::conv2d];
        let worst = difference(&inputs, |[x, w]| ours(x, w, window), |[x, w]| theirs(x, w, window));
        prop_assert!(worst < 1e-5, "{worst}");
    }

    #[test]
    fn winograd_of_any_size(
        (batch, height, width) in (1usize..6, 1usize..20, 1usize..20),
        (channels_in, channels_out) in (12usize..70, 12usize..70),
        padding in [1usize..3, 1..3],
    ) {
        let window = Window { size: [3, 3], stride: [1, 1], padding };
        let inputs = [random([batch, height, width, channels_in]), random([channels_out, channels_in, 3, 3])];
        let worst = difference(&inputs, |[x, w]| conv2d(x, w, window), |[x, w]| plain::conv2d(x, w, window));
        prop_assert!(worst < 5e-5, "{worst}");
    }

    #[test]
    fn batch_norm_with_its_activation(
        (batch, height, width, channels) in (1usize..5, 1usize..9, 1usize..9, 1usize..40),
        (mean, activation) in (-30f64..30.0, activations()),
    ) {
        // One row has no variance to speak of.
        prop_assume!(batch * height * width > 3);
        let features = random([batch, height, width, channels]) * 3.0 + mean;
        let inputs = [features, random([1, 1, 1, channels]) + 1.5, random([1, 1, 1, channels])];
        let ours = |[x, gamma, beta]: [Tensor<4>; 3]| batch_norm(x, vector(&gamma), vector(&beta), 1e-5, activation).output;
        let theirs =
            |[x, gamma, beta]: [Tensor<4>; 3]| plain::batch_norm(x, vector(&gamma), vector(&beta), 1e-5, activation).output;
        let worst = difference(&inputs, ours, theirs);
        prop_assert!(worst < 2e-3, "{worst}");
    }

    #[test]
    fn affine_with_its_activation(
        (batch, height, width, channels) in (0usize..5, 1usize..9, 1usize..9, 1usize..40),
        activation in activations(),
    ) {
        let inputs = [random([batch, height, width, channels]), random([1, 1, 1, channels]), random([1, 1, 1, channels])];
        let center = random([channels]);
        let line = |a: &Tensor<4>, b: &Tensor<4>| [center.clone(), vector(a), vector(b)];
        let ours = |[x, a, b]: [Tensor<4>; 3]| affine(x, line(&a, &b), activation);
        let theirs = |[x, a, b]: [Tensor<4>; 3]| plain::affine(x, line(&a, &b), activation);
        let worst = difference(&inputs, ours, theirs);
        prop_assert!(worst < 1e-5, "{worst}");
    }

    /// Of two or three channels that happen to be nearly equal, rounding would decide.
    #[test]
    fn layer_norms(
        (batch, height, width, channels) in (0usize..5, 1usize..9, 1usize..9, 8usize..70),
        mean in -30f64..30.0,
    ) {
        let inputs = [random([batch, height, width, channels]) * 3.0 + mean];
        let worst = difference(&inputs, |[x]| layer_norm(x, 1e-5), |[x]| plain::layer_norm(x, 1e-5));
        prop_assert!(worst < 2e-3, "{worst}");
    }

    #[test]
    fn attention_of_any_size(
        (batch, height, width) in (0usize..5, 1usize..8, 1usize..8),
        (heads, channels) in (1usize..5, 1usize..40),
        size in 0.1f64..3.0,
    ) {
        let inputs = [(); 3].map(|()| random([batch, height, width, heads * channels]) * size);
        let worst =
            difference(&inputs, |[q, k, v]| attention(q, k, v, heads), |[q, k, v]| plain::attention(q, k, v, heads));
        prop_assert!(worst < 2e-5, "{worst}");
    }

    #[test]
    fn cross_entropies(
        (batch, classes) in (1usize..40, 2usize..30),
        (size, label_smoothing) in (0.1f64..50.0, prop_oneof![Just(0.0), 0.0..0.9]),
        seed in 0usize..1000,
    ) {
        let labels: Vec<i64> = (0..batch).map(|image| ((image * 7 + seed) % classes) as i64).collect();
        let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [batch]), &device());
        let weights = random([classes]) + 1.5;
        let run = |function: fn(_, _, _, f64) -> Tensor<1>| {
            let (labels, weights) = (labels.clone(), weights.clone());
            move |[scores]: [Tensor<4>; 1]| {
                let scores = scores.flatten::<3>(1, 2).flatten(1, 2);
                function(scores, labels.clone(), weights.clone(), label_smoothing).reshape([1, 1, 1, 1])
            }
        };
        let inputs = [random([batch, classes, 1, 1]) * size];
        let worst = difference(&inputs, run(cross_entropy), run(plain::cross_entropy));
        prop_assert!(worst < 2e-5, "{worst}");
    }

    #[test]
    fn linear_layers(batch in 1usize..40, features in 1usize..200, outputs in 1usize..40) {
        let data = random([batch, features]) * 50.0 + 100.0;
        let (scale, shift) = (random([features]), random([features]));
        let inputs = [random([features, outputs, 1, 1]), random([outputs, 1, 1, 1])];
        let run = |function: fn(_, _, _, Tensor<2>, _) -> Tensor<2>| {
            let (data, scale, shift) = (data.clone(), scale.clone(), shift.clone());
            move |[weight, bias]: [Tensor<4>; 2]| {
                let (weight, bias) = (weight.flatten::<3>(1, 2).flatten(1, 2), vector(&bias));
                let output = function(data.clone(), scale.clone(), shift.clone(), weight, bias);
                output.reshape([batch, outputs, 1, 1])
            }
        };
        let worst = difference(&inputs, run(linear), run(plain::linear));
        prop_assert!(worst < 1e-5, "{worst}");
    }

    #[test]
    fn pooling(
        (batch, height, width, channels) in (0usize..4, 3usize..12, 3usize..12, 1usize..40),
        (size, stride) in ([1usize..4, 1..4], [1usize..4, 1..4]),
        padded in any::<bool>(),
    ) {
        let padding = if padded { size.map(|size| size / 2) } else { [0; 2] };
        let window = Window { size, stride, padding };
        let inputs = [random([batch, height, width, channels])];
        let worst = difference(&inputs, |[x]| max_pool2d(x, window), |[x]| plain::max_pool2d(x, window));
        prop_assert!(worst < 1e-6, "{worst}");
    }

    #[test]
    fn pooling_behind_convolutions(
        (batch, height, width) in (0usize..6, 4usize..20, 4usize..20),
        (channels_in, channels_out) in (8usize..40, 8usize..40),
        (size, apart) in ([1usize..4, 1..4], [0usize..2, 0..2]),
        padding in [1usize..3, 1..3],
    ) {
        let window = Window { size: [3, 3], stride: [1, 1], padding };
        let pool = Window { size, stride: [size[0] + apart[0], size[1] + apart[1]], padding: [0; 2] };
        let inputs = [random([batch, height, width, channels_in]), random([channels_out, channels_in, 3, 3])];
        let results = both(
            &inputs,
            |[x, w]| conv2d_max_pool2d(x, w, window, pool),
            |[x, w]| plain::max_pool2d(plain::conv2d(x, w, window), pool),
        );
        let places = results[0][0].shape().num_elements() as f32;
        for (number, [ours, theirs]) in results.into_iter().enumerate() {
            if number == 0 {
                let worst = relative(ours, theirs);
                prop_assert!(worst < 5e-5, "output: {worst}");
            } else {
                // Of two pixels that are equal except for rounding, another may win, and have the gradient.
                let share = share(ours, theirs);
                prop_assert!(share < 0.005 + 6.0 / places.max(1.0), "gradient {number}: {share}");
            }
        }
    }

    /// γ may be negative, and so turn what is largest into what is smallest.
    #[test]
    fn layers_of_trained_networks(
        (height, width) in (4usize..20, 4usize..20),
        (channels_in, channels_out) in (1usize..40, 1usize..40),
        size in [1usize..4, 1..4],
        (place, activation) in (0usize..3, activations()),
    ) {
        let device = Device::flex();
        let window = Window::square(3, 1).with_padding(1);
        let pool = Window { size, stride: size, padding: [0; 2] };
        let features = random([3, height, width, channels_in]).inner();
        let weight = random([channels_out, channels_in, 3, 3]).inner();
        let [gamma, beta, mean, variance] = [(); 4].map(|()| random([channels_out]).inner());
        let mut norm = BatchNormConfig::new(channels_out).init(&device);
        norm.gamma = norm.gamma.map(|_| gamma.clone());
        norm.beta = norm.beta.map(|_| beta.clone());
        norm.running_mean.update(mean.clone());
        norm.running_var.update(variance.clone() + 1.5);
        let _ = (norm.running_mean.value_sync(), norm.running_var.value_sync());
        let pooling = [None, Some(Pooling::First(pool)), Some(Pooling::Last(pool))][place];
        let ours = conv2d_normalize(features.clone(), weight.clone(), (window, pooling), &norm, activation);
        let scale = gamma / (variance + 1.5 + norm.epsilon).sqrt();
        let normalize = |features| plain::affine(features, [mean.clone(), scale.clone(), beta.clone()], activation);
        let features = plain::conv2d(features, weight, window);
        let theirs = match pooling {
            None => normalize(features),
            Some(Pooling::First(pool)) => normalize(plain::max_pool2d(features, pool)),
            Some(Pooling::Last(pool)) => plain::max_pool2d(normalize(features), pool),
        };
        let worst = relative(ours, theirs);
        prop_assert!(worst < 2e-4, "{worst}");
    }
}

#[test]
fn running_statistics_are_those_of_the_features() {
    let features = random([3, 5, 4, 7]) * 2.0 + 100.0;
    let (ones, zeros) = (Tensor::ones([7], &device()), Tensor::zeros([7], &device()));
    let ours = batch_norm(features.clone(), ones.clone(), zeros.clone(), 1e-5, Activation::Relu);
    let theirs = plain::batch_norm(features, ones, zeros, 1e-5, Activation::Relu);
    let difference = |a: Tensor<1>, b: Tensor<1>| -> f32 { (a - b).abs().max().into_scalar() };
    assert!(difference(ours.mean, theirs.mean) < 1e-4);
    assert!(difference(ours.variance, theirs.variance) < 1e-4);
}

#[test]
fn no_number_is_not_hidden() {
    let nan = Tensor::<4>::full([1, 4, 4, 16], f32::NAN, &Device::flex());
    let count = |features: Tensor<4>| -> i64 { features.is_nan().int().sum().into_scalar() };
    let first = Tensor::<1>::from_data([f32::NAN, 1.0, 2.0, 3.0], &Device::flex()).reshape([1, 2, 2, 1]);
    assert_eq!(count(max_pool2d(first, Window::square(2, 2))), 1);
    let (ones, zeros) = (Tensor::ones([16], &Device::flex()), Tensor::zeros([16], &Device::flex()));
    for activation in ACTIVATIONS {
        assert_eq!(count(affine(nan.clone(), [zeros.clone(), ones.clone(), zeros.clone()], activation)), 256);
    }
    let normalized = batch_norm(nan.clone(), ones, zeros, 1e-5, Activation::Identity);
    assert_eq!(count(normalized.output), 256);
    assert_eq!(
        count(normalized.mean.reshape([1, 1, 1, 16])) + count(normalized.variance.reshape([1, 1, 1, 16])),
        32
    );
    assert_eq!(count(layer_norm(nan.clone(), 1e-5)), 256);
    assert_eq!(count(attention(nan.clone(), nan.clone(), nan.clone(), 2)), 256);
    let weight = Tensor::ones([16, 16, 3, 3], &Device::flex());
    assert_eq!(count(conv2d(nan, weight, Window::square(3, 1).with_padding(1))), 256);
}

/// What doesn't vary is β, however large it is next to the square root of ε, while training and with fixed statistics.
#[test]
fn a_constant_channel_is_its_beta() {
    for (value, beta, epsilon) in
        [(3.3, 0.1, 1e-12), (0.7, 0.05, 1e-12), (100.0, 0.1, 1e-5), (-1e6, 1e-3, 1e-5)]
    {
        let features = Tensor::<4>::full([2, 5, 4, 3], value, &Device::flex());
        let channel = |value: f32| Tensor::<1>::full([3], value, &Device::flex());
        let (gamma, shift) = (channel(1.5), channel(beta));
        let training =
            batch_norm(features.clone(), gamma.clone(), shift.clone(), epsilon, Activation::Identity);
        let scale = gamma / (training.variance + epsilon).sqrt();
        let fixed = affine(features, [training.mean, scale, shift], Activation::Identity);
        for output in [training.output, fixed] {
            let values: Vec<f32> = output.into_data().try_to_vec().unwrap();
            assert!(
                values.iter().all(|&value| value == beta),
                "{value} became {} instead of {beta}",
                values[0]
            );
        }
    }
}

/// Steps of the same parameters, which fill a part of the work, several, and the rest of one.
#[test]
fn a_step_of_descent() {
    for (length, nesterov, weight_decay) in [(1, false, 0.0), (70_000, true, 0.01), (65_536, false, 0.5)] {
        let descent = Descent { learning_rate: 0.1, momentum: 0.9, nesterov, weight_decay };
        let [mut ours, mut theirs] = [(); 2].map(|()| [(); 2].map(|()| random([length]).inner()));
        theirs.clone_from(&ours);
        for _ in 0..3 {
            let gradient = random::<1>([length]).inner();
            let [parameters, velocity] = ours;
            ours = descend(descent, parameters, gradient.clone(), velocity);
            let [parameters, velocity] = theirs;
            theirs = plain::descend(descent, parameters, gradient, velocity);
        }
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            assert_eq!(ours.into_data(), theirs.into_data());
        }
    }
}
