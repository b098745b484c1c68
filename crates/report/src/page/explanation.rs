//! Explanations, which are written in Markdown, as HTML.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

use crate::markup::Markup;

/// The text without its links: they lead to pages of the book, which isn't there where a page is opened.
pub(crate) fn html(markdown: &str) -> Markup {
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Start(Tag::Link { .. } | Tag::Image { .. }) | Event::End(TagEnd::Link | TagEnd::Image) => None,
        // Nothing goes into a page as it is.
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(CowStr::from(text.into_string()))),
        event => Some(event),
    });
    let mut text = String::new();
    html::push_html(&mut text, events);
    Markup(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_become_text_and_html_is_escaped() {
        let text = html("**What** [it](a.md) `means`\n\n<script>x</script>\n").0;
        assert!(text.contains("<strong>What</strong> it <code>means</code>"), "{text}");
        assert!(!text.contains("<script>") && !text.contains("<a "), "{text}");
    }
}
