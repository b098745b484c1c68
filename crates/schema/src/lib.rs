//! What results look like on disk and in `--json`: plain structs for serde, and no Burn, so that a program that only reads results
//! builds in seconds.
//!
//! | type                                             | where it is found                                            |
//! |--------------------------------------------------|--------------------------------------------------------------|
//! | [`Comparison`]                                   | `result.json` of a training run and of a comparison          |
//! | [`EpochRecord`]                                  | `metrics.jsonl` of a run, one line per epoch                 |
//! | [`Trial`]                                        | `trials.jsonl` of a search, one line per trial               |
//! | [`SearchResult`]                                 | `result.json` of a search                                    |
//! | [`Reproduction`]                                 | `result.json` of `zoo reproduce`                             |
//! | [`Checks`] of [`GradientReport`], [`SanityReport`] | `zoo gradcheck --json`, `zoo sanity --json`                |
//! | [`LossReport`]                                   | `zoo losses --json`                                          |
//! | [`Prediction`]                                   | `zoo predict --json`, a list; `--jsonl`, one per line        |
//! | [`Audit`]                                        | `audit.json` of `zoo data audit`                             |
//!
//! **Stability.** [`SCHEMA`] is the version of all of them. Under one version fields are only ever added, so that a reader of today
//! can read the files of tomorrow; fields that are missing in older files are optional or empty here. A number that does not exist
//! (the loss of k-NN, any figure of a model that failed) is `null`.
//!
//! **JSON Schema.** [`json_schema`] makes one of each type. `docs/schema` has those of the three kinds of `result.json`, which
//! `zoo schema` prints, for programs in other languages.
//!
//! ```
//! let document = r#"{
//!     "schema": 1, "zoo_version": "0.1.0", "burn_version": "0.22.1",
//!     "dataset": {"name": "pets", "train": 90, "validation": 10, "test": 4, "classes": ["cat", "dog"]},
//!     "backend": "flex", "adapter": "CPU", "seed": 42,
//!     "results": [{
//!         "model": "svm", "backend": "flex", "config": {},
//!         "test": {
//!             "accuracy": 0.75, "top_5_accuracy": null, "loss": 0.5,
//!             "macro": {"precision": 0.75, "recall": 0.83, "f1": 0.73},
//!             "per_class": [],
//!             "confusion": [[1, 0], [1, 2]]
//!         },
//!         "history": []
//!     }]
//! }"#;
//! let comparison: zoo_schema::Comparison = serde_json::from_str(document)?;
//! for result in &comparison.results {
//!     println!("{}: {:?}", result.name(), result.accuracy());
//! }
//! assert_eq!(comparison.results[0].accuracy(), Some(0.75));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod answers;
mod audit;
mod calibration;
mod chance;
mod checks;
mod comparison;
mod cost;
mod dataset;
mod finding;
mod interval;
mod json_schema;
mod losses;
mod metrics;
mod prediction;
mod reproduction;
mod search;

pub use answers::{Answer, AnsweredImage, Answers, AnswersError, Measure, ModelAnswers, Part};
pub use audit::{Audit, AuditFinding, AuditKind, AuditPart, AuditedImage};
pub use calibration::{Calibration, CalibrationBin};
pub use chance::{Pair, PairTest, SIGNIFICANCE, Spread};
pub use checks::{Check, Checks, Derivative, Deviation, GradientReport, SanityReport};
pub use comparison::{
    Comparison, EarlyStop, EpochRecord, Majority, ModelResult, NamedClassMetrics, PartMetrics, SCHEMA, Seeds,
    TestMetrics, Training, Variant,
};
pub use cost::{Clue, Cost, CostMeasure};
pub use dataset::{DatasetSummary, Duplicate};
pub use finding::{Finding, Severity};
pub use interval::Interval;
pub use json_schema::{json_schema, schema_settings};
pub use losses::{Decomposition, Example, ImageLosses, LossReport, Means, RunLosses};
pub use metrics::{ClassMetrics, ConfusionMatrix, MacroMetrics};
pub use prediction::{Guess, NearestImage, Prediction};
pub use reproduction::{Figure, ImageCounts, Reproduction, RowResult, Verdict};
pub use search::{Best, SearchResult, Trial, best_trial};
