//! How gradients become updates.

mod groups;
mod muon;

use burn::module::Module;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, AdamWConfig, LionConfig, ModuleOptimizer, RmsPropConfig, SgdConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::InvalidConfig;

pub use groups::{Group, Groups};
pub use muon::Muon;

use groups::Grouping;

use crate::parameters::Parameter;

/// How a gradient becomes a step, with PyTorch's semantics: momentum isn't dampened, epsilon is 1e-8.
///
/// `weight_decay` λ adds λ θ to the gradient g of each weight, which is the gradient of the textbook's penalty (λ/2) ‖θ‖²; only
/// `adamw` and `lion` take it from the weights directly. Weights are parameters of two or more dimensions; biases and
/// BatchNorm's parameters don't decay, unless `groups` says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Optimizer {
    /// Stochastic gradient descent, with momentum or Nesterov's momentum if asked for.
    Sgd(Sgd),
    /// Steps over the root of the squared gradient's mean.
    RmsProp(RmsProp),
    /// Momentum and RMSProp together.
    Adam(Adam),
    /// Adam with decoupled weight decay.
    AdamW(Adam),
    /// Steps by the sign of a mean.
    Lion(Lion),
    /// Orthogonal steps for filters, SGD for the rest.
    Muon(Muon),
}

/// v ← μ v + g; θ ← θ − η v, or θ − η (g + μ v) with Nesterov's look ahead (Polyak, 1964; Sutskever et al., 2013).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Parameters that are treated in a way of their own.
    #[serde(skip_serializing_if = "Groups::is_empty")]
    pub groups: Groups,
}

/// s ← α s + (1 − α) g²; v ← μ v + g / (√s + ε); θ ← θ − η v (Tieleman and Hinton, 2012).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RmsProp {
    /// η, the largest that the schedule reaches. Default: 0.001.
    pub learning_rate: f64,
    /// α, the decay of the squared gradient's mean. Default: 0.99.
    pub alpha: f64,
    /// Keeps the quotient finite. Default: 1e-8.
    pub epsilon: f64,
    /// μ. Default: 0.
    pub momentum: f64,
    /// λ. Default: 0.
    pub weight_decay: f64,
    /// Parameters that are treated in a way of their own.
    #[serde(skip_serializing_if = "Groups::is_empty")]
    pub groups: Groups,
}

/// m ← β₁ m + (1 − β₁) g; s ← β₂ s + (1 − β₂) g²; θ ← θ − η m̂ / (√ŝ + ε), m̂ and ŝ being m / (1 − β₁ᵗ) and s / (1 − β₂ᵗ)
/// (Kingma and Ba, 2015). With `adamw` the decay is not part of g: θ ← θ − η λ θ (Loshchilov and Hutter, 2019).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// η, the largest that the schedule reaches. Default: 0.001.
    pub learning_rate: f64,
    /// β₁, the decay of the gradient's mean. Default: 0.9.
    pub beta_1: f64,
    /// β₂, the decay of the squared gradient's mean. Default: 0.999.
    pub beta_2: f64,
    /// Keeps the quotient finite. Default: 1e-8.
    pub epsilon: f64,
    /// λ. Default: 0.
    pub weight_decay: f64,
    /// Parameters that are treated in a way of their own.
    #[serde(skip_serializing_if = "Groups::is_empty")]
    pub groups: Groups,
}

/// θ ← θ − η sign(β₁ m + (1 − β₁) g) − η λ θ; m ← β₂ m + (1 − β₂) g (Chen et al., *Symbolic Discovery of Optimization Algorithms*, 2023).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lion {
    /// η, the largest that the schedule reaches: every step is as long. Default: 0.0001.
    pub learning_rate: f64,
    /// β₁, the share of the mean in a step. Default: 0.9.
    pub beta_1: f64,
    /// β₂, the decay of the gradient's mean. Default: 0.99.
    pub beta_2: f64,
    /// λ. Default: 0.
    pub weight_decay: f64,
    /// Parameters that are treated in a way of their own.
    #[serde(skip_serializing_if = "Groups::is_empty")]
    pub groups: Groups,
}

impl Default for Lion {
    fn default() -> Self {
        Self { learning_rate: 1e-4, beta_1: 0.9, beta_2: 0.99, weight_decay: 0.0, groups: Groups::new() }
    }
}

impl Default for Sgd {
    fn default() -> Self {
        Self { learning_rate: 0.01, momentum: 0.0, nesterov: false, weight_decay: 0.0, groups: Groups::new() }
    }
}

