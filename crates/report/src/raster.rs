//! Images of pixels within a picture.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, RgbImage, imageops};

use crate::primitives::Colour;

/// A small image, which a picture shows enlarged and with sharp pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raster {
    width: u32,
    height: u32,
    /// `[row, column, colour]`: red, green, blue.
    pixels: Vec<u8>,
}

impl Raster {
    /// Takes planes `[channel, row, column]`, 0 to 255. One channel is grey; of three or more the first three are red, green and
    /// blue.
    ///
    /// # Panics
    /// If `planes` is not `channels` · `height` · `width` values, or a size is 0.
    #[must_use]
    pub fn new(planes: &[u8], [channels, height, width]: [usize; 3]) -> Self {
        assert_eq!(planes.len(), channels * height * width, "one value per channel and pixel");
        assert!(!planes.is_empty(), "an image has pixels");
        let plane = height * width;
        let value = |at: usize| planes[(at % 3).min(channels - 1) * plane + at / 3];
        let pixels = (0..3 * plane).map(value).collect();
        Self { width: width as u32, height: height as u32, pixels }
    }

    /// Takes weights `[channel, row, column]` of any size: the least becomes 0, the largest 255. Equal ones are grey.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    #[must_use]
    pub fn of_weights(weights: &[f32], shape: [usize; 3]) -> Self {
        let finite = || weights.iter().copied().filter(|weight| weight.is_finite());
        let (low, high) = (finite().fold(f32::MAX, f32::min), finite().fold(f32::MIN, f32::max));
        // Halves, so that not even the largest numbers overflow.
        let share = |weight: f32| (weight / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
        let value = |&weight: &f32| if low < high { (255.0 * share(weight)).round() as u8 } else { 128 };
        Self::new(&weights.iter().map(value).collect::<Vec<_>>(), shape)
    }

    /// Rows of pixels of `width` each.
    pub(crate) fn of_colours(colours: impl Iterator<Item = Colour>, width: usize) -> Self {
        let pixels: Vec<u8> = colours.flat_map(|colour| colour.0).collect();
        Self { width: width as u32, height: (pixels.len() / 3 / width) as u32, pixels }
    }

    /// Images of one size, below each other; one white pixel if there is none.
    pub(crate) fn stacked(images: &[Self]) -> Self {
        let Some(first) = images.first() else { return Self { width: 1, height: 1, pixels: vec![255; 3] } };
        let pixels = images.iter().flat_map(|image| image.pixels.iter().copied()).collect();
        Self { width: first.width, height: first.height * images.len() as u32, pixels }
    }

    /// The same image if no side is longer than `side`, else a smaller one of the same proportions.
    pub(crate) fn at_most(&self, side: u32) -> Self {
        let longer = self.width.max(self.height);
        if longer <= side {
            return self.clone();
        }
        let scaled = |length: u32| (length * side).div_ceil(longer).max(1);
        Self::of_buffer(imageops::thumbnail(&self.buffer(), scaled(self.width), scaled(self.height)))
    }

    /// The same image in `shades` shades per colour, evenly from black to white.
    pub(crate) fn with_shades(mut self, shades: u8) -> Self {
        let steps = f32::from(shades - 1);
        let shade = |value: u8| ((f32::from(value) / 255.0 * steps).round() / steps * 255.0).round() as u8;
        let table: Vec<u8> = (0..=255).map(shade).collect();
        self.pixels.iter_mut().for_each(|value| *value = table[usize::from(*value)]);
        self
    }

    fn buffer(&self) -> RgbImage {
        RgbImage::from_raw(self.width, self.height, self.pixels.clone())
            .expect("there is one value per colour and pixel")
    }

    fn of_buffer(buffer: RgbImage) -> Self {
        Self { width: buffer.width(), height: buffer.height(), pixels: buffer.into_raw() }
    }

    /// Pixels across.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Pixels from top to bottom.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// The image as PNG, as SVG embeds it: `data:image/png;base64,…`.
    pub(crate) fn data_uri(&self) -> String {
        self.encoded(CompressionType::default(), FilterType::default())
    }

    /// The same in fewer bytes, which takes longer.
    pub(crate) fn smallest_data_uri(&self) -> String {
        self.encoded(CompressionType::Best, FilterType::Adaptive)
    }

    fn encoded(&self, compression: CompressionType, filter: FilterType) -> String {
        let mut png = Vec::new();
        PngEncoder::new_with_quality(&mut png, compression, filter)
            .write_image(&self.pixels, self.width, self.height, ExtendedColorType::Rgb8)
            .expect("there is one value per colour and pixel, and memory takes it all");
        format!("data:image/png;base64,{}", STANDARD.encode(png))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_become_pixels() {
        let rgb = Raster::new(&[1, 2, 3, 4, 5, 6], [3, 1, 2]);
        assert_eq!(rgb.pixels, [1, 3, 5, 2, 4, 6]);
        assert_eq!(Raster::new(&[7, 8], [1, 2, 1]).pixels, [7, 7, 7, 8, 8, 8]);
        let png = STANDARD.decode(rgb.data_uri().strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        assert_eq!(image::load_from_memory(&png).unwrap().to_rgb8().into_raw(), rgb.pixels);
    }

    #[test]
    fn fewer_shades_are_near_the_same() {
        let all: Vec<u8> = (0..=255).collect();
        let image = Raster::new(&all, [1, 16, 16]).with_shades(64);
        assert!(image.pixels.chunks(3).zip(&all).all(|(shades, value)| shades[0].abs_diff(*value) <= 2));
        let mut shades = image.pixels;
        shades.sort_unstable();
        shades.dedup();
        assert_eq!((shades.len(), shades[0], shades[63]), (64, 0, 255));
    }

    #[test]
    fn weights_are_scaled_by_their_own_extremes() {
        let values = |weights: &[f32]| Raster::of_weights(weights, [1, 1, weights.len()]).pixels;
        assert_eq!(values(&[-2.0, 0.0, 2.0]), [0, 0, 0, 128, 128, 128, 255, 255, 255]);
        assert_eq!(values(&[0.25; 2]), [128; 6]);
        assert_eq!(values(&[f32::NAN, 1.0]), [128; 6]);
        assert_eq!(values(&[f32::MIN, f32::MAX, f32::NAN]), [0, 0, 0, 255, 255, 255, 0, 0, 0]);
    }
}
