//! Parameters that an optimizer treats in ways of their own.

use std::collections::BTreeMap;

use burn::module::{Module, ParamGroup, ParamId};
use burn::optim::{DynOptimizer, DynState, ModuleOptimizer, StateSink, StateSource};
use burn::tensor::Device;
use burn::tensor::kind::BridgeTensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::InvalidConfig;

use crate::parameters::{KINDS, Parameter, Parameters, WEIGHTS};

/// What is different for a group of parameters.
///
/// A group is named by the kind of its parameters (`weights`: of two or more dimensions; `norm_scales` and `norm_biases`: γ and β of
/// BatchNorm; `biases`: all others), or by what their names in `model.safetensors` begin with (`linear`, `blocks.0`). Where several
/// groups have a parameter, names count more than kinds, and longer names more than shorter ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Group {
    /// How many times larger the learning rate is than that of the others. Default: 1.
    pub learning_rate_scale: f64,
    /// λ. Default: that of the optimizer for weights, 0 for everything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
}

impl Default for Group {
    fn default() -> Self {
        Self { learning_rate_scale: 1.0, weight_decay: None }
    }
}

/// Groups of parameters by name: see [`Group`].
pub type Groups = BTreeMap<String, Group>;

/// How an optimizer treats the parameters of a model.
pub(super) struct Grouping<'a> {
    pub(super) weight_decay: f64,
    /// How many times larger the learning rate is than the one that a step is given, without groups.
    pub(super) scale: f64,
    pub(super) groups: &'a Groups,
}

impl Grouping<'_> {
    /// The optimizer that `build` makes of a weight decay, one for each way that parameters are treated in.
    ///
    /// # Errors
    /// If a group names no parameter of the model.
    pub(super) fn optimizer<M: Module, O: burn::optim::Optimizer>(
        &self,
        model: &M,
        build: impl Fn(f64) -> O,
    ) -> Result<ModuleOptimizer, InvalidConfig> {
        let parameters = Parameters::of(model);
        for name in self.groups.keys() {
            let known = KINDS.contains(&name.as_str()) || parameters.0.iter().any(|known| known.is_in(name));
            let expected = format!("{}, or the beginning of a parameter's name", KINDS.join(", "));
            InvalidConfig::check(known, "optimizer.groups", name, &expected)?;
        }
        let member = |decay, scale| member(model, build(decay), scale);
        let mut optimizer =
            ModuleOptimizer::from(build(0.0)).with_group(ParamGroup::all(), member(0.0, self.scale), None);
        for ((scale, decay), ids) in parameters.by_treatment(self.weight_decay, self.groups) {
            let member = member(decay, self.scale * scale);
            optimizer = optimizer.with_group(ParamGroup::from_ids(ids), member, None);
        }
        Ok(optimizer)
    }
}

/// An optimizer of some of the parameters of `model`, at a learning rate that is `scale` times larger.
pub(super) fn member<M: Module, O: burn::optim::Optimizer>(
    model: &M,
    optimizer: O,
    scale: f64,
) -> GroupOptimizer<O> {
    let device = model.devices().into_iter().next().map(Device::inner).unwrap_or_default();
    GroupOptimizer { optimizer, scale, device }
}

/// The optimizer of a group of parameters.
///
/// It reads its state back onto a device of ours. Burn itself would take the default device, which is a GPU wherever one is
/// compiled in, and panics where none answers.
#[derive(Clone)]
pub(super) struct GroupOptimizer<O> {
    optimizer: O,
    /// How many times larger the learning rate is than that of the others.
    scale: f64,
    device: Device,
}

impl<O: DynOptimizer> DynOptimizer for GroupOptimizer<O> {
    fn step_dyn(
        &self,
        rank: usize,
        learning_rate: f64,
        tensor: BridgeTensor,
        gradient: BridgeTensor,
        state: Option<DynState>,
    ) -> (BridgeTensor, Option<DynState>) {
        self.optimizer.step_dyn(rank, learning_rate * self.scale, tensor, gradient, state)
    }

    fn to_device_dyn(&self, state: DynState, device: &Device) -> DynState {
        self.optimizer.to_device_dyn(state, device)
    }

    fn state_flatten(&self, prefix: &str, state: &DynState, out: &mut StateSink) {
        self.optimizer.state_flatten(prefix, state, out);
    }

    fn state_unflatten(
        &self,
        rank: usize,
        prefix: &str,
        source: &mut StateSource,
        _default: &Device,
    ) -> Option<DynState> {
        self.optimizer.state_unflatten(rank, prefix, source, &self.device)
    }
}

