//! A dataset to files that other programs read.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use rayon::prelude::*;

use crate::cifar10::{META, write_record};
use crate::dataset::Dataset;
use crate::error::{DataError, Result};
use crate::images::{ImageShape, Subset};
use crate::names::distinct;
use crate::storage::write_folder;

/// Writes PNG files named after the images: `path/train/<class>/NAME.png` and `path/test/…`, grey ones if they have one channel. The
/// [crate](crate#names) says what NAME is, and what the folder of a class is called; a name that is taken gets a number. Each class
/// has a folder, if only an empty one, so that the classes of what is read back are those of the dataset.
///
/// # Errors
/// [`DataError::Exists`] if `path` exists; [`DataError::Io`] if it can't be written, and then nothing is left there.
pub fn export_folder(dataset: &Dataset, path: &Path) -> Result<()> {
    let folders = class_folders(&dataset.classes);
    write_folder(path, |path| {
        for (part, _) in parts(dataset) {
            folders.iter().try_for_each(|folder| create(&path.join(part).join(folder)))?;
        }
        write_images(dataset, &folders, path)
    })
}

/// Like [`export_folder`], without folders that no image is in: for some images to look at.
///
/// # Errors
/// Those of [`export_folder`].
pub fn export_present(dataset: &Dataset, path: &Path) -> Result<()> {
    let folders = class_folders(&dataset.classes);
    write_folder(path, |path| {
        for (part, subset) in parts(dataset) {
            let counts = subset.class_counts(folders.len());
            for (folder, _) in folders.iter().zip(counts).filter(|(_, count)| *count > 0) {
                create(&path.join(part).join(folder))?;
            }
        }
        write_images(dataset, &folders, path)
    })
}

/// The parts of a dataset and the names of their folders.
fn parts(dataset: &Dataset) -> Vec<(&'static str, &Subset)> {
    let validation = dataset.validation.as_ref().map(|validation| ("val", validation));
    [("train", &dataset.train)].into_iter().chain(validation).chain([("test", &dataset.test)]).collect()
}

fn create(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(DataError::io("create", folder))
}

/// The folder of each class: its name, with `-` for what some system can't have in a name. All are different.
fn class_folders(classes: &[String]) -> Vec<String> {
    let allowed = |letter: char| {
        if letter.is_control() || "/\\:*?\"<>|".contains(letter) { '-' } else { letter }
    };
    let folder = |class: &String| {
        let name: String = class.chars().map(allowed).collect();
        // Hidden, or the folder above; and Windows drops what is at the end.
        let name = name.trim_start().trim_end_matches(['.', ' ']);
        match name.strip_prefix('.') {
            Some(rest) => format!("-{rest}"),
            None if name.is_empty() => "-".into(),
            None => name.into(),
        }
    };
    distinct(classes.iter().map(folder).collect(), str::to_lowercase)
}

/// Writes the images into folders that are there.
fn write_images(dataset: &Dataset, folders: &[String], path: &Path) -> Result<()> {
    for (part, subset) in parts(dataset) {
        let name = |position| format!("{}/{}", folders[subset.label(position)], subset.file_stem(position));
        // Some file systems take upper and lower case for the same.
        let names = distinct((0..subset.len()).map(name).collect(), str::to_lowercase);
        names.into_par_iter().enumerate().try_for_each(|(position, name)| {
            let file = path.join(part).join(name + ".png");
            write_png(&file, subset.shape(), &subset.pixels(position))
        })?;
    }
    Ok(())
}

/// One channel is grey; of three or more the first three are red, green and blue.
fn write_png(path: &Path, shape: ImageShape, pixels: &[u8]) -> Result<()> {
    let plane = shape.height * shape.width;
    let (colours, kind) =
        if shape.channels == 1 { (1, ExtendedColorType::L8) } else { (3, ExtendedColorType::Rgb8) };
    let value = |at: usize| pixels[(at % colours).min(shape.channels - 1) * plane + at / colours];
    let values: Vec<u8> = (0..colours * plane).map(value).collect();
    // Into memory first: what is written to a file piece by piece may fail with its last piece, and `image` doesn't look.
    let mut png = Vec::new();
    let encoded =
        PngEncoder::new(&mut png).write_image(&values, shape.width as u32, shape.height as u32, kind);
    let written = encoded.map_err(std::io::Error::other).and_then(|()| std::fs::write(path, png));
    written.map_err(DataError::io("write", path))
}

