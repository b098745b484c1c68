//! What goes between memory and a device.

use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(feature = "gpu")]
use burn::backend::DispatchDevice;
use burn::backend::ExecutionError;
use burn::tensor::kind::Basic;
use burn::tensor::{Device, Tensor, TensorCreationOptions, TensorData};

static WAITS: AtomicU64 = AtomicU64::new(0);
static UPLOADED: AtomicU64 = AtomicU64::new(0);

/// What has gone between memory and GPUs, on all threads. [`upload`], [`read`] and [`wait`] count it, and everything goes through them:
/// `clippy.toml` refuses Burn's own functions everywhere else. Only saving and loading a module is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How often a thread has waited until a GPU had done all that it was given, most often to read a result.
    pub waits: u64,
    /// Bytes that were copied to GPUs.
    pub uploaded: u64,
}

impl Traffic {
    /// Since the process began.
    #[must_use]
    pub fn so_far() -> Self {
        Self { waits: WAITS.load(Ordering::Relaxed), uploaded: UPLOADED.load(Ordering::Relaxed) }
    }

    /// Since `earlier`.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self { waits: self.waits - earlier.waits, uploaded: self.uploaded - earlier.uploaded }
    }
}

/// Whether `device` is a GPU, or a program that passes for one: work is handed over and done later, and memory is its own. Never in a build
/// without the feature `gpu`, which that of a GPU backend brings along.
#[must_use]
pub fn is_gpu(device: &Device) -> bool {
    #[cfg(feature = "gpu")]
    return matches!(device.clone().inner().as_dispatch(), DispatchDevice::Cube(_));
    #[cfg(not(feature = "gpu"))]
    {
        let _ = device;
        false
    }
}

/// The tensor of `data` on a device: `Tensor::from_data`, counted.
#[expect(clippy::disallowed_methods, reason = "counted here")]
pub fn upload<const D: usize, K: Basic>(
    data: impl Into<TensorData>,
    options: impl Into<TensorCreationOptions>,
) -> Tensor<D, K> {
    let (data, options) = (data.into(), options.into());
    if is_gpu(&options.device) {
        UPLOADED.fetch_add(data.as_bytes().len() as u64, Ordering::Relaxed);
    }
    Tensor::from_data(data, options)
}

/// The values of a tensor, when the device has computed them: `Tensor::try_into_data`, counted.
///
/// # Errors
/// What the device reports if it can't deliver.
#[expect(clippy::disallowed_methods, reason = "counted here")]
pub fn read<const D: usize, K: Basic>(tensor: Tensor<D, K>) -> Result<TensorData, ExecutionError> {
    count_wait(&tensor.device());
    tensor.try_into_data()
}

/// Waits until `device` has done all that it was given: `Device::sync`, counted.
///
/// # Errors
/// What the device reports if something has failed.
#[expect(clippy::disallowed_methods, reason = "counted here")]
pub fn wait(device: &Device) -> Result<(), ExecutionError> {
    count_wait(device);
    device.sync()
}

fn count_wait(device: &Device) {
    if is_gpu(device) {
        WAITS.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::Int;

    use super::*;

    #[test]
    fn what_stays_in_memory_is_not_counted() {
        let (device, before) = (Device::flex(), Traffic::so_far());
        assert!(!is_gpu(&device) && !is_gpu(&device.clone().autodiff()));
        let tensor: Tensor<1, Int> = upload([3, 4], &device);
        wait(&device).unwrap();
        assert_eq!(read(tensor).unwrap().convert::<i64>().try_to_vec::<i64>().unwrap(), [3, 4]);
        assert_eq!(Traffic::so_far().since(before), Traffic::default());
    }
}
