//! A named set of training and test images, and the split that training works with.

use md5::{Digest, Md5};
use zoo_files::hexadecimal;

use crate::error::{DataError, Result};
use crate::images::{ImageShape, Subset};

/// A dataset as its source has it: training images and test images of named classes.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What it is called: `cifar10`, `shapes10`, or the folder's name.
    pub name: String,
    /// Class names; a label is a place in this list.
    pub classes: Vec<String>,
    /// The training images.
    pub train: Subset,
    /// Images to choose by, where the source says which; otherwise [`hold_out`](Self::hold_out) takes a share of the training images.
    pub validation: Option<Subset>,
    /// The test images.
    pub test: Subset,
}

/// A dataset whose training images are divided: some to learn from, some to choose by.
#[derive(Clone, Debug)]
pub struct Splits {
    /// The dataset's name.
    pub name: String,
    /// Class names; a label is a place in this list.
    pub classes: Vec<String>,
    /// What models are fitted to.
    pub train: Subset,
    /// What epochs and hyperparameters are chosen by; empty if nothing was held out.
    pub validation: Subset,
    /// What the final figures come from, and nothing else.
    pub test: Subset,
}

impl Dataset {
    /// The size of each image.
    #[must_use]
    pub fn shape(&self) -> ImageShape {
        self.train.shape()
    }

    /// The training images with those that the source has for validation.
    #[must_use]
    pub fn all_train(&self) -> Subset {
        self.validation.as_ref().map_or_else(|| self.train.clone(), |own| self.train.merge(own))
    }

    /// Keeps `train` training and `test` test images (all where `None`), each class in proportion, chosen by `seed`.
    ///
    /// # Errors
    /// [`DataError::Limit`] if a limit is 0 or more than there are.
    pub fn limit(self, train: Option<usize>, test: Option<usize>, seed: u64) -> Result<Self> {
        self.limit_by(train, test, |subset, count| subset.stratified(count, seed).0)
    }

    /// Keeps the first `train` training and `test` test images (all where `None`), whatever their classes.
    ///
    /// # Errors
    /// [`DataError::Limit`] if a limit is 0 or more than there are.
    pub fn limit_in_order(self, train: Option<usize>, test: Option<usize>) -> Result<Self> {
        self.limit_by(train, test, |subset, count| subset.split_at(count).0)
    }

    fn limit_by(
        self,
        train: Option<usize>,
        test: Option<usize>,
        choose: impl Fn(&Subset, usize) -> Subset,
    ) -> Result<Self> {
        let limited = |subset: Subset, part, asked| match asked {
            None => Ok(subset),
            Some(count) if (1..=subset.len()).contains(&count) => Ok(choose(&subset, count)),
            Some(asked) => {
                Err(DataError::Limit { part, name: self.name.clone(), asked, available: subset.len() })
            }
        };
        Ok(Self {
            train: limited(self.train, "training", train)?,
            test: limited(self.test, "test", test)?,
            ..self
        })
    }

    /// Holds out `fraction` of the training images for validation, each class in proportion, chosen by `seed`; images that show the same
    /// object stay together.
    ///
    /// Any fraction above 0 holds out at least one image; 0 holds out none. Where the source has validation images of its own, any
    /// fraction above 0 means those, and with 0 they are training images as well.
    ///
    /// # Errors
    /// [`DataError::Validation`] if `fraction` is negative or not a number, or would leave nothing to train on.
    pub fn hold_out(self, fraction: f64, seed: u64) -> Result<Splits> {
        let count = self.held_out(fraction)?;
        let (validation, train) = match &self.validation {
            Some(own) if count == 0 => (own.split_at(0).0, self.all_train()),
            Some(own) => (own.clone(), self.train.clone()),
            None if self.train.has_groups() && count > 0 => self.train.by_drawn_group(fraction, seed),
            None => self.train.stratified(count, seed),
        };
        Ok(self.into_splits(train, validation))
    }

