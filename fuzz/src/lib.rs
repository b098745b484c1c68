//! What the targets share: a folder for the file that is tried, in memory where there is such a place.

use std::cell::LazyCell;
use std::path::Path;

use tempfile::TempDir;

thread_local! {
    static PLACE: LazyCell<TempDir> = LazyCell::new(|| {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder")
    });
}

/// Calls `work` with a folder that stays the same.
pub fn with_folder(work: impl FnOnce(&Path)) {
    PLACE.with(|place| work(place.path()));
}

/// Writes `bytes` to a file of this name, and calls `read` with its path.
pub fn with_file(name: &str, bytes: &[u8], read: impl FnOnce(&Path)) {
    with_folder(|folder| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("it can be written");
        read(&path);
    });
}
