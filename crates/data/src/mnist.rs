//! MNIST, 70,000 handwritten digits (LeCun, Cortes and Burges; <http://yann.lecun.com/exdb/mnist/>), and Fashion-MNIST, as many photographs of
//! clothes (Xiao, Rasul and Vollgraf, 2017; <https://github.com/zalandoresearch/fashion-mnist>): 28×28, grey, light on black.
//!
//! Both are four files of one format (IDX), packed (`.gz`) or not:
//!
//! | file | what it holds |
//! |---|---|
//! | `train-images-idx3-ubyte` | `[images, rows, columns]`, 0 is black |
//! | `train-labels-idx1-ubyte` | `[images]`, 0 to 9 |
//! | `t10k-images-idx3-ubyte`, `t10k-labels-idx1-ubyte` | the same of the test images |

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dataset::Dataset;
use crate::error::{DataError, Result};
use crate::idx::{self, Idx};
use crate::images::{ImageShape, Images, Subset};
use crate::names::Names;

/// The ten digits; a label is a place in this list.
pub const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// Fashion-MNIST's ten classes; a label is a place in this list.
pub const CLOTHES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// The files of images and labels, of one part each.
const PARTS: [Part; 2] = [
    Part { name: "train", images: "train-images-idx3-ubyte", labels: "train-labels-idx1-ubyte" },
    Part { name: "test", images: "t10k-images-idx3-ubyte", labels: "t10k-labels-idx1-ubyte" },
];

/// Bytes in a file of labels before the first one.
const LABELS_HEADER: usize = 8;

#[derive(Clone, Copy)]
struct Part {
    /// What its images' names begin with.
    name: &'static str,
    images: &'static str,
    labels: &'static str,
}

/// One of the datasets that have these files.
struct Family {
    title: &'static str,
    name: &'static str,
    places: &'static [&'static str],
    classes: [&'static str; 10],
}

const MNIST: Family = Family { title: "MNIST", name: "mnist", places: &["mnist"], classes: DIGITS };

const FASHION: Family =
    Family { title: "Fashion-MNIST", name: "fashion-mnist", places: &["fashion-mnist"], classes: CLOTHES };

/// Loads MNIST from `path`: the folder of its files, or one that has it as `mnist`.
///
/// # Errors
/// [`DataError::NotFound`] if there is nothing; otherwise what is wrong with which file: [`DataError::MissingFile`],
/// [`DataError::Idx`], [`DataError::LabelCount`], [`DataError::Label`].
pub fn load(path: &Path) -> Result<Dataset> {
    load_family(&MNIST, path)
}

/// Loads Fashion-MNIST from `path`: the folder of its files, or one that has it as `fashion-mnist`.
///
/// # Errors
/// As for [`load`].
pub fn load_fashion(path: &Path) -> Result<Dataset> {
    load_family(&FASHION, path)
}

fn load_family(family: &Family, path: &Path) -> Result<Dataset> {
    let &Family { title, name, places, .. } = family;
    let inside = path.join(name);
    let folder = [path, &inside].into_iter().find(|folder| is_at(folder));
    let folder = folder.ok_or_else(|| DataError::NotFound { title, name, places, path: path.into() })?;
    load_files(family, name, folder)
}

/// The folder that has files of MNIST's format and names: `path`, or the first of `mnist` and `fashion-mnist` in it.
#[must_use]
pub fn find(path: &Path) -> Option<PathBuf> {
    let inside = [MNIST, FASHION].map(|family| path.join(family.name));
    std::iter::once(path.to_path_buf()).chain(inside).find(|folder| is_at(folder))
}

fn is_at(folder: &Path) -> bool {
    PARTS.iter().any(|part| [part.images, part.labels].iter().any(|file| locate(folder, file).is_some()))
}

/// Loads the files in the folder `path`, as [`find`] has found it, which may be of MNIST or of another dataset that has its files. Classes are digits; they are clothes
/// if "fashion" is in the name of the folder, or in that of the one around it.
///
/// # Errors
/// As for [`load`].
pub fn load_folder(path: &Path) -> Result<Dataset> {
    let path = path.canonicalize().map_err(DataError::io("read", path))?;
    let names: Vec<String> =
        path.iter().rev().take(2).map(|name| name.to_string_lossy().into_owned()).collect();
    let is_fashion = names.iter().any(|name| name.to_lowercase().contains("fashion"));
    let family = if is_fashion { &FASHION } else { &MNIST };
    load_files(family, names.first().map_or(family.name, String::as_str), &path)
}

/// The file in `folder`, or its packed form.
fn locate(folder: &Path, file: &str) -> Option<PathBuf> {
    [folder.join(file), folder.join(format!("{file}.gz"))].into_iter().find(|path| path.is_file())
}

fn load_files(family: &Family, name: &str, folder: &Path) -> Result<Dataset> {
    let (train, test) =
        rayon::join(|| load_part(family, PARTS[0], folder), || load_part(family, PARTS[1], folder));
    let (train, test) = (train?, test?);
    if train.shape() != test.shape() {
        let reason = format!("has images of {}, but those to train on are {}", test.shape(), train.shape());
        return Err(DataError::Idx { path: folder.join(PARTS[1].images), reason });
    }
    Ok(Dataset {
        name: name.into(),
        classes: family.classes.map(String::from).to_vec(),
        train,
        validation: None,
        test,
    })
}

