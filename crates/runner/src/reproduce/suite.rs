//! Suites of published results. A row is a recipe like any other, with a `[row]` that says what was published and on which images;
//! `zoo train` takes it, too.

use std::path::Path;

use serde::Deserialize;
use toml::Table;
use zoo_core::result::ModelResult;

use crate::cli::UsageError;
use crate::config::{self, Contender, ROW, parse};
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

/// The names of the suites that come along.
pub(super) fn names() -> Vec<&'static str> {
    SUITES.iter().map(|(name, _)| *name).collect()
}

/// Published results that belong together.
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) rows: Vec<SuiteRow>,
}

/// A published result, and the recipe that should come to it.
pub(super) struct SuiteRow {
    pub(super) name: String,
    pub(super) setup: Setup,
    pub(super) contender: Contender,
}

/// The `[row]` of a recipe.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Setup {
    /// What it is, in a few words.
    pub(super) title: String,
    /// Where it was published.
    pub(super) source: String,
    /// What a figure that is missed is missed for.
    pub(super) remark: Option<String>,
    /// Whether the figures are those of the official images in their order, and of no others.
    #[serde(default)]
    pub(super) official: bool,
    /// Whether limits take the first images, validation the last and folds what follows each other, rather than a draw.
    #[serde(default)]
    pub(super) in_order: bool,
    /// Training images, those held out included; all if there is no number.
    pub(super) images: Option<usize>,
    /// How many of them are held out.
    #[serde(default)]
    pub(super) validation: usize,
    /// Test images; all if there is no number.
    pub(super) test: Option<usize>,
    /// Folds of cross-validation, if that is what validation means.
    pub(super) folds: Option<usize>,
    /// Keys and the values to try, all combinations; the best in validation is measured.
    #[serde(default)]
    pub(super) search: Table,
    /// What was published.
    pub(super) published: Vec<Published>,
}

/// A published number, in percent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Published {
    pub(super) measure: Measure,
    /// The setting of the search that it belongs to; the best if none is named.
    #[serde(default)]
    pub(super) setting: Table,
    value: Option<f64>,
    range: Option<[f64; 2]>,
    at_least: Option<f64>,
    /// The accuracy of each fold.
    folds: Option<Vec<f64>>,
    pub(super) tolerance: f64,
    /// Why the tolerance is what it is.
    pub(super) reason: String,
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Measure {
    /// Accuracy on the test images.
    Test,
    /// On those that were held out; with folds the mean over them.
    Validation,
    /// On a sample of the training images.
    Training,
    /// On the test images with this test-time augmentation.
    Mirror,
    MirrorAndShifts,
}

impl Measure {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Validation => "validation",
            Self::Training => "training",
            Self::Mirror => "test, mirror",
            Self::MirrorAndShifts => "test, mirror and shifts",
        }
    }

    /// The accuracy of a fitted model, 0 to 1.
    pub(super) fn of(self, result: &ModelResult) -> Option<f64> {
        let variant = |name: &str| {
            let found = result.variants.iter().find(|variant| variant.name == name);
            found.map(|variant| variant.accuracy)
        };
        match self {
            Self::Test => result.test.as_ref().map(|test| test.accuracy),
            Self::Validation => result.validation.map(|part| part.accuracy),
            Self::Training => result.train.map(|part| part.accuracy),
            Self::Mirror => variant("mirror"),
            Self::MirrorAndShifts => variant("mirror_and_shifts"),
        }
    }
}

impl Published {
    /// The least and the most that was published, one pair a figure; several for folds.
    pub(super) fn ranges(&self) -> Vec<(Option<f64>, Option<f64>)> {
        let exact = |value: f64| (Some(value), Some(value));
        match (self.value, self.range, self.at_least, &self.folds) {
            (Some(value), None, None, None) => vec![exact(value)],
            (None, Some([low, high]), None, None) => vec![(Some(low), Some(high))],
            (None, None, Some(low), None) => vec![(Some(low), None)],
            (None, None, None, Some(folds)) => folds.iter().copied().map(exact).collect(),
            _ => Vec::new(),
        }
    }
}

impl Setup {
    /// What is wrong with it, if anything is.
    fn check(&self) -> Result<(), String> {
        if self.published.is_empty() {
            return Err("nothing is published; add [[row.published]]".into());
        }
        for published in &self.published {
            if published.ranges().is_empty() {
                return Err("[[row.published]] takes one of value, range, at_least and folds".into());
            }
            if !(0.0..=100.0).contains(&published.tolerance) {
                let tolerance = published.tolerance;
                return Err(format!("tolerance = {tolerance}: must be 0 to 100 points"));
            }
            if !published.setting.is_empty() && self.search.is_empty() {
                return Err("a figure has a setting, but there is no [row.search]".into());
            }
        }
        if self.images.is_some_and(|images| images <= self.validation) {
            return Err(format!("validation = {}: must leave images to learn from", self.validation));
        }
        Ok(())
    }
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
            return Err(unknown("suite, and no folder of rows:", name, &names()).into());
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

impl SuiteRow {
    fn new(name: &str, origin: &str, mut table: Table) -> anyhow::Result<Self> {
        let usage = |reason: String| UsageError(format!("{origin}: {reason}"));
        let Some(toml::Value::Table(setup)) = table.remove(ROW) else {
            return Err(usage("it has no [row] to say what was published".into()).into());
        };
        let setup: Setup = parse(setup).map_err(|error| usage(format!("[row] {error}")))?;
        setup.check().map_err(|reason| usage(format!("[row] {reason}")))?;
        let contender = config::contender(origin, name, table)?;
        Ok(Self { name: name.into(), setup, contender })
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

    fn row(setup: &str) -> Result<SuiteRow, String> {
        let text = format!("model = \"knn\"\n[row]\ntitle = \"t\"\nsource = \"s\"\n{setup}");
        SuiteRow::new("r", "file", text.parse().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_row_says_what_is_wrong_with_it() {
        let published = "published = [{ measure = \"test\", value = 1.0, tolerance = 1.0, reason = \"\" }]";
        assert!(row(published).is_ok());
        let error = |setup: &str| row(setup).err().unwrap();
        assert_eq!(error("published = []"), "file: [row] nothing is published; add [[row.published]]");
        assert!(error(&published.replace("value", "worth")).contains("unknown field `worth`"));
        let both = published.replace("value", "at_least = 1.0, value");
        assert!(error(&both).contains("one of value, range"));
        assert!(error(&published.replace("tolerance = 1", "tolerance = -1")).contains("tolerance = -1"));
        assert!(error(&published.replace("value", "setting = { k = 1 }, value")).contains("[row.search]"));
        assert!(error(&format!("images = 5\nvalidation = 5\n{published}")).contains("validation = 5"));
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
