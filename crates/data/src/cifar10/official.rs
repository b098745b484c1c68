//! Whether images are CIFAR-10's, and whether they are those of the official archives in their order.

use sha1::{Digest, Sha1};

use crate::cifar10::batch::{BATCH_RECORDS, CLASSES};
use crate::dataset::Dataset;
use crate::images::{ImageShape, Subset};

/// The official binary batches, the test batch last, as Git names their content: SHA-1 over `blob 30730000`, a zero byte, and
/// the file.
const BATCHES: [&str; 6] = [
    "da09f891072747be90e69e4f00ba7cba870dc87e",
    "7e958840b7a55df3353574298ebc9ca0e4bba48e",
    "5259a3e9674ffdf2d5c33a1067f7192ff06c9e2f",
    "301e7d16d78428f13262e87a5bc78ed45b8224aa",
    "51fe428dfbdd065852912743ae8b7b63bb1e9d8d",
    "e3f3b4653f18f27ada1558cabc3352a3ed1b25cc",
];

/// Whether `dataset` has the shape of CIFAR-10: 50,000 training and 10,000 test images of 3×32×32 of its ten classes, in whatever
/// order. What was published for CIFAR-10 says something of such images.
#[must_use]
pub fn is_cifar10(dataset: &Dataset) -> bool {
    let Dataset { train, test, classes, .. } = dataset;
    (train.len(), test.len()) == (5 * BATCH_RECORDS, BATCH_RECORDS)
        && dataset.shape() == ImageShape::CIFAR10
        && classes.iter().eq(&CLASSES)
}

/// Whether `dataset` is the official CIFAR-10, every byte of it and in its order, from whichever layout it was read: results that
/// depend on which images come first can then be compared to the digit.
#[must_use]
pub fn is_official(dataset: &Dataset) -> bool {
    if !is_cifar10(dataset) {
        return false;
    }
    let Dataset { train, test, .. } = dataset;
    let train = (0..5).map(|batch| content_name(train, batch * BATCH_RECORDS, BATCH_RECORDS));
    train.chain([content_name(test, 0, BATCH_RECORDS)]).eq(BATCHES)
}

/// The name that Git gives to a binary batch of `records` images from `first` on.
fn content_name(images: &Subset, first: usize, records: usize) -> String {
    let length = records * (1 + images.shape().values());
    let mut content = format!("blob {length}\0").into_bytes();
    content.reserve(length);
    for position in first..first + records {
        content.push(images.label(position) as u8);
        content.extend_from_slice(&images.pixels(position));
    }
    zoo_files::hexadecimal(&Sha1::digest(&content))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::images::Images;
    use crate::shapes10;

    /// `printf '\001\002\003\000\377\376' | git hash-object --stdin`.
    #[test]
    fn content_is_named_as_git_names_it() {
        let shape = ImageShape { channels: 1, height: 1, width: 2 };
        let images = Images::new(shape, vec![9, 9, 2, 3, 255, 254], vec![7, 1, 0]).unwrap();
        let name = content_name(&Subset::all(Arc::new(images)), 1, 2);
        assert_eq!(name, "2a61d7160ebb08e7337a5b2d00889ed614104665");
    }

    #[test]
    fn all_black_images_are_cifar10_by_their_looks_alone() {
        let black = |count: usize| {
            let pixels = vec![0; count * ImageShape::CIFAR10.values()];
            Subset::all(Arc::new(Images::new(ImageShape::CIFAR10, pixels, vec![0; count]).unwrap()))
        };
        let classes = CLASSES.map(String::from).to_vec();
        let dataset = Dataset {
            name: "black".into(),
            classes,
            train: black(50_000),
            validation: None,
            test: black(10_000),
        };
        assert!(is_cifar10(&dataset) && !is_official(&dataset));
        let mut classes = dataset.classes.clone();
        classes.swap(0, 1);
        assert!(!is_cifar10(&Dataset { classes, ..dataset }));
    }

    #[test]
    fn other_images_are_not_official() {
        let small = shapes10::generate(50, 10, 1);
        assert!(!is_official(&small) && !is_cifar10(&small));
    }
}
