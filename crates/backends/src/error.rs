//! Why there is no machine to compute on.

use zoo_core::Unknown;

/// What to do where no GPU answers.
pub(crate) const INSTALL_DRIVER: &str =
    "install its Vulkan driver (the vendor's, or Debian's mesa-vulkan-drivers), or use --backend cpu";

/// Why a backend can't be named or opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BackendError {
    /// No backend has that name.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// What follows the colon is not a number.
    #[error("{index:?} in {text:?} is not a device index; expected wgpu:0, wgpu:1, …")]
    Index {
        /// What follows the colon.
        index: String,
        /// All of it.
        text: String,
    },
    /// A backend with one device has an index.
    #[error("{name} has no device index; name the GPU backend, wgpu:1")]
    NoIndex {
        /// The backend's name.
        name: String,
    },
    /// The backend is not part of this build.
    #[error(
        "this zoo was built without {name}; build it with --features {name}, or choose another --backend"
    )]
    NotCompiled {
        /// The backend's name, which is that of its feature.
        name: &'static str,
    },
    /// There is no real GPU.
    #[error("no GPU answers; {INSTALL_DRIVER}")]
    NoGpu,
    /// The backend has found no adapter.
    #[error("{name} found no adapter; {INSTALL_DRIVER}")]
    NoAdapter {
        /// The backend's name.
        name: &'static str,
    },
    /// There are adapters, but none with that index.
    #[error("there is no adapter {name}:{index}; there are {count}, which `zoo backends` lists")]
    NoSuchAdapter {
        /// The backend's name.
        name: &'static str,
        /// The index that was asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A runtime that is loaded on demand has no such device.
    #[error("there is no device {name}:{index}; there are {count}; install the driver, or use --backend cpu")]
    NoSuchDevice {
        /// The backend's name.
        name: &'static str,
        /// The index that was asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// The driver refuses to open the adapter.
    #[error("{adapter} can't be used: {reason}")]
    Unusable {
        /// The adapter, as the driver names it.
        adapter: String,
        /// The driver's reason.
        reason: String,
    },
}

impl BackendError {
    /// Whether the name itself is wrong, whatever the machine has.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Index { .. } | Self::NoIndex { .. })
    }
}
