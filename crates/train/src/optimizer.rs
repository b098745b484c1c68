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
/// Weights are parameters of two or more dimensions; biases and BatchNorm's are left alone unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd(Sgd),
    /// Steps that are scaled parameter by parameter.
    Adam(Adam),
}

/// v ← μ v + g; θ ← θ − η v, or θ − η (g + μ v) with Nesterov's look ahead (Sutskever et al., 2013).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// η, the largest that the schedule reaches. Default: 0.01.
    pub learning_rate: f64,
    /// μ. Default: 0.
    pub momentum: f64,
    /// Nesterov's form. Default: false.
    pub nesterov: bool,
    /// λ. Default: 0.
    pub weight_decay: f64,
    /// Whether λ applies to all parameters, not to weights alone. Default: false.
    pub decay_biases: bool,
    /// How many times larger η, and how many times smaller λ, is for the biases of BatchNorm (Jordan, 2024): they need large
    /// steps where training is short. Default: 1.
    pub norm_bias_scale: f64,
}

impl Default for Sgd {
    fn default() -> Self {
        Self {
            learning_rate: 0.01,
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
            decay_biases: false,
            norm_bias_scale: 1.0,
        }
    }
}

/// Adam (Kingma and Ba, 2015).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// η, the largest that the schedule reaches. Default: 0.001.
    pub learning_rate: f64,
    /// Decay of the gradient's mean. Default: 0.9.
    pub beta_1: f64,
    /// Decay of the squared gradient's mean. Default: 0.999.
    pub beta_2: f64,
    /// Keeps the quotient finite. Default: 1e-8.
    pub epsilon: f64,
    /// λ. Default: 0.
    pub weight_decay: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self { learning_rate: 0.001, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

impl Optimizer {
    /// η, the largest that the schedule reaches.
    #[must_use]
    pub const fn learning_rate(&self) -> f64 {
        match self {
            Self::Sgd(sgd) => sgd.learning_rate,
            Self::Adam(adam) => adam.learning_rate,
        }
    }

    /// Makes Burn's optimizer for `model`.
    pub fn init<M: Module>(&self, model: &M) -> ModuleOptimizer {
        match self {
            Self::Sgd(sgd) => sgd.init(model),
            Self::Adam(adam) => adam.init(model),
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
        let share =
            |key, value: f64| check((0.0..1.0).contains(&value), key, value, "at least 0 and below 1");
        let above = |key, value: f64| check(value > 0.0, key, value, "above 0");
        let decay = |value: f64| check(value >= 0.0, "weight_decay", value, "at least 0");
        above("learning_rate", self.learning_rate())?;
        match *self {
            Self::Sgd(Sgd { momentum, nesterov, weight_decay, norm_bias_scale, .. }) => {
                decay(weight_decay)?;
                share("momentum", momentum)?;
                check(!nesterov || momentum > 0.0, "momentum", momentum, "above 0 with nesterov = true")?;
                above("norm_bias_scale", norm_bias_scale)
            }
            Self::Adam(Adam { beta_1, beta_2, epsilon, weight_decay, .. }) => {
                decay(weight_decay)?;
                share("beta_1", beta_1)?;
                share("beta_2", beta_2)?;
                above("epsilon", epsilon)
            }
        }
    }
}

impl Sgd {
    fn init<M: Module>(&self, model: &M) -> ModuleOptimizer {
        let momentum = MomentumConfig::new()
            .with_momentum(self.momentum)
            .with_dampening(0.0)
            .with_nesterov(self.nesterov);
        let decaying = |decay: f64| {
            SgdConfig::new().with_momentum(Some(momentum.clone())).with_weight_decay(penalty(decay)).build()
        };
        let scale = self.norm_bias_scale;
        let biases = if self.decay_biases { self.weight_decay } else { 0.0 };
        let kinds = Kinds::of(model);
        grouped(
            model,
            decaying(biases),
            [
                (kinds.weights, decaying(self.weight_decay), 1.0),
                (kinds.norm_biases, decaying(biases / scale), scale),
            ],
        )
    }
}

impl Adam {
    fn init<M: Module>(&self, model: &M) -> ModuleOptimizer {
        let config = AdamConfig::new()
            .with_beta_1(self.beta_1 as f32)
            .with_beta_2(self.beta_2 as f32)
            .with_epsilon(self.epsilon as f32);
        let decaying = config.clone().with_weight_decay(penalty(self.weight_decay)).build();
        grouped(model, config.build(), [(Kinds::of(model).weights, decaying, 1.0)])
    }
}

fn penalty(decay: f64) -> Option<WeightDecayConfig> {
    (decay > 0.0).then(|| WeightDecayConfig::new(decay as f32))
}

/// `others`, and for each group of parameters an optimizer of its own with learning rates so many times larger.
fn grouped<M: Module, O: burn::optim::Optimizer, const N: usize>(
    model: &M,
    others: O,
    groups: [(Vec<ParamId>, O, f64); N],
) -> ModuleOptimizer {
    let device = model.devices().into_iter().next().map(Device::inner).unwrap_or_default();
    let member = |optimizer, scale| GroupOptimizer { optimizer, scale, device: device.clone() };
    let all = ModuleOptimizer::from(others.clone()).with_group(ParamGroup::all(), member(others, 1.0), None);
    groups.into_iter().fold(all, |all, (ids, optimizer, scale)| {
        all.with_group(ParamGroup::from_ids(ids), member(optimizer, scale), None)
    })
}

/// The optimizer of a group of parameters.
///
/// It reads its state back onto a device of ours. Burn itself would take the default device, which is a GPU wherever one is
/// compiled in, and panics where none answers.
#[derive(Clone)]
struct GroupOptimizer<O> {
    optimizer: O,
    /// How many times larger the learning rate is than that of the others.
    scale: f64,
    device: Device,
}

impl<O: DynOptimizer> DynOptimizer for GroupOptimizer<O> {
    fn step_dyn(
        &self,
        rank: usize,
        learning_rate: f64,
        tensor: BridgeTensor,
        gradient: BridgeTensor,
        state: Option<DynState>,
    ) -> (BridgeTensor, Option<DynState>) {
        self.optimizer.step_dyn(rank, learning_rate * self.scale, tensor, gradient, state)
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

/// Trained parameters that an optimizer treats in a way of their own.
#[derive(Default)]
struct Kinds {
    /// Of two or more dimensions.
    weights: Vec<ParamId>,
    /// The biases of BatchNorm.
    norm_biases: Vec<ParamId>,
    /// Names and types from the model down to where the visitor is.
    path: Vec<(String, String)>,
}

impl Kinds {
    fn of<M: Module>(model: &M) -> Self {
        let mut kinds = Self::default();
        model.visit(&mut kinds);
        kinds
    }

    fn is_norm_bias(&self) -> bool {
        self.path.last().is_some_and(|(name, within)| within == "Struct:BatchNorm" && name == "beta")
    }
}

impl ModuleVisitor for Kinds {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.push((name.into(), container_type.into()));
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() {
        } else if D >= 2 {
            self.weights.push(param.id);
        } else if self.is_norm_bias() {
            self.norm_biases.push(param.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::BatchNormConfig;
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

    fn sgd(momentum: f64, nesterov: bool, weight_decay: f64) -> Optimizer {
        Optimizer::Sgd(Sgd { momentum, nesterov, weight_decay, ..Sgd::default() })
    }

    fn adam(beta_1: f64, beta_2: f64, weight_decay: f64) -> Optimizer {
        Optimizer::Adam(Adam { learning_rate: 0.05, beta_1, beta_2, weight_decay, ..Adam::default() })
    }

    /// Weight and bias after 20 steps of `torch.optim.SGD` and `torch.optim.Adam`; made by `scripts/golden/optimizers.py`.
    fn golden() -> [(Optimizer, [f32; 3], [f32; 3]); 5] {
        [
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
        ]
    }

    #[test]
    fn twenty_steps_equal_pytorch() {
        for (optimizer, weight, bias) in golden() {
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
    fn biases_of_batch_norm_learn_at_a_scale_of_their_own() {
        let mut model = BatchNormConfig::new(1).init(&Device::flex());
        model.beta = model.beta.map(|beta| beta + 2.0);
        let model = model.train();
        let sgd = Sgd { weight_decay: 0.5, decay_biases: true, norm_bias_scale: 64.0, ..Sgd::default() };
        let gradients = ((model.gamma.val() + model.beta.val()) * 3.0).sum().backward();
        let gradients = GradientsParams::from_grads(gradients, &model);
        let model = Optimizer::Sgd(sgd).init(&model).step(0.1, model, gradients);
        let read = |param: &Param<Tensor<1>>| param.val().into_data().try_to_vec::<f32>().unwrap();
        close(&read(&model.gamma), &[1.0 - 0.1 * (3.0 + 0.5)]);
        close(&read(&model.beta), &[2.0 - 6.4 * (3.0 + 0.5 / 64.0 * 2.0)]);
    }

    #[test]
    fn out_of_range() {
        let sgd = |learning_rate, momentum, nesterov, weight_decay| {
            let sgd = Sgd { learning_rate, momentum, nesterov, weight_decay, ..Sgd::default() };
            Optimizer::Sgd(sgd).validate()
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
