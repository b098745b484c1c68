//! A file as an upright picture.

use std::io::Cursor;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use image::error::{LimitError, LimitErrorKind};
use image::metadata::Orientation;
use image::{
    ColorType, DynamicImage, ExtendedColorType, ImageBuffer, ImageDecoder, ImageError, ImageFormat,
    ImageReader, ImageResult, Limits,
};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::error::{DataError, Result};

/// The endings of files that may be photos, in lower case.
pub const ENDINGS: [&str; 9] = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "dib", "tif", "tiff"];

/// The most memory that one decoded photo may take, bytes: 170 megapixels of 8-bit RGB.
const MOST_MEMORY: u64 = 512 << 20;

/// Photos that take more memory than this, 44 megapixels of 8-bit RGB, are decoded one after the other: as many at once as there
/// are cores could take all memory.
const LARGE: u64 = 128 << 20;

/// Held while a large photo is decoded.
static ONE_LARGE: Mutex<()> = Mutex::new(());

/// Whether the ending of `path` is that of a photo: see [`ENDINGS`].
pub(crate) fn is_photo(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// What the header of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Width and height as it is looked at.
    pub(crate) size: (u32, u32),
    /// Whether it has no colours.
    pub(crate) is_grey: bool,
}

/// Reads the header of the file `path`.
pub(crate) fn header(path: &Path) -> Result<Header> {
    let bytes = read(path)?;
    let read = || -> ImageResult<Header> {
        let mut decoder = reader(&bytes)?.into_decoder()?;
        let (width, height) = decoder.dimensions();
        let turned = is_turned(decoder.orientation()?);
        let is_grey = matches!(
            decoder.original_color_type(),
            ExtendedColorType::L1
                | ExtendedColorType::L2
                | ExtendedColorType::L4
                | ExtendedColorType::L8
                | ExtendedColorType::L16
                | ExtendedColorType::La8
                | ExtendedColorType::La16
        );
        Ok(Header { size: if turned { (height, width) } else { (width, height) }, is_grey })
    };
    read().map_err(|error| broken(path, error))
}

const fn is_turned(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// Decodes the file `path`, whatever its ending says, turns it as its camera was held, and gives it to `then`.
pub(crate) fn decode<T>(path: &Path, then: impl FnOnce(&DynamicImage) -> T) -> Result<T> {
    let bytes = read(path)?;
    let decode = || -> ImageResult<T> {
        let reader = reader(&bytes)?;
        let is_jpeg = reader.format() == Some(ImageFormat::Jpeg);
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation()?;
        // Decoders are told the limit, and some reserve all pixels before they look at it.
        if decoder.total_bytes() > MOST_MEMORY {
            return Err(ImageError::Limits(LimitError::from_kind(LimitErrorKind::InsufficientMemory)));
        }
        let _one_at_a_time =
            (decoder.total_bytes() > LARGE).then(|| ONE_LARGE.lock().unwrap_or_else(PoisonError::into_inner));
        let mut photo = if is_jpeg { jpeg(&bytes)? } else { DynamicImage::from_decoder(decoder)? };
        photo.apply_orientation(orientation);
        Ok(then(&photo))
    };
    decode().map_err(|error| broken(path, error))
}

/// The bytes of a photo.
fn read(path: &Path) -> Result<Vec<u8>> {
    zoo_files::read(path, MOST_MEMORY).map_err(DataError::io("read", path))
}

fn broken(path: &Path, source: ImageError) -> DataError {
    DataError::Decode { path: path.into(), source }
}

fn reader(bytes: &[u8]) -> ImageResult<ImageReader<Cursor<&[u8]>>> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    Ok(reader)
}

/// Decodes a JPEG file, and refuses one that has lost a part: `image` would fill it with grey.
fn jpeg(bytes: &[u8]) -> ImageResult<DynamicImage> {
    if !has_end(bytes) {
        return Err(damaged("it is cut off: the end of the picture is missing"));
    }
    let options = DecoderOptions::default().set_max_width(usize::MAX).set_max_height(usize::MAX);
    decode_jpeg(bytes, options.set_strict_mode(true)).or_else(|error| {
        // Some cameras leave bytes between segments, which loses nothing.
        if error.to_string().contains("Extra bytes between headers") {
            return decode_jpeg(bytes, options.set_strict_mode(false));
        }
        Err(error)
    })
}

