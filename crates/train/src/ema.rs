//! A mean of the weights over the last steps.

use burn::module::Module;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::InvalidConfig;

use crate::weights::interpolate;

/// The `[ema]` of a recipe: an exponential moving average θ̄ of the weights θ (Polyak and Juditsky, 1992; Szegedy et al., 2016).
///
/// After step t: θ̄ ← d θ̄ + (1 − d) θ, d being the smaller of `decay` and (1 + t) / (10 + t), so that the first weights are soon
/// forgotten. Training goes on from θ as if there were no average, which smooths what its last steps do by chance. Running
/// statistics of BatchNorm are averaged, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ema {
    /// d, 0.99 for instance; 0 for no average. Default: 0.
    pub decay: f64,
}

impl Ema {
    /// Whether there is an average.
    pub(crate) fn is_on(self) -> bool {
        self.decay > 0.0
    }

    /// Checks that all values are in range.
    ///
    /// # Errors
    /// The first value that is not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        InvalidConfig::share("ema.decay", self.decay)
    }

    /// d after `step` (from 1).
    fn decay(self, step: usize) -> f64 {
        let step = step as f64;
        self.decay.min((1.0 + step) / (10.0 + step))
    }

    /// The average after `step` (from 1), when `average` was the one before and the step led to `model`.
    pub(crate) fn follow<M: Module>(self, average: &M, model: &M, step: usize) -> M {
        interpolate(average, model, 1.0 - self.decay(step))
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::BatchNormConfig;
    use burn::tensor::{Device, Tensor};

    use super::*;

    #[test]
    fn the_decay_rises() {
        let ema = Ema { decay: 0.5 };
        assert_eq!(ema.decay(1), 2.0 / 11.0);
        assert_eq!((ema.decay(8), ema.decay(9), ema.decay(1000)), (0.5, 0.5, 0.5));
    }

    #[test]
    fn weights_and_statistics_are_averaged() {
        let device = Device::flex();
        let first = BatchNormConfig::new(2).init(&device);
        let mut later = first.clone().train();
        later.beta = later.beta.map(|beta| beta + 11.0);
        later.running_mean.update(Tensor::full([2], 22.0, &device.clone().autodiff()));
        let average = Ema { decay: 0.99 }.follow(&first, &later, 1);
        let values = |tensor: Tensor<1>| tensor.into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(values(average.beta.val()), [9.0; 2]);
        assert_eq!(values(average.running_mean.value_sync()), [18.0; 2]);
        assert_eq!(values(later.beta.val().inner()), [11.0; 2]);
    }

    #[test]
    fn out_of_range() {
        assert!(Ema::default().validate().is_ok());
        assert_eq!(Ema { decay: 1.0 }.validate().unwrap_err().key, "ema.decay");
    }
}
