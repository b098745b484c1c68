//! A picture of any size, colours and transparency as an image of a shape.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use image::DynamicImage;

use crate::folder::reading::{Background, Reading, Resize};
use crate::images::ImageShape;

/// A picture without transparency, 8 bits per value, `[row, column, channel]`.
struct Flat {
    width: usize,
    height: usize,
    channels: usize,
    values: Vec<u8>,
}

/// `photo` as `[channel, row, column]` of `shape`. Transparent parts show the background; only then is the size changed, so that no
/// hidden colour bleeds into what is seen.
pub(crate) fn prepare(photo: &DynamicImage, shape: ImageShape, reading: &Reading) -> Vec<u8> {
    let flat = flatten(photo, shape.channels, reading.background);
    let background = background(shape.channels, reading.background);
    let sized = resize(flat, (shape.width, shape.height), reading.resize, &background);
    let plane = shape.height * shape.width;
    let mut planes = vec![0; shape.values()];
    for (position, pixel) in sized.values.chunks_exact(shape.channels).enumerate() {
        for (channel, &value) in pixel.iter().enumerate() {
            planes[channel * plane + position] = value;
        }
    }
    planes
}

/// The background with as many channels as images have.
fn background(channels: usize, Background([red, green, blue]): Background) -> Vec<u8> {
    if channels == 1 { vec![grey([red, green, blue])] } else { vec![red, green, blue] }
}

/// Brightness as ITU-R 601-2 has it, the way Pillow rounds it.
fn grey([red, green, blue]: [u8; 3]) -> u8 {
    ((u32::from(red) * 19_595 + u32::from(green) * 38_470 + u32::from(blue) * 7_471 + 0x8000) >> 16) as u8
}

/// `photo` with 8 bits per value, in front of the background.
fn flatten(photo: &DynamicImage, channels: usize, Background(behind): Background) -> Flat {
    let colours: Vec<u8> = if photo.color().has_alpha() {
        let mut colours = Vec::with_capacity(photo.width() as usize * photo.height() as usize * 3);
        for pixel in photo.to_rgba8().pixels() {
            let [red, green, blue, alpha] = pixel.0;
            colours.extend([
                over(red, behind[0], alpha),
                over(green, behind[1], alpha),
                over(blue, behind[2], alpha),
            ]);
        }
        colours
    } else if channels == 1 && !photo.color().has_color() {
        return Flat::new(photo, 1, photo.to_luma8().into_raw());
    } else {
        photo.to_rgb8().into_raw()
    };
    if channels == 1 {
        let (pixels, _) = colours.as_chunks::<3>();
        return Flat::new(photo, 1, pixels.iter().copied().map(grey).collect());
    }
    Flat::new(photo, 3, colours)
}

/// A value in front of another, `alpha` of 255 opaque.
fn over(front: u8, behind: u8, alpha: u8) -> u8 {
    let (front, behind, alpha) = (u32::from(front), u32::from(behind), u32::from(alpha));
    ((front * alpha + behind * (255 - alpha) + 127) / 255) as u8
}

impl Flat {
    fn new(photo: &DynamicImage, channels: usize, values: Vec<u8>) -> Self {
        Self { width: photo.width() as usize, height: photo.height() as usize, channels, values }
    }

    /// The part at (`left`, `top`) of `width` × `height`, which need not be whole pixels, as `to` (width, height).
    fn resized(&self, part: (f64, f64, f64, f64), to: (usize, usize)) -> Self {
        let values = if self.channels == 1 {
            self.resampled::<U8>(part, to)
        } else {
            self.resampled::<U8x3>(part, to)
        };
        Self { width: to.0, height: to.1, channels: self.channels, values }
    }

    /// Likewise, of pixels of type `P`.
    fn resampled<P: PixelTrait>(&self, part: (f64, f64, f64, f64), to: (usize, usize)) -> Vec<u8> {
        let (left, top, width, height) = part;
        let kind = P::pixel_type();
        let mut into = Image::new(to.0 as u32, to.1 as u32, kind);
        let from = ImageRef::new(self.width as u32, self.height as u32, &self.values, kind)
            .expect("there is a value for each channel of each pixel");
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
            .crop(left, top, width, height);
        let (from, to) = (from.typed_image::<P>(), into.typed_image_mut::<P>());
        let (from, mut to) = from.zip(to).expect("both were made for such pixels");
        // `Resizer::resize` would bring in the code for every type of pixels.
        Resizer::new().resize_typed(&from, &mut to, &options).expect("the part is within the picture");
        into.into_vec()
    }

    /// The whole as `to` (width, height).
    fn whole(&self, to: (usize, usize)) -> Self {
        self.resized((0.0, 0.0, self.width as f64, self.height as f64), to)
    }
}

