//! Text from strangers, as it can be shown.

use std::borrow::Cow;
use std::fmt::Write;

/// A name without what would command a terminal or reorder what is around it: control characters, line breaks among them, and marks of
/// direction are escaped, `\u{1b}`.
#[must_use]
pub fn printable(name: &str) -> Cow<'_, str> {
    escaped(name, is_command)
}

/// The same for text of several lines: line breaks and tabs stay.
#[must_use]
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| is_command(letter) && !matches!(letter, '\n' | '\t'))
}

/// A JSON document, in which such characters are only within strings, as that escapes them, `\u001b`.
#[must_use]
pub fn printable_json(document: &str) -> Cow<'_, str> {
    let is_escaped = |letter| is_command(letter) && letter != '\n';
    if !document.contains(is_escaped) {
        return Cow::Borrowed(document);
    }
    let mut text = String::with_capacity(document.len());
    for letter in document.chars() {
        if is_escaped(letter) {
            let _ = write!(text, "\\u{:04x}", u32::from(letter));
        } else {
            text.push(letter);
        }
    }
    Cow::Owned(text)
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool + Copy) -> Cow<'_, str> {
    if !text.contains(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_escaped(letter) {
            escaped.extend(letter.escape_unicode());
        } else {
            escaped.push(letter);
        }
    }
    Cow::Owned(escaped)
}

/// Controls (C0, DEL, C1), and what sets or overrides the direction of text.
fn is_command(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_and_words_stay() {
        assert_eq!(printable("Käse 漢字 🐈"), "Käse 漢字 🐈");
        assert_eq!(printable("a\x1b]0;b\x07\n\u{9b}\u{202e}c"), "a\\u{1b}]0;b\\u{7}\\u{a}\\u{9b}\\u{202e}c");
        assert_eq!(printable_lines("a\tb\nc\rd"), "a\tb\nc\\u{d}d");
        assert_eq!(printable_json("{\n\"a\u{9b}\u{2066}\": 1}"), "{\n\"a\\u009b\\u2066\": 1}");
        assert!(matches!(printable_json("{}"), Cow::Borrowed("{}")));
    }
}