/// Writes CIFAR-10's binary layout: `data_batch_1.bin` … `data_batch_5.bin`, `test_batch.bin` and `batches.meta.txt`.
/// The training images are divided evenly; the first files hold one more where five doesn't divide them.
///
/// # Errors
/// [`DataError::Layout`] if the images are not 3×32×32; otherwise as [`export_folder`].
pub fn export_binary(dataset: &Dataset, path: &Path) -> Result<()> {
    let classes = dataset.classes.len();
    let train = dataset.all_train();
    if dataset.shape() != ImageShape::CIFAR10 || classes > 256 || train.len() < 5 {
        return Err(DataError::Layout { train: train.len(), shape: dataset.shape().to_string(), classes });
    }
    write_folder(path, |path| {
        let length = train.len();
        let mut start = 0;
        for number in 0..5 {
            let end = start + length / 5 + usize::from(number < length % 5);
            write_batch(&path.join(format!("data_batch_{}.bin", number + 1)), &train, start..end)?;
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
            write_record(&mut file, subset.label(position) as u8, &subset.pixels(position))?;
        }
        file.flush()
    };
    write().map_err(DataError::io("write", path))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::folder::{self, Reading, Workshop};
    use crate::images::Images;
    use crate::names::Names;
    use crate::{cifar10, shapes10};

    fn read(path: &Path) -> Dataset {
        let mut workshop = Workshop { cache: None, memory: u64::MAX, hear: &mut |_| () };
        folder::load(path, &Reading::default(), &mut workshop).unwrap().dataset
    }

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
        export_folder(&read(&folder), &again).unwrap();
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
        let dataset = Dataset { name: "animals".into(), classes, train, validation: None, test };
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
        let third = Reading::default().photo(&path.join("train/cat/1-3.png"), shape).unwrap();
        assert_eq!(third, *dataset.train.pixels(2));

        let none = dataset.train.split_at(0).0;
        let path = place.path().join("present");
        export_present(&Dataset { train: none, ..dataset }, &path).unwrap();
        assert_eq!(files(&path), ["test/", "test/cat/", "test/cat/1.png"]);
    }

    #[test]
    fn classes_get_folders_that_every_system_can_have() {
        let names = ["T-shirt/top", "t-shirt-top", "..", ".", "", "a:b?", "end. ", "naïve", "..\\up"];
        let expected = ["T-shirt-top", "t-shirt-top-2", "-", "--2", "--3", "a-b-", "end", "naïve", "-.-up"];
        assert_eq!(class_folders(&names.map(String::from)), expected);
    }

    #[test]
    fn grey_images_are_written_and_read_as_they_are() {
        let place = tempfile::tempdir().unwrap();
        let shape = ImageShape { channels: 1, height: 2, width: 3 };
        let images = Images::new(shape, (0..24).map(|value| 10 * value).collect(), vec![1, 0, 1, 0]).unwrap();
        let (train, test) = Subset::all(Arc::new(images)).split_at(2);
        let classes = ["T-shirt/top", "Bag"].map(String::from).to_vec();
        let path = place.path().join("grey");
        export_folder(
            &Dataset { name: "grey".into(), classes, train, validation: None, test: test.clone() },
            &path,
        )
        .unwrap();
        let file = path.join("test/T-shirt-top/00003.png");
        assert_eq!(image::open(&file).unwrap().color(), image::ColorType::L8);
        assert_eq!(Reading::default().photo(&file, shape).unwrap(), *test.pixels(1));
        // As colours.
        let colours = Reading::default().photo(&file, ImageShape { channels: 3, ..shape }).unwrap();
        assert_eq!(colours, test.pixels(1).repeat(3));
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