/// Whether an end of image follows the last scan. In a scan, both markers can't appear; in a thumbnail before it they may.
fn has_end(bytes: &[u8]) -> bool {
    let last = |marker: [u8; 2]| bytes.windows(2).rposition(|pair| pair == marker);
    match (last([0xFF, 0xDA]), last([0xFF, 0xD9])) {
        (Some(scan), Some(end)) => end > scan,
        _ => false,
    }
}

fn decode_jpeg(bytes: &[u8], options: DecoderOptions) -> ImageResult<DynamicImage> {
    let failed = |error: zune_jpeg::errors::DecodeErrors| damaged(&error.to_string());
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(failed)?;
    let is_grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let (kind, target) =
        if is_grey { (ColorType::L8, ColorSpace::Luma) } else { (ColorType::Rgb8, ColorSpace::RGB) };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(target));
    let (width, height) = decoder.dimensions().unwrap_or_default();
    if (width * height) as u64 * u64::from(kind.bytes_per_pixel()) > MOST_MEMORY {
        return Err(damaged(&format!("it has {width}×{height} pixels, which is more than can be decoded")));
    }
    let pixels = decoder.decode().map_err(failed)?;
    let (width, height) = (width as u32, height as u32);
    let photo = if is_grey {
        ImageBuffer::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8)
    } else {
        ImageBuffer::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8)
    };
    photo.ok_or_else(|| damaged("it has fewer pixels than it should"))
}

fn damaged(reason: &str) -> ImageError {
    let format = image::error::ImageFormatHint::Exact(ImageFormat::Jpeg);
    ImageError::Decoding(image::error::DecodingError::new(format, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    fn encoded() -> Vec<u8> {
        let photo = RgbImage::from_fn(64, 48, |x, y| Rgb([(x * 4) as u8, (y * 5) as u8, (x * y) as u8]));
        let mut bytes = Vec::new();
        photo.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Jpeg).unwrap();
        bytes
    }

    #[test]
    fn a_jpeg_that_is_cut_off_anywhere_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("photo.jpg");
        let bytes = encoded();
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(decode(&path, DynamicImage::clone).unwrap().to_rgb8().dimensions(), (64, 48));
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(
                matches!(decode(&path, DynamicImage::clone), Err(DataError::Decode { .. })),
                "{length} of {}",
                bytes.len()
            );
        }
        // What follows the picture, as phones add it, is not looked at.
        std::fs::write(&path, [&bytes[..], b"more"].concat()).unwrap();
        assert!(decode(&path, DynamicImage::clone).is_ok());
    }

    #[test]
    fn a_picture_that_claims_to_be_huge_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("photo.gif");
        // 57,568 pixels each way, and a single frame of 4×3.
        let screen = b"GIF89a\xE0\xE0\xE0\xE0\x80\0\0\0\0\0\xFF\xFF\xFF";
        let frame = b",\0\0\0\0\x04\0\x03\0\0\x02\x03\x84\x11\x05\0;";
        std::fs::write(&path, [&screen[..], frame].concat()).unwrap();
        let error = decode(&path, DynamicImage::clone).unwrap_err();
        assert!(
            matches!(error, DataError::Decode { source: ImageError::Limits(_), .. }),
            "{error}: {error:?}"
        );
    }

    #[test]
    fn what_is_not_a_file_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let message = decode(place.path(), DynamicImage::clone).unwrap_err();
        assert!(matches!(message, DataError::Io { .. }), "{message}");
        assert!(decode(&place.path().join("none.png"), DynamicImage::clone).is_err());
    }

    #[test]
    fn endings_are_those_of_photos() {
        for name in ["a.png", "a.JPG", "a.b.jpeg", "a.WebP", "a.tiff"] {
            assert!(is_photo(Path::new(name)), "{name}");
        }
        for name in ["png", ".png", "a.heic", "a.txt", "a"] {
            assert!(!is_photo(Path::new(name)), "{name}");
        }
    }
}
