//! Images, a machine, a seed, and who watches.

use zoo_backends::Machine;
use zoo_data::Splits;

use crate::watch::Watch;

/// All that an experiment with one recipe needs apart from the recipe.
#[derive(Clone, Copy)]
pub struct Lab<'a> {
    /// The images.
    pub splits: &'a Splits,
    /// Where to compute.
    pub machine: &'a Machine,
    /// What everything random follows from.
    pub seed: u64,
    /// Who watches.
    pub watch: &'a dyn Watch,
}
