//! `zoo schema`: JSON Schemas of files.

use zoo_recipes::Registry;
use zoo_schema::{Audit, Comparison, Reproduction, SearchResult, json_schema};

use crate::cli::Document;
use crate::failure::Failure;
use crate::output::print_json;

/// Prints the schema of `document`.
pub(crate) fn run(document: Document) -> Result<(), Failure> {
    print_json(&match document {
        Document::Result => json_schema::<Comparison>("result.json of a run or a comparison of zoo"),
        Document::Search => json_schema::<SearchResult>("result.json of a search of zoo"),
        Document::Reproduction => json_schema::<Reproduction>("result.json of zoo reproduce"),
        Document::Audit => json_schema::<Audit>("audit.json of zoo data audit"),
        Document::Recipe => Registry::zoo().schema()?,
    })
}
