//! A dataset to files that other programs read.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use image::{ImageBuffer, Rgb};
use rayon::prelude::*;

use crate::cifar10::{META, write_record};
use crate::dataset::Dataset;
use crate::error::{DataError, Result};
use crate::images::{ImageShape, Subset};
use crate::names::distinct;
use crate::storage::write_folder;

/// Writes PNG files named after the images: `path/train/<class>/NAME.png` and `path/test/…`. The [crate](crate#names) says what
/// NAME is; one that is taken in its class gets a number. Each class has a folder, if only an empty one, so that the classes of
/// what is read back are those of the dataset.
///
/// # Errors
/// [`DataError::Exists`] if `path` exists; [`DataError::Io`] if it can't be written, and then nothing is left there.
pub fn export_folder(dataset: &Dataset, path: &Path) -> Result<()> {
    write_folder(path, |path| {
        for part in ["train", "test"] {
            for class in &dataset.classes {
                create(&path.join(part).join(class))?;
            }
        }
        write_images(dataset, path)
    })
}

/// Like [`export_folder`], without folders that no image is in: for some images to look at.
///
/// # Errors
/// Those of [`export_folder`].
pub fn export_present(dataset: &Dataset, path: &Path) -> Result<()> {
    write_folder(path, |path| {
        for (part, subset) in [("train", &dataset.train), ("test", &dataset.test)] {
            let counts = subset.class_counts(dataset.classes.len());
            for (class, _) in dataset.classes.iter().zip(counts).filter(|(_, count)| *count > 0) {
                create(&path.join(part).join(class))?;
            }
        }
        write_images(dataset, path)
    })
}

fn create(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(DataError::io("create", folder))
}

/// Writes the images into folders that are there.
fn write_images(dataset: &Dataset, path: &Path) -> Result<()> {
    for (part, subset) in [("train", &dataset.train), ("test", &dataset.test)] {
        let name =
            |position| format!("{}/{}", dataset.classes[subset.label(position)], subset.file_stem(position));
        // Some file systems take upper and lower case for the same.
        let names = distinct((0..subset.len()).map(name).collect(), str::to_lowercase);
        names.into_par_iter().enumerate().try_for_each(|(position, name)| {
            let file = path.join(part).join(name + ".png");
            write_png(&file, subset.shape(), subset.pixels(position))
        })?;
    }
    Ok(())
}

fn write_png(path: &Path, shape: ImageShape, pixels: &[u8]) -> Result<()> {
    let plane = shape.height * shape.width;
    let image = ImageBuffer::from_fn(shape.width as u32, shape.height as u32, |column, row| {
        let at = row as usize * shape.width + column as usize;
        Rgb([0, 1, 2].map(|channel| pixels[channel.min(shape.channels - 1) * plane + at]))
    });
    image.save(path).map_err(|error| match error {
        image::ImageError::IoError(source) => DataError::io("write", path)(source),
        other => DataError::io("write", path)(std::io::Error::other(other)),
    })
}

/// Writes CIFAR-10's binary layout: `data_batch_1.bin` … `data_batch_5.bin`, `test_batch.bin` and `batches.meta.txt`.
/// The training images are divided evenly; the first files hold one more where five doesn't divide them.
///
/// # Errors
/// [`DataError::Layout`] if the images are not 3×32×32; otherwise as [`export_folder`].
pub fn export_binary(dataset: &Dataset, path: &Path) -> Result<()> {
    let classes = dataset.classes.len();
    if dataset.shape() != ImageShape::CIFAR10 || classes > 256 || dataset.train.len() < 5 {
        return Err(DataError::Layout {
            train: dataset.train.len(),
            shape: dataset.shape().to_string(),
            classes,
        });
    }
    write_folder(path, |path| {
        let length = dataset.train.len();
        let mut start = 0;
        for number in 0..5 {
            let end = start + length / 5 + usize::from(number < length % 5);
            write_batch(&path.join(format!("data_batch_{}.bin", number + 1)), &dataset.train, start..end)?;
            start = end;
        }
        write_batch(&path.join("test_batch.bin"), &dataset.test, 0..dataset.test.len())?;
        let meta = path.join(META);
        std::fs::write(&meta, dataset.classes.join("\n") + "\n").map_err(DataError::io("write", meta))
    })
}