    /// Like [`hold_out`](Self::hold_out), but the last of the training images are held out, whatever their classes.
    ///
    /// # Errors
    /// Those of [`hold_out`](Self::hold_out).
    pub fn hold_out_last(self, fraction: f64) -> Result<Splits> {
        let count = self.held_out(fraction)?;
        let (train, validation) = self.train.split_at(self.train.len() - count);
        Ok(self.into_splits(train, validation))
    }

    // ANCHOR: held_out
    /// How many images `fraction` of the training images are.
    fn held_out(&self, fraction: f64) -> Result<usize> {
        let available = self.train.len();
        let count = if fraction > 0.0 { ((available as f64 * fraction).round() as usize).max(1) } else { 0 };
        if !(0.0..1.0).contains(&fraction) || count >= available {
            return Err(DataError::Validation { fraction, available });
        }
        Ok(count)
    }
    // ANCHOR_END: held_out

    /// The splits of `count`-fold cross-validation over the training images, those that the source has for validation included, each
    /// fold held out once: see [`Subset::folds`]. Images that show the same object are in one fold.
    ///
    /// # Errors
    /// [`DataError::Folds`] if `count` is below 2 or above the number of training images, or of objects.
    pub fn folds(self, count: usize, seed: u64) -> Result<Vec<Splits>> {
        self.folds_by(count, |train| {
            if train.has_groups() { train.folds_by_group(count, seed) } else { train.folds(count, seed) }
        })
    }

    /// The splits of `count`-fold cross-validation with consecutive folds: see [`Subset::consecutive_folds`].
    ///
    /// # Errors
    /// Those of [`folds`](Self::folds).
    pub fn consecutive_folds(self, count: usize) -> Result<Vec<Splits>> {
        self.folds_by(count, |train| train.consecutive_folds(count))
    }

    fn folds_by(
        self,
        count: usize,
        divide: impl FnOnce(&Subset) -> Vec<(Subset, Subset)>,
    ) -> Result<Vec<Splits>> {
        let train = self.all_train();
        let available = train.grouped().len();
        if !(2..=available).contains(&count) {
            return Err(DataError::Folds { folds: count, available });
        }
        let folds = divide(&train).into_iter();
        Ok(folds.map(|(train, validation)| self.clone().into_splits(train, validation)).collect())
    }

    fn into_splits(self, train: Subset, validation: Subset) -> Splits {
        Splits { name: self.name, classes: self.classes, train, validation, test: self.test }
    }
}

impl Splits {
    /// The size of each image.
    #[must_use]
    pub fn shape(&self) -> ImageShape {
        self.train.shape()
    }

    /// The training images before some were held out, in the order of the dataset: the same ones whatever was held out.
    #[must_use]
    pub fn all_train(&self) -> Subset {
        self.train.merge(&self.validation)
    }

    /// A checksum (MD5, hexadecimal) of every pixel and label, in order, part by part: equal for the same images in the
    /// same split, and for nothing else.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut digest = Md5::new();
        for part in [&self.train, &self.validation, &self.test] {
            digest.update((part.len() as u64).to_le_bytes());
            for position in 0..part.len() {
                digest.update((part.label(position) as u32).to_le_bytes());
                digest.update(&*part.pixels(position));
            }
        }
        hexadecimal(&digest.finalize())
    }
}

