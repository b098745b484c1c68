//! The choice of the device, at launch.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

use crate::cli::UsageError;
use crate::nearest::unknown;

/// What `--backend` asks for: a name, and for a GPU which of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backend {
    pub(crate) kind: Kind,
    /// The place of the adapter in the list that `zoo backends` prints.
    index: Option<usize>,
}

/// The names that `--backend` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A real GPU if one answers, else the CPU.
    Auto,
    /// The best compiled GPU backend.
    Gpu,
    Flex,
    Ndarray,
    Wgpu,
    Vulkan,
    Metal,
    Webgpu,
    Cuda,
    Rocm,
}

/// `cpu` is another name of `flex`; where a kind has two names, the last is the one that is shown.
const NAMES: [(&str, Kind); 11] = [
    ("auto", Kind::Auto),
    ("cpu", Kind::Flex),
    ("gpu", Kind::Gpu),
    ("flex", Kind::Flex),
    ("ndarray", Kind::Ndarray),
    ("wgpu", Kind::Wgpu),
    ("vulkan", Kind::Vulkan),
    ("metal", Kind::Metal),
    ("webgpu", Kind::Webgpu),
    ("cuda", Kind::Cuda),
    ("rocm", Kind::Rocm),
];

impl Kind {
    /// Its name, `flex`.
    pub(crate) fn name(self) -> &'static str {
        NAMES.iter().rev().find(|(_, kind)| *kind == self).map_or("auto", |(name, _)| name)
    }

    /// Whether it is compiled in.
    pub(crate) const fn compiled(self) -> bool {
        match self {
            Self::Auto => true,
            Self::Gpu | Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Flex => cfg!(feature = "flex"),
            Self::Ndarray => cfg!(feature = "ndarray"),
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::Metal => cfg!(feature = "metal"),
            Self::Webgpu => cfg!(feature = "webgpu"),
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Rocm => cfg!(feature = "rocm"),
        }
    }
}

impl From<Kind> for Backend {
    fn from(kind: Kind) -> Self {
        Self { kind, index: None }
    }
}

impl FromStr for Backend {
    type Err = UsageError;

    fn from_str(text: &str) -> Result<Self, UsageError> {
        let (name, index) = match text.split_once(':') {
            None => (text, None),
            Some((name, index)) => {
                let parsed = index.parse().map_err(|_| {
                    UsageError(format!(
                        "{index:?} in {text:?} is no device index; expected wgpu:0, wgpu:1, …"
                    ))
                })?;
                (name, Some(parsed))
            }
        };
        let found = NAMES.iter().find(|(valid, _)| *valid == name.to_lowercase());
        let &(_, kind) = found.ok_or_else(|| unknown("backend", name, &NAMES.map(|(name, _)| name)))?;
        if index.is_some() && matches!(kind, Kind::Auto | Kind::Gpu | Kind::Flex | Kind::Ndarray) {
            return Err(UsageError(format!("{name} has no device index; name the GPU backend, wgpu:1")));
        }
        Ok(Self { kind, index })
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        self.index.map_or(Ok(()), |index| write!(f, ":{index}"))
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
    /// Whether its memory is not the CPU's.
    pub(crate) gpu: bool,
}

impl fmt::Display for Selected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.backend, self.adapter)
    }
}

/// What to do where no GPU answers.
const INSTALL_DRIVER: &str =
    "install its Vulkan driver (the vendor's, or Debian's mesa-vulkan-drivers), or use --backend cpu";

impl Backend {
    /// Makes the device ready.
    ///
    /// # Errors
    /// One line that says what is missing and how to get it.
    pub(crate) fn select(self) -> anyhow::Result<Selected> {
        if !self.kind.compiled() {
            return Err(not_compiled(self.kind.name()));
        }
        match self.kind {
            Kind::Auto => best_gpu(has_gpu_node()).map_or_else(|_| cpu(), Ok),
            Kind::Gpu => best_gpu(true),
            Kind::Flex => flex(),
            Kind::Ndarray => ndarray(),
            Kind::Wgpu | Kind::Vulkan | Kind::Metal | Kind::Webgpu => wgpu(self.kind, self.index),
            Kind::Cuda => cuda(self.index.unwrap_or(0)),
            Kind::Rocm => rocm(self.index.unwrap_or(0)),
        }
    }
}

/// The device that first weights are drawn on, so that every backend starts from the same ones.
pub(crate) fn cpu_device(fallback: &Device) -> Device {
    cpu().map_or_else(|_| fallback.clone(), |selected| selected.device)
}

fn not_compiled(name: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "this zoo was built without {name}; build it with --features {name}, or choose another --backend"
    )
}

/// "CPU, 2 threads": what flex and ndarray run on.
fn cpu_name() -> String {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("CPU, {threads} threads")
}

/// The best CPU backend that is compiled in.
fn cpu() -> anyhow::Result<Selected> {
    flex().or_else(|_| ndarray())
}

#[cfg_attr(feature = "flex", expect(clippy::unnecessary_wraps, reason = "fails where it is left out"))]
fn flex() -> anyhow::Result<Selected> {
    #[cfg(feature = "flex")]
    return Ok(Selected { backend: "flex", adapter: cpu_name(), device: Device::flex(), gpu: false });
    #[cfg(not(feature = "flex"))]
    Err(not_compiled("flex"))
}

#[cfg_attr(
    feature = "ndarray",
    expect(deprecated, clippy::unnecessary_wraps, reason = "users ask for it; fails where it is left out")
)]
fn ndarray() -> anyhow::Result<Selected> {
    #[cfg(feature = "ndarray")]
    return Ok(Selected { backend: "ndarray", adapter: cpu_name(), device: Device::ndarray(), gpu: false });
    #[cfg(not(feature = "ndarray"))]
    Err(not_compiled("ndarray"))
}

