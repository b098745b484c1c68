//! A subset as a dataset of Burn's.

use crate::error::Result;
use crate::images::Subset;

/// One image with its label: the item of a [`Subset`] as a Burn dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledImage {
    /// `[channel, row, column]`, 0 to 255.
    pub pixels: Vec<u8>,
    /// The place of its class in the dataset's class names.
    pub label: usize,
}

/// Lets Burn's own data loaders and dataset transforms take a subset as it is.
impl burn_dataset::Dataset<LabelledImage> for Subset {
    fn get(&self, index: usize) -> Result<LabelledImage, burn_dataset::DatasetError> {
        Ok(LabelledImage { pixels: self.pixels(index).to_vec(), label: self.label(index) })
    }

    fn len(&self) -> usize {
        self.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::images::{ImageShape, Images};

    #[test]
    fn burn_reads_a_subset_as_a_dataset() {
        use burn_dataset::Dataset as _;
        let shape = ImageShape { channels: 1, height: 1, width: 1 };
        let subset = Subset::all(Arc::new(Images::new(shape, vec![0, 1], vec![1, 0]).unwrap()));
        let items: Vec<_> = subset.iter().map(Result::unwrap).collect();
        assert_eq!(items[1], LabelledImage { pixels: vec![1], label: 0 });
    }
}
