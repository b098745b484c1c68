//! Which Burn backends there are, and opening one: the only crate that names backends.
//!
//! Since Burn 0.22 a tensor carries its backend in its [`Device`](burn::tensor::Device), at run time. So the choice is made at
//! launch: [`Backend`] is what somebody asks for (`auto`, `flex`, `wgpu:1`), [`Backend::select`] makes a [`Machine`] of it, and
//! everything above works on the machine's device without knowing which backend that is.
//!
//! ```
//! use zoo_backends::Backend;
//!
//! let machine = "cpu".parse::<Backend>()?.select()?;
//! assert!(!machine.gpu);
//! println!("computing on {machine}");
//! # Ok::<(), zoo_backends::BackendError>(())
//! ```
//!
//! Which backends are compiled in follows from the features `flex`, `ndarray` and `wgpu` (all three by default), `vulkan`, `metal`,
//! `webgpu`, `cuda` and `rocm`.

#[cfg(feature = "wgpu")]
mod adapters;
mod error;
mod machine;
mod name;
mod panic;
mod select;
mod tuning;

#[cfg(feature = "wgpu")]
pub use adapters::{Adapter, list};
pub use error::BackendError;
pub use machine::Machine;
pub use name::{Backend, Kind};
pub use panic::catch_panic;
pub use select::{cpu_device, has_gpu_node};
pub use tuning::keep_tuning;
