//! Layers against PyTorch: values, gradients and running statistics; made by `scripts/golden/layers.py`.

#![allow(clippy::disallowed_methods, reason = "tests read tensors as they like")]

use burn::module::Param;
use burn::nn::BatchNormConfig;
use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;
use zoo_kernels::{Activation, Window, affine, batch_norm, conv2d, max_pool2d, normalize, plain};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
    statistics: Statistics,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    inputs: Vec<Values>,
    output: Values,
    weighting: Values,
    gradients: Vec<Values>,
}

#[derive(Deserialize)]
struct Statistics {
    batches: Vec<Values>,
    gamma: Values,
    beta: Values,
    running_mean: Values,
    running_var: Values,
    output: Values,
}

#[derive(Clone, Deserialize)]
struct Values {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Values {
    fn tensor<const D: usize>(&self, device: &Device) -> Tensor<D> {
        Tensor::from_data(TensorData::new(self.values.clone(), self.shape.clone()), device)
    }
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("pytorch.json")).unwrap()
}

fn close<const D: usize>(found: Tensor<D>, expected: &Values, what: &str) {
    assert_eq!(found.dims()[..], expected.shape[..], "{what}");
    let found: Vec<f32> = found.into_data().try_to_vec().unwrap();
    for (found, expected) in found.iter().zip(&expected.values) {
        assert!((found - expected).abs() < 1e-5, "{what}: {found} is not {expected}");
    }
}

fn channels_last(features: Tensor<4>) -> Tensor<4> {
    features.permute([0, 2, 3, 1])
}

fn channels_first(features: Tensor<4>) -> Tensor<4> {
    features.permute([0, 3, 1, 2])
}

fn activation(name: &str) -> Activation {
    serde_json::from_value(name.into()).unwrap()
}

fn window(words: &[&str]) -> Window {
    let [size, stride, padding] = [0, 1, 2].map(|at| words[at].parse().unwrap());
    Window::square(size, stride).with_padding(padding)
}

/// The function that a case is named after, on features `[batch, channel, row, column]`; our own code, or plain operations.
fn forward(
    name: &str,
    features: Tensor<4>,
    others: &[Tensor<1>],
    weight: Option<Tensor<4>>,
    ours: bool,
) -> Tensor<4> {
    let words: Vec<&str> = name.split(' ').collect();
    let features = channels_last(features);
    channels_first(match words[0] {
        "batch_norm" => {
            let [gamma, beta] = [others[0].clone(), others[1].clone()];
            let normalize = if ours { batch_norm } else { plain::batch_norm };
            normalize(features, gamma, beta, 1e-5, activation(words[1])).output
        }
        "activation" => {
            let channels = features.dims()[3];
            let (ones, zeros) =
                (Tensor::ones([channels], &features.device()), Tensor::zeros([channels], &features.device()));
            (if ours { affine } else { plain::affine })(
                features,
                [zeros.clone(), ones, zeros],
                activation(words[1]),
            )
        }
        "max_pool" => (if ours { max_pool2d } else { plain::max_pool2d })(features, window(&words[1..])),
        "conv" => (if ours { conv2d } else { plain::conv2d })(features, weight.unwrap(), window(&words[1..])),
        other => panic!("{other}"),
    })
}

#[test]
fn values_and_gradients_equal_pytorch() {
    let device = Device::flex().autodiff();
    for case in golden().cases {
        for ours in [true, false] {
            let features = case.inputs[0].tensor::<4>(&device).require_grad();
            let rest = &case.inputs[1..];
            let vectors: Vec<Tensor<1>> = rest
                .iter()
                .filter(|values| values.shape.len() == 1)
                .map(|values| values.tensor(&device).require_grad())
                .collect();
            let weight = rest.iter().find(|values| values.shape.len() == 4);
            let weight = weight.map(|values| values.tensor::<4>(&device).require_grad());

            let output = forward(&case.name, features.clone(), &vectors, weight.clone(), ours);
            let what = |part: &str| format!("{}, {part}, {}", case.name, if ours { "ours" } else { "plain" });
            close(output.clone(), &case.output, &what("output"));
            let gradients = (output * case.weighting.tensor(&device)).sum().backward();
            close(features.grad(&gradients).unwrap(), &case.gradients[0], &what("gradient of features"));
            for (vector, expected) in vectors.iter().zip(&case.gradients[1..]) {
                close(vector.grad(&gradients).unwrap(), expected, &what("gradient of a vector"));
            }
            if let Some(weight) = weight {
                close(weight.grad(&gradients).unwrap(), &case.gradients[1], &what("gradient of the weight"));
            }
        }
    }
}

#[test]
fn running_statistics_equal_pytorch() {
    let device = Device::flex().autodiff();
    let statistics = golden().statistics;
    let mut norm = BatchNormConfig::new(2).init(&device);
    norm.gamma = Param::from_tensor(statistics.gamma.tensor(&device));
    norm.beta = Param::from_tensor(statistics.beta.tensor(&device));
    for batch in &statistics.batches[..2] {
        let _ = normalize(&norm, channels_last(batch.tensor(&device)), Activation::Identity);
    }
    close(norm.running_mean.value_sync(), &statistics.running_mean, "running mean");
    close(norm.running_var.value_sync(), &statistics.running_var, "running variance");
    let norm = burn::module::Module::valid(&norm);
    let features = channels_last(statistics.batches[2].tensor(&Device::flex()));
    close(channels_first(normalize(&norm, features, Activation::Identity)), &statistics.output, "trained");
}
