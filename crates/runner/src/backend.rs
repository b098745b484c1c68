//! The choice of the device, at launch.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

use crate::cli::UsageError;
use crate::nearest::unknown;

/// What `--backend` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// A real GPU if one answers, else the CPU.
    Auto,
    /// The best compiled GPU backend.
    Gpu,
    Flex,
    Ndarray,
    Wgpu,
}

const NAMES: [(&str, Backend); 6] = [
    ("auto", Backend::Auto),
    ("cpu", Backend::Flex),
    ("gpu", Backend::Gpu),
    ("flex", Backend::Flex),
    ("ndarray", Backend::Ndarray),
    ("wgpu", Backend::Wgpu),
];

impl FromStr for Backend {
    type Err = UsageError;

    fn from_str(name: &str) -> Result<Self, UsageError> {
        let found = NAMES.iter().find(|(valid, _)| *valid == name.to_lowercase());
        found
            .map(|&(_, backend)| backend)
            .ok_or_else(|| unknown("backend", name, &NAMES.map(|(name, _)| name)))
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().rev().find(|(_, backend)| backend == self).map_or("auto", |(name, _)| name);
        f.write_str(name)
    }
}

/// A backend that is ready to compute.
#[derive(Clone, Debug)]
pub(crate) struct Selected {
    /// Its name, `flex`.
    pub(crate) backend: &'static str,
    /// What it runs on, as the driver names it.
    pub(crate) adapter: String,
    /// Burn's handle.
    pub(crate) device: Device,
}

impl fmt::Display for Selected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.backend, self.adapter)
    }
}

impl Backend {
    /// Makes the device ready.
    ///
    /// # Errors
    /// One line that says what is missing and how to get it.
    pub(crate) fn select(self) -> anyhow::Result<Selected> {
        match self {
            Self::Auto => real_gpu().map_or_else(|_| flex().or_else(|_| ndarray()), Ok),
            Self::Gpu => real_gpu(),
            Self::Flex => flex(),
            Self::Ndarray => ndarray(),
            Self::Wgpu => wgpu(),
        }
    }
}

/// The device that first weights are drawn on, so that every backend starts from the same ones.
pub(crate) fn cpu_device(fallback: &Device) -> Device {
    flex().or_else(|_| ndarray()).map_or_else(|_| fallback.clone(), |selected| selected.device)
}

/// "CPU, 2 threads": what flex and ndarray run on.
fn cpu_name() -> String {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("CPU, {threads} threads")
}

#[cfg(feature = "flex")]
#[expect(clippy::unnecessary_wraps, reason = "the function without the feature fails")]
fn flex() -> anyhow::Result<Selected> {
    Ok(Selected { backend: "flex", adapter: cpu_name(), device: Device::flex() })
}

#[cfg(not(feature = "flex"))]
fn flex() -> anyhow::Result<Selected> {
    Err(not_compiled("flex"))
}

#[cfg(feature = "ndarray")]
#[expect(clippy::unnecessary_wraps, reason = "the function without the feature fails")]
#[allow(deprecated, reason = "deprecated upstream, offered because users ask for it")]
fn ndarray() -> anyhow::Result<Selected> {
    Ok(Selected { backend: "ndarray", adapter: cpu_name(), device: Device::ndarray() })
}

#[cfg(not(feature = "ndarray"))]
fn ndarray() -> anyhow::Result<Selected> {
    Err(not_compiled("ndarray"))
}

#[allow(dead_code, reason = "used where a backend is left out")]
fn not_compiled(name: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "this zoo was built without {name}; build it with --features {name}, or choose another --backend"
    )
}

/// A GPU, real or software, by wgpu.
#[cfg(feature = "wgpu")]
fn wgpu() -> anyhow::Result<Selected> {
    use burn::tensor::DeviceKind;
    let gpu = real_gpu().or_else(|_| {
        open_wgpu(DeviceKind::Cpu).inspect(|selected| {
            log::warn!(
                "{} is a software rasteriser: correct, but much slower than --backend flex",
                selected.adapter
            );
        })
    });
    gpu.map_err(|error| anyhow::anyhow!("--backend wgpu found no adapter ({error:#}); {INSTALL_DRIVER}"))
}

#[cfg(not(feature = "wgpu"))]
fn wgpu() -> anyhow::Result<Selected> {
    Err(not_compiled("wgpu"))
}

/// The first real GPU that answers: discrete before integrated before virtual.
#[cfg(feature = "wgpu")]
pub(crate) fn real_gpu() -> anyhow::Result<Selected> {
    use burn::tensor::DeviceKind;
    [DeviceKind::DiscreteGpu(0), DeviceKind::IntegratedGpu(0), DeviceKind::VirtualGpu(0)]
        .into_iter()
        .filter(|_| has_gpu_node())
        .find_map(|kind| open_wgpu(kind).ok())
        .ok_or_else(|| anyhow::anyhow!("no GPU answers; {INSTALL_DRIVER}"))
}

/// Whether the kernel has made a device for a GPU. Without one no driver needs to be loaded, which takes time and on
/// machines without a display makes some of them complain on stderr.
#[cfg(feature = "wgpu")]
fn has_gpu_node() -> bool {
    let nodes = ["/dev/dri", "/dev/nvidiactl", "/dev/dxg"];
    !cfg!(target_os = "linux") || nodes.iter().any(|node| std::path::Path::new(node).exists())
}

#[cfg(not(feature = "wgpu"))]
pub(crate) fn real_gpu() -> anyhow::Result<Selected> {
    Err(not_compiled("wgpu"))
}

#[cfg(feature = "wgpu")]
const INSTALL_DRIVER: &str =
    "install its Vulkan driver (on Debian: mesa-vulkan-drivers, or the vendor's), or use --backend cpu";

/// Opens one kind of adapter.
#[cfg(feature = "wgpu")]
pub(crate) fn open_wgpu(kind: burn::tensor::DeviceKind) -> anyhow::Result<Selected> {
    use burn::tensor::wgpu::WgpuBackend;
    // The system's own API alone: looking for OpenGL makes some drivers complain on stderr.
    let api = if cfg!(target_os = "macos") {
        WgpuBackend::Metal
    } else if cfg!(target_os = "windows") {
        WgpuBackend::Dx12
    } else {
        WgpuBackend::Vulkan
    };
    let (device, setup) = Device::wgpu_options().device_kind(kind).graphics_api(api).init_with_setup()?;
    let info = setup.adapter.get_info();
    let adapter = format!("{} ({:?})", info.name, info.backend);
    Ok(Selected { backend: "wgpu", adapter, device })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for (name, backend) in NAMES {
            assert_eq!(name.parse::<Backend>().unwrap(), backend);
            assert_eq!(backend.to_string().parse::<Backend>().unwrap(), backend);
        }
        let error = "nadrray".parse::<Backend>().unwrap_err().to_string();
        assert!(error.contains("did you mean \"ndarray\"?"), "{error}");
    }
}
