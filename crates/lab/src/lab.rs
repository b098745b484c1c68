//! Images, a machine, a protocol, and who watches.

use zoo_backends::Machine;
use zoo_data::Splits;

use crate::protocol::Protocol;
use crate::watch::Watch;

/// All that an experiment with one recipe needs apart from the recipe.
#[derive(Clone, Copy)]
pub struct Lab<'a> {
    /// The images.
    pub splits: &'a Splits,
    /// Where to compute.
    pub machine: &'a Machine,
    /// How to fit and to judge.
    pub protocol: Protocol,
    /// Who watches.
    pub watch: &'a dyn Watch,
}
