//! Pictures are rendered as they should be.

use crate::canvas::Canvas;
use crate::primitives::{Anchor, Text};
use crate::rendered::rendered;
use crate::style::NAME;

#[test]
fn a_png_has_twice_the_size_and_needs_no_font_of_the_machine() {
    let mut canvas = Canvas::default();
    canvas.text((50.0, 10.0), "Wide", &Text { size: 12.0, ..NAME });
    let pixels = rendered(&canvas.finish(100.0, 20.0));
    assert_eq!(pixels.dimensions(), (200, 40));
    let dark = pixels.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] < 128);
    let columns: Vec<u32> = dark.map(|(x, _, _)| x).collect();
    // Four letters of twelve pixels, drawn at 2×, and nothing before them.
    let (first, last) = (columns.iter().min().unwrap(), columns.iter().max().unwrap());
    assert!(*first >= 98 && (140..180).contains(last), "from {first} to {last}");
}

#[test]
fn letters_are_where_they_are_anchored() {
    let ink = |anchor| {
        let mut canvas = Canvas::default();
        canvas.text((50.0, 10.0), "mm", &Text { size: 12.0, anchor, ..NAME });
        let pixels = rendered(&canvas.finish(100.0, 20.0));
        let dark = pixels.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] < 128);
        dark.map(|(x, _, _)| x).max().unwrap()
    };
    assert!(ink(Anchor::End) < ink(Anchor::Middle) && ink(Anchor::Middle) < ink(Anchor::Start));
}

#[test]
fn too_large_a_picture_is_an_error() {
    let error = Canvas::default().finish(1e9, 1e9).png().unwrap_err();
    assert!(error.to_string().contains("2000000000×2000000000"), "{error}");
}

/// How many pixels of a PNG that says `words` are dark.
fn ink(words: &str) -> usize {
    let mut canvas = Canvas::default();
    canvas.text((5.0, 10.0), words, &NAME);
    rendered(&canvas.finish(300.0, 20.0)).pixels().filter(|pixel| pixel.0[0] < 128).count()
}

#[test]
fn any_name_is_legible() {
    assert!(ink("😀") > 20, "an emoji is drawn");
    assert_eq!(ink("漢"), ink("\\u{6f22}"), "what no font has is escaped");
    assert_ne!(ink("漢"), ink("字"));
    let mut canvas = Canvas::default();
    canvas.text((5.0, 10.0), "漢", &NAME);
    assert!(canvas.finish(9.0, 9.0).svg().contains(">漢</text>"), "readers' fonts may have it");
}
