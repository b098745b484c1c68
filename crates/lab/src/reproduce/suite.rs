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
            let rows = related(name, rows.collect::<Result<_, LabError>>()?)?;
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
        let rows = related(name, rows)?;
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { name, folder: Some(folder.into()), rows })
    }

    /// Keeps the rows of these names, and what they are compared with; all if there are none.
    ///
    /// # Errors
    /// [`LabError`] for a name that no row has.
    pub fn only(mut self, names: &[String]) -> Result<Self, LabError> {
        let known: Vec<&str> = self.rows.iter().map(|row| row.name.as_str()).collect();
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(Unknown::new("row", name, &known).into());
        }
        let asked = |row: &&SuiteRow| names.is_empty() || names.contains(&row.name);
        let compared: Vec<String> =
            self.rows.iter().filter(asked).filter_map(|row| row.setup.against.clone()).collect();
        self.rows.retain(|row| asked(&row) || compared.contains(&row.name));
        Ok(self)
    }
}

/// The rows of the suite `origin`, those that others are compared with first.
///
/// # Errors
/// [`LabError`] for a row that is compared with none, or with a mistake; for one that nothing is published for, and that nothing is
/// compared with.
fn related(origin: &str, mut rows: Vec<SuiteRow>) -> Result<Vec<SuiteRow>, LabError> {
    let wrong = |row: &SuiteRow, reason: &str| {
        Err(LabError::Suite { origin: format!("{origin}/{}", row.name), reason: format!("[row] {reason}") })
    };
    let known: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    let against: Vec<String> = rows.iter().filter_map(|row| row.setup.against.clone()).collect();
    for name in &against {
        if !known.contains(name) {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            return Err(Unknown::new("row to compare with", name, &known).into());
        }
    }
    for row in &mut rows {
        row.is_right = against.contains(&row.name);
        if row.is_right && row.setup.is_mistake() {
            return wrong(row, "others are compared with it: it can be no mistake itself");
        }
        if row.setup.published.is_empty() && !row.is_right && !row.setup.is_mistake() {
            return wrong(
                row,
                "nothing is published; add [[row.published]], or against = \"ROW\" for a mistake",
            );
        }
    }
    rows.sort_by_key(|row| !row.is_right);
    Ok(rows)
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
    fn mistakes_differ_from_what_is_right_in_one_thing() {
        let suite = open("mistakes").unwrap();
        let config = |row: &SuiteRow| row.contender.estimator.config().unwrap();
        let right = config(&suite.rows[0]);
        assert!(suite.rows[0].is_right && suite.rows[1..].iter().all(|row| row.setup.is_mistake()));
        for row in &suite.rows[1..] {
            let wrong = config(row);
            let differing: Vec<&String> =
                right.keys().chain(wrong.keys()).filter(|key| right.get(*key) != wrong.get(*key)).collect();
            assert!(differing.iter().all(|key| *key == differing[0]), "{}: {differing:?}", row.name);
            assert!(!differing.is_empty(), "{} is right", row.name);
        }
    }

    #[test]
    fn a_mistake_brings_what_is_right_along() {
        let rows: Vec<String> = open("mistakes")
            .unwrap()
            .only(&["not-scaled".into()])
            .unwrap()
            .rows
            .into_iter()
            .map(|row| row.name)
            .collect();
        assert_eq!(rows, ["correct", "not-scaled"]);
    }

    #[test]
    fn rows_of_a_folder_must_belong_together() {
        let place = tempfile::tempdir().unwrap();
        let write = |name: &str, row: &str| {
            let text = format!("model = \"softmax\"\n[row]\ntitle = \"t\"\nsource = \"s\"\n{row}\n");
            std::fs::write(place.path().join(format!("{name}.toml")), text).unwrap();
        };
        let open = || open(place.path().to_str().unwrap()).map_err(|error| error.to_string());
        write("z", "");
        assert!(open().unwrap_err().contains("nothing is published"));
        write("a", "against = \"zz\"");
        assert!(open().unwrap_err().contains("did you mean \"z\"?"));
        write("a", "against = \"z\"");
        let names: Vec<String> = open().unwrap().rows.into_iter().map(|row| row.name).collect();
        assert_eq!(names, ["z", "a"]);
        write("z", "against = \"a\"");
        assert!(open().unwrap_err().contains("no mistake itself"));
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
