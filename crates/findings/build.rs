//! Finds the page with what checks mean. `checks.md` is a link to that of the book, and in a package a file.

use std::path::Path;

fn main() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let inside = package.join("checks.md");
    // Windows may check the link out as a file with one line: where it leads.
    let is_page = std::fs::read_to_string(&inside).is_ok_and(|text| text.contains('\n'));
    let page = if is_page { inside } else { package.join("../../docs/checks.md") };
    println!("cargo::rustc-env=ZOO_CHECKS={}", page.display());
    println!("cargo::rerun-if-changed=build.rs");
}
