//! Images of a page: many of one size in one PNG, each shown as a window on it.
//!
//! A browser decodes a sheet once, and a page of hundreds of images has a dozen of them. Windows are SVG, so that they are printed, too, and
//! no style is needed.

use std::fmt::{self, Write};

use crate::canvas::escaped;
use crate::markup::Markup;
use crate::raster::Raster;

/// Images on a sheet, which is no higher than browsers can draw then.
const MOST: usize = 128;
/// The longer side of an image on a page, in its pixels; larger ones are made smaller.
const LARGEST: u32 = 64;

/// Shades per colour: at this size they look like 256, and PNG takes two fifths less.
const SHADES: u8 = 32;

/// The images of a page so far.
pub(crate) struct Sprites {
    sheets: Vec<Sheet>,
    /// How many bytes images and what is said of them may take in the page.
    limit: usize,
    bytes: usize,
}

/// Images of one size, below each other: so they take no more bytes than one by one, since PNG goes line by line.
struct Sheet {
    size: (u32, u32),
    images: Vec<Raster>,
}

/// An image on a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sprite {
    pub(crate) sheet: usize,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Sprites {
    /// Which may take `limit` bytes.
    pub(crate) const fn new(limit: usize) -> Self {
        Self { sheets: Vec::new(), limit, bytes: 0 }
    }

    /// Lets images take this many bytes from now on.
    pub(crate) const fn allow(&mut self, bytes: usize) {
        self.limit = self.bytes + bytes;
    }

    /// Takes room for something else.
    pub(crate) const fn take(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// How many bytes they take so far.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds an image, about which the page has `words` bytes to say; `None` if it would become too large.
    pub(crate) fn add(&mut self, image: &Raster, words: usize) -> Option<Sprite> {
        let image = image.at_most(LARGEST).with_shades(SHADES);
        // A sheet takes less than its images one by one.
        let bytes = image.smallest_data_uri().len() + words;
        if self.bytes + bytes > self.limit {
            return None;
        }
        self.bytes += bytes;
        let size = (image.width(), image.height());
        let fits = |sheet: &Sheet| sheet.size == size && sheet.images.len() < MOST;
        let number = self.sheets.iter().position(fits).unwrap_or_else(|| {
            self.sheets.push(Sheet { size, images: Vec::new() });
            self.sheets.len() - 1
        });
        let images = &mut self.sheets[number].images;
        let top = images.len() as u32 * size.1;
        images.push(image);
        Some(Sprite { sheet: number, top, width: size.0, height: size.1 })
    }

    /// The sheets as an element that is not seen, which windows refer to.
    pub(crate) fn sheets(&self) -> Markup {
        let mut text = String::new();
        for (number, sheet) in self.sheets.iter().enumerate() {
            let whole = Raster::stacked(&sheet.images);
            let (width, height, uri) = (whole.width(), whole.height(), whole.smallest_data_uri());
            // Pixels of small images stay sharp; those of photos, which were made smaller, are smoothed.
            let class = if sheet.size.0.max(sheet.size.1) < LARGEST { "sharp" } else { "smooth" };
            let _ = writeln!(
                text,
                "<image id=\"sheet{number}\" class=\"{class}\" width=\"{width}\" height=\"{height}\" href=\"{uri}\"/>"
            );
        }
        Markup(text)
    }
}

impl Sprite {
    /// The image in a page; `words` describe it to those who don't see it.
    pub(crate) fn window(&self, words: &str) -> Markup {
        // An SVG clips at its edges and not at its view, so that the view is within another one.
        let Self { sheet, width, height, .. } = self;
        Markup(format!(
            "<svg class=\"thumb\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">\
             <svg width=\"{width}\" height=\"{height}\" viewBox=\"{self}\"><use href=\"#sheet{sheet}\"/></svg></svg>",
            escaped(words)
        ))
    }
}

/// As `viewBox` has it.
impl fmt::Display for Sprite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { top, width, height, .. } = self;
        write!(f, "0 {top} {width} {height}")
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn image(value: u8, side: usize) -> Raster {
        Raster::new(&vec![value; side * side], [1, side, side])
    }

    fn decoded(markup: &Markup) -> Vec<image::RgbImage> {
        let uris = markup.0.split("base64,").skip(1).map(|rest| rest.split('"').next().unwrap());
        let png = |uri: &str| image::load_from_memory(&STANDARD.decode(uri).unwrap()).unwrap().to_rgb8();
        uris.map(png).collect()
    }

    #[test]
    fn windows_are_where_their_images_are() {
        let mut sprites = Sprites::new(1 << 20);
        let places: Vec<Sprite> = (0..40)
            .map(|value| sprites.add(&image(value, if value == 7 { 3 } else { 4 }), 0).unwrap())
            .collect();
        let sheets = decoded(&sprites.sheets());
        assert_eq!(sheets.len(), 2, "a sheet per size");
        for (value, place) in places.iter().enumerate() {
            let side = if value == 7 { 3 } else { 4 };
            assert_eq!((place.width, place.height), (side, side));
            for (x, y) in [(0, 0), (side - 1, side - 1)] {
                let pixel = sheets[place.sheet].get_pixel(x, place.top + y);
                assert!(
                    pixel.0.iter().all(|shade| shade.abs_diff(value as u8) <= 4),
                    "image {value} at {x}, {y}"
                );
            }
        }
    }

    #[test]
    fn photos_become_smaller_and_a_full_page_takes_no_more() {
        let mut sprites = Sprites::new(1000);
        let photo = Raster::new(&vec![9; 3 * 200 * 100], [3, 200, 100]);
        let place = sprites.add(&photo, 0).unwrap();
        assert_eq!((place.width, place.height), (32, 64));
        let added = (0..100).filter_map(|value| sprites.add(&image(value, 8), 0)).count();
        assert!(added < 20, "{added} images");
        assert!(sprites.sheets().0.len() < 1200);
    }

    #[test]
    fn words_are_escaped() {
        let place = Sprite { sheet: 1, top: 8, width: 4, height: 4 };
        let window = place.window("\"><script>").0;
        assert!(
            window.contains("aria-label=\"&quot;&gt;&lt;script&gt;\"") && window.contains("0 8 4 4"),
            "{window}"
        );
    }
}
