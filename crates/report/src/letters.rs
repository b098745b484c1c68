//! Which letters the PNG of a picture can be written in.

use std::borrow::Cow;
use std::sync::LazyLock;

use skrifa::{FontRef, MetadataProvider};

/// The fonts of a PNG, whichever the machine has: Ubuntu Light; Hack for letters that it lacks; Noto Emoji, in black and white.
pub(crate) static FONTS: [&[u8]; 3] = [
    epaint_default_fonts::UBUNTU_LIGHT,
    epaint_default_fonts::HACK_REGULAR,
    epaint_default_fonts::NOTO_EMOJI_REGULAR,
];

static FACES: LazyLock<Vec<FontRef<'static>>> =
    LazyLock::new(|| FONTS.iter().filter_map(|font| FontRef::new(font).ok()).collect());

/// Whether one of the fonts has `letter`.
pub(crate) fn is_drawn(letter: char) -> bool {
    letter.is_ascii() || FACES.iter().any(|face| face.charmap().map(letter).is_some())
}

/// The same words, letters that no font has as Rust writes them: `漢` as `\u{6f22}`. Without that they would be boxes, or nothing, and
/// two names look the same.
pub(crate) fn legible(words: &str) -> Cow<'_, str> {
    if words.chars().all(is_drawn) {
        return Cow::Borrowed(words);
    }
    let mut text = String::with_capacity(words.len());
    for letter in words.chars() {
        if is_drawn(letter) { text.push(letter) } else { text.extend(letter.escape_unicode()) }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_no_font_has_are_escaped() {
        assert_eq!(FACES.len(), FONTS.len());
        for words in ["", "größer – 95 % … ×", "Ωμέγα кот", "😀🐈 →"] {
            assert_eq!(legible(words), words);
        }
        assert_eq!(legible("a漢b\u{10fffd}"), "a\\u{6f22}b\\u{10fffd}");
    }
}
