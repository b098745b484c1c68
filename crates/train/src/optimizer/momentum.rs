//! SGD's steps, by our own operation: it is one pass over the parameters rather than one per term.

use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use zoo_kernels::{Descent, descend};

use super::Sgd;

/// [`Sgd`] for Burn's optimizer of modules.
#[derive(Clone)]
pub(super) struct Momentum(Descent);

/// Where a parameter's last step went.
#[derive(Clone)]
pub(super) struct Velocity<const D: usize> {
    velocity: Tensor<D>,
}

/// The name of a velocity in a checkpoint.
const VELOCITY: &str = "velocity";

impl<const D: usize> RecordState for Velocity<D> {
    fn state_flatten(&self, prefix: &str, sink: &mut StateSink) {
        let data = zoo_kernels::read(self.velocity.clone()).expect("the device delivers");
        sink.push_tensor(prefix, VELOCITY, data);
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        let velocity = source.take_tensor(prefix, VELOCITY)?;
        Some(Self { velocity: zoo_kernels::upload(velocity, device) })
    }
}

impl Momentum {
    pub(super) fn new(&Sgd { learning_rate, momentum, nesterov, .. }: &Sgd, weight_decay: f64) -> Self {
        Self(Descent { learning_rate, momentum, nesterov, weight_decay })
    }
}

impl Optimizer for Momentum {
    type State<const D: usize> = Velocity<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameters: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Velocity<D>>,
    ) -> (Tensor<D>, Option<Velocity<D>>) {
        let velocity = state.map_or_else(|| parameters.zeros_like(), |state| state.velocity);
        let descent = Descent { learning_rate, ..self.0 };
        let [parameters, velocity] = descend(descent, parameters, gradient, velocity);
        (parameters, Some(Velocity { velocity }))
    }

    fn to_device<const D: usize>(Velocity { velocity }: Velocity<D>, device: &Device) -> Velocity<D> {
        Velocity { velocity: velocity.to_device(device) }
    }
}
