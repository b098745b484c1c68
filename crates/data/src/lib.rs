//! Images in: everything between a file on disk and a batch of tensors.
//!
//! | source | function | what it reads |
//! |---|---|---|
//! | CIFAR-10 | [`cifar10::load`] | the official binary batches, their Python twin, or either `.tar.gz` |
//! | CIFAR-100 | [`cifar100::load`], [`cifar100::load_coarse`] | the same; a hundred classes, or twenty |
//! | MNIST, Fashion-MNIST | [`mnist::load`], [`mnist::load_fashion`] | the four official files, packed or not; 28×28, grey |
//! | image folder | [`folder::load`] | `train/<class>/*.{png,jpg}` and `test/…`, or only `<class>/*` |
//! | shapes10 | [`shapes10::generate`] | nothing: ten classes of shapes are drawn from a seed |
//!
//! Each gives a [`Dataset`]: class names, training images and test images. Pixels stay `u8`, channel
//! planes one after the other, in one flat buffer shared by every [`Subset`] that is taken from it, until
//! [`Subset::batch`] or [`Epoch`] turn some of them into one `f32` tensor. A GPU gets the bytes, or keeps them ([`Resident`]), and turns
//! them into numbers itself.
//!
//! # Names
//!
//! Each image has a name that says where it is from. It stays with the image whatever is selected, and no two images of a dataset
//! have the same.
//!
//! | source | name | exported as |
//! |---|---|---|
//! | CIFAR-10, either layout | batch and number from 0: `test_batch/123`, `data_batch_2/17` | `test/cat/test_batch-00123.png` |
//! | CIFAR-100, MNIST, Fashion-MNIST | part and number from 0: `train/17`, `test/123` | `test/7/test-00123.png` |
//! | image folder | path inside the folder: `train/cat/01.png`, or `cat/01.png` where there is no `train/` | `train/cat/01.png` |
//! | shapes10 | part and number from 0: `train/17`, `test/3` | `test/star/test-00003.png` |
//! | [`Images::new`] | the number from 0, unless [`Images::named`] gives others | |
//!
//! Where a class has a name that no folder can have, its folder gets another: T-shirt/top becomes `T-shirt-top`.
//!
//! [`Splits::duplicates`] names test images that are among the training images, and [`Dataset::listed_in`] finds images by their names.
//!
//! # Seeds
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

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read tensors as they like"))]

pub mod cifar10;
pub mod cifar100;
pub mod fetch;
pub mod folder;
pub mod mnist;
pub mod shapes10;

mod augment;
mod batch;
mod dataset;
mod division;
mod duplicates;
mod error;
mod export;
mod idx;
mod images;
mod item;
mod names;
mod packed;
mod patches;
mod pixels;
mod published;
mod random;
mod resident;
mod selection;
mod sizes;
mod statistics;
mod storage;

pub use augment::{Augment, Flip, View};
pub use batch::{Batch, ByteBatch, Epoch, epoch_order};
pub use dataset::{Dataset, Splits, checksum};
pub use duplicates::{Duplicate, Place, equal_images};
pub use error::{BrokenPhoto, DataError, Result};
pub use export::{export_binary, export_folder, export_present};
pub use images::{ImageShape, Images, Subset};
pub use item::LabelledImage;
pub use names::Names;
pub use published::{PUBLISHED, published};
pub use random::derive_seed;
pub use resident::Resident;
pub use sizes::odd_sized;
pub use statistics::Statistics;
