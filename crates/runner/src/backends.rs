//! `zoo backends`: what is compiled in, and what this machine has.

use comfy_table::{Table, presets};
use serde::Serialize;

use crate::backend::Backend;
use crate::cli::GlobalOptions;

#[derive(Serialize)]
struct Row {
    backend: &'static str,
    available: bool,
    adapter: String,
    note: &'static str,
}

/// Prints a row a backend and what `auto` takes.
pub(crate) fn run(options: &GlobalOptions) -> anyhow::Result<()> {
    let candidates = [
        ("flex", Backend::Flex, "Burn's fast CPU backend; --backend cpu"),
        ("ndarray", Backend::Ndarray, "deprecated in Burn 0.22; slow for convolutions"),
        ("wgpu", Backend::Wgpu, "GPUs by Vulkan, Metal or DirectX; --backend gpu"),
    ];
    let rows = candidates.map(|(backend, choice, note)| match choice.select() {
        Ok(selected) => Row { backend, available: true, adapter: selected.adapter, note },
        Err(error) => Row { backend, available: false, adapter: format!("{error:#}"), note },
    });
    let auto = Backend::Auto.select().map(|selected| selected.backend)?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&serde_json::json!({ "backends": rows, "auto": auto }))?);
        return Ok(());
    }
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_header(["backend", "available", "adapter", "note"]);
    for row in &rows {
        table.add_row([row.backend, if row.available { "yes" } else { "no" }, &row.adapter, row.note]);
    }
    println!("{table}\n--backend auto takes {auto}");
    Ok(())
}
