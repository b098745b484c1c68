//! Whether training computes the gradient that its formulas give.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Tensor};
use zoo_core::{Architecture, Classifier, WeightedLoss};
use zoo_data::Batch;
use zoo_schema::Deviation;

use super::{Slope, Slopes, moved_pixels, moved_weights};
use crate::error::TrainError;
use crate::parameters::Parameters;
use crate::training::Training;

/// The largest deviation that is accepted of a loss without kinks. Rounding in `f32` leaves some 1e-6 of a gradient, and more behind BatchNorm.
pub(super) const SMOOTH: f64 = 1e-3;
/// The same of a loss with kinks: rounding takes a few of many thousand values to the other side of theirs.
const KINKS: f64 = 5e-2;
/// The length of a gradient, as a share of that by all parameters, below which it is rounding's: that of a bias in front of BatchNorm is 0.
const SHARE: f64 = 1e-2;

impl<A: Architecture> Training<'_, A> {
    /// How far the gradient that training computes, in `f32` on `device` and by whatever code there is for it, is from that in `f64` by plain
    /// operations: ‖g − g′‖ / ‖g‖ of the parameter where it is largest. The weights are fresh; `batch` is on a CPU and off autodiff. Nothing is
    /// dropped at random, since what is drawn in `f32` isn't what is drawn in `f64`.
    ///
    /// # Errors
    /// [`TrainError::Device`] if the CPU can't deliver.
    pub fn compare_gradients(
        &self,
        batch: &Batch,
        device: &Device,
        seed: u64,
    ) -> Result<Deviation, TrainError> {
        let cpu = batch.images.device();
        let model = self.drawn(&self.recipe.architecture.without_noise(), &cpu);
        let moved = Batch { images: moved_pixels(batch, seed)?, labels: batch.labels.clone() };
        let losses = [&cpu, device].map(|device| self.loss(&device.clone().autodiff()));
        let tolerance = if self.kinks().is_empty() { SMOOTH } else { KINKS };
        Ok(compare(&moved_weights(&model, seed), self.see(moved), &losses, device, tolerance))
    }
}

/// See [`Training::compare_gradients`]; the model and the images in `f64`, a loss for each of both devices.
pub(super) fn compare<M: Module + Classifier>(
    model: &M,
    Batch { images, labels }: Batch,
    [exact, rounded]: &[WeightedLoss; 2],
    device: &Device,
    tolerance: f64,
) -> Deviation {
    // Both start from the same numbers, and neither shares what BatchNorm remembers, as clones do.
    let (model, images) = (model.valid().map(&mut Cast(DType::F32)), images.cast(DType::F32));
    let twin = model.valid().fork(device);
    let twins = Batch { images: images.clone().to_device(device), labels: labels.clone().to_device(device) };
    let model = model.map(&mut Cast(DType::F64));
    let gradients = slopes(&model, Batch { images: images.cast(DType::F64), labels }, exact);
    let others = slopes(&twin, twins, rounded);

    let whole = length(gradients.iter().flat_map(|slope| slope.slopes.iter().copied()));
    let deviations = Parameters::of(&model.train()).0.into_iter().map(|parameter| {
        let [gradient, other] = [&gradients, &others].map(|slopes| {
            let of = slopes.iter().find(|slope| slope.id == parameter.id);
            of.expect("of the same model").slopes.as_slice()
        });
        let apart = length(gradient.iter().zip(other).map(|(gradient, other)| gradient - other));
        let error = apart / length(gradient.iter().copied()).max(SHARE * whole);
        Deviation { parameter: parameter.name, error, tolerance }
    });
    let worst = deviations.max_by(|left, right| left.error.total_cmp(&right.error));
    worst.expect("a model has parameters")
}

/// The gradient of the loss of a batch by all parameters.
fn slopes<M: Module + Classifier>(model: &M, batch: Batch, loss: &WeightedLoss) -> Vec<Slope> {
    let model = model.clone().train();
    let scores = model.forward(Tensor::from_inner(batch.images));
    Slopes::of(&model, &loss.forward(scores, Tensor::from_inner(batch.labels)))
}

/// √Σ x².
fn length(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

/// Casts all parameters.
struct Cast(DType);

impl ModuleMapper for Cast {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|values| values.cast(self.0))
    }
}
