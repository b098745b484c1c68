//! How much room words take, and what of them fits.

use crate::canvas::Canvas;
use crate::letters::is_drawn;
use crate::primitives::Text;
use crate::style::{NOTE, TITLE};

/// The width of a line of words, in pixels: that in a wide font (DejaVu Sans), so that others fit too.
pub(crate) fn width(words: &str, text: &Text) -> f64 {
    let ems = |letter: char| match letter {
        ' ' | '!' | '\'' | '(' | ')' | ',' | '-' | '.' | '/' | ':' | ';' | 'I' | 'f' | 'i' | 'j' | 'l'
        | 'r' | 't' => 0.4,
        '%' | 'M' | 'W' | 'm' | 'w' => 0.98,
        'A'..='Z' => 0.75,
        letter if letter.is_ascii() => 0.63,
        // Letters of other scripts may be as wide as they are high.
        letter if is_drawn(letter) => 1.0,
        // They are escaped in the PNG.
        letter => 0.63 * letter.escape_unicode().len() as f64,
    };
    let bold = if text.bold { 1.1 } else { 1.0 };
    words.chars().map(ems).sum::<f64>() * text.size * bold
}

/// The width of the widest of several lines, in whole pixels.
pub(crate) fn widest<'a>(lines: impl IntoIterator<Item = &'a str>, text: &Text) -> f64 {
    lines.into_iter().map(|line| width(line, text)).fold(0.0, f64::max).ceil()
}

/// Words that fit into `room` pixels: see [`without_middle`].
pub(crate) fn fitted(words: &str, text: &Text, room: f64) -> String {
    without_middle(words, |words| width(words, text) <= room)
}

/// As much of `words` as fits: if it is not all, they lose their middle, since names often differ at their ends.
pub(crate) fn without_middle(words: &str, fits: impl Fn(&str) -> bool) -> String {
    let letters: Vec<char> = words.chars().collect();
    let shortened = |kept: usize| -> String {
        let (start, end) = (kept.div_ceil(2), letters.len() - kept / 2);
        letters[..start].iter().chain(&['…']).chain(&letters[end..]).collect()
    };
    if fits(words) {
        return words.to_owned();
    }
    (1..letters.len()).rev().map(shortened).find(|shorter| fits(shorter)).unwrap_or_default()
}

/// Words as lines that fit into `room` pixels, broken at spaces.
fn wrapped(words: &str, text: &Text, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line, text) + width(word, text) + width(" ", text) <= room => {
                line.push(' ');
                *line += word;
            }
            _ => lines.push(fitted(word, text, room)),
        }
    }
    lines
}

/// What is above a picture: its title, and notes on how to read it.
pub(crate) struct Heading(Vec<(String, &'static Text)>);

impl Heading {
    /// Lines that fit into `room` pixels.
    pub(crate) fn new(title: &str, notes: &str, room: f64) -> Self {
        let lines =
            |words, text: &'static Text| wrapped(words, text, room).into_iter().map(move |line| (line, text));
        Self(lines(title, &TITLE).chain(lines(notes, &NOTE)).collect())
    }

    /// How much room it takes, that below it included.
    pub(crate) fn height(&self) -> f64 {
        self.0.iter().map(|(_, text)| line_height(text)).sum::<f64>() + 16.0
    }

    /// Draws it from `left` and `top` on.
    pub(crate) fn draw(&self, canvas: &mut Canvas, left: f64, top: f64) {
        let mut bottom = top;
        for (line, text) in &self.0 {
            bottom += line_height(text);
            canvas.text((left, bottom - 0.5 * line_height(text)), line, text);
        }
    }
}

fn line_height(text: &Text) -> f64 {
    (1.35 * text.size).round()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::NAME;

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(fitted("cnn", &NAME, 100.0), "cnn");
        let long = "residual_network_with_many_blocks_and_more on wgpu";
        let short = fitted(long, &NAME, 200.0);
        assert!(
            short.starts_with("residual") && short.contains('…') && short.ends_with("more on wgpu"),
            "{short}"
        );
        assert!(width(&short, &NAME) <= 200.0 && width(long, &NAME) > 200.0);
        assert_eq!(fitted(long, &NAME, 5.0), "");
    }

    #[test]
    fn wider_words_take_more_room() {
        let width = |words: &str| width(words, &NAME);
        assert!(width("residual") > width("cnn") && width("漢字漢字漢字漢字") > width("residual"));
        assert_eq!(widest(["a", "aaa", "aa"], &NAME), width("aaa").ceil());
    }

    #[test]
    fn lines_break_at_spaces() {
        let lines = wrapped("a note of several words", &NOTE, 80.0);
        assert_eq!(lines.join(" "), "a note of several words");
        assert!(lines.len() > 1 && lines.iter().all(|line| width(line, &NOTE) <= 80.0), "{lines:?}");
        assert!(wrapped("", &NOTE, 80.0).is_empty());
    }
}
