//! Muon for the filters of convolutions.

use burn::module::{Module, ParamGroup, ParamId};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{LearningRate, ModuleOptimizer, MuonConfig, MuonState, Optimizer};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::InvalidConfig;

use super::Sgd;
use super::groups::{Grouping, member};
use super::momentum::Momentum;
use crate::parameters::{Parameter, Parameters, sum};

/// Each filter bank F is a matrix `[channels out, channels in · height · width]`, whose step is made orthogonal: v ← μ v + g;
/// F ← F √(channels out) / ‖F‖ − η O(g + μ v), O bringing all singular values near 1 by `iterations` steps of Newton and Schulz (Jordan et al.,
/// *Muon: An optimizer for hidden layers in neural networks*, 2024). `others` steps everything else.
///
/// Filters keep their norm, so they need no weight decay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Muon {
    /// η of filters, the largest that the schedule reaches. Default: 0.24.
    pub learning_rate: f64,
    /// μ of filters. Default: 0.6.
    pub momentum: f64,
    /// Steps of Newton and Schulz. Default: 3.
    pub iterations: usize,
    /// SGD for everything but filters, with a learning rate of its own, which the schedule scales as well.
    pub others: Sgd,
}

impl Default for Muon {
    fn default() -> Self {
        Self { learning_rate: 0.24, momentum: 0.6, iterations: 3, others: Sgd::default() }
    }
}

impl Muon {
    pub(super) fn validate(&self) -> Result<(), InvalidConfig> {
        let Self { learning_rate: _, momentum, iterations, others } = self;
        InvalidConfig::positive("optimizer.others.learning_rate", others.learning_rate)?;
        others.validate("optimizer.others")?;
        InvalidConfig::share("optimizer.momentum", *momentum)?;
        let valid = (1..=20).contains(iterations);
        InvalidConfig::check(valid, "optimizer.iterations", iterations, "1 to 20")
    }

    /// Whether a parameter is a filter.
    pub(super) fn steps(parameter: &Parameter) -> bool {
        parameter.shape.len() == 4
    }

    /// Makes Burn's optimizer for `model`.
    pub(super) fn init<M: Module>(&self, model: &M) -> Result<ModuleOptimizer, InvalidConfig> {
        let filters = Parameters::of(model).0.into_iter().filter(Self::steps);
        let filters: Vec<ParamId> = filters.map(|parameter| parameter.id).collect();
        let expected = "another optimizer, for a model without convolutions";
        InvalidConfig::check(!filters.is_empty(), "optimizer.kind", "muon", expected)?;
        let Self { others, learning_rate, .. } = self;
        let grouping = Grouping {
            weight_decay: others.weight_decay,
            scale: others.learning_rate / learning_rate,
            groups: &others.groups,
        };
        let optimizer = grouping.optimizer(model, |decay| Momentum::new(others, decay))?;
        Ok(optimizer.with_group(ParamGroup::from_ids(filters), member(model, self.build(), 1.0), None))
    }

    fn build(&self) -> Filters {
        let momentum =
            MomentumConfig::new().with_momentum(self.momentum).with_dampening(0.0).with_nesterov(true);
        Filters(MuonConfig::new().with_momentum(momentum).with_ns_steps(self.iterations).build())
    }
}

/// Burn's Muon, which is for matrices, on filters.
#[derive(Clone)]
struct Filters(burn::optim::Muon);

impl Optimizer for Filters {
    type State<const D: usize> = MuonState<2>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        filters: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<MuonState<2>>,
    ) -> (Tensor<D>, Option<MuonState<2>>) {
        let shape = filters.shape();
        let outputs = shape[0];
        let matrix = |values: Tensor<D>| values.reshape([outputs as i32, -1]);
        let (filters, gradient): (Tensor<2>, Tensor<2>) = (matrix(filters), matrix(gradient));
        let norm = sum(filters.clone().square()).sqrt().clamp_min(1e-12);
        let filters = filters * ((outputs as f64).sqrt() / norm).unsqueeze();
        // Burn's step is longer for matrices that are higher than wide; this one is not.
        let [rows, columns] = filters.dims();
        let learning_rate = learning_rate / (rows as f64 / columns as f64).max(1.0).sqrt();
        let (filters, state) = self.0.step(learning_rate, filters, gradient, state);
        (filters.reshape(shape), state)
    }

    fn to_device<const D: usize>(state: MuonState<2>, device: &Device) -> MuonState<2> {
        burn::optim::Muon::to_device::<2>(state, device)
    }
}
