//! The adapters that wgpu finds on this machine.

use std::task::{Context, Poll, Waker};

use burn::tensor::wgpu::WgpuBackend;
use burn::tensor::wgpu::wgpu::{self as driver, DeviceType};
use burn::tensor::{Device, DeviceKind};
use serde::Serialize;

use crate::name::Kind;

/// One adapter, before it is opened.
#[derive(Clone, Debug, Serialize)]
pub struct Adapter {
    /// Its place in the driver's list: the 1 of `wgpu:1`.
    pub index: usize,
    /// As the driver names it.
    pub name: String,
    /// discrete GPU, integrated GPU, virtual GPU, software, or other.
    #[serde(rename = "type")]
    pub device_type: &'static str,
    /// The driver and its version.
    pub driver: String,
    /// Vulkan, Metal, Dx12, …
    pub api: String,
    /// The largest buffer, in bytes.
    pub max_buffer_bytes: u64,
    /// The largest part of a buffer that a shader sees, in bytes.
    pub max_binding_bytes: u64,
    /// Whether shaders compute in half precision.
    pub f16: bool,
    /// Whether the CPU does the work.
    pub software: bool,
    #[serde(skip)]
    kind: DeviceKind,
}

/// The graphics API that a backend uses. For `wgpu` it is the system's own: looking for OpenGL makes some drivers
/// complain on stderr.
const fn api(kind: Kind) -> WgpuBackend {
    match kind {
        Kind::Vulkan => WgpuBackend::Vulkan,
        Kind::Metal => WgpuBackend::Metal,
        Kind::Webgpu => WgpuBackend::WebGpu,
        _ if cfg!(target_os = "macos") => WgpuBackend::Metal,
        _ if cfg!(target_os = "windows") => WgpuBackend::Dx12,
        _ => WgpuBackend::Vulkan,
    }
}

/// Lists adapters, the fastest type first. Loads drivers but opens no device.
#[must_use]
pub fn list(kind: Kind) -> Vec<Adapter> {
    let backends = match api(kind) {
        WgpuBackend::Metal => driver::Backends::METAL,
        WgpuBackend::Dx12 => driver::Backends::DX12,
        WgpuBackend::WebGpu => driver::Backends::BROWSER_WEBGPU,
        _ => driver::Backends::VULKAN,
    };
    let descriptor =
        driver::InstanceDescriptor { backends, ..driver::InstanceDescriptor::new_without_display_handle() };
    let instance = driver::Instance::new(descriptor);
    // Outside a browser the answer is there at once.
    let future = std::pin::pin!(instance.enumerate_adapters(backends));
    let Poll::Ready(found) = future.poll(&mut Context::from_waker(Waker::noop())) else { return Vec::new() };

    let mut of_type = [0; 3];
    let mut adapters: Vec<Adapter> = found
        .iter()
        .enumerate()
        .map(|(index, adapter)| {
            let info = adapter.get_info();
            let mut next = |place: usize| {
                of_type[place] += 1;
                of_type[place] - 1
            };
            let (device_type, kind) = match info.device_type {
                DeviceType::DiscreteGpu => ("discrete GPU", DeviceKind::DiscreteGpu(next(0))),
                DeviceType::IntegratedGpu => ("integrated GPU", DeviceKind::IntegratedGpu(next(1))),
                DeviceType::VirtualGpu => ("virtual GPU", DeviceKind::VirtualGpu(next(2))),
                DeviceType::Cpu => ("software", DeviceKind::Cpu),
                DeviceType::Other => ("other", DeviceKind::DefaultDevice),
            };
            let limits = adapter.limits();
            Adapter {
                index,
                name: info.name,
                device_type,
                driver: format!("{} {}", info.driver, info.driver_info).trim().into(),
                api: format!("{:?}", info.backend),
                max_buffer_bytes: limits.max_buffer_size,
                max_binding_bytes: limits.max_storage_buffer_binding_size,
                f16: adapter.features().contains(driver::Features::SHADER_F16),
                software: info.device_type == DeviceType::Cpu,
                kind,
            }
        })
        .collect();
    adapters.sort_by_key(|adapter| match adapter.kind {
        DeviceKind::DiscreteGpu(_) => 0,
        DeviceKind::IntegratedGpu(_) => 1,
        DeviceKind::VirtualGpu(_) => 2,
        DeviceKind::Cpu => 4,
        _ => 3,
    });
    adapters
}

impl Adapter {
    /// Burn's handle, or why the driver refuses.
    pub(crate) fn device(&self, kind: Kind) -> Result<Device, String> {
        let options = Device::wgpu_options().device_kind(self.kind.clone()).graphics_api(api(kind));
        options.init().map_err(|error| error.to_string())
    }
}
