//! `zoo backends`: what is compiled in, and what this machine has.

use serde_json::{Value, json};
use zoo_backends::{Backend, Kind, has_gpu_node};

use crate::failure::Failure;
use crate::options::Options;
use crate::output::{print, print_json};

/// Every backend, with what to know about it.
const KINDS: [(Kind, &str); 8] = [
    (Kind::Flex, "Burn's fast CPU backend; --backend cpu"),
    (Kind::Ndarray, "the older CPU backend: deprecated in Burn 0.22, slow for convolutions"),
    (Kind::Wgpu, "GPUs by the system's API: Vulkan, Metal or DirectX 12"),
    (Kind::Vulkan, "GPUs by Vulkan with SPIR-V shaders"),
    (Kind::Metal, "Apple GPUs with native shaders"),
    (Kind::Webgpu, "the browser's API"),
    (Kind::Cuda, "NVIDIA GPUs"),
    (Kind::Rocm, "AMD GPUs"),
];

/// Prints the backends, the adapters, and what `auto` takes.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let adapters = adapters();
    let auto = Backend::from(Kind::Auto).select()?;
    let reason = match (auto.gpu, has_gpu_node()) {
        (true, _) => "it is a real GPU",
        (false, true) => "no real GPU answers, and software rasterisers don't count",
        (false, false) => "this machine has no GPU that the kernel knows of",
    };
    if options.json {
        let backends: Vec<Value> = KINDS
            .iter()
            .map(|(kind, note)| json!({ "backend": kind.name(), "compiled": kind.compiled(), "note": note }))
            .collect();
        let auto = json!({ "backend": auto.backend, "adapter": auto.adapter, "reason": reason });
        let document = json!({ "backends": backends, "adapters": adapters, "auto": auto });
        return print_json(&document);
    }
    let mut table = zoo_report::table(["backend", "compiled in", "what it is"], []);
    for (kind, note) in KINDS {
        table.add_row([kind.name(), if kind.compiled() { "yes" } else { "no" }, note]);
    }
    let adapters = adapter_table(&adapters);
    print(&format!("{table}\n\n{adapters}\n\n--backend auto takes {auto}: {reason}"))
}

#[cfg(feature = "wgpu")]
fn adapters() -> Vec<zoo_backends::Adapter> {
    zoo_backends::list(Kind::Wgpu)
}

#[cfg(feature = "wgpu")]
fn adapter_table(adapters: &[zoo_backends::Adapter]) -> String {
    if adapters.is_empty() {
        return "no adapter answers to wgpu; a Vulkan driver brings one (the vendor's, or Debian's mesa-vulkan-drivers)".into();
    }
    let mut table = zoo_report::table(
        ["adapter", "name", "type", "driver", "API", "largest buffer / binding", "f16"],
        [],
    );
    let mebibytes = |bytes: u64| format!("{} MiB", bytes >> 20);
    for adapter in adapters {
        table.add_row([
            format!("wgpu:{}", adapter.index),
            adapter.name.clone(),
            adapter.device_type.into(),
            adapter.driver.clone(),
            adapter.api.clone(),
            format!("{} / {}", mebibytes(adapter.max_buffer_bytes), mebibytes(adapter.max_binding_bytes)),
            if adapter.f16 { "yes" } else { "no" }.into(),
        ]);
    }
    table.to_string()
}

#[cfg(not(feature = "wgpu"))]
fn adapters() -> Vec<Value> {
    Vec::new()
}

#[cfg(not(feature = "wgpu"))]
fn adapter_table(_: &[Value]) -> String {
    "this zoo was built without wgpu, so there are no adapters to list".into()
}
