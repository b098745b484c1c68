//! `zoo backends`: what is compiled in, and what this machine has.

use std::io::ErrorKind;
use std::path::Path;

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

/// Prints the backends, the adapters, what `auto` takes, and where tuning is kept; first, if that was asked for, removes the tuning.
pub(crate) fn run(options: &Options, clear_tuning: bool) -> Result<(), Failure> {
    let tuning = options.tuning();
    if let (true, Some(folder)) = (clear_tuning, &tuning) {
        clear(folder)?;
    }
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
        let tuning =
            tuning.map(|folder| json!({ "bytes": size(&folder), "folder": folder.to_string_lossy() }));
        let document = json!({ "backends": backends, "adapters": adapters, "auto": auto, "tuning": tuning });
        return print_json(&document);
    }
    let mut table = zoo_report::table(["backend", "compiled in", "what it is"], []);
    for (kind, note) in KINDS {
        table.add_row([kind.name(), if kind.compiled() { "yes" } else { "no" }, note]);
    }
    let adapters = adapter_table(&adapters);
    let tuning = tuning.map_or_else(
        || "GPUs' tuning is not kept: there is no cache folder; --cache-dir names one".into(),
        |folder| {
            let (kibibytes, folder) = (size(&folder).div_ceil(1 << 10), folder.display());
            format!("GPUs' tuning is kept in {folder} ({kibibytes} KiB); --clear-tuning removes it")
        },
    );
    print(&format!("{table}\n\n{adapters}\n\n--backend auto takes {auto}: {reason}\n{tuning}"))
}

/// Removes a folder that may not be there.
fn clear(folder: &Path) -> Result<(), Failure> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Failure::Process { action: "cannot remove what was kept of tuning", source: error })
        }
        _ => Ok(()),
    }
}

/// The bytes of the files in a folder; 0 if it isn't there.
fn size(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
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
