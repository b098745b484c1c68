//! The choice of the device, at launch.

use burn::tensor::Device;

use crate::error::BackendError;
use crate::machine::Machine;
use crate::name::{Backend, Kind};

/// A machine, or why there is none.
type Opened = Result<Machine, BackendError>;

impl Backend {
    /// Makes the device ready.
    ///
    /// # Errors
    /// Says what is missing and how to get it.
    pub fn select(self) -> Opened {
        if !self.kind.compiled() {
            return Err(not_compiled(self.kind.name()));
        }
        let opened = match self.kind {
            Kind::Auto => gpu_or_cpu(),
            Kind::Gpu => best_gpu(true),
            Kind::Flex => flex(),
            Kind::Ndarray => ndarray(),
            Kind::Wgpu | Kind::Vulkan | Kind::Metal | Kind::Webgpu => wgpu(self.kind, self.index),
            Kind::Cuda => cuda(self.index.unwrap_or(0)),
            Kind::Rocm => rocm(self.index.unwrap_or(0)),
        };
        Ok(Machine { asked: self, ..opened? })
    }
}

/// The device that first weights are drawn on, so that every backend starts from the same ones: that of the CPU backend if one is
/// compiled in, else `fallback`.
#[must_use]
pub fn cpu_device(fallback: &Device) -> Device {
    cpu().map_or_else(|_| fallback.clone(), |machine| machine.device)
}

const fn not_compiled(name: &'static str) -> BackendError {
    BackendError::NotCompiled { name }
}

/// "CPU, 2 threads": what flex and ndarray run on, with the threads that there are for it.
#[cfg(any(feature = "flex", feature = "ndarray"))]
fn cpu_name() -> String {
    match rayon::current_num_threads() {
        1 => "CPU, 1 thread".into(),
        threads => format!("CPU, {threads} threads"),
    }
}

impl Machine {
    /// The CPU.
    #[cfg(any(feature = "flex", feature = "ndarray"))]
    fn on_cpu(kind: Kind, device: Device) -> Self {
        let (backend, adapter) = (kind.name(), cpu_name());
        Self { asked: kind.into(), backend, adapter, device, gpu: false, largest_tensor: None }
    }
}

/// The best CPU backend that is compiled in.
fn cpu() -> Opened {
    flex().or_else(|_| ndarray())
}

#[cfg_attr(feature = "flex", expect(clippy::unnecessary_wraps, reason = "fails where it is left out"))]
fn flex() -> Opened {
    #[cfg(feature = "flex")]
    return Ok(Machine::on_cpu(Kind::Flex, Device::flex()));
    #[cfg(not(feature = "flex"))]
    Err(not_compiled("flex"))
}

#[cfg_attr(
    feature = "ndarray",
    expect(deprecated, clippy::unnecessary_wraps, reason = "users ask for it; fails where it is left out")
)]
fn ndarray() -> Opened {
    #[cfg(feature = "ndarray")]
    return Ok(Machine::on_cpu(Kind::Ndarray, Device::ndarray()));
    #[cfg(not(feature = "ndarray"))]
    Err(not_compiled("ndarray"))
}

/// A real GPU, or the CPU; where there seems to be a GPU that isn't taken, that is said.
fn gpu_or_cpu() -> Opened {
    let look = has_gpu_node();
    best_gpu(look).or_else(|error| {
        // Elsewhere than on Linux it isn't known whether there is one.
        if look && (cfg!(target_os = "linux") || !matches!(error, BackendError::NoGpu)) {
            log::warn!("computing on the CPU, though the system has a device for a GPU: {error}");
        }
        cpu()
    })
}

/// The first real GPU that answers, the compiled backends nearest to the hardware first; `look` is whether it is worth
/// loading drivers.
fn best_gpu(look: bool) -> Opened {
    let mut refusal = BackendError::NoGpu;
    if look {
        for kind in [Kind::Cuda, Kind::Rocm, Kind::Metal, Kind::Vulkan, Kind::Wgpu] {
            let selected = match kind {
                _ if !kind.compiled() => continue,
                Kind::Cuda => cuda(0),
                Kind::Rocm => rocm(0),
                kind => real_wgpu(kind),
            };
            match selected {
                Ok(machine) => return Ok(machine),
                // One that is there, but can't be opened.
                Err(error @ BackendError::Unusable { .. }) => refusal = error,
                Err(_) => {}
            }
        }
    }
    Err(refusal)
}

