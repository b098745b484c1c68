//! Keys that files have in addition to those of recipes.

/// The key that names the model of a recipe.
pub const MODEL: &str = "model";
/// What a run depended on apart from its recipes.
pub const RUN: &str = "run";
/// What a search over the keys of a recipe tries.
pub const SEARCH: &str = "search";
/// What a suite of published results says of a recipe.
pub const ROW: &str = "row";
/// Which rows of which suite a run has measured.
pub const REPRODUCE: &str = "reproduce";
