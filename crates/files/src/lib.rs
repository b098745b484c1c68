//! Files that survive the machine, and files from strangers.
//!
//! - [`write()`] puts a file in place whole or not at all, and on the disk; [`Aside`] does so for a folder.
//! - [`read`] and [`open`] take only regular files, of a size that was thought of.
//! - [`Lock`] keeps a second process out of a folder; [`check_inside`] refuses folders that lead somewhere else.
//!
//! - [`printable`] shows what strangers call things, and does nothing that they say.
//!
//! What is being written is called `.zoo-…` and locked for as long; [`clear`] removes what a process left behind that was killed.
//!
//! Errors are those of the operating system, or say in the same way what is wrong with a file; whoever calls knows its path.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests may do what the runner does")
)]

use std::path::Path;

mod aside;
mod digest;
mod inside;
mod lock;
mod printable;
mod read;
mod write;

pub use aside::{Aside, clear, sync_all};
pub use digest::{SUMS, hexadecimal, read_sums, sha256, sums, write_sums};
pub use inside::check_inside;
pub use lock::Lock;
pub use printable::{printable, printable_json, printable_lines};
pub use read::{open, read, read_to_string};
pub use write::{check_replaceable, sync_folder, temporary, write};

/// How everything is called that is being written.
const PREFIX: &str = ".zoo-";

/// The folder that `path` is in; `.` for a bare name.
#[must_use]
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