impl Default for RmsProp {
    fn default() -> Self {
        Self {
            learning_rate: 0.001,
            alpha: 0.99,
            epsilon: 1e-8,
            momentum: 0.0,
            weight_decay: 0.0,
            groups: Groups::new(),
        }
    }
}

impl Default for Adam {
    fn default() -> Self {
        Self {
            learning_rate: 0.001,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            groups: Groups::new(),
        }
    }
}

impl Optimizer {
    /// η, the largest that the schedule reaches.
    #[must_use]
    pub const fn learning_rate(&self) -> f64 {
        match self {
            Self::Sgd(sgd) => sgd.learning_rate,
            Self::RmsProp(rms_prop) => rms_prop.learning_rate,
            Self::Adam(adam) | Self::AdamW(adam) => adam.learning_rate,
            Self::Lion(lion) => lion.learning_rate,
            Self::Muon(muon) => muon.learning_rate,
        }
    }

    /// λ; of `muon` that of everything but filters.
    const fn weight_decay(&self) -> f64 {
        match self {
            Self::Sgd(sgd) | Self::Muon(Muon { others: sgd, .. }) => sgd.weight_decay,
            Self::RmsProp(rms_prop) => rms_prop.weight_decay,
            Self::Adam(adam) | Self::AdamW(adam) => adam.weight_decay,
            Self::Lion(lion) => lion.weight_decay,
        }
    }

    /// The groups of parameters that it treats in ways of their own.
    pub(crate) const fn groups(&self) -> &Groups {
        match self {
            Self::Sgd(sgd) | Self::Muon(Muon { others: sgd, .. }) => &sgd.groups,
            Self::RmsProp(rms_prop) => &rms_prop.groups,
            Self::Adam(adam) | Self::AdamW(adam) => &adam.groups,
            Self::Lion(lion) => &lion.groups,
        }
    }

    /// λ of the penalty (λ/2) ‖θ‖² whose gradient a step adds to that of the loss: 0 for what doesn't decay, and for `adamw` and `lion`, whose
    /// decay is not a penalty.
    pub(crate) fn penalty(&self, parameter: &Parameter) -> f64 {
        let (_, decay) = parameter.treatment(self.weight_decay(), self.groups());
        let is_filter = matches!(self, Self::Muon(_)) && Muon::steps(parameter);
        if self.has_penalty() && !is_filter { decay } else { 0.0 }
    }

    /// Whether it descends a penalty as well, if λ is above 0.
    pub(crate) const fn has_penalty(&self) -> bool {
        match self {
            Self::Sgd(_) | Self::RmsProp(_) | Self::Adam(_) | Self::Muon(_) => true,
            Self::AdamW(_) | Self::Lion(_) => false,
        }
    }

    /// The same with λ = `decay` for weights and 0 for everything else.
    pub(crate) fn with_weight_decay(mut self, decay: f64) -> Self {
        let (weight_decay, groups) = match &mut self {
            Self::Sgd(Sgd { weight_decay, groups, .. })
            | Self::Muon(Muon { others: Sgd { weight_decay, groups, .. }, .. })
            | Self::Lion(Lion { weight_decay, groups, .. })
            | Self::RmsProp(RmsProp { weight_decay, groups, .. })
            | Self::Adam(Adam { weight_decay, groups, .. })
            | Self::AdamW(Adam { weight_decay, groups, .. }) => (weight_decay, groups),
        };
        *weight_decay = decay;
        for group in groups.values_mut() {
            group.weight_decay = None;
        }
        self
    }

    /// Makes Burn's optimizer for `model`.
    ///
    /// # Errors
    /// If a group names no parameter of the model, or the optimizer is for filters and the model has none.
    pub fn init<M: Module>(&self, model: &M) -> Result<ModuleOptimizer, InvalidConfig> {
        let grouping = Grouping { weight_decay: self.weight_decay(), scale: 1.0, groups: self.groups() };
        match self {
            Self::Sgd(sgd) => grouping.optimizer(model, |decay| sgd.build(decay)),
            Self::RmsProp(rms_prop) => grouping.optimizer(model, |decay| rms_prop.build(decay)),
            Self::Adam(adam) => grouping.optimizer(model, |decay| adam.build(decay)),
            Self::AdamW(adam) => grouping.optimizer(model, |decay| adam.build_decoupled(decay)),
            Self::Lion(lion) => grouping.optimizer(model, |decay| lion.build(decay)),
            Self::Muon(muon) => muon.init(model),
        }
    }

