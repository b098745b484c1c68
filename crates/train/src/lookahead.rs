//! A second, slower copy of the weights.

use burn::module::Module;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::InvalidConfig;

use crate::weights::interpolate;

/// The `[lookahead]` of a recipe (Zhang, Lucas, Hinton and Ba, *Lookahead Optimizer: k steps forward, 1 step back*, 2019).
///
/// Every k steps the slow weights φ move towards the fast weights θ, which go on from there: φ ← φ + (1 − d) (θ − φ),
/// θ ← φ. The share d that φ keeps rises over the T steps of training, d = decayᵏ · (t/T)³ (Jordan, 2024): free to move at
/// first, a mean over many steps at last. The slow weights are the result. Running statistics of BatchNorm move along.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lookahead {
    /// k, the steps between two moves; 0 for no slow weights. Default: 0.
    pub every: usize,
    /// The share that is kept in the end, for each step. Default: 0.95.
    pub decay: f64,
}

impl Default for Lookahead {
    fn default() -> Self {
        Self { every: 0, decay: 0.95 }
    }
}

impl Lookahead {
    /// The share that the slow weights keep after `step` (from 1) of `steps`; `None` if they don't move then. After the last
    /// step they keep everything, unless it is their turn.
    fn kept(&self, step: usize, steps: usize) -> Option<f64> {
        if step.is_multiple_of(self.every) {
            return Some(self.decay.powf(self.every as f64) * (step as f64 / steps as f64).powi(3));
        }
        (step == steps).then_some(1.0)
    }

    /// Whether there are slow weights.
    pub(crate) const fn is_on(self) -> bool {
        self.every > 0
    }

    /// Checks that all values are in range.
    ///
    /// # Errors
    /// The first value that is not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        let valid = (0.0..=1.0).contains(&self.decay);
        InvalidConfig::check(valid, "lookahead.decay", self.decay, "0 to 1")
    }
}

/// The slow weights of a model.
#[derive(Debug)]
pub(crate) struct SlowWeights<M> {
    lookahead: Lookahead,
    /// Off autodiff.
    pub(crate) model: M,
}

impl<M: Module> SlowWeights<M> {
    pub(crate) fn new(lookahead: Lookahead, model: &M) -> Self {
        Self { lookahead, model: model.valid() }
    }

    /// What `model` goes on with after `step` (from 1) of `steps`.
    pub(crate) fn follow(&mut self, model: M, step: usize, steps: usize) -> M {
        let Some(kept) = self.lookahead.kept(step, steps) else { return model };
        self.model = interpolate(&self.model, &model, 1.0 - kept);
        self.model.clone().train()
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::BatchNormConfig;
    use burn::tensor::{Device, Tensor};

    use super::*;

    #[test]
    fn the_kept_share_rises() {
        let lookahead = Lookahead { every: 5, decay: 0.95 };
        assert_eq!(lookahead.kept(4, 12), None);
        let share = |step: f64| 0.95f64.powi(5) * (step / 12.0).powi(3);
        assert!((lookahead.kept(5, 12).unwrap() - share(5.0)).abs() < 1e-12);
        assert!((lookahead.kept(10, 12).unwrap() - share(10.0)).abs() < 1e-12);
        assert_eq!(lookahead.kept(12, 12), Some(1.0));
        assert!((lookahead.kept(10, 10).unwrap() - 0.95f64.powi(5)).abs() < 1e-12);
    }

    #[test]
    fn weights_and_statistics_move_and_what_is_not_trained_stays_so() {
        let device = Device::flex();
        let mut norm = BatchNormConfig::new(2).init(&device);
        norm.gamma = norm.gamma.set_require_grad(false);
        let mut slow = SlowWeights::new(Lookahead { every: 2, decay: 0.5 }, &norm);
        norm.beta = norm.beta.map(|beta| beta + 8.0);
        let norm = norm.train();
        norm.running_mean.update(Tensor::full([2], 4.0, &device.clone().autodiff()));
        let id = norm.beta.id;
        let norm = slow.follow(norm, 1, 4);
        let values = |tensor: Tensor<1>| tensor.into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(values(norm.beta.val()), [8.0; 2]);

        // Half-way through, 0.5² · (1/2)³ of the slow weights is kept.
        let norm = slow.follow(norm, 2, 4);
        assert_eq!(values(norm.beta.val()), [8.0 * 31.0 / 32.0; 2]);
        assert_eq!(values(norm.running_mean.value_sync()), [4.0 * 31.0 / 32.0; 2]);
        assert_eq!(values(norm.gamma.val()), [1.0; 2]);
        assert!(norm.beta.is_require_grad() && !norm.gamma.is_require_grad() && norm.beta.id == id);

        // What the fast weights' statistics come to is their own.
        norm.running_mean.update(Tensor::full([2], 100.0, &device.clone().autodiff()));
        let last = slow.follow(norm, 5, 5);
        assert_eq!(values(last.running_mean.value_sync()), [4.0 * 31.0 / 32.0; 2]);
    }

    #[test]
    fn out_of_range() {
        assert!(Lookahead::default().validate().is_ok());
        assert!(Lookahead { every: 1, decay: 1.5 }.validate().is_err());
    }
}
