//! Labelled images in one flat buffer, and selections of them that copy nothing.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{DataError, Result};
use crate::names::Names;
use crate::pixels::Pixels;

/// The size of one image: channels × height × width, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageShape {
    /// Colour planes; 3 for RGB.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl ImageShape {
    /// 3×32×32: CIFAR-10, shapes10, and what image folders are resized to unless told otherwise.
    pub const CIFAR10: Self = Self { channels: 3, height: 32, width: 32 };

    /// The number of values in an image: channels · height · width.
    #[must_use]
    pub const fn values(self) -> usize {
        self.channels * self.height * self.width
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}×{}", self.channels, self.height, self.width)
    }
}

/// Equally sized `u8` images with one label and one name each.
///
/// Pixels are `[image, channel, row, column]` in one buffer or file, 0 to 255, as CIFAR-10's binary batches have them.
#[derive(Debug)]
pub struct Images {
    shape: ImageShape,
    pixels: Pixels,
    labels: Vec<u32>,
    names: Names,
    /// Which images show the same object; each another one if nothing is known of that.
    groups: Option<Vec<u32>>,
    /// Width and height of the photo that each was made from; empty if they were made from none.
    sizes: Vec<(u32, u32)>,
    /// See [`mirrorable`](Images::mirrorable).
    mirrorable: bool,
}

impl Images {
    /// Joins pixels `[image, channel, row, column]` and labels `[image]`. Names are numbers from 0, unless others are
    /// [given](Self::named).
    ///
    /// # Errors
    /// [`DataError::Inconsistent`] if `pixels` is not `labels.len()` images of `shape`.
    pub fn new(shape: ImageShape, pixels: Vec<u8>, labels: Vec<u32>) -> Result<Self> {
        Self::stored(shape, pixels.into(), labels)
    }

    /// The same, wherever the pixels are.
    pub(crate) fn stored(shape: ImageShape, pixels: Pixels, labels: Vec<u32>) -> Result<Self> {
        if pixels.len() != (labels.len() * shape.values()) as u64 {
            return Err(DataError::Inconsistent {
                labels: labels.len(),
                pixels: pixels.len(),
                shape: shape.to_string(),
            });
        }
        let names = Names::numbered([("", labels.len())]);
        Ok(Self { shape, pixels, labels, names, groups: None, sizes: Vec::new(), mirrorable: true })
    }

    /// The same images, those with the same number in `groups` showing the same object.
    pub(crate) fn grouped(self, groups: Option<Vec<u32>>) -> Self {
        Self { groups, ..self }
    }

    /// The same images with other names.
    ///
    /// # Errors
    /// [`DataError::NameCount`] if there are not as many names as images.
    pub fn named(self, names: Names) -> Result<Self> {
        if names.len() != self.len() {
            return Err(DataError::NameCount { names: names.len(), images: self.len() });
        }
        Ok(Self { names, ..self })
    }

    /// The same images, made from photos of `sizes` (width, height), one each or none.
    #[must_use]
    pub fn made_from(self, sizes: Vec<(u32, u32)>) -> Self {
        Self { sizes, ..self }
    }

    /// The same images, and whether each keeps its class when left and right change places: cats do; letters, arrows and
    /// diagonal stripes don't. True unless said otherwise. Recipes with [`Flip::Auto`](crate::Flip::Auto) mirror only where it is
    /// true.
    #[must_use]
    pub fn mirrorable(self, mirrorable: bool) -> Self {
        Self { mirrorable, ..self }
    }

    /// The size of each image.
    #[must_use]
    pub const fn shape(&self) -> ImageShape {
        self.shape
    }

    /// The number of images.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels `[channel, row, column]` of image `index`: borrowed, or read where images don't fit into memory.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len), or the file that pixels are in can't be read any more.
    #[must_use]
    pub fn pixels(&self, index: usize) -> Cow<'_, [u8]> {
        self.pixels.get(index, self.shape.values())
    }

    /// The label of image `index`: the place of its class in the dataset's class names.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    #[must_use]
    pub fn label(&self, index: usize) -> usize {
        self.labels[index] as usize
    }

    /// What image `index` is called; the [crate](crate#names) says how.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    #[must_use]
    pub fn name(&self, index: usize) -> Cow<'_, str> {
        self.names.get(index)
    }
}

/// Some images of an [`Images`], in an order: what is trained on, validated on or tested on.
///
/// Holds positions only; the pixels are shared.
#[derive(Clone, Debug)]
pub struct Subset {
    images: Arc<Images>,
    indices: Arc<[u32]>,
}

impl Subset {
    /// All of `images`, in their order.
    ///
    /// # Panics
    /// If there are more than 2³² images.
    #[must_use]
    pub fn all(images: Arc<Images>) -> Self {
        let length = u32::try_from(images.len()).expect("at most 2^32 images");
        Self { images, indices: (0..length).collect() }
    }

    pub(crate) fn select(&self, positions: impl Iterator<Item = usize>) -> Self {
        Self {
            images: Arc::clone(&self.images),
            indices: positions.map(|position| self.indices[position]).collect(),
        }
    }