fn load_part(family: &Family, part: Part, folder: &Path) -> Result<Subset> {
    let expect = |file: &str| {
        let (title, files) = (family.title, "images and labels, to train on and to test on");
        locate(folder, file).ok_or_else(|| DataError::MissingFile { path: folder.join(file), title, files })
    };
    let (images, labels) = (expect(part.images)?, expect(part.labels)?);
    let Idx { sizes: [image_count, height, width], values: pixels } = idx::read::<3>(&images)?;
    let Idx { sizes: [label_count], values } = idx::read::<1>(&labels)?;
    if image_count != label_count {
        return Err(DataError::LabelCount { images, image_count, labels, label_count });
    }
    if pixels.is_empty() {
        let reason = format!("holds no pixels: {image_count} images of {height}×{width}");
        return Err(DataError::Idx { path: images, reason });
    }
    let classes = family.classes.len();
    if let Some(record) = values.iter().position(|&label| usize::from(label) >= classes) {
        let (offset, label) = (LABELS_HEADER + record, values[record]);
        return Err(DataError::Label { path: labels, record, offset, label, classes });
    }
    let shape = ImageShape { channels: 1, height, width };
    let names = Names::numbered([(part.name, image_count)]);
    let images = Images::new(shape, pixels, values.into_iter().map(u32::from).collect())?.named(names)?;
    Ok(Subset::all(Arc::new(images)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idx::tests::{file, packed};

    /// Four files in `folder`: three images to train on and two to test on, of 2×2 pixels that are all the image's label.
    fn write(folder: &Path, pack: bool) {
        std::fs::create_dir_all(folder).unwrap();
        let put = |name: &str, bytes: Vec<u8>| {
            let (name, bytes) =
                if pack { (format!("{name}.gz"), packed(&bytes)) } else { (name.into(), bytes) };
            std::fs::write(folder.join(name), bytes).unwrap();
        };
        for (part, labels) in PARTS.iter().zip([&[9, 0, 3][..], &[1, 2]]) {
            let count = labels.len() as u32;
            let pixels: Vec<u8> = labels.iter().flat_map(|&label| [label; 4]).collect();
            put(part.images, file(&[count, 2, 2], &pixels));
            put(part.labels, file(&[count], labels));
        }
    }

    #[test]
    fn packed_and_unpacked_files_read_alike() {
        let place = tempfile::tempdir().unwrap();
        for (name, pack) in [("packed", true), ("unpacked", false)] {
            let root = place.path().join(name);
            write(&root.join("mnist"), pack);
            for dataset in [load(&root), load(&root.join("mnist")), load_folder(&root.join("mnist"))] {
                let Dataset { name, classes, train, test, .. } = dataset.unwrap();
                assert_eq!((name.as_str(), &classes[..]), ("mnist", &DIGITS.map(String::from)[..]));
                assert_eq!((train.labels(), test.labels()), (vec![9, 0, 3], vec![1, 2]));
                assert_eq!(train.shape(), ImageShape { channels: 1, height: 2, width: 2 });
                assert_eq!((&*train.pixels(2), &*test.pixels(0)), (&[3; 4][..], &[1; 4][..]));
                assert_eq!((train.name(2), test.name(1)), ("train/2".into(), "test/1".into()));
            }
            assert_eq!(find(&root), Some(root.join("mnist")));
            let error = load_fashion(&root).unwrap_err().to_string();
            assert!(
                error.contains("no Fashion-MNIST in") && error.contains("fetch fashion-mnist"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_folder_that_says_fashion_has_clothes() {
        let place = tempfile::tempdir().unwrap();
        for (folder, clothes) in
            [("fashion-mnist", true), ("FashionMNIST/raw", true), ("fashion/mnist/raw", false)]
        {
            let path = place.path().join(folder);
            write(&path, false);
            assert_eq!((find(&path), find(&place.path().join("none"))), (Some(path.clone()), None));
            assert_eq!(load_folder(&path).unwrap().classes == CLOTHES.map(String::from), clothes, "{folder}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        write(folder, false);
        let message = |file: &str, bytes: &[u8]| {
            let path = folder.join(file);
            let before = std::fs::read(&path).unwrap();
            std::fs::write(&path, bytes).unwrap();
            let message = load_folder(folder).unwrap_err().to_string();
            std::fs::write(path, before).unwrap();
            message
        };
        for (name, bytes, parts) in [
            (PARTS[0].labels, file(&[2], &[1, 2]), ["holds 3 images, but", "holds 2 labels"]),
            (PARTS[1].labels, file(&[2], &[1, 10]), ["record 1 (byte 9) has label 10", "10 classes"]),
            (PARTS[1].images, file(&[2, 1, 2], &[1; 4]), ["has images of 1×1×2", "train on are 1×2×2"]),
            (PARTS[0].images, file(&[3, 0, 2], &[]), ["holds no pixels", "3 images of 0×2"]),
            (PARTS[0].images, file(&[3], &[1; 3]), ["magic number is 0x00000801", "expected 0x00000803"]),
        ] {
            let message = message(name, &bytes);
            assert!(message.contains(PARTS[0].images) || message.contains(name), "{message}");
            assert!(parts.iter().all(|part| message.contains(part)), "{message}");
        }
        std::fs::remove_file(folder.join(PARTS[1].labels)).unwrap();
        let error = load_folder(folder).unwrap_err().to_string();
        assert!(
            error.contains("t10k-labels-idx1-ubyte is missing; MNIST needs images and labels"),
            "{error}"
        );
    }
}