/// `flat` as `to` (width, height).
fn resize(flat: Flat, to: (usize, usize), how: Resize, background: &[u8]) -> Flat {
    if (flat.width, flat.height) == to {
        return flat;
    }
    let (width, height) = (flat.width as f64, flat.height as f64);
    match how {
        Resize::Stretch => flat.whole(to),
        Resize::Crop => {
            let scale = (width / to.0 as f64).min(height / to.1 as f64);
            // Not a rounding error wider than the picture.
            let (wide, high) = ((scale * to.0 as f64).min(width), (scale * to.1 as f64).min(height));
            flat.resized(((width - wide) / 2.0, (height - high) / 2.0, wide, high), to)
        }
        Resize::Pad => {
            let scale = (to.0 as f64 / width).min(to.1 as f64 / height);
            let side = |side: f64, most: usize| ((side * scale).round() as usize).clamp(1, most);
            padded(&flat.whole((side(width, to.0), side(height, to.1))), to, background)
        }
    }
}

/// `flat` in the middle of a background of size `to`.
fn padded(flat: &Flat, to: (usize, usize), background: &[u8]) -> Flat {
    let channels = flat.channels;
    let mut values = background.repeat(to.0 * to.1);
    let (left, top) = ((to.0 - flat.width) / 2, (to.1 - flat.height) / 2);
    let rows = values.chunks_exact_mut(to.0 * channels).skip(top);
    for (into, row) in rows.zip(flat.values.chunks_exact(flat.width * channels)) {
        into[left * channels..][..row.len()].copy_from_slice(row);
    }
    Flat { width: to.0, height: to.1, channels, values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayImage, Luma, Rgb, RgbImage, Rgba, RgbaImage};

    fn reading(resize: Resize) -> Reading {
        Reading { resize, ..Reading::default() }
    }

    fn shape(channels: usize, height: usize, width: usize) -> ImageShape {
        ImageShape { channels, height, width }
    }

    /// A picture of 4×2 pixels, whose columns are 0, 50, 100 and 150.
    fn columns() -> DynamicImage {
        GrayImage::from_fn(4, 2, |x, _| Luma([x as u8 * 50])).into()
    }

    #[test]
    fn crop_takes_the_middle_pad_the_whole_and_stretch_forgets_proportions() {
        let square = shape(1, 2, 2);
        assert_eq!(prepare(&columns(), square, &reading(Resize::Crop)), [50, 100, 50, 100]);
        let padded = prepare(&columns(), shape(1, 4, 4), &reading(Resize::Pad));
        assert_eq!(padded, [[255; 4], [0, 50, 100, 150], [0, 50, 100, 150], [255; 4]].concat());
        // Triangles of two source pixels' half width around 1 and 3.
        let stretched = prepare(&columns(), square, &reading(Resize::Stretch));
        assert_eq!(stretched, [36, 114, 36, 114]);
    }

    #[test]
    fn a_crop_need_not_begin_at_a_whole_pixel() {
        let line: DynamicImage = GrayImage::from_fn(3, 2, |x, _| Luma([x as u8 * 100])).into();
        assert_eq!(prepare(&line, shape(1, 2, 2), &reading(Resize::Crop)), [50, 150, 50, 150]);
    }

    #[test]
    fn what_is_transparent_shows_the_background_before_anything_bleeds() {
        let photo: DynamicImage =
            RgbaImage::from_fn(2, 1, |x, _| Rgba(if x == 0 { [0, 0, 0, 255] } else { [255, 0, 0, 0] }))
                .into();
        let white = prepare(&photo, shape(3, 1, 1), &reading(Resize::Stretch));
        assert_eq!(white, [128, 128, 128]);
        let reading = Reading { background: Background([0, 0, 200]), ..reading(Resize::Stretch) };
        assert_eq!(prepare(&photo, shape(3, 1, 1), &reading), [0, 0, 100]);
        assert_eq!((over(10, 200, 255), over(10, 200, 0), over(0, 255, 128)), (10, 200, 127));
    }

    #[test]
    fn colours_become_grey_and_grey_becomes_colours() {
        let red: DynamicImage = RgbImage::from_pixel(1, 1, Rgb([255, 0, 0])).into();
        assert_eq!(prepare(&red, shape(1, 1, 1), &reading(Resize::Crop)), [76]);
        let grey: DynamicImage = GrayImage::from_pixel(1, 1, Luma([9])).into();
        assert_eq!(prepare(&grey, shape(3, 1, 1), &reading(Resize::Crop)), [9, 9, 9]);
    }

    #[test]
    fn extreme_proportions_are_padded_and_cropped() {
        for (width, height) in [(1, 1), (1, 1000), (1000, 1), (7, 300)] {
            let photo: DynamicImage = RgbImage::from_pixel(width, height, Rgb([10, 20, 30])).into();
            for how in [Resize::Crop, Resize::Pad, Resize::Stretch] {
                for (high, wide) in [(8, 8), (33, 8), (224, 160)] {
                    let pixels = prepare(&photo, shape(3, high, wide), &reading(how));
                    assert_eq!(pixels.len(), 3 * high * wide);
                    assert!(pixels.contains(&10), "{width}×{height} {how:?}");
                }
            }
        }
    }
}
