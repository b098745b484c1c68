//! All weights of a model: means, and how far they move.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

use crate::error::TrainError;
use crate::evaluate::read;
use crate::parameters::{Values, values};

/// from + share · (to − from), parameter by parameter, off autodiff; what is equal stays as it is. Running statistics
/// of BatchNorm move along.
pub(crate) fn interpolate<M: Module>(from: &M, to: &M, share: f64) -> M {
    to.valid().map(&mut Move { from: values(from).into_iter(), share })
}

struct Move {
    from: std::vec::IntoIter<Values>,
    share: f64,
}

impl ModuleMapper for Move {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let from = self.from.next().expect("both are of the same model");
        param.map(|to| {
            let from = from.tensor.reshape(to.shape());
            from.clone() + (to - from) * self.share
        })
    }
}

/// All trained parameters of two or more dimensions, each as one vector, off autodiff.
pub(crate) struct Weights(Vec<Tensor<1>>);

impl Weights {
    /// Those of a model that is in training.
    pub(crate) fn of<M: Module>(model: &M) -> Self {
        let weights = values(model).into_iter().filter(|values| values.rank > 1 && values.is_trained);
        Self(weights.map(|values| values.tensor).collect())
    }

    /// ‖θ′ − θ‖ / ‖θ‖, θ being these weights and θ′ those of `model`; `None` if θ is 0, or there are none.
    ///
    /// # Errors
    /// [`TrainError::Device`] if the device can't deliver.
    pub(crate) fn update_ratio<M: Module>(self, model: &M) -> Result<Option<f64>, TrainError> {
        let updates = self.0.iter().zip(Self::of(model).0).map(|(before, after)| after - before.clone());
        let (moved, size) = (sum_of_squares(updates), sum_of_squares(self.0.iter().cloned()));
        let Some((moved, size)) = moved.zip(size) else { return Ok(None) };
        let ratio = (read(moved)? / read(size)?).sqrt();
        Ok(ratio.is_finite().then_some(ratio))
    }
}

fn sum_of_squares(tensors: impl Iterator<Item = Tensor<1>>) -> Option<Tensor<1>> {
    tensors.map(|tensor| tensor.square().sum()).reduce(|sum, squares| sum + squares)
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn an_update_next_to_the_weights_it_changes() {
        let device = Device::flex();
        let mut linear = LinearConfig::new(2, 2).init(&device);
        let set =
            |values: [[f32; 2]; 2]| move |weight: Tensor<2>| Tensor::from_data(values, &weight.device());
        linear.weight = linear.weight.map(set([[3.0, 0.0], [0.0, 4.0]]));
        let before = linear.clone().train();
        linear.weight = linear.weight.map(set([[3.0, 0.03], [0.04, 4.0]]));
        // Biases don't count.
        linear.bias = linear.bias.map(|bias| bias.map(|values| values + 100.0));
        let after = linear.clone().train();
        let ratio = |before: &_, after: &_| Weights::of(before).update_ratio(after).unwrap();
        assert!((ratio(&before, &after).unwrap() - 0.01).abs() < 1e-6);
        assert_eq!(ratio(&before, &before), Some(0.0));
        linear.weight = linear.weight.map(set([[0.0; 2]; 2]));
        assert_eq!(ratio(&linear.clone().train(), &after), None);
        linear.weight = linear.weight.set_require_grad(false);
        assert_eq!(ratio(&linear.train(), &after), None, "nothing is trained");
    }
}
