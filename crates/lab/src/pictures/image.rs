//! What pictures share: names, and images of datasets.

use zoo_data::{ImageShape, Subset, derive_seed};
use zoo_report::{Picture, Raster};

/// A picture and the name of its files.
pub type Named = (String, Picture);

/// The image at `position` for a picture.
pub(crate) fn raster(images: &Subset, position: usize) -> Raster {
    let ImageShape { channels, height, width } = images.shape();
    Raster::new(&images.pixels(position), [channels, height, width])
}

/// At most `count` images of each of `classes` classes, by their positions; which ones follows from `seed`.
pub(crate) fn choose(images: &Subset, classes: usize, count: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut chosen = vec![Vec::new(); classes];
    for position in 0..images.len() {
        chosen[images.label(position)].push(position);
    }
    for positions in &mut chosen {
        positions.sort_by_cached_key(|&position| derive_seed(seed, position as u64));
        positions.truncate(count);
    }
    chosen
}

/// How many images a row has where there are `images`: few are in two rows, more in tens.
pub(crate) const fn columns(images: usize) -> usize {
    match images {
        0..=5 => 5,
        6..=14 => images.div_ceil(2),
        _ => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_chosen_by_the_seed() {
        let images = zoo_data::shapes10::generate(200, 10, 1).train;
        let chosen = choose(&images, 10, 7, 42);
        for (class, positions) in chosen.iter().enumerate() {
            assert_eq!(positions.len(), 7);
            assert!(positions.iter().all(|&position| images.label(position) == class));
        }
        assert_eq!(choose(&images, 10, 7, 42), chosen);
        assert_ne!(choose(&images, 10, 7, 43), chosen);
        assert_eq!(choose(&images, 11, 1000, 42)[10], [0; 0]);
    }

    #[test]
    fn two_rows_or_tens() {
        assert_eq!([2, 5, 6, 10, 11, 20, 100].map(columns), [5, 5, 3, 5, 6, 10, 10]);
    }
}