    /// Checks that all values are in range.
    ///
    /// # Errors
    /// The first value that is not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let share = |key: &str, value| InvalidConfig::share(&format!("optimizer.{key}"), value);
        let positive = |key: &str, value| InvalidConfig::positive(&format!("optimizer.{key}"), value);
        let decay = |key: &str, value| InvalidConfig::not_negative(&format!("optimizer.{key}"), value);
        positive("learning_rate", self.learning_rate())?;
        decay("weight_decay", self.weight_decay())?;
        for (name, group) in self.groups() {
            positive(&format!("groups.{name}.learning_rate_scale"), group.learning_rate_scale)?;
            decay(&format!("groups.{name}.weight_decay"), group.weight_decay.unwrap_or(0.0))?;
        }
        match *self {
            Self::Sgd(ref sgd) => sgd.validate("optimizer"),
            Self::Muon(ref muon) => muon.validate(),
            Self::Lion(Lion { beta_1, beta_2, .. }) => {
                share("beta_1", beta_1)?;
                share("beta_2", beta_2)
            }
            Self::RmsProp(RmsProp { alpha, epsilon, momentum, .. }) => {
                share("alpha", alpha)?;
                positive("epsilon", (epsilon as f32).into())?;
                share("momentum", momentum)
            }
            Self::Adam(Adam { beta_1, beta_2, epsilon, .. })
            | Self::AdamW(Adam { beta_1, beta_2, epsilon, .. }) => {
                share("beta_1", beta_1)?;
                share("beta_2", beta_2)?;
                positive("epsilon", (epsilon as f32).into())
            }
        }
    }
}

impl Sgd {
    /// Checks what is of momentum, in the table `place` of a recipe.
    fn validate(&self, place: &str) -> Result<(), InvalidConfig> {
        let key = format!("{place}.momentum");
        InvalidConfig::share(&key, self.momentum)?;
        let valid = !self.nesterov || self.momentum > 0.0;
        InvalidConfig::check(valid, &key, self.momentum, "above 0 with nesterov = true")
    }

    // ANCHOR: sgd
    fn build(&self, decay: f64) -> burn::optim::Sgd {
        let momentum = MomentumConfig::new()
            .with_momentum(self.momentum)
            .with_dampening(0.0)
            .with_nesterov(self.nesterov);
        SgdConfig::new().with_momentum(Some(momentum)).with_weight_decay(penalty(decay)).build()
    }
    // ANCHOR_END: sgd
}

impl RmsProp {
    fn build(&self, decay: f64) -> burn::optim::RmsProp {
        RmsPropConfig::new()
            .with_alpha(self.alpha as f32)
            .with_epsilon(self.epsilon as f32)
            .with_momentum(self.momentum as f32)
            .with_weight_decay(penalty(decay))
            .build()
    }
}

impl Adam {
    fn build(&self, decay: f64) -> burn::optim::Adam {
        AdamConfig::new()
            .with_beta_1(self.beta_1 as f32)
            .with_beta_2(self.beta_2 as f32)
            .with_epsilon(self.epsilon as f32)
            .with_weight_decay(penalty(decay))
            .build()
    }

    fn build_decoupled(&self, decay: f64) -> burn::optim::AdamW {
        AdamWConfig::new()
            .with_beta_1(self.beta_1 as f32)
            .with_beta_2(self.beta_2 as f32)
            .with_epsilon(self.epsilon as f32)
            .with_weight_decay(decay as f32)
            .build()
    }
}

impl Lion {
    fn build(&self, decay: f64) -> burn::optim::Lion {
        LionConfig::new()
            .with_beta_1(self.beta_1 as f32)
            .with_beta_2(self.beta_2 as f32)
            .with_weight_decay(decay as f32)
            .build()
    }
}

fn penalty(decay: f64) -> Option<WeightDecayConfig> {
    (decay > 0.0).then(|| WeightDecayConfig::new(decay as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(Optimizer::RmsProp(RmsProp { alpha: 1.0, ..RmsProp::default() }).validate().is_err());
        assert!(Optimizer::AdamW(Adam { epsilon: 0.0, ..Adam::default() }).validate().is_err());
        let group = Group { learning_rate_scale: 0.0, weight_decay: None };
        let groups = Groups::from([("biases".to_string(), group)]);
        let error = Optimizer::Sgd(Sgd { groups, ..Sgd::default() }).validate().unwrap_err();
        assert_eq!(error.key, "optimizer.groups.biases.learning_rate_scale");
    }
}
