//! CIFAR-10: 60,000 photographs of ten classes, 32×32 RGB (Krizhevsky, *Learning Multiple Layers of Features from
//! Tiny Images*, 2009; <https://www.cs.toronto.edu/~kriz/cifar.html>).
//!
//! | layout | folder | archive |
//! |---|---|---|
//! | binary: records of a label byte and 3,072 pixel bytes, 10,000 per file | `cifar-10-batches-bin` | `cifar-10-binary.tar.gz` |
//! | Python: a pickled dictionary of a `[10000, 3072]` array and a list of labels per file | `cifar-10-batches-py` | `cifar-10-python.tar.gz` |
//!
//! Archives are read as they are, without unpacking to disk. [`cifar100`](crate::cifar100) has the same layouts, with two labels per image
//! and one file each to train on and to test on.

mod batch;
mod binary;
mod official;
mod pickle;
mod python;
mod source;

pub use batch::CLASSES;
pub use official::{is_cifar10, is_official};
pub use source::{Source, load, load_batches};

pub(crate) use batch::META;
pub(crate) use binary::write_record;
pub(crate) use source::load_hundred;
