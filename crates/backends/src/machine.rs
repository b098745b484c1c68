//! A backend that is ready to compute.

use std::fmt;

use burn::tensor::Device;

use crate::name::Backend;

/// A backend that is ready to compute, on a device of this computer.
#[derive(Clone, Debug)]
pub struct Machine {
    /// What was asked for: on the same computer it opens the same machine again.
    pub asked: Backend,
    /// The backend's name, `flex`.
    pub backend: &'static str,
    /// What it runs on, as the driver names it.
    pub adapter: String,
    /// Burn's handle.
    pub device: Device,
    /// Whether its memory is not the CPU's.
    pub gpu: bool,
    /// The most bytes that a kernel sees of a tensor, where that is known and less than memory.
    pub largest_tensor: Option<u64>,
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.backend, self.adapter)
    }
}