impl Parameter {
    /// Whether its name begins with `prefix`, the name of a module or its own.
    fn is_in(&self, prefix: &str) -> bool {
        self.name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// How many times larger its learning rate is, and its weight decay.
    pub(super) fn treatment(&self, weight_decay: f64, groups: &Groups) -> (f64, f64) {
        let mut mine: Vec<_> = groups.iter().filter(|(name, _)| self.is_in(name)).collect();
        mine.sort_by_key(|(name, _)| name.len());
        let group = mine.last().map(|(_, group)| **group);
        let group = group.or_else(|| groups.get(self.kind).copied()).unwrap_or_default();
        let decay = if self.kind == WEIGHTS { weight_decay } else { 0.0 };
        (group.learning_rate_scale, group.weight_decay.unwrap_or(decay))
    }
}

impl Parameters {
    /// The ids of parameters that are treated alike, in the order in which the first of each is in the module.
    fn by_treatment(&self, weight_decay: f64, groups: &Groups) -> Vec<((f64, f64), Vec<ParamId>)> {
        let mut found: Vec<((f64, f64), Vec<ParamId>)> = Vec::new();
        for parameter in &self.0 {
            let treatment = parameter.treatment(weight_decay, groups);
            match found.iter_mut().find(|(other, _)| *other == treatment) {
                Some((_, ids)) => ids.push(parameter.id),
                None => found.push((treatment, vec![parameter.id])),
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
    use burn::optim::GradientsParams;
    use burn::tensor::Tensor;

    use super::super::momentum::Momentum;
    use super::*;
    use crate::parameters::{NORM_BIASES, NORM_SCALES};

    #[derive(Module, Debug)]
    struct Tiny {
        layers: Vec<Layer>,
        last: Kind,
    }

    #[derive(Module, Debug)]
    struct Layer {
        linear: Linear,
        norm: BatchNorm,
    }

    #[derive(Module, Debug)]
    enum Kind {
        Plain(Head),
    }

    #[derive(Module, Debug)]
    struct Head {
        linear: Linear,
    }

    fn tiny() -> Tiny {
        let device = Device::flex();
        let linear = || LinearConfig::new(2, 2).init(&device);
        let layer = || Layer { linear: linear(), norm: BatchNormConfig::new(2).init(&device) };
        let last = Kind::Plain(Head { linear: linear() });
        Tiny { layers: vec![layer(), layer()], last }.train()
    }

    fn treatments(groups: &[(&str, f64, Option<f64>)]) -> Vec<(String, f64, f64)> {
        let group = |&(name, learning_rate_scale, weight_decay): &(&str, f64, Option<f64>)| {
            (name.to_string(), Group { learning_rate_scale, weight_decay })
        };
        let groups: Groups = groups.iter().map(group).collect();
        let treat = |parameter: &Parameter| {
            let (scale, decay) = parameter.treatment(0.1, &groups);
            (parameter.name.clone(), scale, decay)
        };
        Parameters::of(&tiny()).0.iter().map(treat).collect()
    }

    #[test]
    fn weights_alone_decay_unless_told_otherwise() {
        let found = treatments(&[]);
        let names: Vec<&str> = found.iter().map(|(name, ..)| name.as_str()).collect();
        let layer = ["linear.weight", "linear.bias", "norm.weight", "norm.bias"];
        let expected: Vec<String> =
            (0..2).flat_map(|at| layer.map(|name| format!("layers.{at}.{name}"))).collect();
        assert_eq!(names[..8], expected);
        assert_eq!(names[8..], ["last.linear.weight", "last.linear.bias"]);
        assert!(found.iter().all(|(name, scale, decay)| {
            *scale == 1.0 && (*decay == 0.1) == name.ends_with("linear.weight")
        }));
    }

    #[test]
    fn names_count_more_than_kinds_and_longer_ones_more() {
        let groups =
            [("norm_biases", 64.0, Some(0.01)), ("layers.1", 2.0, None), ("layers.1.norm", 3.0, Some(0.5))];
        for (name, scale, decay) in treatments(&groups) {
            let expected = match name.as_str() {
                "layers.0.norm.bias" => (64.0, 0.01),
                "layers.1.norm.weight" | "layers.1.norm.bias" => (3.0, 0.5),
                "layers.1.linear.weight" => (2.0, 0.1),
                "layers.1.linear.bias" => (2.0, 0.0),
                name if name.ends_with("linear.weight") => (1.0, 0.1),
                _ => (1.0, 0.0),
            };
            assert_eq!((scale, decay), expected, "{name}");
        }
    }

    #[test]
    fn a_group_learns_at_a_scale_of_its_own() {
        let mut model = BatchNormConfig::new(1).init(&Device::flex());
        model.beta = model.beta.map(|beta| beta + 2.0);
        let model = model.train();
        let group = |learning_rate_scale, decay| Group { learning_rate_scale, weight_decay: Some(decay) };
        let groups = Groups::from([
            (NORM_BIASES.to_string(), group(64.0, 0.125)),
            (NORM_SCALES.to_string(), group(1.0, 0.5)),
        ]);
        let gradients = ((model.gamma.val() + model.beta.val()) * 3.0).sum().backward();
        let gradients = GradientsParams::from_grads(gradients, &model);
        let sgd = |decay: f64| Momentum::new(&crate::Sgd::default(), decay);
        let grouping = Grouping { weight_decay: 0.0, scale: 1.0, groups: &groups };
        let model = grouping.optimizer(&model, sgd).unwrap().step(0.1, model, gradients);
        let read = |param: &Param<Tensor<1>>| -> f32 { param.val().into_scalar() };
        assert!((read(&model.gamma) - (1.0 - 0.1 * (3.0 + 0.5))).abs() < 1e-6);
        assert!((read(&model.beta) - (2.0 - 6.4 * (3.0 + 0.125 * 2.0))).abs() < 1e-5);
    }

    #[test]
    fn a_group_of_nothing_is_an_error() {
        let build = |decay: f64| Momentum::new(&crate::Sgd::default(), decay);
        let groups = Groups::from([("layer".to_string(), Group::default())]);
        let init =
            |groups: &Groups| Grouping { weight_decay: 0.0, scale: 1.0, groups }.optimizer(&tiny(), build);
        let error = init(&groups).err().unwrap().to_string();
        assert!(error.starts_with("optimizer.groups = layer: must be weights, biases"), "{error}");
        let groups = Groups::from([("layers".to_string(), Group::default())]);
        assert!(init(&groups).is_ok());
    }
}
