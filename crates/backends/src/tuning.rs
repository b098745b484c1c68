//! What a GPU's backend finds out by trying, kept from one process to the next.

use std::path::Path;

/// Keeps tuning in `folder`, which is made if it isn't there: which kernel is the fastest for which shape on which adapter, and compiled
/// kernels where the backend can write them down. Processes may share the folder, and it may be removed while none uses it.
///
/// It is for programs to call before they open a GPU. Without it tuning is kept where CubeCL keeps it by itself, in `target/environment` of
/// the workspace that the process is in, or in the user's cache folder. What `cubecl.toml` and the variables `CUBECL_…` say of anything
/// else holds.
///
/// Does nothing in a build without GPUs, nor once one has been opened.
pub fn keep_tuning(folder: &Path) {
    #[cfg(feature = "gpu")]
    {
        use burn::cubecl::config::cache::CacheConfig;
        use burn::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};

        let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
        config.environment.path = CacheConfig::Directory(folder.into());
        config.compilation.cache = true;
        if !CubeClRuntimeConfig::try_set(config) {
            log::warn!("tuning is not kept in {}: a GPU was opened before that was said", folder.display());
        }
    }
    #[cfg(not(feature = "gpu"))]
    let _ = folder;
}
