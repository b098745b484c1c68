//! Names of files that hold what is rendered here. Those of everything else in a run folder are in `zoo_lab::run`.

/// The file in a run folder with the whole table, in Markdown.
pub const MARKDOWN_FILE: &str = "result.md";
/// The file in the folder of a comparison with a row per model and all figures, as CSV.
pub const CSV_FILE: &str = "result.csv";
/// The file in the folder of a search with the recipe of the best trial.
pub const BEST_FILE: &str = "best.toml";
/// The file in a run folder with the page that shows its results.
pub const PAGE_FILE: &str = "report.html";
