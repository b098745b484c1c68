//! Suites of published results.

use std::path::{Path, PathBuf};

use zoo_core::Unknown;
use zoo_recipes::{Registry, SUITES, read_table};

use crate::error::LabError;
use crate::reproduce::row::SuiteRow;

/// The suites that are compiled in, and the names of their rows.
pub fn names() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    SUITES.iter().map(|(name, rows)| (*name, rows.iter().map(|(row, _)| *row).collect()))
}

/// Published results that belong together.
#[derive(Debug)]
pub struct Suite {
    /// Its name, or that of its folder.
    pub name: String,
    /// The folder that it was read from, as it was given; `None` for one that is compiled in.
    pub(crate) folder: Option<PathBuf>,
    /// Its rows.
    pub(crate) rows: Vec<SuiteRow>,
}

impl Suite {
    /// The suite of that name, or that of the folder.
    ///
    /// # Errors
    /// [`LabError`] if there is none, or a row is not as it should be.
    pub fn open(registry: &Registry, name: &str) -> Result<Self, LabError> {
        if let Some((name, rows)) = SUITES.iter().find(|(known, _)| *known == name) {
            let rows = rows.iter().map(|(row, text)| {
                let origin = format!("{name}/{row}");
                let table = text.parse().map_err(|error: toml::de::Error| LabError::file(&origin, error))?;
                SuiteRow::new(registry, row, &origin, table)
            });
            let rows = rows.collect::<Result<_, LabError>>()?;
            return Ok(Self { name: (*name).into(), folder: None, rows });
        }
        let folder = Path::new(name);
        if !folder.is_dir() {
            let known = SUITES.map(|(known, _)| known);
            return Err(Unknown::new("suite, and no folder of rows:", name, &known).into());
        }
        let wrong = |reason: String| LabError::Suite { origin: name.into(), reason };
        let entries = folder.read_dir().map_err(|error| wrong(error.to_string()))?;
        let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        files.sort();
        let rows = files.iter().map(|path| {
            let row = path.file_stem().unwrap_or_default().to_string_lossy();
            SuiteRow::new(registry, &row, &path.display().to_string(), read_table(path)?)
        });
        let rows: Vec<SuiteRow> = rows.collect::<Result<_, LabError>>()?;
        if rows.is_empty() {
            return Err(wrong("there is no row in it, a TOML file with a recipe and [row]".into()));
        }
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { name, folder: Some(folder.into()), rows })
    }

    /// Keeps the rows of these names; all if there are none.
    ///
    /// # Errors
    /// [`LabError`] for a name that no row has.
    pub fn only(mut self, names: &[String]) -> Result<Self, LabError> {
        let known: Vec<&str> = self.rows.iter().map(|row| row.name.as_str()).collect();
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(Unknown::new("row", name, &known).into());
        }
        self.rows.retain(|row| names.is_empty() || names.contains(&row.name));
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(name: &str) -> Result<Suite, LabError> {
        Suite::open(&Registry::zoo(), name)
    }

    #[test]
    fn suites_that_are_compiled_in_are_valid_and_whole() {
        for (suite, rows) in SUITES {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs").join(suite);
            assert_eq!(folder.read_dir().unwrap().count(), rows.len(), "{suite} leaves a file out");
            for row in open(suite).unwrap().rows {
                for published in row.setup.published {
                    assert!(published.tolerance <= 2.0, "{suite}/{}: {}", row.name, published.tolerance);
                    assert!(!published.reason.is_empty());
                }
            }
        }
    }

    #[test]
    fn the_course_averages_no_weights() {
        for row in open("cs231n").unwrap().rows {
            let config = row.contender.estimator.config().unwrap();
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
        let error = open("cs231").err().unwrap().to_string();
        assert!(error.contains("did you mean \"cs231n\"?"), "{error}");
        let suite = || open("cs231n").unwrap();
        assert_eq!(suite().only(&["svm".into()]).unwrap().rows.len(), 1);
        assert!(suite().only(&["svn".into()]).err().unwrap().to_string().contains("did you mean \"svm\"?"));
    }
}
