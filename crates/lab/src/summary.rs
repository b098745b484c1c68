//! What results say of the images and of the program.

use zoo_backends::Machine;
use zoo_data::Splits;
use zoo_schema::{Comparison, DatasetSummary, ModelResult, SCHEMA};

/// This version of zoo.
pub const ZOO_VERSION: &str = env!("CARGO_PKG_VERSION");
/// The version of Burn that zoo is built with.
pub const BURN_VERSION: &str = "0.22.1";

/// Name, sizes and classes of a dataset.
pub(crate) fn summary(splits: &Splits) -> DatasetSummary {
    DatasetSummary {
        name: splits.name.clone(),
        train: splits.train.len(),
        validation: splits.validation.len(),
        test: splits.test.len(),
        classes: splits.classes.clone(),
    }
}

/// The backends of `machines`, with commas between them.
pub(crate) fn backends(machines: &[Machine]) -> String {
    machines.iter().map(|machine| machine.backend).collect::<Vec<_>>().join(", ")
}

/// What `machines` run on, with commas between them.
pub(crate) fn adapters(machines: &[Machine]) -> String {
    machines.iter().map(|machine| machine.adapter.as_str()).collect::<Vec<_>>().join(", ")
}

/// Results in the schema, the best first.
pub(crate) fn comparison(
    splits: &Splits,
    machines: &[Machine],
    seed: u64,
    results: Vec<ModelResult>,
) -> Comparison {
    let mut comparison = Comparison {
        schema: SCHEMA,
        zoo_version: ZOO_VERSION.into(),
        burn_version: BURN_VERSION.into(),
        dataset: summary(splits),
        backend: backends(machines),
        adapter: adapters(machines),
        seed,
        results,
    };
    comparison.sort();
    comparison
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_burn_is_the_one_in_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"burn\"\nversion = \"{BURN_VERSION}\"\n")));
    }
}
