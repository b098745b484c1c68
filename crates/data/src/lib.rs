//! Images in: everything between a file on disk and a batch of tensors.
//!
//! | source | function | what it reads |
//! |---|---|---|
//! | CIFAR-10 | [`cifar10::load`] | the official binary batches, their Python twin, or either `.tar.gz` |
//! | image folder | [`folder::load`] | `train/<class>/*.{png,jpg}` and `test/…`, or only `<class>/*` |
//! | shapes10 | [`shapes10::generate`] | nothing: ten classes of shapes are drawn from a seed |
//!
//! Each gives a [`Dataset`]: class names, training images and test images. Pixels stay `u8`, channel
//! planes one after the other, in one flat buffer shared by every [`Subset`] that is taken from it, until
//! [`Subset::batch`] or [`Epoch`] turn some of them into one `f32` tensor.
//!
//! Everything random here (splits, order, augmentation, drawings) follows only from a seed: not from the number of threads and not from what was drawn before.
//!
//! ```
//! use burn::tensor::Device;
//! use zoo_data::shapes10;
//!
//! // 1,000 training images, a tenth of them for validation, and 100 test images.
//! let splits = shapes10::generate(1000, 100, 42).hold_out(0.1, 42)?;
//! assert_eq!((splits.train.len(), splits.validation.len(), splits.test.len()), (900, 100, 100));
//!
//! let device = Device::flex();
//! for batch in splits.train.batches(300, &device) {
//!     assert_eq!(batch.images.dims(), [300, 3, 32, 32]);
//!     assert_eq!(batch.labels.dims(), [300]);
//! }
//! # Ok::<(), zoo_data::DataError>(())
//! ```

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
