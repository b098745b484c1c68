//! What results say of the images and of the program.

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};
use zoo_backends::Machine;
use zoo_data::{Splits, Subset};
use zoo_schema::{Comparison, DatasetSummary, Duplicate, Majority, ModelResult, Part, SCHEMA};

use crate::chance::{Compared, pairs, verdict};
use crate::lab::Lab;
use crate::protocol::Protocol;

/// This version of zoo.
pub const ZOO_VERSION: &str = env!("CARGO_PKG_VERSION");
/// The version of Burn that zoo is built with.
pub const BURN_VERSION: &str = "0.22.1";

/// Name, sizes and classes of a dataset, and which images it has twice: every pixel is looked at for that, so it is asked once.
pub(crate) fn dataset(splits: &Splits, protocol: Protocol) -> DatasetSummary {
    // Whoever leaves the test images alone doesn't look at their pixels either.
    let duplicates = if protocol.no_test { Vec::new() } else { splits.duplicates() };
    let duplicate = |zoo_data::Duplicate { test, train, .. }| Duplicate { test, train };
    DatasetSummary { duplicates: duplicates.into_iter().map(duplicate).collect(), ..summary(splits) }
}

/// Name, sizes and classes of a dataset; which images it has twice isn't looked for.
pub(crate) fn summary(splits: &Splits) -> DatasetSummary {
    DatasetSummary {
        name: splits.name.clone(),
        train: splits.train.len(),
        validation: splits.validation.len(),
        test: splits.test.len(),
        classes: splits.classes.clone(),
        train_per_class: splits.train.class_counts(splits.classes.len()),
        duplicates: Vec::new(),
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

/// The machine in words: `AMD EPYC 9R14, 2 cores, 24 GiB, Debian GNU/Linux`.
pub(crate) fn machine() -> String {
    let system = System::new_with_specifics(
        RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::everything()),
    );
    let brand =
        system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).filter(|brand| !brand.is_empty());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory = (system.total_memory() as f64 / f64::from(1 << 30)).round();
    let parts = [
        brand,
        Some(if cores == 1 { "1 core".into() } else { format!("{cores} cores") }),
        (memory > 0.0).then(|| format!("{memory} GiB")),
        System::name(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What results say of the images, and all that follows from them together.
pub(crate) struct Summary<'a> {
    splits: &'a Splits,
    machines: &'a [Machine],
    protocol: Protocol,
    dataset: DatasetSummary,
}

impl<'a> Summary<'a> {
    /// `dataset` is what [`dataset`] says of `splits`.
    pub(crate) const fn new(
        splits: &'a Splits,
        machines: &'a [Machine],
        protocol: Protocol,
        dataset: DatasetSummary,
    ) -> Self {
        Self { splits, machines, protocol, dataset }
    }

    /// Results in the schema, the best first. `compared` are those of them that can be judged against each other.
    pub(crate) fn comparison(&self, results: Vec<ModelResult>, compared: &[Compared]) -> Comparison {
        let part = if self.protocol.no_test { Part::Validation } else { Part::Test };
        let pairs = pairs(compared);
        let verdict = verdict(compared, &pairs, part);
        let mut comparison = Comparison {
            schema: SCHEMA,
            zoo_version: ZOO_VERSION.into(),
            burn_version: BURN_VERSION.into(),
            dataset: self.dataset.clone(),
            backend: backends(self.machines),
            adapter: adapters(self.machines),
            machine: Some(machine()),
            seed: self.protocol.seed,
            pareto_front: pareto_front(results.iter().filter(|result| self.is_on_first_machine(result))),
            results,
            majority: self.majority(),
            pairs,
            verdict,
            checks: Vec::new(),
        };
        comparison.sort();
        comparison.checks = zoo_findings::of_comparison(&comparison);
        comparison
    }

    fn is_on_first_machine(&self, result: &ModelResult) -> bool {
        self.machines.first().is_none_or(|machine| machine.backend == result.backend)
    }

    /// What always the largest class of the training images comes to.
    fn majority(&self) -> Option<Majority> {
        let Splits { train, validation, test, classes, .. } = self.splits;
        let counts = train.class_counts(classes.len());
        // The first of equals.
        let class = (0..counts.len()).rev().max_by_key(|&class| counts[class])?;
        let share = |images: &Subset| {
            let of_class = images.class_counts(classes.len())[class];
            (!images.is_empty()).then(|| of_class as f64 / images.len() as f64)
        };
        Some(Majority {
            class: classes[class].clone(),
            validation_accuracy: share(validation),
            test_accuracy: if self.protocol.no_test { None } else { share(test) },
        })
    }
}

/// One result in the schema.
pub(crate) fn of_one(lab: &Lab<'_>, dataset: DatasetSummary, result: ModelResult) -> Comparison {
    let machines = std::slice::from_ref(lab.machine);
    Summary::new(lab.splits, machines, lab.protocol, dataset).comparison(vec![result], &[])
}

/// The results that no other beats in both accuracy and speed of prediction, the fastest first.
pub(crate) fn pareto_front<'a>(results: impl Iterator<Item = &'a ModelResult>) -> Vec<String> {
    let point = |result: &'a ModelResult| {
        let accuracy = result.validation_accuracy().or(result.accuracy())?;
        Some((result.label(), accuracy, result.predict_images_per_second?))
    };
    let points: Vec<(&str, f64, f64)> = results.filter_map(point).collect();
    let beats =
        |a: &(&str, f64, f64), b: &(&str, f64, f64)| a.1 >= b.1 && a.2 >= b.2 && (a.1 > b.1 || a.2 > b.2);
    let mut front: Vec<_> =
        points.iter().filter(|point| !points.iter().any(|other| beats(other, point))).collect();
    front.sort_by(|a, b| b.2.total_cmp(&a.2));
    front.into_iter().map(|(label, ..)| (*label).to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_is_what_nothing_beats_in_both() {
        let result = |name: &str, accuracy: f64, speed: f64| {
            let mut result = ModelResult::new(name, "flex", serde_json::Value::Null);
            result.validation = Some(zoo_schema::PartMetrics::new((accuracy * 100.0) as usize, 100, None));
            result.predict_images_per_second = Some(speed);
            result
        };
        let results = [
            result("cnn", 0.87, 2e3),
            result("knn", 0.35, 1e3),
            result("softmax", 0.41, 9e4),
            result("svm", 0.41, 8e4),
        ];
        assert_eq!(pareto_front(results.iter()), ["softmax", "cnn"]);
        let failed = ModelResult::new("failed", "flex", serde_json::Value::Null);
        assert_eq!(pareto_front([failed].iter()), [""; 0]);
    }

    #[test]
    fn the_version_of_burn_is_the_one_in_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"burn\"\nversion = \"{BURN_VERSION}\"\n")));
    }
}
