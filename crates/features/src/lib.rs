//! Features of images that are not learnt: histograms of oriented gradients (HOG) and of hues, as CS231n has them
//! (assignment 1, *features*).
//!
//! [`hog_hue`] turns an image into a short row of numbers: how strong the edges of each cell of 8×8 pixels are in each of 9
//! orientations ([`hog_cells`]), and which share of all pixels has each of 10 hues ([`hue_histogram`]). That is
//! 4 × 4 × 9 + 10 = 154 numbers in place of the 3,072 of an image of CIFAR-10. They say where in an image there are which
//! edges and, unlike pixels, change little when it is shifted by a pixel: a linear classifier on them is better than one
//! on pixels. Both are tested against scikit-image's `hog` and `rgb2hsv`.
//!
//! [`hog_hue_colour`] is what to take on few images of one's own, of any size: gradients of at most 7×7 fields ([`hog_fields`]), hues,
//! and how bright and how varied each channel is, over the image and over a grid of 4×4 ([`colour_statistics`]). That is at most 553
//! numbers.
//!
//! The course's own `features.py` differs in details that look unmeant: it weighs blue by 0.144 for 0.114, takes
//! differences to one side only, and drops gradients of half of all directions.
//!
//! Everything is plain Rust on pixels. Images are computed in parallel, each on its own, so results don't depend on the
//! number of threads.
//!
//! ```
//! // A black image of 3×16×16: no edges, and no hue.
//! let shape = [3, 16, 16];
//! let features = zoo_features::hog_hue(&[0.0; 3 * 16 * 16], shape);
//! assert_eq!(features.len(), zoo_features::hog_hue_length(shape));
//! assert_eq!(features.len(), 2 * 2 * 9 + 10);
//! ```

mod colour;
mod grey;
mod hog;
mod hue;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

pub use colour::{GRID, colour_statistics};
pub use grey::greyscale;
pub use hog::{CELL, FIELDS, ORIENTATIONS, hog_blocks, hog_cells, hog_fields};
pub use hue::{HUES, hue_histogram};

/// The number of features of an image of `shape` `[channels, height, width]`: ⌊height / 8⌋ · ⌊width / 8⌋ · 9 of gradients,
/// and 10 of hues if there are three channels.
///
/// An image smaller than a cell has no features of gradients; with one channel it has no feature at all.
#[must_use]
pub fn hog_hue_length(shape: [usize; 3]) -> usize {
    hog_length(shape) + hues(shape[0])
}

fn hog_length([_, height, width]: [usize; 3]) -> usize {
    (height / CELL) * (width / CELL) * ORIENTATIONS
}

/// The number of features of [`hog_hue_colour`]: 9 for each field of gradients, at most 7 · 7 of them; 10 of hues if there are three
/// channels; and 2 · 17 per channel of colours.
#[must_use]
pub fn hog_hue_colour_length(shape: [usize; 3]) -> usize {
    let [channels, ..] = shape;
    fields_length(shape) + hues(channels) + 2 * colour::PLACES * channels
}

fn fields_length([_, height, width]: [usize; 3]) -> usize {
    hog::fields([height / CELL, width / CELL]).iter().product::<usize>() * ORIENTATIONS
}

/// How many of the features are of hues.
fn hues(channels: usize) -> usize {
    if channels == 3 { HUES } else { 0 }
}

/// The features `[image, feature]` of `pixels` `[image, channel, row, column]`, 0 to 255, of images of `shape`
/// `[channels, height, width]`.
///
/// The features of an image are its [`hog_cells`] `[cell row, cell column, orientation]`, then its [`hue_histogram`] if it
/// has three channels; [`hog_hue_length`] tells how many.
///
/// # Panics
/// If `shape` has no pixels or `pixels` is not a whole number of images.
#[must_use]
pub fn hog_hue(pixels: &[f32], shape: [usize; 3]) -> Vec<f32> {
    let [channels, height, width] = shape;
    of_images(pixels, shape, hog_hue_length(shape), |image, features, Scratch { grey, .. }| {
        let (cells, hues) = features.split_at_mut(hog_length(shape));
        greyscale(image, grey);
        hog_cells(grey, [height, width], cells);
        if channels == 3 {
            hues.copy_from_slice(&hue_histogram(image));
        }
    })
}

/// The features `[image, feature]` of `pixels` `[image, channel, row, column]`, 0 to 255, of images of `shape`
/// `[channels, height, width]`.
///
/// The features of an image are its [`hog_fields`] `[field row, field column, orientation]`, then its [`hue_histogram`] if it has three
/// channels, then its [`colour_statistics`] `[place, channel, 2]`; [`hog_hue_colour_length`] tells how many.
///
/// # Panics
/// If `shape` has no pixels or `pixels` is not a whole number of images.
#[must_use]
pub fn hog_hue_colour(pixels: &[f32], shape: [usize; 3]) -> Vec<f32> {
    let [channels, height, width] = shape;
    of_images(pixels, shape, hog_hue_colour_length(shape), |image, features, Scratch { grey, cells }| {
        let (fields, features) = features.split_at_mut(fields_length(shape));
        let (hues, colours) = features.split_at_mut(hues(channels));
        greyscale(image, grey);
        hog_cells(grey, [height, width], cells);
        hog_fields(cells, [height / CELL, width / CELL], fields);
        if channels == 3 {
            hues.copy_from_slice(&hue_histogram(image));
        }
        colour_statistics(image, [height, width], colours);
    })
}

/// Room for what an image's features are computed from.
struct Scratch {
    grey: Vec<f32>,
    cells: Vec<f32>,
}

/// `length` features per image, images in parallel. `write` gets an image, and the place of its features.
fn of_images(
    pixels: &[f32],
    shape: [usize; 3],
    length: usize,
    write: impl Fn(&[f32], &mut [f32], &mut Scratch) + Sync,
) -> Vec<f32> {
    let [channels, height, width] = shape;
    let values = channels * height * width;
    assert!(values > 0, "images of shape {shape:?} have no pixels");
    assert!(
        pixels.len().is_multiple_of(values),
        "{} values are not whole images of shape {shape:?}",
        pixels.len()
    );
    let mut features = vec![0.0; pixels.len() / values * length];
    if length == 0 {
        return features;
    }
    features.par_chunks_exact_mut(length).zip(pixels.par_chunks_exact(values)).for_each_init(
        || Scratch { grey: vec![0.0; height * width], cells: vec![0.0; hog_length(shape)] },
        |scratch, (features, image)| write(image, features, scratch),
    );
    features
}
