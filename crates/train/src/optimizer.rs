//! How gradients become updates.

use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, DynOptimizer, DynState, ModuleOptimizer, SgdConfig, StateSink, StateSource};
use burn::tensor::kind::BridgeTensor;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use zoo_core::InvalidConfig;

/// The `[optimizer]` of a recipe, with PyTorch's semantics: momentum isn't dampened, epsilon is 1e-8.
///
/// `weight_decay` λ adds λ θ to the gradient of each weight, which is the gradient of the textbook's penalty (λ/2) ‖θ‖².
/// Weights are parameters of two or more dimensions; biases and BatchNorm's are left alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Optimizer {
    /// v ← μ v + g; θ ← θ − η v, or θ − η (g + μ v) with Nesterov's look ahead (Sutskever et al., 2013).
    Sgd {
        /// η, the largest that the schedule reaches. Default: 0.01.
        #[serde(default = "hundredth")]
        learning_rate: f64,
        /// μ. Default: 0.
        #[serde(default)]
        momentum: f64,
        /// Nesterov's form. Default: false.
        #[serde(default)]
        nesterov: bool,
        /// λ. Default: 0.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Adam (Kingma and Ba, 2015).
    Adam {
        /// η, the largest that the schedule reaches. Default: 0.001.
        #[serde(default = "thousandth")]
        learning_rate: f64,
        /// Decay of the gradient's mean. Default: 0.9.
        #[serde(default = "nine_tenths")]
        beta_1: f64,
        /// Decay of the squared gradient's mean. Default: 0.999.
        #[serde(default = "nine_hundred_ninety_nine_thousandths")]
        beta_2: f64,
        /// Keeps the quotient finite. Default: 1e-8.
        #[serde(default = "hundred_millionth")]
        epsilon: f64,
        /// λ. Default: 0.
        #[serde(default)]
        weight_decay: f64,
    },
}

const fn hundredth() -> f64 {
    0.01
}
const fn thousandth() -> f64 {
    0.001
}
const fn nine_tenths() -> f64 {
    0.9
}
const fn nine_hundred_ninety_nine_thousandths() -> f64 {
    0.999
}
const fn hundred_millionth() -> f64 {
    1e-8
}

impl Optimizer {
    /// η, the largest that the schedule reaches.
    #[must_use]
    pub const fn learning_rate(&self) -> f64 {
        match *self {
            Self::Sgd { learning_rate, .. } | Self::Adam { learning_rate, .. } => learning_rate,
        }
    }

    const fn weight_decay(&self) -> f64 {
        match *self {
            Self::Sgd { weight_decay, .. } | Self::Adam { weight_decay, .. } => weight_decay,
        }
    }

    /// Makes Burn's optimizer for `model`.
    pub fn init<M: Module>(&self, model: &M) -> ModuleOptimizer {
        let decay = Some(WeightDecayConfig::new(self.weight_decay() as f32));
        match *self {
            Self::Sgd { momentum, nesterov, .. } => {
                let momentum =
                    MomentumConfig::new().with_momentum(momentum).with_dampening(0.0).with_nesterov(nesterov);
                let config = SgdConfig::new().with_momentum(Some(momentum));
                grouped(model, config.build(), config.with_weight_decay(decay).build())
            }
            Self::Adam { beta_1, beta_2, epsilon, .. } => {
                let config = AdamConfig::new()
                    .with_beta_1(beta_1 as f32)
                    .with_beta_2(beta_2 as f32)
                    .with_epsilon(epsilon as f32);
                grouped(model, config.build(), config.with_weight_decay(decay).build())
            }
        }
    }

