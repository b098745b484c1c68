//! Features of images that are not learnt: histograms of oriented gradients (HOG) and of hues, as CS231n has them
//! (assignment 1, *features*).
//!
//! [`hog_hue`] turns an image into a short row of numbers: how strong the edges of each cell of 8×8 pixels are in each of 9
//! orientations ([`hog_cells`]), and which share of all pixels has each of 10 hues ([`hue_histogram`]). That is
//! 4 × 4 × 9 + 10 = 154 numbers in place of the 3,072 of an image of CIFAR-10. They say where in an image there are which
//! edges and, unlike pixels, change little when it is shifted by a pixel: a linear classifier on them is better than one
//! on pixels. Both are tested against scikit-image's `hog` and `rgb2hsv`.
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

mod grey;
mod hog;
mod hue;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

pub use grey::greyscale;
pub use hog::{CELL, ORIENTATIONS, hog_blocks, hog_cells};
pub use hue::{HUES, hue_histogram};

/// The number of features of an image of `shape` `[channels, height, width]`: ⌊height / 8⌋ · ⌊width / 8⌋ · 9 of gradients,
/// and 10 of hues if there are three channels.
///
/// An image smaller than a cell has no features of gradients; with one channel it has no feature at all.
#[must_use]
pub fn hog_hue_length(shape: [usize; 3]) -> usize {
    hog_length(shape) + if shape[0] == 3 { HUES } else { 0 }
}

fn hog_length([_, height, width]: [usize; 3]) -> usize {
    (height / CELL) * (width / CELL) * ORIENTATIONS
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
    let values = channels * height * width;
    assert!(values > 0, "images of shape {shape:?} have no pixels");
    assert!(
        pixels.len().is_multiple_of(values),
        "{} values are not whole images of shape {shape:?}",
        pixels.len()
    );
    let length = hog_hue_length(shape);
    let mut features = vec![0.0; pixels.len() / values * length];
    if length == 0 {
        return features;
    }
    features.par_chunks_exact_mut(length).zip(pixels.par_chunks_exact(values)).for_each_init(
        || vec![0.0; height * width],
        |grey, (features, image)| {
            let (cells, hues) = features.split_at_mut(hog_length(shape));
            greyscale(image, grey);
            hog_cells(grey, [height, width], cells);
            if channels == 3 {
                hues.copy_from_slice(&hue_histogram(image));
            }
        },
    );
    features
}
