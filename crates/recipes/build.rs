//! Finds the recipes that are compiled in. `configs` is a link to that of the repository, and in a package a folder.

use std::path::Path;

fn main() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let inside = package.join("configs");
    // Windows may check the link out as a file.
    let configs = if inside.is_dir() { inside } else { package.join("../../configs") };
    println!("cargo::rustc-env=ZOO_CONFIGS={}", configs.display());
    println!("cargo::rerun-if-changed=build.rs");
}
