//! How large a model is.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// The number of values of `model` that training changes: all of its parameters except those that are not trained, such as
/// the statistics of a normalization.
///
/// Looks at each parameter in the order of the module, and so draws the values of those that have not been looked at yet.
#[must_use]
pub fn parameters<M: Module>(model: &M) -> usize {
    let mut count = Count(0);
    model.visit(&mut count);
    count.0
}

struct Count(usize);

impl ModuleVisitor for Count {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        if param.clone().train().is_require_grad() {
            self.0 += value.shape().num_elements();
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{BatchNormConfig, LinearConfig};
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn what_is_not_trained_does_not_count() {
        let device = Device::flex();
        assert_eq!(parameters(&LinearConfig::new(3, 4).init(&device)), 3 * 4 + 4);
        // γ and β of two channels; the running mean and variance are not trained.
        let norm = BatchNormConfig::new(2).init(&device);
        assert_eq!(parameters(&norm), 4);
        assert_eq!(parameters(&norm.train()), 4);
    }
}
