//! Whether training computes the gradient that its formulas give.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use zoo_core::{Architecture, Classifier, WeightedLoss};
use zoo_data::Batch;
use zoo_schema::Deviation;

use super::{Slope, Slopes, moved_pixels, moved_weights};
use crate::error::TrainError;
use crate::parameters::Parameters;
use crate::training::Training;

/// The largest deviation that is accepted of a loss without kinks. Rounding in `f32` leaves some 1e-6 of a gradient, and more behind BatchNorm.
const SMOOTH: f64 = 1e-3;
/// The same of a loss with kinks: rounding takes a few of many thousand values to the other side of theirs.
const KINKS: f64 = 5e-2;
/// The length of a gradient, as a share of that by all parameters, below which it is rounding's: that of a bias in front of BatchNorm is 0.
const SHARE: f64 = 1e-2;

impl<A: Architecture> Training<'_, A> {
    /// How far the gradient that training computes, in `f32` on `device` and by whatever code there is for it, is from that in `f64` by plain
    /// operations: ‖g − g′‖ / ‖g‖ of the parameter where it is largest. `model` and `batch` are on a CPU and off autodiff; nothing in the model
    /// is random, since what is drawn in `f32` isn't what is drawn in `f64`.
    ///
    /// # Errors
    /// [`TrainError::Device`] if a device can't deliver.
    pub fn compare_gradients(
        &self,
        model: &A::Model,
        batch: &Batch,
        device: &Device,
        seed: u64,
    ) -> Result<Deviation, TrainError> {
        let moved = Batch { images: moved_pixels(batch, seed)?, labels: batch.labels.clone() };
        let losses = [&batch.images.device(), device].map(|device| self.loss(&device.clone().autodiff()));
        let tolerance = if self.kinks().is_empty() { SMOOTH } else { KINKS };
        let worst = compare(&moved_weights(model, seed), &self.see(moved), &losses, device)?;
        Ok(Deviation { tolerance, ..worst })
    }
}

/// See [`Training::compare_gradients`]; the model and the images in `f64`, a loss for each of both devices.
pub(super) fn compare<M: Module + Classifier>(
    model: &M,
    batch: &Batch,
    [exact, rounded]: &[WeightedLoss; 2],
    device: &Device,
) -> Result<Deviation, TrainError> {
    let cpu = batch.images.device();
    // Both start from the same numbers, and neither shares what BatchNorm remembers, as clones do.
    let model = model.valid().map(&mut Cast(DType::F32));
    let twin = model.valid().fork(device);
    let images = copied(&batch.images, (&cpu, DType::F64))?;
    let twins = copied(&batch.images, (device, DType::F32))?;
    let labels =
        zoo_kernels::read(batch.labels.clone()).map_err(|error| TrainError::Device(error.to_string()))?;
    let labels = zoo_kernels::upload(labels, device);
    let model = model.map(&mut Cast(DType::F64));
    let gradients = slopes(&model, Batch { images, labels: batch.labels.clone() }, exact);
    let others = slopes(&twin, Batch { images: twins, labels }, rounded);

    let whole = length(gradients.iter().flat_map(|slope| slope.slopes.iter().copied()));
    let names = Parameters::of(&model.train()).0;
    let deviations = names.into_iter().map(|parameter| {
        let of = |slopes: &[Slope]| -> Vec<f64> {
            let of = slopes.iter().find(|slope| slope.id == parameter.id);
            of.expect("of the same model").slopes.clone()
        };
        let (gradient, other) = (of(&gradients), of(&others));
        let apart = length(gradient.iter().zip(&other).map(|(gradient, other)| gradient - other));
        let error = apart / length(gradient.into_iter()).max(SHARE * whole);
        Deviation { parameter: parameter.name, error, tolerance: SMOOTH }
    });
    let worst = deviations.max_by(|left, right| left.error.total_cmp(&right.error));
    Ok(worst.expect("a model has parameters"))
}

/// The gradient of the loss of a batch by all parameters.
fn slopes<M: Module + Classifier>(model: &M, batch: Batch, loss: &WeightedLoss) -> Vec<Slope> {
    let model = model.clone().train();
    let scores = model.forward(Tensor::from_inner(batch.images));
    Slopes::of(&model, &loss.forward(scores, Tensor::from_inner(batch.labels)))
}

/// Images as they are in `f32`, on a device and of a type.
fn copied(images: &Tensor<4>, (device, kind): (&Device, DType)) -> Result<Tensor<4>, TrainError> {
    let data = zoo_kernels::read(images.clone()).map_err(|error| TrainError::Device(error.to_string()))?;
    let data: TensorData = data.convert::<f32>().convert_dtype(kind);
    Ok(zoo_kernels::upload(data, (device, kind)))
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
