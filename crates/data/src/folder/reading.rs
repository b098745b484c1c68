//! How photos become images of one size.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::images::ImageShape;

/// How the photos of a folder are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// The size that they get.
    #[serde(skip_serializing_if = "is_default")]
    pub image_size: ImageSize,
    /// How they get it.
    #[serde(skip_serializing_if = "is_default")]
    pub resize: Resize,
    /// What is behind transparent parts, and around a photo that is padded.
    #[serde(skip_serializing_if = "is_default")]
    pub background: Background,
    /// Whether to go on without files that can't be decoded.
    #[serde(skip_serializing_if = "is_default")]
    pub skip_broken: bool,
    /// Tells which photos show the same object: all whose names give the same match, or the same first group of it, are on the same
    /// side of each split.
    #[serde(skip_serializing_if = "is_default")]
    pub group_by: Option<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The height and width of images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ImageSize {
    /// As they are, if all photos have one size of 8 to 64 pixels; otherwise a square of the largest of 32, 64, 96, 128, 160 and 224
    /// pixels that nine in ten of the shorter sides reach, and at least 32.
    #[default]
    Auto,
    /// As they are: all photos must have one size.
    Native,
    /// A square of this many pixels.
    Square(usize),
}

impl ImageSize {
    /// The smallest height and width.
    pub const LEAST: usize = 8;
    /// The largest height and width.
    pub const MOST: usize = 1024;
    /// What [`ImageSize::Auto`] takes at most without resizing.
    const KEPT: usize = 64;
    /// What [`ImageSize::Auto`] chooses from.
    const SQUARES: [usize; 6] = [32, 64, 96, 128, 160, 224];

    /// Height and width for photos of `sizes` (width, height).
    ///
    /// # Errors
    /// A sentence, if photos that should be taken as they are have several sizes, or one that is out of range.
    pub(crate) fn choose(self, sizes: &[(u32, u32)]) -> Result<(usize, usize), String> {
        let first = sizes.first().map(|&(width, height)| (height as usize, width as usize));
        let common = first.filter(|_| sizes.iter().all(|size| *size == sizes[0]));
        let within = |most: usize| move |side: &usize| (Self::LEAST..=most).contains(side);
        match self {
            Self::Square(side) => Ok((side, side)),
            Self::Native => {
                let (height, width) = common.ok_or_else(|| {
                    let first = sizes.first().copied().unwrap_or_default();
                    let other = sizes.iter().copied().find(|size| *size != first).unwrap_or_default();
                    let (first, other) = (in_words(first), in_words(other));
                    format!("has photos of several sizes, {first} and {other} among them; --image-size N makes them all N×N")
                })?;
                if [height, width].iter().all(within(Self::MOST)) {
                    return Ok((height, width));
                }
                let (least, most) = (Self::LEAST, Self::MOST);
                Err(format!(
                    "has photos of {width}×{height} pixels; sides are {least} to {most}: --image-size N makes them N×N"
                ))
            }
            Self::Auto => Ok(common
                .filter(|&(height, width)| [height, width].iter().all(within(Self::KEPT)))
                .unwrap_or_else(|| {
                    let side = Self::largest_square(sizes);
                    (side, side)
                })),
        }
    }

    /// The largest square that nine in ten of the shorter sides reach.
    fn largest_square(sizes: &[(u32, u32)]) -> usize {
        let mut sides: Vec<u32> = sizes.iter().map(|&(width, height)| width.min(height)).collect();
        sides.sort_unstable();
        let reached = sides.get(sides.len() / 10).map_or(0, |&side| side as usize);
        Self::SQUARES.into_iter().rfind(|&square| square <= reached).unwrap_or(Self::SQUARES[0])
    }
}

fn in_words((width, height): (u32, u32)) -> String {
    format!("{width}×{height}")
}

impl FromStr for ImageSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "native" => Ok(Self::Native),
            _ => match text.parse() {
                Ok(side) if (Self::LEAST..=Self::MOST).contains(&side) => Ok(Self::Square(side)),
                _ => Err(format!("auto, native, or {} to {} pixels", Self::LEAST, Self::MOST)),
            },
        }
    }
}

impl fmt::Display for ImageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Native => f.write_str("native"),
            Self::Square(side) => side.fmt(f),
        }
    }
}