    /// The size of each image.
    #[must_use]
    pub fn shape(&self) -> ImageShape {
        self.images.shape()
    }

    /// Whether each image keeps its class when left and right change places: see [`Images::mirrorable`].
    #[must_use]
    pub fn is_mirrorable(&self) -> bool {
        self.images.mirrorable
    }

    /// The number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The pixels `[channel, row, column]` of the image at `position`: see [`Images::pixels`].
    ///
    /// # Panics
    /// If `position` is not below [`len`](Self::len), or the file that pixels are in can't be read any more.
    #[must_use]
    pub fn pixels(&self, position: usize) -> Cow<'_, [u8]> {
        self.images.pixels(self.indices[position] as usize)
    }

    /// The label of the image at `position`.
    ///
    /// # Panics
    /// If `position` is not below [`len`](Self::len).
    #[must_use]
    pub fn label(&self, position: usize) -> usize {
        self.images.label(self.indices[position] as usize)
    }

    /// What the image at `position` is called, whatever else was selected with it; the [crate](crate#names) says how.
    ///
    /// # Panics
    /// If `position` is not below [`len`](Self::len).
    #[must_use]
    pub fn name(&self, position: usize) -> Cow<'_, str> {
        self.images.name(self.indices[position] as usize)
    }

    /// The group of the image at `position`: equal where the same object is shown.
    pub(crate) fn group(&self, position: usize) -> u32 {
        let index = self.indices[position];
        self.images.groups.as_ref().map_or(index, |groups| groups[index as usize])
    }

    /// Whether it is known which images show the same object.
    pub(crate) fn has_groups(&self) -> bool {
        self.images.groups.is_some()
    }

    /// What a file with the image at `position` is called, without folder and extension.
    pub(crate) fn file_stem(&self, position: usize) -> String {
        self.images.names.file_stem(self.indices[position] as usize)
    }

    /// Width and height of the photo that each image was made from; empty if they were not made from photos.
    #[must_use]
    pub fn original_sizes(&self) -> Vec<(u32, u32)> {
        self.indices.iter().filter_map(|&index| self.images.sizes.get(index as usize).copied()).collect()
    }

    /// All labels, in order.
    #[must_use]
    pub fn labels(&self) -> Vec<usize> {
        (0..self.len()).map(|position| self.label(position)).collect()
    }

    /// How many images each of `classes` classes has.
    #[must_use]
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for position in 0..self.len() {
            counts[self.label(position)] += 1;
        }
        counts
    }

    /// The images of this subset and of `other`, which is taken from the same images, in the order of those: how they were divided
    /// doesn't show.
    ///
    /// # Panics
    /// If the two are selections of different [`Images`].
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        assert!(Arc::ptr_eq(&self.images, &other.images), "both subsets select from the same images");
        let mut indices: Vec<u32> = self.indices.iter().chain(other.indices.iter()).copied().collect();
        indices.sort_unstable();
        Self { images: Arc::clone(&self.images), indices: indices.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tiny(labels: Vec<u32>) -> Subset {
        let shape = ImageShape { channels: 1, height: 1, width: 1 };
        let pixels = (0..labels.len()).map(|index| index as u8).collect();
        Subset::all(Arc::new(Images::new(shape, pixels, labels).unwrap()))
    }

    #[test]
    fn pixels_must_fit_labels() {
        let error = Images::new(ImageShape::CIFAR10, vec![0; 3071], vec![0]).unwrap_err();
        assert_eq!(error.to_string(), "1 labels and 3071 bytes of pixels are no whole set of 3×32×32 images");
    }

    #[test]
    fn names_follow_their_images_and_are_numbers_unless_given() {
        let names = |subset: &Subset| -> Vec<String> {
            (0..subset.len()).map(|position| subset.name(position).into_owned()).collect()
        };
        let plain = tiny(vec![0, 1, 0, 1]);
        assert_eq!(names(&plain.split_at(2).1), ["2", "3"]);
        let images = Arc::into_inner(plain.images).unwrap();
        let error = images.named(Names::numbered([("a", 3)])).unwrap_err();
        assert_eq!(error.to_string(), "3 names for 4 images");

        let shape = ImageShape { channels: 1, height: 1, width: 1 };
        let images =
            Images::new(shape, (0..100).collect(), (0..100).map(|index| index % 3).collect()).unwrap();
        let whole = Subset::all(Arc::new(images.named(Names::numbered([("a", 50), ("b", 50)])).unwrap()));
        let (part, rest) = whole.stratified(40, 1);
        let folds = rest.folds(3, 1);
        let merged = folds[0].1.merge(&part);
        for subset in [&part, &rest, &folds[1].0, &folds[1].1, &merged] {
            for (position, name) in names(subset).iter().enumerate() {
                let index = usize::from(subset.pixels(position)[0]);
                let expected = if index < 50 { format!("a/{index}") } else { format!("b/{}", index - 50) };
                assert_eq!(*name, expected);
            }
        }
    }

    #[test]
    fn consecutive_folds_are_those_of_array_split() {
        // numpy.array_split(range(7), 3)
        let folds = tiny(vec![0; 7]).consecutive_folds(3);
        let indices: Vec<_> = folds.iter().map(|(_, fold)| fold.indices.to_vec()).collect();
        assert_eq!(indices, [vec![0, 1, 2], vec![3, 4], vec![5, 6]]);
        assert_eq!(folds[1].0.indices.to_vec(), [0, 1, 2, 5, 6]);
    }

    #[test]
    fn other_seeds_other_folds() {
        let whole = tiny(vec![0; 100]);
        assert_ne!(whole.folds(5, 1)[0].1.indices, whole.folds(5, 2)[0].1.indices);
    }

    #[test]
    fn merged_parts_are_in_the_order_of_the_images() {
        let whole = tiny(vec![0, 1, 0, 1, 0, 1, 1]);
        for seed in 0..5 {
            let (part, rest) = whole.stratified(3, seed);
            for merged in [part.merge(&rest), rest.merge(&part)] {
                assert_eq!(merged.indices, whole.indices);
            }
        }
        let (nothing, all) = whole.split_at(0);
        assert_eq!(all.merge(&nothing).indices, whole.indices);
    }

    #[test]
    fn split_at_keeps_order() {
        let (first, rest) = tiny(vec![0; 5]).split_at(2);
        assert_eq!((first.indices.to_vec(), rest.indices.to_vec()), (vec![0, 1], vec![2, 3, 4]));
    }

    fn extremes(values: impl Iterator<Item = usize> + Clone) -> (usize, usize) {
        (values.clone().min().unwrap(), values.max().unwrap())
    }

    /// Every image is in one fold and in the rest of each other; sizes differ by one at most; order is kept.
    fn check_folds(whole: &Subset, folds: &[(Subset, Subset)]) {
        let mut all: Vec<u32> = folds.iter().flat_map(|(_, fold)| fold.indices.to_vec()).collect();
        all.sort_unstable();
        assert_eq!(all, whole.indices.to_vec());
        for (rest, fold) in folds {
            assert!(rest.indices.is_sorted() && fold.indices.is_sorted());
            assert_eq!(rest.len() + fold.len(), whole.len());
            assert!(fold.indices.iter().all(|index| !rest.indices.contains(index)));
        }
        let (least, most) = extremes(folds.iter().map(|(_, fold)| fold.len()));
        assert!(most - least <= 1, "{least} to {most}");
    }

    proptest! {
        #[test]
        fn stratified_parts_are_disjoint_ordered_and_in_proportion(
            labels in proptest::collection::vec(0u32..4, 1..200), share in 0.0..=1.0f64, seed: u64,
        ) {
            let whole = tiny(labels);
            let count = (share * whole.len() as f64) as usize;
            let (chosen, rest) = whole.stratified(count, seed);
            prop_assert_eq!(chosen.len(), count);
            let mut all: Vec<u32> = chosen.indices.iter().chain(rest.indices.iter()).copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..whole.len() as u32).collect::<Vec<_>>());
            prop_assert!(chosen.indices.is_sorted() && rest.indices.is_sorted());
            for (size, taken) in whole.class_counts(4).iter().zip(chosen.class_counts(4)) {
                let exact = count as f64 * *size as f64 / whole.len() as f64;
                prop_assert!((taken as f64 - exact).abs() < 1.0);
            }
            let again = whole.stratified(count, seed).0;
            prop_assert_eq!(&chosen.indices, &again.indices);
        }

        #[test]
        fn folds_divide_the_whole_evenly_in_all_and_in_each_class(
            labels in proptest::collection::vec(0u32..4, 1..200), count in 1usize..12, seed: u64,
        ) {
            let whole = tiny(labels);
            let count = count.min(whole.len());
            let folds = whole.folds(count, seed);
            check_folds(&whole, &folds);
            let counts: Vec<_> = folds.iter().map(|(_, fold)| fold.class_counts(4)).collect();
            for class in 0..4 {
                let (least, most) = extremes(counts.iter().map(|counts| counts[class]));
                prop_assert!(most - least <= 1, "{:?}", counts);
            }
            for ((_, fold), (_, again)) in folds.iter().zip(whole.folds(count, seed)) {
                prop_assert_eq!(&fold.indices, &again.indices);
            }
        }

        #[test]
        fn consecutive_folds_are_stretches_the_longer_first(size in 1usize..200, count in 1usize..12) {
            let whole = tiny(vec![0; size]);
            let folds = whole.consecutive_folds(count.min(size));
            check_folds(&whole, &folds);
            let in_order: Vec<u32> = folds.iter().flat_map(|(_, fold)| fold.indices.to_vec()).collect();
            prop_assert!(in_order.is_sorted());
            prop_assert!(folds.is_sorted_by(|left, right| left.1.len() >= right.1.len()));
        }
    }
}
