//! Pieces of a page.

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;

/// HTML or SVG that was made here, with everything in it escaped that comes from data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Markup(pub(crate) String);

impl Markup {
    /// What `template` makes of its fields.
    pub(crate) fn of(template: &impl Template) -> Self {
        Self(template.render().expect("text is written into memory, where nothing fails"))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Markup {}
