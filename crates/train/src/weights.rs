//! Means of weights.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// from + share · (to − from), parameter by parameter, off autodiff; what is equal stays as it is. Running statistics
/// of BatchNorm move along.
pub(crate) fn interpolate<M: Module>(from: &M, to: &M, share: f64) -> M {
    let mut flattened = Flattened(Vec::new());
    from.visit(&mut flattened);
    to.valid().map(&mut Move { from: flattened.0.into_iter(), share })
}

/// All parameters of a module, in its order.
struct Flattened(Vec<Tensor<1>>);

impl ModuleVisitor for Flattened {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().flatten(0, D - 1));
    }
}

struct Move {
    from: std::vec::IntoIter<Tensor<1>>,
    share: f64,
}

impl ModuleMapper for Move {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let from = self.from.next().expect("both are of the same model");
        param.map(|to| {
            let from = from.reshape(to.shape());
            from.clone() + (to - from) * self.share
        })
    }
}