/// A checksum (MD5, hexadecimal) of a file's content.
#[must_use]
pub fn checksum(bytes: &[u8]) -> String {
    hexadecimal(&Md5::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes10;

    #[test]
    fn limit_then_hold_out() {
        let splits =
            shapes10::generate(200, 100, 1).limit(Some(100), Some(20), 1).unwrap().hold_out(0.1, 1).unwrap();
        assert_eq!((splits.train.len(), splits.validation.len(), splits.test.len()), (90, 10, 20));
        assert_eq!(splits.train.class_counts(10), [9; 10]);
        assert_eq!(splits.test.class_counts(10), [2; 10]);
    }

    #[test]
    fn a_limit_beyond_what_there_is_is_an_error() {
        for (train, test) in [(Some(0), None), (None, Some(0)), (Some(101), None), (None, Some(51))] {
            assert!(shapes10::generate(100, 50, 1).limit(train, test, 1).is_err(), "{train:?} {test:?}");
        }
        let error = shapes10::generate(100, 50, 1).limit(Some(101), None, 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "asked for 101 training images, but shapes10 has 100; ask for 1 to 100"
        );
    }

    #[test]
    fn what_was_held_out_does_not_show_in_all_training_images() {
        let whole = shapes10::generate(50, 20, 1);
        let pixels =
            |subset: &Subset| (0..subset.len()).flat_map(|at| subset.pixels(at).to_vec()).collect::<Vec<_>>();
        for fraction in [0.0, 0.1, 0.3] {
            let splits = whole.clone().hold_out(fraction, 1).unwrap();
            assert_eq!(pixels(&splits.all_train()), pixels(&whole.train), "{fraction}");
        }
    }

    #[test]
    fn in_order_takes_the_first_and_holds_out_the_last() {
        let whole = shapes10::generate(50, 20, 1);
        let limited = whole.clone().limit_in_order(Some(40), Some(5)).unwrap();
        let splits = limited.clone().hold_out_last(0.25).unwrap();
        assert_eq!((splits.train.len(), splits.validation.len(), splits.test.len()), (30, 10, 5));
        assert_eq!(splits.train.labels(), whole.train.labels()[..30]);
        assert_eq!(splits.validation.labels(), whole.train.labels()[30..40]);
        assert_eq!(splits.test.labels(), whole.test.labels()[..5]);
        assert!(whole.clone().limit_in_order(Some(51), None).is_err());
        assert!(whole.hold_out_last(1.0).is_err());
        let folds = limited.consecutive_folds(4).unwrap();
        assert_eq!(folds[3].validation.pixels(9), splits.validation.pixels(9));
        assert_eq!(folds[3].train.labels(), splits.train.labels());
    }

    #[test]
    fn folds_hold_out_each_training_image_once() {
        let whole = shapes10::generate(60, 20, 1);
        let folds = whole.clone().folds(3, 1).unwrap();
        assert_eq!(folds.len(), 3);
        for splits in &folds {
            assert_eq!((splits.train.len(), splits.validation.len(), splits.test.len()), (40, 20, 20));
            assert_eq!(splits.validation.class_counts(10), [2; 10]);
        }
        for count in [0, 1, 61] {
            let error = whole.clone().folds(count, 1).unwrap_err().to_string();
            assert!(error.ends_with("ask for 2 to 60"), "{error}");
        }
    }

    #[test]
    fn the_fingerprint_tells_splits_apart() {
        let fingerprint =
            |images, seed| shapes10::generate(images, 10, 1).hold_out(0.1, seed).unwrap().fingerprint();
        assert_eq!(fingerprint(50, 1), fingerprint(50, 1));
        assert_ne!(fingerprint(50, 1), fingerprint(50, 2));
        assert_ne!(fingerprint(50, 1), fingerprint(51, 1));
    }

    #[test]
    fn names_are_not_in_the_fingerprint() {
        let splits = shapes10::generate(50, 10, 1).hold_out(0.1, 1).unwrap();
        // As it was before images had names.
        assert_eq!(splits.fingerprint(), "1c4fe7fb8cd237cd3506ad1687422a82");
    }

    #[test]
    fn hold_out_leaves_something_to_train_on() {
        for fraction in [-0.1, 1.0, 2.0, f64::NAN] {
            assert!(shapes10::generate(100, 50, 1).hold_out(fraction, 1).is_err(), "{fraction}");
        }
        assert_eq!(shapes10::generate(100, 50, 1).hold_out(0.0, 1).unwrap().validation.len(), 0);
        assert_eq!(shapes10::generate(100, 50, 1).hold_out(0.001, 1).unwrap().validation.len(), 1);
    }
}
