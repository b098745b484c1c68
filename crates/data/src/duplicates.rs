//! Images that are equal, value by value; above all test images that are also training images.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use rayon::prelude::*;

use crate::dataset::Splits;
use crate::images::Subset;

/// A test image that is equal, value by value, to an image that models are fitted to or chosen by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The test image's position in [`Splits::test`].
    pub position: usize,
    /// The test image's name.
    pub test: String,
    /// The name of the first training image that is equal to it, or, if there is none, of the first validation image.
    pub train: String,
}

/// Where an image is: its place among some parts, and its position there.
pub type Place = (usize, usize);

impl Splits {
    /// The test images that are equal, value by value, to a training or validation image, in the order of the test images. Labels
    /// don't count.
    ///
    /// A model has seen the answers to these. Only exact copies are found: not those that were scaled, cropped or compressed
    /// again.
    #[must_use]
    pub fn duplicates(&self) -> Vec<Duplicate> {
        let parts = [&self.train, &self.validation, &self.test];
        let test = parts.len() - 1;
        let mut found = Vec::new();
        for group in equal_images(&parts) {
            let (part, other) = group[0];
            let is_seen = part != test;
            for (_, position) in group.into_iter().filter(|&(part, _)| is_seen && part == test) {
                let (test, train) = (self.test.name(position).into(), parts[part].name(other).into());
                found.push(Duplicate { position, test, train });
            }
        }
        found.sort_unstable_by_key(|duplicate| duplicate.position);
        found
    }
}

/// The images in `parts` that are equal, value by value, to others: groups of two or more, in their order. Labels don't count.
#[must_use]
pub fn equal_images(parts: &[&Subset]) -> Vec<Vec<Place>> {
    let mut alike: HashMap<u64, Vec<Place>> = HashMap::new();
    for (part, subset) in parts.iter().enumerate() {
        for (position, hash) in hashes(subset).into_iter().enumerate() {
            alike.entry(hash).or_default().push((part, position));
        }
    }
    // Equal images have equal hashes, but not the other way round.
    let candidates = alike.into_values().filter(|places| places.len() > 1);
    let mut groups: Vec<_> = candidates.flat_map(|places| equal_among(parts, &places)).collect();
    groups.sort_unstable();
    groups
}

/// The groups of equal images among a few.
fn equal_among(parts: &[&Subset], places: &[Place]) -> Vec<Vec<Place>> {
    let mut groups: Vec<Vec<Place>> = Vec::new();
    for &(part, position) in places {
        let pixels: &[u8] = &parts[part].pixels(position);
        let is_equal = |group: &&mut Vec<Place>| {
            let (part, position) = group[0];
            let first: &[u8] = &parts[part].pixels(position);
            first == pixels
        };
        match groups.iter_mut().find(is_equal) {
            Some(group) => group.push((part, position)),
            None => groups.push(vec![(part, position)]),
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// A number for each image that follows from its pixels.
fn hashes(subset: &Subset) -> Vec<u64> {
    let hash = |position| {
        let pixels: &[u8] = &subset.pixels(position);
        let mut hasher = DefaultHasher::new();
        hasher.write(pixels);
        hasher.finish()
    };
    (0..subset.len()).into_par_iter().map(hash).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::dataset::Dataset;
    use crate::images::{ImageShape, Images};
    use crate::names::Names;
    use crate::shapes10;

    /// Images of two values each, named by `prefix` and a number. Labels are 0 and 1 in turn.
    fn part(prefix: &str, images: &[[u8; 2]]) -> Subset {
        let shape = ImageShape { channels: 1, height: 1, width: 2 };
        let labels = (0..images.len() as u32).map(|index| index % 2).collect();
        let images = Images::new(shape, images.concat(), labels).unwrap();
        let names = Names::numbered([(prefix, images.len())]);
        Subset::all(Arc::new(images.named(names).unwrap()))
    }

    fn splits(train: &[[u8; 2]], test: &[[u8; 2]], held_out: f64) -> Splits {
        let (train, test) = (part("train", train), part("test", test));
        let classes = ["a", "b"].map(String::from).to_vec();
        Dataset { name: "tiny".into(), classes, train, validation: None, test }
            .hold_out_last(held_out)
            .unwrap()
    }

    fn named(splits: &Splits) -> Vec<(usize, String, String)> {
        splits.duplicates().into_iter().map(|found| (found.position, found.test, found.train)).collect()
    }

    #[test]
    fn a_test_image_among_the_training_images_is_found() {
        let splits = splits(&[[1, 2], [3, 4]], &[[2, 1], [1, 3], [3, 4]], 0.0);
        assert_eq!(named(&splits), [(2, "test/2".into(), "train/1".into())]);
    }

    #[test]
    fn different_images_are_no_duplicates() {
        assert_eq!(named(&splits(&[[1, 2], [3, 4]], &[[2, 1], [1, 4]], 0.0)), []);
        assert_eq!(shapes10::generate(200, 100, 1).hold_out(0.1, 1).unwrap().duplicates(), []);
    }

    #[test]
    fn of_several_equal_ones_the_first_is_named_and_training_comes_before_validation() {
        // The last two are held out.
        let train = [[9, 9], [5, 5], [5, 5], [5, 5], [7, 7], [5, 5]];
        let splits = splits(&train, &[[7, 7], [5, 5], [0, 0], [5, 5]], 0.34);
        let expected = [(0, "test/0", "train/4"), (1, "test/1", "train/1"), (3, "test/3", "train/1")];
        assert_eq!(named(&splits), expected.map(|(at, test, train)| (at, test.into(), train.into())));
    }

    #[test]
    fn equal_images_are_in_groups() {
        let (first, second) =
            (part("a", &[[1, 1], [2, 2], [1, 1]]), part("b", &[[3, 3], [1, 1], [2, 2], [4, 4]]));
        let groups = equal_images(&[&first, &second]);
        assert_eq!(groups, [vec![(0, 0), (0, 2), (1, 1)], vec![(0, 1), (1, 2)]]);
        assert_eq!(equal_images(&[&second]), [[(0, 0); 0]; 0]);
        // Whatever their hashes.
        let places = [(0, 0), (0, 1), (0, 2), (1, 3)];
        assert_eq!(equal_among(&[&first, &second], &places), [[(0, 0), (0, 2)]]);
    }

    #[test]
    fn only_images_that_are_used_count() {
        let whole = splits(&[[1, 1], [2, 2], [3, 3]], &[[3, 3], [1, 1]], 0.0);
        let dataset = Dataset {
            name: whole.name,
            classes: whole.classes,
            train: whole.train,
            validation: None,
            test: whole.test,
        };
        let splits = dataset.limit_in_order(Some(2), None).unwrap().hold_out_last(0.5).unwrap();
        assert_eq!(named(&splits), [(1, "test/1".into(), "train/0".into())]);
    }
}