    /// Accepts an optimizer whose values are in range.
    ///
    /// # Errors
    /// The first value that is not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let check = |valid, key, value: f64, expected| {
            InvalidConfig::check(valid && value.is_finite(), &format!("optimizer.{key}"), value, expected)
        };
        check(self.learning_rate() > 0.0, "learning_rate", self.learning_rate(), "above 0")?;
        check(self.weight_decay() >= 0.0, "weight_decay", self.weight_decay(), "at least 0")?;
        let share = |value: f64| (0.0..1.0).contains(&value);
        match *self {
            Self::Sgd { momentum, nesterov, .. } => {
                check(share(momentum), "momentum", momentum, "at least 0 and below 1")?;
                check(!nesterov || momentum > 0.0, "momentum", momentum, "above 0 with nesterov = true")
            }
            Self::Adam { beta_1, beta_2, epsilon, .. } => {
                check(share(beta_1), "beta_1", beta_1, "at least 0 and below 1")?;
                check(share(beta_2), "beta_2", beta_2, "at least 0 and below 1")?;
                check(epsilon > 0.0, "epsilon", epsilon, "above 0")
            }
        }
    }
}

/// `decayed` for weights, `plain` for everything else.
fn grouped<M: Module, O: burn::optim::Optimizer>(model: &M, plain: O, decayed: O) -> ModuleOptimizer {
    let device = model.devices().into_iter().next().map(Device::inner).unwrap_or_default();
    let others = OnDevice { optimizer: plain.clone(), device: device.clone() };
    let weights = ParamGroup::from_ids(weights(model));
    ModuleOptimizer::from(plain).with_group(ParamGroup::all(), others, None).with_group(
        weights,
        OnDevice { optimizer: decayed, device },
        None,
    )
}

/// An optimizer that reads its state back onto a device of ours. Burn itself would take the default device, which is a
/// GPU wherever one is compiled in, and panics where none answers.
#[derive(Clone)]
struct OnDevice<O> {
    optimizer: O,
    device: Device,
}

impl<O: DynOptimizer> DynOptimizer for OnDevice<O> {
    fn step_dyn(
        &self,
        rank: usize,
        learning_rate: f64,
        tensor: BridgeTensor,
        gradient: BridgeTensor,
        state: Option<DynState>,
    ) -> (BridgeTensor, Option<DynState>) {
        self.optimizer.step_dyn(rank, learning_rate, tensor, gradient, state)
    }

    fn to_device_dyn(&self, state: DynState, device: &Device) -> DynState {
        self.optimizer.to_device_dyn(state, device)
    }

    fn state_flatten(&self, prefix: &str, state: &DynState, out: &mut StateSink) {
        self.optimizer.state_flatten(prefix, state, out);
    }

    fn state_unflatten(
        &self,
        rank: usize,
        prefix: &str,
        source: &mut StateSource,
        _default: &Device,
    ) -> Option<DynState> {
        self.optimizer.state_unflatten(rank, prefix, source, &self.device)
    }
}

