//! Pages: results as one HTML file that opens from disk in any browser, and asks no network for anything.
//!
//! A page is a template of `templates/` filled with what is prepared here. Whatever comes from data (names of classes, files and
//! recipes, messages) is text to the template, which escapes it; only [`Markup`](crate::markup::Markup) goes in as it is, and it is made here. The page's
//! content security policy allows its one script and its one style, by their hashes, images within the page, and no request at all.

mod choice;
mod comparison;
mod confusion;
mod explanation;
mod gallery;
mod images;
mod reproduction;
mod rows;
mod search;
mod sections;
mod shell;
mod sprites;
mod table;
#[cfg(test)]
mod tests;

use crate::grid::Grid;

pub use comparison::ComparisonPage;
pub use reproduction::reproduction_page;
pub use search::search_page;

/// What a page says of how its results came about.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    /// What the page is called in its title, if not by what it shows: the name of the run.
    pub run: String,
    /// What it depended on: a name and a value each.
    pub facts: Vec<(String, String)>,
    /// The command that does it again.
    pub command: String,
    /// Everything resolved, as TOML: files with their names.
    pub recipes: Vec<(String, String)>,
}

/// How a model decides, as images.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The model, as [`ModelResult::label`](zoo_schema::ModelResult::label) has it.
    pub model: String,
    /// Its neighbours, templates or filters.
    pub grid: Grid,
}

/// What is explained of a check: Markdown, by its code; `None` for a code that isn't known.
pub type Explain = fn(&str) -> Option<&'static str>;
