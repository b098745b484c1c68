//! What can be fetched, and from where.
//!
//! Lengths and checksums are those that torchvision, TensorFlow's datasets and others check or report for the same files. The site that MNIST
//! was published on (yann.lecun.com) does not offer it any more; the address is that of the copy which PyTorch keeps. Fashion-MNIST's own
//! server has no https, its repository has.

use crate::fetch::{Packed, Published};
use crate::{cifar10, cifar100, mnist};

/// A file of MNIST's format in the folder `$folder` of a server.
macro_rules! idx {
    ($folder:ident, $file:literal, $bytes:literal, $sha256:literal) => {
        Packed { url: $folder!($file), bytes: $bytes, sha256: $sha256, contains: &[$file] }
    };
}

macro_rules! digits {
    ($file:literal) => {
        concat!("https://ossci-datasets.s3.amazonaws.com/mnist/", $file, ".gz")
    };
}

macro_rules! clothes {
    ($file:literal) => {
        concat!(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            $file,
            ".gz"
        )
    };
}

const CIFAR10: Packed = Packed {
    url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    bytes: 170_052_171,
    sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    contains: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
        "test_batch.bin",
        "batches.meta.txt",
    ],
};

const CIFAR100: Packed = Packed {
    url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    bytes: 168_513_733,
    sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    contains: &["train.bin", "test.bin", "fine_label_names.txt", "coarse_label_names.txt"],
};

const MNIST: [Packed; 4] = [
    idx!(
        digits,
        "train-images-idx3-ubyte",
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    idx!(
        digits,
        "train-labels-idx1-ubyte",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
    idx!(
        digits,
        "t10k-images-idx3-ubyte",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    idx!(
        digits,
        "t10k-labels-idx1-ubyte",
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
    ),
];

const FASHION_MNIST: [Packed; 4] = [
    idx!(
        clothes,
        "train-images-idx3-ubyte",
        26_421_880,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
    ),
    idx!(
        clothes,
        "train-labels-idx1-ubyte",
        29_515,
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
    ),
    idx!(
        clothes,
        "t10k-images-idx3-ubyte",
        4_422_102,
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
    ),
    idx!(
        clothes,
        "t10k-labels-idx1-ubyte",
        5_148,
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
    ),
];

/// The datasets that can be fetched.
pub static PUBLISHED: [Published; 4] = [
    Published {
        names: &["cifar10"],
        folder: "cifar-10-batches-bin",
        files: &[CIFAR10],
        read: cifar10::load,
        images: [50_000, 10_000],
        is_balanced: true,
    },
    Published {
        names: &["cifar100", "cifar100-coarse"],
        folder: "cifar-100-binary",
        files: &[CIFAR100],
        read: cifar100::load,
        images: [50_000, 10_000],
        is_balanced: true,
    },
    Published {
        names: &["mnist"],
        folder: "mnist",
        files: &MNIST,
        read: mnist::load,
        images: [60_000, 10_000],
        is_balanced: false,
    },
    Published {
        names: &["fashion-mnist"],
        folder: "fashion-mnist",
        files: &FASHION_MNIST,
        read: mnist::load_fashion,
        images: [60_000, 10_000],
        is_balanced: true,
    },
];

/// The dataset that `--data` calls `name`, if it can be fetched.
#[must_use]
pub fn published(name: &str) -> Option<&'static Published> {
    PUBLISHED.iter().find(|published| published.names.contains(&name))
}