/// The first real GPU that answers, the compiled backends nearest to the hardware first; `look` is whether it is worth
/// loading drivers.
fn best_gpu(look: bool) -> anyhow::Result<Selected> {
    if look {
        for kind in [Kind::Cuda, Kind::Rocm, Kind::Metal, Kind::Vulkan, Kind::Wgpu] {
            let selected = match kind {
                _ if !kind.compiled() => continue,
                Kind::Cuda => cuda(0),
                Kind::Rocm => rocm(0),
                kind => real_wgpu(kind),
            };
            if selected.is_ok() {
                return selected;
            }
        }
    }
    anyhow::bail!("no GPU answers; {INSTALL_DRIVER}")
}

/// Whether the kernel has made a device for a GPU. Without one `auto` loads no driver, which takes time and on machines
/// without a display makes some of them complain on stderr.
pub(crate) fn has_gpu_node() -> bool {
    let nodes = ["/dev/dri", "/dev/nvidiactl", "/dev/dxg"];
    !cfg!(target_os = "linux") || nodes.iter().any(|node| std::path::Path::new(node).exists())
}

#[cfg(feature = "wgpu")]
fn wgpu(kind: Kind, index: Option<usize>) -> anyhow::Result<Selected> {
    let adapters = crate::adapters::list(kind);
    let adapter = match index {
        None => adapters.first(),
        Some(index) => adapters.iter().find(|adapter| adapter.index == index),
    };
    let Some(adapter) = adapter else {
        let (name, count) = (kind.name(), adapters.len());
        return Err(match index {
            Some(index) if count > 0 => anyhow::anyhow!(
                "there is no adapter {name}:{index}; there are {count}, which `zoo backends` lists"
            ),
            _ => anyhow::anyhow!("{name} found no adapter; {INSTALL_DRIVER}"),
        });
    };
    if adapter.software {
        log::warn!("{} is a software rasteriser: correct, but much slower than --backend flex", adapter.name);
    }
    adapter.open(kind)
}

#[cfg(feature = "wgpu")]
fn real_wgpu(kind: Kind) -> anyhow::Result<Selected> {
    let adapters = crate::adapters::list(kind);
    let real = adapters.iter().find(|adapter| !adapter.software);
    real.ok_or_else(|| anyhow::anyhow!("no real GPU"))?.open(kind)
}

#[cfg(not(feature = "wgpu"))]
fn wgpu(kind: Kind, _: Option<usize>) -> anyhow::Result<Selected> {
    Err(not_compiled(kind.name()))
}

#[cfg(not(feature = "wgpu"))]
fn real_wgpu(kind: Kind) -> anyhow::Result<Selected> {
    Err(not_compiled(kind.name()))
}

#[cfg_attr(not(feature = "cuda"), expect(unused_variables, reason = "an index of nothing"))]
fn cuda(index: usize) -> anyhow::Result<Selected> {
    #[cfg(feature = "cuda")]
    return open_indexed("cuda", burn::tensor::DeviceType::Cuda, index);
    #[cfg(not(feature = "cuda"))]
    Err(not_compiled("cuda"))
}

#[cfg_attr(not(feature = "rocm"), expect(unused_variables, reason = "an index of nothing"))]
fn rocm(index: usize) -> anyhow::Result<Selected> {
    #[cfg(feature = "rocm")]
    return open_indexed("rocm", burn::tensor::DeviceType::Rocm, index);
    #[cfg(not(feature = "rocm"))]
    Err(not_compiled("rocm"))
}

/// Opens device `index` of a runtime whose library is loaded when it is first asked; a missing one makes it panic.
#[cfg(any(feature = "cuda", feature = "rocm"))]
fn open_indexed(
    backend: &'static str,
    kind: burn::tensor::DeviceType,
    index: usize,
) -> anyhow::Result<Selected> {
    let devices = crate::failure::catch_panic(|| Device::enumerate(kind).into_vec()).unwrap_or_default();
    let count = devices.len();
    let device = devices.into_iter().nth(index).ok_or_else(|| {
        anyhow::anyhow!("there is no device {backend}:{index}; there are {count}; install the driver, or use --backend cpu")
    })?;
    let adapter =
        device.identity().map_or_else(|| format!("device {index}"), |identity| identity.name.to_string());
    Ok(Selected { backend, adapter, device, gpu: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_indices_read_back() {
        for (name, kind) in NAMES {
            let backend: Backend = name.parse().unwrap();
            assert_eq!(backend, kind.into());
            assert_eq!(backend.to_string().parse::<Backend>().unwrap(), backend);
        }
        assert_eq!("WGPU:1".parse::<Backend>().unwrap(), Backend { kind: Kind::Wgpu, index: Some(1) });
        assert_eq!("cuda:2".parse::<Backend>().unwrap().to_string(), "cuda:2");
    }

    #[test]
    fn mistakes_are_explained() {
        let error = |text: &str| text.parse::<Backend>().unwrap_err().to_string();
        assert!(error("nadrray").contains("did you mean \"ndarray\"?"));
        assert!(error("wgpu:one").contains("\"one\" in \"wgpu:one\" is no device index"));
        assert!(error("cpu:1").contains("cpu has no device index"));
        #[cfg(not(feature = "cuda"))]
        assert!(Backend::from(Kind::Cuda).select().unwrap_err().to_string().contains("built without cuda"));
    }
}
