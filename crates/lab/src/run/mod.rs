//! Run folders: what a command leaves on disk. Every file appears whole or not at all.
//!
//! ```text
//! runs/0001-compare-shapes10/   config.toml  result.json  result.md  result.csv  predictions.csv  report.html  curves.svg  curves.png
//!     cnn/  knn/  …             a run each, as of `zoo train`; of several trainings cnn/seed-42/  cnn/seed-43/  …
//! runs/0002-train-cnn-cifar10/  config.toml  result.json  predictions.csv  report.html  metrics.jsonl  model.safetensors  checkpoint/
//! runs/0003-tune-svm-cifar10/   config.toml  result.json  result.md  report.html  trials.jsonl  best.toml
//! runs/0004-reproduce-cs231n-cifar10/  config.toml  result.json  result.md  report.html
//! runs/0005-pictures-cifar10/   samples.svg  samples.png  …
//! runs/0006-audit-cifar10/      audit.json  audit.csv  near-duplicate.svg  near-duplicate.png  …
//! runs/0007-report-cifar10/     report.html  result.json  result.md  result.csv  predictions.csv
//! ```
//!
//! `zoo pictures` adds a folder `pictures/` to a run.

mod comparison;
mod config;
mod find;
mod folder;
mod training;

pub use comparison::ComparisonRun;
pub use config::RunConfig;
pub use find::find;
pub use folder::{
    ANSWERS, AUDIT, CHECKPOINT, CONFIG, METRICS, MODEL_FILE, RESULT, TRIALS, check_place, check_writable,
    read_comparison, read_config, write,
};
pub(crate) use folder::{
    LARGEST, create, lock, read_result, read_text, write_picture, write_result, write_table,
};
pub use training::TrainingRun;
pub(crate) use training::{create_member, is_finished, remove_if_nothing_was_saved};
