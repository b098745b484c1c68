//! All images of a dataset in one row.

use zoo_data::{Dataset, ImageShape, Subset};
use zoo_schema::{AuditPart, AuditedImage};

/// The images of a dataset, numbered from 0: the training images, then the test images.
pub(super) struct AllImages<'a> {
    dataset: &'a Dataset,
}

impl<'a> AllImages<'a> {
    pub(super) const fn of(dataset: &'a Dataset) -> Self {
        Self { dataset }
    }

    pub(super) fn len(&self) -> usize {
        self.dataset.train.len() + self.dataset.test.len()
    }

    pub(super) fn shape(&self) -> ImageShape {
        self.dataset.shape()
    }

    /// Width and height of the photo of each image; empty if they were not made from photos.
    pub(super) fn original_sizes(&self) -> Vec<(u32, u32)> {
        [self.dataset.train.original_sizes(), self.dataset.test.original_sizes()].concat()
    }

    pub(super) fn classes(&self) -> &'a [String] {
        &self.dataset.classes
    }

    /// The part that image `index` is in, and its position there.
    pub(super) fn place(&self, index: usize) -> (&'a Subset, usize) {
        match index.checked_sub(self.dataset.train.len()) {
            None => (&self.dataset.train, index),
            Some(position) => (&self.dataset.test, position),
        }
    }

    pub(super) fn label(&self, index: usize) -> usize {
        let (part, position) = self.place(index);
        part.label(position)
    }

    /// Image `index` as findings name it.
    pub(super) fn named(&self, index: usize) -> AuditedImage {
        let (subset, position) = self.place(index);
        let part = if index < self.dataset.train.len() { AuditPart::Train } else { AuditPart::Test };
        let class = self.dataset.classes[subset.label(position)].clone();
        AuditedImage { image: subset.name(position).into_owned(), part, class }
    }
}
