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
use crate::storage::write_folder;

/// Writes PNG files: `path/train/<class>/NNNNN.png` and `path/test/…`, numbered as in the dataset.
///
/// # Errors
/// [`DataError::Exists`] if `path` exists; [`DataError::Io`] if it can't be written, and then nothing is left there.
pub fn export_folder(dataset: &Dataset, path: &Path) -> Result<()> {
    write_folder(path, |path| {
        for (part, subset) in [("train", &dataset.train), ("test", &dataset.test)] {
            for class in &dataset.classes {
                let folder = path.join(part).join(class);
                std::fs::create_dir_all(&folder).map_err(DataError::io("create", &folder))?;
            }
            (0..subset.len()).into_par_iter().try_for_each(|position| {
                let class = &dataset.classes[subset.label(position)];
                let file = path.join(part).join(class).join(format!("{position:05}.png"));
                write_png(&file, subset.shape(), subset.pixels(position))
            })?;
        }
        Ok(())
    })
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
    use super::*;
    use crate::{cifar10, shapes10};

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
