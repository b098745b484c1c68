//! All weights of a model: means, and how far they move.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};

use crate::parameters::{Values, sum, values};

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

    /// ‖θ′ − θ‖² and ‖θ‖², `[2]` on `device`, θ being these weights and θ′ those of `model`; 0 if there are none.
    pub(crate) fn update<M: Module>(self, model: &M, device: &Device) -> Tensor<1> {
        let updates = self.0.iter().zip(Self::of(model).0).map(|(before, after)| after - before.clone());
        let sums = [sum_of_squares(updates), sum_of_squares(self.0.iter().cloned())];
        Tensor::cat(sums.map(|sum| sum.unwrap_or_else(|| Tensor::zeros([1], device))).into(), 0)
    }
}

/// ‖θ′ − θ‖ / ‖θ‖ of the squares that [`Weights::update`] gives; `None` if θ is 0, or there are none.
pub(crate) fn update_ratio(moved: f64, size: f64) -> Option<f64> {
    let ratio = (moved / size).sqrt();
    ratio.is_finite().then_some(ratio)
}

/// Σ |θ| over all parameters of `model`, `[1]` on `device`: a finite number if each of them is.
pub(crate) fn magnitude<M: Module>(model: &M, device: &Device) -> Tensor<1> {
    let sums = values(model).into_iter().map(|values| sum(values.tensor.abs()));
    sums.reduce(|all, more| all + more).unwrap_or_else(|| Tensor::zeros([1], device))
}

fn sum_of_squares(tensors: impl Iterator<Item = Tensor<1>>) -> Option<Tensor<1>> {
    tensors.map(|tensor| sum(tensor.square())).reduce(|all, squares| all + squares)
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;

    use super::*;
    use crate::evaluate::read_all;

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
        let ratio = |before: &_, after: &_| {
            let squares = read_all(Weights::of(before).update(after, &device)).unwrap();
            update_ratio(squares[0], squares[1])
        };
        assert!((ratio(&before, &after).unwrap() - 0.01).abs() < 1e-6);
        assert_eq!(ratio(&before, &before), Some(0.0));
        linear.weight = linear.weight.map(set([[0.0; 2]; 2]));
        assert_eq!(ratio(&linear.clone().train(), &after), None);
        linear.weight = linear.weight.set_require_grad(false);
        assert_eq!(ratio(&linear.train(), &after), None, "nothing is trained");
    }
}
