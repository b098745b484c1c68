//! CIFAR-100: 60,000 photographs of a hundred classes, five each of twenty superclasses, 32×32 RGB (Krizhevsky, *Learning Multiple
//! Layers of Features from Tiny Images*, 2009; <https://www.cs.toronto.edu/~kriz/cifar.html>).
//!
//! | layout | folder | archive |
//! |---|---|---|
//! | binary: records of a byte for the superclass, one for the class, and 3,072 pixel bytes | `cifar-100-binary` | `cifar-100-binary.tar.gz` |
//! | Python: pickled dictionaries, as of CIFAR-10 | `cifar-100-python` | `cifar-100-python.tar.gz` |

use std::path::Path;

use crate::cifar10::load_hundred;
use crate::dataset::Dataset;
use crate::error::Result;

/// Loads CIFAR-100 with its hundred classes from `path`: a folder of batches, an official archive, or a folder that has one of them.
///
/// # Errors
/// As for [`cifar10::load`](crate::cifar10::load); but any number of images will do.
pub fn load(path: &Path) -> Result<Dataset> {
    load_hundred(path, "cifar100", false)
}

/// Like [`load`], with the twenty superclasses.
///
/// # Errors
/// As for [`load`].
pub fn load_coarse(path: &Path) -> Result<Dataset> {
    load_hundred(path, "cifar100-coarse", true)
}
