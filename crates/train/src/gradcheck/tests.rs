use burn::module::Param;
use burn::tensor::{Device, TensorData, activation};
use zoo_core::Loss;
use zoo_data::shapes10;

use super::*;
use crate::optimizer::Sgd;
use crate::random::normal;

const CLASSES: usize = 10;

/// Two linear layers with something between them.
#[derive(Module, Debug)]
struct Network {
    first: Param<Tensor<2>>,
    second: Param<Tensor<2>>,
    #[module(skip)]
    between: Between,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Between {
    Tanh,
    Relu,
    /// Half of the features take no gradient back.
    HalfDetached,
    /// The gradient is a thousandth too large.
    Scaled,
    /// In single precision it is a hundredth too large.
    ScaledInSingle,
}

impl Classifier for Network {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let features = (images.flatten::<2>(1, 3) / 255.0).matmul(self.first.val());
        let features = match self.between {
            Between::ScaledInSingle if features.dtype() == DType::F32 => {
                let features = features.tanh();
                features.clone() * 1.01 - features.detach() * 0.01
            }
            Between::Tanh | Between::ScaledInSingle => features.tanh(),
            Between::Relu => activation::relu(features),
            Between::HalfDetached => {
                let [kept, cut]: [Tensor<2>; 2] = features.tanh().chunk(2, 1).try_into().expect("two halves");
                Tensor::cat(vec![kept, cut.detach()], 1)
            }
            Between::Scaled => {
                let features = features.tanh();
                features.clone() * 1.001 - features.detach() * 0.001
            }
        };
        features.matmul(self.second.val())
    }
}

/// A network, and a few images in `f64` that tie in no pixel.
fn network(between: Between, images: usize) -> (Network, Batch) {
    let device = Device::flex();
    // Not drawn from the device's generator, which other tests seed meanwhile.
    let drawn = |seed, [inputs, outputs]: [usize; 2], deviation: f64| {
        let values = (0..inputs * outputs).map(|place| (deviation * normal(seed, place)) as f32);
        let values = TensorData::new(values.collect::<Vec<f32>>(), [inputs, outputs]);
        Param::from_tensor(Tensor::from_data(values, &device))
    };
    let network = Network { first: drawn(1, [3072, 6], 0.02), second: drawn(2, [6, CLASSES], 0.5), between };
    let batch = shapes10::generate(images, 10, 1).train.batch(0..images, &device);
    let images = moved_pixels(&batch, 7).unwrap();
    (network, Batch { images, ..batch })
}

fn check(between: Between, loss: Loss, weight_decay: f64, kinks: &[&'static str]) -> GradientReport {
    check_weighted(between, (loss, None), weight_decay, kinks)
}

fn check_weighted(
    between: Between,
    (loss, class_weights): (Loss, Option<&[f64]>),
    weight_decay: f64,
    kinks: &[&'static str],
) -> GradientReport {
    let device = Device::flex();
    let loss = WeightedLoss::new(loss, class_weights, &device.clone().autodiff());
    let (network, batch) = network(between, 4);
    let optimizer = Optimizer::Sgd(Sgd { weight_decay, ..Sgd::default() });
    let sampling = Sampling { values: 12, seed: 7 };
    check_gradients(&network, &batch, (&loss, Some(&optimizer)), kinks, sampling).unwrap()
}

const CROSS_ENTROPY: Loss = Loss::CrossEntropy { label_smoothing: 0.1 };

#[test]
fn right_gradients_pass() {
    for loss in [CROSS_ENTROPY, Loss::MeanSquaredError] {
        let report = check(Between::Tanh, loss, 0.1, &[]);
        assert!(report.passes(), "{report:?}");
        assert_eq!((report.parameters, report.derivatives, report.on_kinks), (2, 2 * 13, 0));
        assert!(report.worst.analytic != 0.0);
    }
    let report = check(Between::Relu, Loss::Hinge { margin: 1.0 }, 0.1, &["relu", "hinge"]);
    assert!(report.passes(), "{report:?}");
}

#[test]
fn right_gradients_of_weighted_losses_pass() {
    let weights: Vec<f64> = (0..CLASSES).map(|class| class as f64 / 3.0).collect();
    for (loss, kinks) in
        [(CROSS_ENTROPY, &[][..]), (Loss::MeanSquaredError, &[]), (Loss::Hinge { margin: 1.0 }, &["hinge"])]
    {
        let report = check_weighted(Between::Tanh, (loss, Some(&weights)), 0.1, kinks);
        assert!(report.passes() && report.worst.analytic != 0.0, "{report:?}");
    }
}

#[test]
fn wrong_gradients_are_caught_and_named() {
    for kinks in [&[][..], &["relu"]] {
        let report = check(Between::HalfDetached, CROSS_ENTROPY, 0.0, kinks);
        assert!(!report.passes(), "{report:?}");
        assert!(report.worst.parameter.starts_with("first"), "{report:?}");
        assert_eq!(report.worst.error, 1.0);
        let report = check(Between::Scaled, CROSS_ENTROPY, 0.0, kinks);
        assert!(!report.passes() && report.worst.parameter.starts_with("first"), "{report:?}");
        assert!((report.worst.error - 1e-3).abs() < 1e-4, "{report:?}");
    }
}

#[test]
fn derivatives_that_rounding_hides_are_equal() {
    let error = |a, n| relative_error(a, n, 4e-10, SMOOTH);
    assert!((error(2.0, 1.0) - 0.5).abs() < 1e-12);
    assert!((error(0.0, -1e-2) - 1.0).abs() < 1e-12);
    assert!(error(0.0, 3.9e-10) < SMOOTH && error(0.0, 4.1e-10) > SMOOTH);
    assert_eq!(error(0.0, 0.0), 0.0);
    assert!(error(f64::NAN, 1.0).is_nan());
}

#[test]
fn a_penalty_is_part_of_the_loss() {
    // Were it only on one side, the derivatives would differ by λ θ.
    let report = check(Between::Tanh, CROSS_ENTROPY, 10.0, &[]);
    assert!(report.passes(), "{report:?}");
}

#[test]
fn what_training_computes_is_compared() {
    let device = Device::flex();
    let loss = || WeightedLoss::new(CROSS_ENTROPY, None, &device.clone().autodiff());
    let compared = |between| {
        let (network, batch) = network(between, 16);
        single::compare(&moved_weights(&network, 7), batch, &[loss(), loss()], &device, single::SMOOTH)
    };
    for right in [Between::Tanh, Between::Relu] {
        let deviation = compared(right);
        assert!(deviation.passes() && deviation.error > 0.0, "{deviation:?}");
    }
    let deviation = compared(Between::ScaledInSingle);
    assert!(!deviation.passes() && deviation.parameter == "first", "{deviation:?}");
    assert!((deviation.error - 1e-2).abs() < 1e-4, "{deviation:?}");
}
