//! Suites of published results.

use std::path::Path;

use super::row::SuiteRow;
use crate::cli::UsageError;
use crate::config;
use crate::nearest::unknown;

/// The text of a row in `configs/`.
macro_rules! row {
    ($suite:literal, $row:literal) => {
        ($row, include_str!(concat!("../../../../configs/", $suite, "/", $row, ".toml")))
    };
}

/// The suites that come along: a name, and rows in the order of the course.
const SUITES: [(&str, &[(&str, &str)]); 2] = [
    (
        "cs231n",
        &[
            row!("cs231n", "nearest-neighbour-l1"),
            row!("cs231n", "nearest-neighbour-l2"),
            row!("cs231n", "knn-5000-k1"),
            row!("cs231n", "knn-5000-k1-official"),
            row!("cs231n", "knn-5000-k10"),
            row!("cs231n", "knn-5000-k10-official"),
            row!("cs231n", "knn-cross-validation"),
            row!("cs231n", "knn-cross-validation-official"),
            row!("cs231n", "random-search"),
            row!("cs231n", "random-local-search"),
            row!("cs231n", "svm"),
            row!("cs231n", "softmax"),
            row!("cs231n", "two-layer-default"),
            row!("cs231n", "two-layer-tuned"),
            row!("cs231n", "features-svm"),
            row!("cs231n", "features-softmax"),
            row!("cs231n", "features-two-layer"),
            row!("cs231n", "convnet-three-layer"),
            row!("cs231n", "convnet-open"),
        ],
    ),
    (
        "cifar10-networks",
        &[
            row!("cifar10-networks", "airbench-32-64-64"),
            row!("cifar10-networks", "airbench-32-128-128"),
            row!("cifar10-networks", "airbench93"),
            row!("cifar10-networks", "airbench94"),
            row!("cifar10-networks", "resnet20"),
        ],
    ),
];

/// The suites that come along, and the names of their rows.
pub(super) fn names() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    SUITES.iter().map(|(name, rows)| (*name, rows.iter().map(|(row, _)| *row).collect()))
}

/// Published results that belong together.
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) rows: Vec<SuiteRow>,
}

impl Suite {
    /// The suite of that name, or that of the folder.
    ///
    /// # Errors
    /// [`UsageError`] if there is none, or a row is not as it should be.
    pub(super) fn open(name: &str) -> anyhow::Result<Self> {
        if let Some((name, rows)) = SUITES.iter().find(|(known, _)| *known == name) {
            let rows = rows.iter().map(|(row, text)| {
                let origin = format!("{name}/{row}");
                SuiteRow::new(row, &origin, text.parse().expect("rows that come along are valid TOML"))
            });
            return Ok(Self { name: (*name).into(), rows: rows.collect::<anyhow::Result<_>>()? });
        }
        let folder = Path::new(name);
        if !folder.is_dir() {
            return Err(
                unknown("suite, and no folder of rows:", name, &SUITES.map(|(known, _)| known)).into()
            );
        }
        let usage = |reason: String| UsageError(format!("{name}: {reason}"));
        let entries = folder.read_dir().map_err(|error| usage(error.to_string()))?;
        let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        files.sort();
        let rows = files.iter().map(|path| {
            let row = path.file_stem().unwrap_or_default().to_string_lossy();
            SuiteRow::new(&row, &path.display().to_string(), config::read_table(path)?)
        });
        let rows: Vec<SuiteRow> = rows.collect::<anyhow::Result<_>>()?;
        if rows.is_empty() {
            return Err(usage("there is no row in it, a TOML file with a recipe and [row]".into()).into());
        }
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { name, rows })
    }

    /// Keeps the rows of these names; all if there are none.
    ///
    /// # Errors
    /// [`UsageError`] for a name that no row has.
    pub(super) fn only(mut self, names: &[String]) -> Result<Self, UsageError> {
        let known: Vec<&str> = self.rows.iter().map(|row| row.name.as_str()).collect();
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(unknown("row", name, &known));
        }
        self.rows.retain(|row| names.is_empty() || names.contains(&row.name));
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_that_come_along_are_valid_and_whole() {
        for (suite, rows) in SUITES {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs").join(suite);
            assert_eq!(folder.read_dir().unwrap().count(), rows.len(), "{suite} leaves a file out");
            for row in Suite::open(suite).unwrap().rows {
                for published in row.setup.published {
                    assert!(published.tolerance <= 2.0, "{suite}/{}: {}", row.name, published.tolerance);
                    assert!(!published.reason.is_empty());
                }
            }
        }
    }

    #[test]
    fn the_course_averages_no_weights() {
        for row in Suite::open("cs231n").unwrap().rows {
            let config = row.contender.recipe.config().unwrap();
            for (table, key, off) in [("lookahead", "every", 0.0), ("ema", "decay", 0.0)] {
                let value = config.get(table).and_then(|table| table.get(key));
                let value =
                    value.map(|value| value.as_float().or(value.as_integer().map(|value| value as f64)));
                assert!(value.is_none_or(|value| value == Some(off)), "{}: {table}.{key}", row.name);
            }
        }
    }

    #[test]
    fn names_are_looked_for() {
        let error = Suite::open("cs231").err().unwrap().to_string();
        assert!(error.contains("did you mean \"cs231n\"?"), "{error}");
        let suite = || Suite::open("cs231n").unwrap();
        assert_eq!(suite().only(&["svm".into()]).unwrap().rows.len(), 1);
        assert!(suite().only(&["svn".into()]).err().unwrap().0.contains("did you mean \"svm\"?"));
    }
}
