//! Published figures next to measured ones: the document of `zoo reproduce`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::comparison::ModelResult;
use crate::cost::Cost;
use crate::dataset::DatasetSummary;
use crate::search::Trial;

/// A suite of published results, measured again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reproduction {
    /// The version of the schema, [`SCHEMA`](crate::SCHEMA).
    #[schemars(extend("const" = crate::SCHEMA))]
    pub schema: u32,
    /// The name of the suite, `cs231n`.
    pub suite: String,
    /// The version of zoo that measured.
    pub zoo_version: String,
    /// The version of Burn that it was built with.
    pub burn_version: String,
    /// The images that rows take theirs from. None are held out yet.
    pub dataset: DatasetSummary,
    /// Whether the images are CIFAR-10's, in whatever order; those of others are not judged.
    pub cifar10: bool,
    /// Whether the images are the official CIFAR-10, in its order.
    pub official: bool,
    /// Whether only a small sample of each row was run.
    pub quick: bool,
    /// The backend's name, `flex`.
    pub backend: String,
    /// The device it ran on.
    pub adapter: String,
    /// The machine that this was measured on: processor, cores, memory, system.
    #[serde(default)]
    pub machine: Option<String>,
    /// What everything random follows from.
    pub seed: u64,
    /// One per published result.
    pub rows: Vec<RowResult>,
}

/// One published result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RowResult {
    /// Its name, that of its file.
    pub row: String,
    /// What it is.
    pub title: String,
    /// Where it was published.
    pub source: String,
    /// What is ours rather than published, the recipe or the figures, and how; `null` if nothing is. Figures of such a row are
    /// [met](Verdict::Met), not reproduced.
    #[serde(default)]
    pub own: Option<String>,
    /// The recipe as it was followed, with the best of the settings that were searched.
    pub config: serde_json::Value,
    /// The images that it was measured with.
    pub images: ImageCounts,
    /// Why there are no figures, or not all of them.
    pub error: Option<String>,
    /// Wall time, searches included.
    pub seconds: f64,
    /// What was published, and what came out; empty for a mistake, and for what mistakes are compared with.
    pub figures: Vec<Figure>,
    /// What the row does wrong on purpose, and what that costs; `null` if nothing is wrong.
    #[serde(default)]
    pub cost: Option<Cost>,
    /// The settings that were searched.
    pub trials: Vec<Trial>,
    /// Everything about the model that was fitted in the end, if one was.
    pub result: Option<ModelResult>,
}

/// How many images a row was measured with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageCounts {
    /// Those that models learn from; with cross-validation, those that are divided into folds.
    pub train: usize,
    /// Those held out.
    pub validation: usize,
    /// Those of the test.
    pub test: usize,
}

/// A published number next to the measured one. All are in percent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    /// What was measured: `test`, `validation`, …
    pub measure: String,
    /// The setting that it belongs to, if the row has several: `k = 5`.
    pub setting: BTreeMap<String, serde_json::Value>,
    /// The least that was published; `None` if anything below counts as well.
    pub low: Option<f64>,
    /// The most that was published; `None` if anything above counts as well.
    pub high: Option<f64>,
    /// How far the measured figure may lie outside that range, in percentage points.
    pub tolerance: f64,
    /// Why the tolerance is what it is.
    pub reason: String,
    /// What came out.
    pub measured: Option<f64>,
    /// Whether that is the published figure.
    pub verdict: Verdict,
}

/// What became of a published figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A published number, measured with the published recipe, within the tolerance.
    Reproduced,
    /// Within the tolerance of a threshold, which leaves the recipe to the reader, or with a recipe that is not the published one.
    Met,
    /// Outside the tolerance.
    Missed,
    /// There is no figure: the row failed, or the setting that it belongs to.
    Failed,
    /// No figures are published for these images, or only a sample was run.
    NotJudged,
}

impl Figure {
    /// Judges what was measured with the published recipe, or with one of our `own`: from `low` − tolerance to `high` + tolerance,
    /// ends included, it is [`Verdict::Reproduced`], or [`Verdict::Met`] if it is our own or a threshold with one end; without a
    /// measured figure [`Verdict::Failed`].
    #[must_use]
    pub fn judged(&self, own: bool) -> Verdict {
        let Some(measured) = self.measured else { return Verdict::Failed };
        // What is published has a digit or two behind the point; half a unit of a third never decides.
        let tolerance = self.tolerance + 5e-4;
        let low = self.low.is_none_or(|low| measured >= low - tolerance);
        let high = self.high.is_none_or(|high| measured <= high + tolerance);
        let is_threshold = self.low.is_none() || self.high.is_none();
        match low && high {
            true if own || is_threshold => Verdict::Met,
            true => Verdict::Reproduced,
            false => Verdict::Missed,
        }
    }

    /// How far the measured figure lies outside of what was published, in percentage points: negative below, 0 within; `None`
    /// without one.
    #[must_use]
    pub fn difference(&self) -> Option<f64> {
        let measured = self.measured?;
        let below = self.low.map_or(0.0, |low| (measured - low).min(0.0));
        let above = self.high.map_or(0.0, |high| (measured - high).max(0.0));
        Some(below + above)
    }
}

impl Reproduction {
    /// How many figures have the verdict `verdict`.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.rows.iter().flat_map(|row| &row.figures).filter(|figure| figure.verdict == verdict).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(low: Option<f64>, high: Option<f64>, measured: Option<f64>) -> Figure {
        Figure {
            measure: "test".into(),
            setting: BTreeMap::new(),
            low,
            high,
            tolerance: 1.0,
            reason: String::new(),
            measured,
            verdict: Verdict::NotJudged,
        }
    }

    #[test]
    fn tolerance_counts_from_both_ends_of_the_range() {
        let range = |measured| figure(Some(37.0), Some(38.0), Some(measured));
        for (measured, verdict, difference) in [
            (36.0, Verdict::Reproduced, -1.0),
            (35.9, Verdict::Missed, -1.1),
            (37.5, Verdict::Reproduced, 0.0),
            (39.0, Verdict::Reproduced, 1.0),
            (39.1, Verdict::Missed, 1.1),
        ] {
            assert_eq!(range(measured).judged(false), verdict, "{measured}");
            assert!((range(measured).difference().unwrap() - difference).abs() < 1e-9, "{measured}");
        }
    }

    #[test]
    fn more_than_at_least_is_no_miss() {
        assert_eq!(figure(Some(48.0), None, Some(99.0)).judged(false), Verdict::Met);
        assert_eq!(figure(Some(48.0), None, Some(46.9)).judged(false), Verdict::Missed);
        assert_eq!(figure(Some(48.0), None, None).judged(false), Verdict::Failed);
        assert_eq!(figure(Some(48.0), None, None).difference(), None);
    }

    #[test]
    fn only_a_published_number_of_the_published_recipe_is_reproduced() {
        let published = |measured| figure(Some(44.0), Some(44.0), Some(measured));
        assert_eq!(published(43.3).judged(false), Verdict::Reproduced);
        assert_eq!(published(43.3).judged(true), Verdict::Met);
        assert_eq!(published(42.9).judged(true), Verdict::Missed);
    }
}
