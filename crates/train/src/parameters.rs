//! The trained parameters of a module: names, kinds, shapes.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

/// Parameters of two or more dimensions.
pub(crate) const WEIGHTS: &str = "weights";
/// All other parameters.
pub(crate) const BIASES: &str = "biases";
/// γ of BatchNorm.
pub(crate) const NORM_SCALES: &str = "norm_scales";
/// β of BatchNorm.
pub(crate) const NORM_BIASES: &str = "norm_biases";
/// The kinds of parameters.
pub(crate) const KINDS: [&str; 4] = [WEIGHTS, BIASES, NORM_SCALES, NORM_BIASES];

/// A trained parameter.
pub(crate) struct Parameter {
    pub(crate) id: ParamId,
    /// As `model.safetensors` names it.
    pub(crate) name: String,
    /// One of [`KINDS`].
    pub(crate) kind: &'static str,
    /// As Burn has it.
    pub(crate) shape: Vec<usize>,
    /// Whether `model.safetensors` has it transposed: the weight of a linear layer.
    is_transposed: bool,
}

impl Parameter {
    /// Its value number `position` as PyTorch would write it, `linear.weight[3, 17]`.
    pub(crate) fn value_name(&self, position: usize) -> String {
        let mut rest = position;
        let mut index: Vec<usize> = Vec::new();
        for &size in self.shape.iter().rev() {
            index.push(rest % size);
            rest /= size;
        }
        if !self.is_transposed {
            index.reverse();
        }
        let index: Vec<String> = index.iter().map(ToString::to_string).collect();
        format!("{}[{}]", self.name, index.join(", "))
    }
}

/// The trained parameters of a module, in its order.
pub(crate) struct Parameters(pub(crate) Vec<Parameter>);

impl Parameters {
    /// Those of a module that is in training.
    pub(crate) fn of<M: Module>(model: &M) -> Self {
        let mut walk = Walk { found: Vec::new(), path: Vec::new() };
        model.visit(&mut walk);
        Self(walk.found)
    }
}

/// Goes through a module.
struct Walk {
    found: Vec<Parameter>,
    /// Names, and types of what they are in, from the model down to where the visitor is.
    path: Vec<(String, String)>,
}

impl Walk {
    /// The name in `model.safetensors`: variants of enums have none there, and BatchNorm's γ and β are weight and bias.
    fn name(&self) -> String {
        let parts = self.path.iter().filter(|(_, within)| !within.starts_with("Enum:"));
        let named = parts.map(|(name, within)| match (within.as_str(), name.as_str()) {
            ("Struct:BatchNorm", "gamma") => "weight",
            ("Struct:BatchNorm", "beta") => "bias",
            (_, name) => name,
        });
        named.collect::<Vec<_>>().join(".")
    }

    fn kind(&self, rank: usize) -> &'static str {
        let (name, within) = self.path.last().map_or(("", ""), |(name, within)| (name, within));
        match (within, name, rank) {
            (_, _, 2..) => WEIGHTS,
            ("Struct:BatchNorm", "gamma", _) => NORM_SCALES,
            ("Struct:BatchNorm", "beta", _) => NORM_BIASES,
            _ => BIASES,
        }
    }
}

impl ModuleVisitor for Walk {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.push((name.into(), container_type.into()));
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.is_require_grad() {
            let is_transposed =
                D == 2 && self.path.last().is_some_and(|(_, within)| within == "Struct:Linear");
            let (name, kind, shape) = (self.name(), self.kind(D), param.lazy_shape().to_vec());
            self.found.push(Parameter { id: param.id, name, kind, shape, is_transposed });
        }
    }
}

/// A floating-point parameter of a module as a vector.
pub(crate) struct Values {
    /// Its values in the order of its shape, off autodiff.
    pub(crate) tensor: Tensor<1>,
    /// How many dimensions the parameter has.
    pub(crate) rank: usize,
    /// Whether it is trained; known of a module in training.
    pub(crate) is_trained: bool,
}

/// Σ of all values, added up in an order that only their number decides: Burn adds millions of them in an order that depends on threads.
pub(crate) fn sum<const D: usize>(values: Tensor<D>) -> Tensor<1> {
    const PART: usize = 1 << 20;
    let count = values.shape().num_elements();
    let parts = values.reshape([count]).split(PART, 0).into_iter().map(Tensor::sum);
    parts.reduce(|sum, part| sum + part).expect("a tensor has values")
}

/// All floating-point parameters of `model`, in its order; those that are not trained, such as BatchNorm's running statistics,
/// too.
pub(crate) fn values<M: Module>(model: &M) -> Vec<Values> {
    struct Flatten(Vec<Values>);
    impl ModuleVisitor for Flatten {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val().without_autodiff().flatten(0, D - 1);
            self.0.push(Values { tensor, rank: D, is_trained: param.is_require_grad() });
        }
    }
    let mut flatten = Flatten(Vec::new());
    model.visit(&mut flatten);
    flatten.0
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;
    use burn::nn::conv::Conv2dConfig;
    use burn::tensor::Device;

    use super::*;

    /// With one thread and with three, of more values than Burn adds up in parallel.
    #[test]
    fn sums_do_not_depend_on_threads() {
        let values: Vec<f32> = (0..5 << 20).map(|at| (at as f32 * 0.37).sin()).collect();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let values = values.clone();
            pool.install(|| {
                let tensor = Tensor::<1>::from_data(values.as_slice(), &Device::flex());
                sum(tensor).into_scalar::<f32>().to_bits()
            })
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn values_are_named_as_in_pytorch() {
        let device = Device::flex();
        let linear = Parameters::of(&LinearConfig::new(4, 3).init(&device).train());
        // Burn has it as [inputs, outputs].
        assert_eq!(linear.0[0].value_name(5), "weight[2, 1]");
        assert_eq!(linear.0[1].value_name(2), "bias[2]");
        let convolution = Parameters::of(&Conv2dConfig::new([2, 5], [3, 3]).init(&device).train());
        assert_eq!(convolution.0[0].value_name(2 * 18 + 9 + 3 + 1), "weight[2, 1, 1, 1]");
    }
}