/// The parameters that weight decay applies to.
fn weights<M: Module>(model: &M) -> Vec<ParamId> {
    struct Weights(Vec<ParamId>);
    impl ModuleVisitor for Weights {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if D >= 2 && param.is_require_grad() {
                self.0.push(param.id);
            }
        }
    }
    let mut weights = Weights(Vec::new());
    model.visit(&mut weights);
    weights.0
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::optim::GradientsParams;

    use super::*;

    /// A weight, which decays, and a bias, which does not.
    #[derive(Module, Debug)]
    struct Tiny {
        weight: Param<Tensor<2>>,
        bias: Param<Tensor<1>>,
    }

    /// Runs `steps` on L = Σ w² · c + Σ b · c, c = 1, 2, 3, and returns the weight and the bias.
    fn run(optimizer: Optimizer, steps: usize) -> (Vec<f32>, Vec<f32>) {
        let device = Device::flex().autodiff();
        let c = || Tensor::<1>::from_data([1.0, 2.0, 3.0], &device);
        let mut model = Tiny {
            weight: Param::from_tensor(Tensor::from_data([[0.5, -1.0, 2.0]], &device)),
            bias: Param::from_tensor(Tensor::from_data([1.0, 1.0, 1.0], &device)),
        };
        let mut burn = optimizer.init(&model);
        for _ in 0..steps {
            let weight = model.weight.val().reshape([3]);
            let loss = (weight.clone() * weight * c()).sum() + (model.bias.val() * c()).sum();
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = burn.step(optimizer.learning_rate(), model, gradients);
        }
        let read = |data: burn::tensor::TensorData| data.try_to_vec::<f32>().unwrap();
        (read(model.weight.val().into_data()), read(model.bias.val().into_data()))
    }

    fn close(found: &[f32], expected: &[f32]) {
        assert!(
            found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-5),
            "{found:?} is not {expected:?}"
        );
    }

    const fn sgd(momentum: f64, nesterov: bool, weight_decay: f64) -> Optimizer {
        Optimizer::Sgd { learning_rate: 0.01, momentum, nesterov, weight_decay }
    }

    const fn adam(beta_1: f64, beta_2: f64, weight_decay: f64) -> Optimizer {
        Optimizer::Adam { learning_rate: 0.05, beta_1, beta_2, epsilon: 1e-8, weight_decay }
    }

    /// Weight and bias after 20 steps of `torch.optim.SGD` and `torch.optim.Adam`; made by `scripts/golden/optimizers.py`.
    const GOLDEN: [(Optimizer, [f32; 3], [f32; 3]); 5] = [
        (sgd(0.0, false, 0.0), [0.333_804, -0.442_002_4, 0.580_212_5], [0.8, 0.6, 0.4]),
        (
            sgd(0.9, false, 0.0),
            [-0.135_335_6, 0.275_585_3, 0.092_148_1],
            [-0.209_418_8, -1.418_837_5, -2.628_256_6],
        ),
        (
            sgd(0.9, true, 0.1),
            [-0.114_321_1, 0.169_860_5, 0.075_543_9],
            [-0.288_476_9, -1.576_953_8, -2.865_431],
        ),
        (adam(0.9, 0.999, 0.0), [-0.135_577, -0.111_226_3, 1.040_185_5], [0.0, 0.0, 0.0]),
        (adam(0.8, 0.99, 0.1), [-0.053_635_8, -0.166_219_5, 1.066_252_7], [0.0, 0.0, 0.0]),
    ];

    #[test]
    fn twenty_steps_equal_pytorch() {
        for (optimizer, weight, bias) in GOLDEN {
            let found = run(optimizer, 20);
            close(&found.0, &weight);
            close(&found.1, &bias);
        }
    }

    #[test]
    fn weight_decay_is_the_gradient_of_the_penalty() {
        // One plain step on L + (λ/2) ‖w‖², by autodiff, against weight_decay = λ on L.
        let (decayed, _) = run(sgd(0.0, false, 0.1), 1);
        let by_hand: Vec<f32> = [0.5f32, -1.0, 2.0]
            .iter()
            .zip([1.0, 2.0, 3.0])
            .map(|(w, c)| w - 0.01 * (2.0 * c * w + 0.1 * w))
            .collect();
        close(&decayed, &by_hand);
    }

    #[test]
    fn out_of_range() {
        let sgd = |learning_rate, momentum, nesterov, weight_decay| {
            Optimizer::Sgd { learning_rate, momentum, nesterov, weight_decay }.validate()
        };
        assert!(sgd(0.1, 0.9, true, 0.0).is_ok());
        assert!(sgd(0.0, 0.0, false, 0.0).is_err());
        assert!(sgd(f64::INFINITY, 0.0, false, 0.0).is_err());
        assert!(sgd(0.1, 1.0, false, 0.0).is_err());
        assert!(sgd(0.1, 0.0, true, 0.0).is_err());
        let error = sgd(0.1, 0.9, false, -1.0).unwrap_err();
        assert_eq!(error.to_string(), "optimizer.weight_decay = -1: must be at least 0");
    }
}