fn write_batch(path: &Path, subset: &Subset, positions: std::ops::Range<usize>) -> Result<()> {
    let write = || {
        let mut file = BufWriter::new(File::create(path)?);
        for position in positions {
            write_record(&mut file, subset.label(position) as u8, subset.pixels(position))?;
        }
        file.flush()
    };
    write().map_err(DataError::io("write", path))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::images::Images;
    use crate::names::Names;
    use crate::{cifar10, folder, shapes10};

    fn files(path: &Path) -> Vec<String> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry.path().is_dir() {
                names.push(format!("{name}/"));
                names.extend(files(&entry.path()).into_iter().map(|inside| format!("{name}/{inside}")));
            } else {
                names.push(name);
            }
        }
        names.sort();
        names
    }

    #[test]
    fn files_are_named_after_the_images() {
        let place = tempfile::tempdir().unwrap();
        let [folder, batches] = ["folder", "batches"].map(|name| place.path().join(name));
        export_binary(&shapes10::generate(30, 10, 1), &batches).unwrap();
        let batches = cifar10::load_batches(&cifar10::Source::find(&batches).unwrap()).unwrap();
        export_folder(&batches, &folder).unwrap();
        let class = &batches.classes[batches.train.label(7)];
        let name = format!("train/{class}/data_batch_2-00001.png");
        assert!(files(&folder).contains(&name), "{name} is not in {:?}", files(&folder));
        // Once more: the names of files stay.
        let again = place.path().join("again");
        export_folder(&folder::load(&folder, (32, 32), 1).unwrap(), &again).unwrap();
        assert_eq!(files(&again), files(&folder));
    }

    #[test]
    fn names_that_collide_get_a_number_and_each_image_is_there() {
        let place = tempfile::tempdir().unwrap();
        let shape = ImageShape { channels: 3, height: 1, width: 1 };
        let names = ["cat/1.jpg", "cat/1.png", "cat/1.JPG", "dog/1.png"].map(String::from).to_vec();
        let images = Images::new(shape, (0..12).collect(), vec![0, 0, 0, 1]).unwrap();
        let train = Subset::all(Arc::new(images.named(Names::listed(names)).unwrap()));
        let (test, _) = train.split_at(1);
        let classes = ["cat", "dog"].map(String::from).to_vec();
        let dataset = Dataset { name: "animals".into(), classes, train, test };
        let path = place.path().join("whole");
        export_folder(&dataset, &path).unwrap();
        let train = ["1-2.png", "1-3.png", "1.png"].map(|name| format!("train/cat/{name}"));
        let expected = [
            ["test/", "test/cat/", "test/cat/1.png", "test/dog/", "train/", "train/cat/"]
                .map(String::from)
                .to_vec(),
            train.to_vec(),
            ["train/dog/", "train/dog/1.png"].map(String::from).to_vec(),
        ];
        assert_eq!(files(&path), expected.concat());
        let third = folder::load_image(&path.join("train/cat/1-3.png"), shape).unwrap();
        assert_eq!(third, dataset.train.pixels(2));

        let none = dataset.train.split_at(0).0;
        let path = place.path().join("present");
        export_present(&Dataset { train: none, ..dataset }, &path).unwrap();
        assert_eq!(files(&path), ["test/", "test/cat/", "test/cat/1.png"]);
    }

    #[test]
    fn the_binary_layout_reads_back() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("shapes10");
        let original = shapes10::generate(43, 20, 1);
        export_binary(&original, &path).unwrap();
        let read = cifar10::load_batches(&cifar10::Source::find(&path).unwrap()).unwrap();
        assert_eq!((&read.classes, read.name.as_str()), (&original.classes, "shapes10"));
        for (read, original) in [(&read.train, &original.train), (&read.test, &original.test)] {
            assert_eq!(read.labels(), original.labels());
            assert!((0..read.len()).all(|position| read.pixels(position) == original.pixels(position)));
        }
        assert!(matches!(export_binary(&original, &path), Err(DataError::Exists { .. })));
        assert!(matches!(cifar10::load(&path), Err(DataError::BatchSize { .. })));
    }
}