/// Whether the kernel has made a device for a GPU. Without one `auto` loads no driver, which takes time and on machines
/// without a display makes some of them complain on stderr.
#[must_use]
pub fn has_gpu_node() -> bool {
    let nodes = ["/dev/dri", "/dev/nvidiactl", "/dev/dxg"];
    !cfg!(target_os = "linux") || nodes.iter().any(|node| std::path::Path::new(node).exists())
}

#[cfg(feature = "wgpu")]
fn wgpu(kind: Kind, index: Option<usize>) -> Opened {
    let adapters = crate::adapters::list(kind);
    let adapter = match index {
        None => adapters.first(),
        Some(index) => adapters.iter().find(|adapter| adapter.index == index),
    };
    let Some(adapter) = adapter else {
        let (name, count) = (kind.name(), adapters.len());
        return Err(match index {
            Some(index) if count > 0 => BackendError::NoSuchAdapter { name, index, count },
            _ => BackendError::NoAdapter { name },
        });
    };
    if adapter.software {
        log::warn!("{} is a software rasteriser: correct, but much slower than --backend flex", adapter.name);
    }
    open(adapter, kind)
}

#[cfg(feature = "wgpu")]
fn real_wgpu(kind: Kind) -> Opened {
    let adapters = crate::adapters::list(kind);
    let real = adapters.iter().find(|adapter| !adapter.software);
    open(real.ok_or(BackendError::NoGpu)?, kind)
}

/// Opens an adapter for Burn.
#[cfg(feature = "wgpu")]
fn open(adapter: &crate::adapters::Adapter, kind: Kind) -> Opened {
    let name = &adapter.name;
    let unusable = |reason: String| BackendError::Unusable { adapter: name.clone(), reason };
    let device = adapter.device(kind).map_err(unusable)?;
    let largest_tensor = Some(adapter.max_binding_bytes.min(adapter.max_buffer_bytes));
    let adapter = format!("{name} ({}, {})", adapter.device_type, adapter.api);
    Ok(Machine { asked: kind.into(), backend: kind.name(), adapter, device, gpu: true, largest_tensor })
}

#[cfg(not(feature = "wgpu"))]
fn wgpu(kind: Kind, _: Option<usize>) -> Opened {
    Err(not_compiled(kind.name()))
}

#[cfg(not(feature = "wgpu"))]
fn real_wgpu(kind: Kind) -> Opened {
    Err(not_compiled(kind.name()))
}

#[cfg_attr(not(feature = "cuda"), expect(unused_variables, reason = "an index of nothing"))]
fn cuda(index: usize) -> Opened {
    #[cfg(feature = "cuda")]
    return open_indexed(Kind::Cuda, burn::tensor::DeviceType::Cuda, index);
    #[cfg(not(feature = "cuda"))]
    Err(not_compiled("cuda"))
}

#[cfg_attr(not(feature = "rocm"), expect(unused_variables, reason = "an index of nothing"))]
fn rocm(index: usize) -> Opened {
    #[cfg(feature = "rocm")]
    return open_indexed(Kind::Rocm, burn::tensor::DeviceType::Rocm, index);
    #[cfg(not(feature = "rocm"))]
    Err(not_compiled("rocm"))
}

/// Opens device `index` of a runtime whose library is loaded when it is first asked; a missing one makes it panic.
#[cfg(any(feature = "cuda", feature = "rocm"))]
fn open_indexed(kind: Kind, device_type: burn::tensor::DeviceType, index: usize) -> Opened {
    let devices = crate::panic::catch_panic(|| Device::enumerate(device_type).into_vec()).unwrap_or_default();
    let (name, count) = (kind.name(), devices.len());
    let device = devices.into_iter().nth(index);
    let device = device.ok_or(BackendError::NoSuchDevice { name, index, count })?;
    let adapter =
        device.identity().map_or_else(|| format!("device {index}"), |identity| identity.name.to_string());
    Ok(Machine { asked: kind.into(), backend: name, adapter, device, gpu: true, largest_tensor: None })
}

#[cfg(test)]
mod tests {
    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_backend_that_is_not_compiled_in_says_so() {
        use super::*;
        let error = Backend::from(Kind::Cuda).select().unwrap_err();
        assert!(error.to_string().contains("built without cuda") && !error.is_usage());
    }
}
