//! Images in: everything between a file on disk and a batch of tensors.
//!
//! | source | function | what it reads |
//! |---|---|---|
//! | CIFAR-10 | [`cifar10::load`] | the official binary batches, their Python twin, or either `.tar.gz` |
//! | image folder | [`folder::load`] | `train/<class>/*.{png,jpg}` and `test/…`, or `<class>/*` alone |
//! | shapes10 | [`shapes10::generate`] | nothing: ten classes of shapes are drawn from a seed |
//!
//! Each gives a [`Dataset`]: class names, training images and test images. Pixels stay `u8`, channel
//! planes one after the other, in one flat buffer shared by every [`Subset`] that is taken from it, until
//! [`Subset::batch`] or [`Epoch`] turn some of them into one `f32` tensor.
//!
//! Whatever is random here (splits, order, augmentation, drawings) follows from a seed and from
//! nothing else: not from the number of threads and not from what was drawn before.

pub mod cifar10;
pub mod folder;
pub mod shapes10;

mod augment;
mod batch;
mod dataset;
mod error;
mod export;
mod images;
mod patches;
mod random;
mod statistics;
mod storage;

pub use augment::{Augment, Flip, View};
pub use batch::{Batch, Epoch};
pub use dataset::{Dataset, Splits};
pub use error::{DataError, Result};
pub use export::{export_binary, export_folder};
pub use images::{ImageShape, Images, LabelledImage, Subset};
pub use random::derive_seed;
pub use statistics::Statistics;
