//! Optimizers, schedules and clipping against PyTorch; values made by `scripts/golden/optimizers.py`.

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;

use crate::clip::clip_norm;
use crate::optimizer::Optimizer;
use crate::schedule::Schedule;

/// A weight, which decays, and a bias, which does not.
#[derive(Module, Debug)]
struct Tiny<const D: usize> {
    weight: Param<Tensor<D>>,
    bias: Param<Tensor<1>>,
}

#[derive(Debug, Deserialize)]
struct Case {
    optimizer: Optimizer,
    schedule: Schedule,
    clip_norm: f64,
    learning_rates: Vec<f64>,
    shape: Vec<usize>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// Steps on L = Σ c w² + Σ c b, c from 1 to 3, at the learning rates of a schedule; returns the weight and the bias.
fn run(case: &Case) -> (Vec<f32>, Vec<f32>) {
    match *case.shape {
        [a, b] => run_on(case, [a, b]),
        [a, b, c, d] => run_on(case, [a, b, c, d]),
        _ => panic!("{case:?}"),
    }
}

fn run_on<const D: usize>(case: &Case, shape: [usize; D]) -> (Vec<f32>, Vec<f32>) {
    let device = Device::flex().autodiff();
    let count = case.weight.len();
    let slopes = |count: usize| -> Tensor<1> {
        let values: Vec<f32> = (0..count).map(|at| 1.0 + 2.0 * at as f32 / (count - 1) as f32).collect();
        Tensor::from_data(TensorData::new(values, [count]), &device)
    };
    let start: Vec<f32> = match count {
        3 => vec![0.5, -1.0, 2.0],
        _ => (0..count).map(|at| ((at * 7 % 11) as f32 - 5.0) / 4.0).collect(),
    };
    let mut model = Tiny::<D> {
        weight: Param::from_tensor(Tensor::from_data(TensorData::new(start, shape), &device)),
        bias: Param::from_tensor(Tensor::from_data([1.0, 1.0, 1.0], &device)),
    };
    let mut optimizer = case.optimizer.init(&model).unwrap();
    let steps = case.learning_rates.len();
    for step in 0..steps {
        let weight: Tensor<1> = model.weight.val().reshape([count]);
        let loss = (weight.clone() * weight * slopes(count)).sum() + (model.bias.val() * slopes(3)).sum();
        let mut gradients = GradientsParams::from_grads(loss.backward(), &model);
        if case.clip_norm > 0.0 {
            clip_norm(&mut gradients, &model, case.clip_norm);
        }
        let rate = case.optimizer.learning_rate() * case.schedule.factor(step, steps);
        model = optimizer.step(rate, model, gradients);
    }
    let read = |data: TensorData| data.try_to_vec::<f32>().unwrap();
    (read(model.weight.val().into_data()), read(model.bias.val().into_data()))
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("pytorch.json")).unwrap()
}

#[test]
fn twenty_steps_equal_pytorch() {
    for case in cases() {
        assert_eq!(case.learning_rates.len(), 20);
        let (weight, bias) = run(&case);
        // Newton's and Schulz's products, which the golden values have in f64, magnify rounding.
        let tolerance = if matches!(case.optimizer, Optimizer::Muon(_)) { 1e-3 } else { 1e-5 };
        for (found, expected) in weight.iter().chain(&bias).zip(case.weight.iter().chain(&case.bias)) {
            assert!((found - expected).abs() < tolerance, "{found} is not {expected}: {case:?}");
        }
    }
}

#[test]
fn learning_rates_equal_pytorch() {
    for case in cases() {
        let steps = case.learning_rates.len();
        for (step, expected) in case.learning_rates.iter().enumerate() {
            let found = case.optimizer.learning_rate() * case.schedule.factor(step, steps);
            assert!((found - expected).abs() < 1e-9, "step {step}: {found} is not {expected}: {case:?}");
        }
    }
}

#[test]
fn weight_decay_is_the_gradient_of_the_penalty() {
    // One plain step on L + (λ/2) ‖w‖² by hand, against weight_decay = λ on L.
    let mut case = cases().remove(2);
    case.learning_rates.truncate(1);
    let by_hand =
        [0.5f32, -1.0, 2.0].iter().zip([1.0, 2.0, 3.0]).map(|(w, c)| w - 0.01 * (2.0 * c * w + 0.5 * w));
    let (weight, _) = run(&case);
    assert!(
        weight.iter().zip(by_hand).all(|(found, expected)| (found - expected).abs() < 1e-6),
        "{weight:?}"
    );
}
