//! A finished drawing: SVG, and PNG rendered from it.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

use crate::canvas::escaped;
use crate::letters::{FONTS, legible};
use crate::markup::Markup;

/// Pixels of the PNG per pixel of the SVG: sharp on dense screens and in print.
const SCALE: f32 = 2.0;

/// The fonts that a PNG is written in.
static DATABASE: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    for font in FONTS {
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
    /// The SVG can't be drawn.
    #[error("cannot render the picture")]
    Svg(#[from] resvg::usvg::Error),
    /// There is not enough memory for this many pixels.
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

    /// The picture within a page, as wide as there is room: without its white ground, and with `words` for those who don't see it. The
    /// page's style turns its colours round where the page is dark.
    pub(crate) fn embedded(&self, words: &str) -> Markup {
        // The first two lines are the root and the ground: see `Canvas::finish`.
        let mut lines = self.svg.splitn(3, '\n');
        let [root, _, elements] = [(); 3].map(|()| lines.next().unwrap_or_default());
        let part =
            |key: &str| root.split(key).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let (view, width) = (part("viewBox=\""), part(" width=\""));
        // A style of its own is what the page's policy forbids.
        let elements = elements.replace(r#" style="image-rendering:pixelated""#, r#" class="sharp""#);
        let words = escaped(words);
        Markup(format!(
            "<svg class=\"plot\" viewBox=\"{view}\" width=\"{width}\" role=\"img\" aria-label=\"{words}\" font-family=\"sans-serif\">\n{elements}"
        ))
    }

    /// The picture as a PNG file of twice its size, in fonts that are built in: it looks the same on every machine. Letters that they
    /// lack are escaped, `\u{6f22}`.
    ///
    /// # Errors
    /// If there are too many pixels for memory.
    pub fn png(&self) -> Result<Vec<u8>, PictureError> {
        let options = Options { fontdb: Arc::clone(&DATABASE), ..Options::default() };
        let tree = Tree::from_str(&legible(&self.svg), &options)?;
        let pixels = |length: f32| (length * SCALE).ceil() as u32;
        let (width, height) = (pixels(tree.size().width()), pixels(tree.size().height()));
        let mut pixmap = Pixmap::new(width, height).ok_or(PictureError::Size { width, height })?;
        resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixmap.as_mut());
        pixmap.encode_png().map_err(|error| PictureError::Encode(error.to_string()))
    }
}

#[cfg(test)]
mod tests;