impl TryFrom<String> for ImageSize {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ImageSize> for String {
    fn from(size: ImageSize) -> Self {
        size.to_string()
    }
}

/// How a photo gets another size, always averaging over all pixels that fall together (bilinear, antialiased).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// The largest centred part that has the shape.
    #[default]
    Crop,
    /// The whole photo, with background around it.
    Pad,
    /// The whole photo, whatever that does to its proportions.
    Stretch,
}

impl FromStr for Resize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "crop" => Ok(Self::Crop),
            "pad" => Ok(Self::Pad),
            "stretch" => Ok(Self::Stretch),
            _ => Err("crop, pad or stretch".into()),
        }
    }
}

/// A colour: red, green and blue. White, unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Background(pub [u8; 3]);

impl Default for Background {
    fn default() -> Self {
        Self([255; 3])
    }
}

impl FromStr for Background {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = match text {
            "white" => "ffffff",
            "black" => "000000",
            _ => text.strip_prefix('#').unwrap_or_default(),
        };
        let part = |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (digits.len(), part(0), part(2), part(4)) {
            (6, Some(red), Some(green), Some(blue)) if !digits.contains('+') => Ok(Self([red, green, blue])),
            _ => Err("white, black, or a colour such as #ff8800".into()),
        }
    }
}

impl fmt::Display for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl TryFrom<String> for Background {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Background> for String {
    fn from(background: Background) -> Self {
        background.to_string()
    }
}

impl Reading {
    /// Reads one photo as `[channel, row, column]` of `shape`; with one channel, as grey.
    ///
    /// # Errors
    /// [`DataError::Io`] if it can't be read, [`DataError::Decode`] if it is no photo or a damaged one.
    pub fn photo(&self, path: &std::path::Path, shape: ImageShape) -> Result<Vec<u8>, DataError> {
        super::decode::decode(path, |photo| super::prepare::prepare(photo, shape, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(sizes: &[(u32, u32)]) -> (usize, usize) {
        ImageSize::Auto.choose(sizes).unwrap()
    }

    #[test]
    fn small_ones_of_one_size_are_taken_as_they_are() {
        for (width, height) in [(8, 8), (28, 28), (32, 32), (64, 48)] {
            assert_eq!(auto(&[(width, height); 3]), (height as usize, width as usize));
        }
        assert_eq!(auto(&[(7, 8); 3]), (32, 32));
        assert_eq!(auto(&[(32, 32), (33, 32)]), (32, 32));
    }

    #[test]
    fn others_become_the_largest_square_that_nine_in_ten_reach() {
        assert_eq!(auto(&[(224, 224); 3]), (224, 224));
        assert_eq!(auto(&[(4000, 3000); 3]), (224, 224));
        assert_eq!(auto(&[(640, 159); 3]), (128, 128));
        assert_eq!(auto(&[(65, 65); 3]), (64, 64));
        let mut sizes = vec![(300, 300); 18];
        sizes.extend([(1, 1), (7, 300)]);
        assert_eq!(auto(&sizes), (224, 224));
        sizes.push((100, 100));
        assert_eq!(auto(&sizes), (96, 96));
        assert_eq!(auto(&[]), (32, 32));
    }

    #[test]
    fn native_needs_one_size() {
        let native = |sizes: &[(u32, u32)]| ImageSize::Native.choose(sizes);
        assert_eq!(native(&[(300, 40); 2]), Ok((40, 300)));
        assert!(native(&[(300, 40), (300, 41)]).unwrap_err().contains("300×40 and 300×41"));
        assert!(native(&[(7, 40)]).unwrap_err().contains("7×40 pixels; sides are 8 to 1024"));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["auto", "native", "8", "224", "1024"] {
            assert_eq!(text.parse::<ImageSize>().unwrap().to_string(), text);
        }
        for text in ["", "7", "1025", "-8", "32x32", "Auto"] {
            assert!(text.parse::<ImageSize>().is_err(), "{text}");
        }
        for (text, colour) in [("white", [255; 3]), ("#0180fF", [1, 128, 255])] {
            assert_eq!(text.parse(), Ok(Background(colour)));
        }
        for text in ["", "#", "#12345", "#1234567", "#+1+1+1", "#ééé", "red"] {
            assert!(text.parse::<Background>().is_err(), "{text}");
        }
        let background = Background([1, 2, 171]);
        assert_eq!(background.to_string().parse(), Ok(background));
    }
}
