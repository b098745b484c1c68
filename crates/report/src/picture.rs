//! A finished drawing: SVG, and PNG rendered from it.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

/// Pixels of the PNG a pixel of the SVG: sharp on dense screens and in print.
const SCALE: f32 = 2.0;

/// The fonts that a PNG is written in, whichever the machine has: Ubuntu Light, and Hack for letters that it lacks.
static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    for font in [epaint_default_fonts::UBUNTU_LIGHT, epaint_default_fonts::HACK_REGULAR] {
        fonts.load_font_data(font.to_vec());
    }
    fonts.set_sans_serif_family("Ubuntu");
    Arc::new(fonts)
});

/// A picture. The same figures always give the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    svg: String,
}

/// Why a picture can't be rendered.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The SVG is none that can be drawn.
    #[error("cannot render the picture")]
    Svg(#[from] resvg::usvg::Error),
    /// There is no memory for so many pixels.
    #[error("cannot render a picture of {width}×{height} pixels; the SVG has no such limit")]
    Size {
        /// Pixels across.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
    },
    /// The pixels can't be written as PNG.
    #[error("cannot encode the picture as PNG: {0}")]
    Encode(String),
}

impl Picture {
    /// Takes a whole SVG document.
    pub(crate) const fn new(svg: String) -> Self {
        Self { svg }
    }

    /// The picture as an SVG document, which asks for the reader's own sans-serif font.
    #[must_use]
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// The picture as a PNG file of twice its size, in fonts that are built in: it looks the same on every machine.
    ///
    /// # Errors
    /// If there are too many pixels for memory.
    pub fn png(&self) -> Result<Vec<u8>, PictureError> {
        let options = Options { fontdb: Arc::clone(&FONTS), ..Options::default() };
        let tree = Tree::from_str(&self.svg, &options)?;
        let pixels = |length: f32| (length * SCALE).ceil() as u32;
        let (width, height) = (pixels(tree.size().width()), pixels(tree.size().height()));
        let mut pixmap = Pixmap::new(width, height).ok_or(PictureError::Size { width, height })?;
        resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixmap.as_mut());
        pixmap.encode_png().map_err(|error| PictureError::Encode(error.to_string()))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::canvas::{Anchor, Canvas, Text};
    use crate::style::TEXT;

    /// Renders a picture, checks what all of them keep to, and returns the pixels `[row, column]`, red, green, blue.
    pub(crate) fn rendered(picture: &Picture) -> image::RgbImage {
        let svg = picture.svg();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "only numbers in\n{svg}");
        let tree = Tree::from_str(svg, &Options::default()).expect("the SVG is well-formed");
        let png = picture.png().expect("it can be rendered");
        let pixels = image::load_from_memory(&png).expect("the PNG can be decoded").to_rgb8();
        let doubled = |length: f32| (2.0 * length).ceil() as u32;
        assert_eq!(pixels.dimensions(), (doubled(tree.size().width()), doubled(tree.size().height())));
        assert_eq!(pixels.get_pixel(0, 0).0, [255; 3], "the background is white");
        assert!(pixels.pixels().any(|pixel| pixel.0 != [255; 3]), "nothing is drawn");
        pixels
    }

    #[test]
    fn a_png_has_twice_the_size_and_needs_no_font_of_the_machine() {
        let mut canvas = Canvas::default();
        canvas.text((50.0, 10.0), "Wide", &Text { size: 12.0, colour: TEXT, ..Text::default() });
        let pixels = rendered(&canvas.finish(100.0, 20.0));
        assert_eq!(pixels.dimensions(), (200, 40));
        let dark = pixels.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] < 128);
        let columns: Vec<u32> = dark.map(|(x, _, _)| x).collect();
        // Four letters of twelve pixels, drawn at 2×, and nothing before them.
        let (first, last) = (columns.iter().min().unwrap(), columns.iter().max().unwrap());
        assert!(*first >= 98 && (140..180).contains(last), "from {first} to {last}");
    }

    #[test]
    fn letters_stand_where_they_are_anchored() {
        let ink = |anchor| {
            let mut canvas = Canvas::default();
            canvas.text((50.0, 10.0), "mm", &Text { anchor, ..Text::default() });
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
}
