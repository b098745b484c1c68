//! Images in folders, one folder per class, of any size.
//!
//! `PATH/train/<class>/*.{png,jpg,jpeg}` and `PATH/test/<class>/…`, or only `PATH/<class>/…`, of which a fifth becomes
//! the test images, chosen by seed. Each file is decoded once, here, in parallel, and resized.
//!
//! Burn's own `ImageFolderDataset` decodes a file anew at each access and needs images of one size, so it is not used.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::imageops::FilterType;
use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::error::{DataError, Result};
use crate::images::{ImageShape, Images, Subset};
use crate::names::Names;

/// The share of the images that become test images where the folder has no `test`.
const TEST_SHARE: f64 = 0.2;

/// Loads the image folder `path`; images of another size than `height` × `width` are resized (bilinear, with
/// antialiasing), grey ones become RGB, transparency is dropped. Classes are the folders' names, sorted. An image's name is the
/// path of its file inside `path`.
///
/// # Errors
/// [`DataError::Folder`] if there are fewer than two classes, a class has no images, or a test class is unknown in
/// training; [`DataError::Decode`] for a file that is not an image; [`DataError::Io`] for one that can't be read.
pub fn load(path: &Path, (height, width): (usize, usize), seed: u64) -> Result<Dataset> {
    let shape = ImageShape { channels: 3, height, width };
    let name =
        path.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let name = name.unwrap_or_else(|| "folder".into());
    let (train_path, test_path) = (path.join("train"), path.join("test"));
    if !train_path.is_dir() {
        let classes = at_least_two(path, class_folders(path)?)?;
        let all = load_part((path, path), &classes, shape)?;
        let count = ((all.len() as f64 * TEST_SHARE).round() as usize).max(1);
        if count == all.len() {
            return Err(folder_error(
                path,
                "has only one image; at least two are needed, to train and to test",
            ));
        }
        let (test, train) = all.stratified(count, seed);
        return Ok(Dataset { name, classes, train, test });
    }
    if !test_path.is_dir() {
        return Err(folder_error(
            path,
            "has train/ but no test/; add it, or put the classes side by side without either",
        ));
    }
    let classes = at_least_two(&train_path, class_folders(&train_path)?)?;
    if let Some(unknown) = class_folders(&test_path)?.iter().find(|class| !classes.contains(class)) {
        return Err(folder_error(&test_path.join(unknown), "is a class that train/ does not have"));
    }
    let present: Vec<String> = class_folders(&test_path)?;
    let test = load_classes((path, &test_path), &classes, |class| present.contains(class), shape)?;
    Ok(Dataset { name, train: load_part((path, &train_path), &classes, shape)?, test, classes })
}

fn folder_error(path: &Path, reason: &str) -> DataError {
    DataError::Folder { path: path.into(), reason: reason.into() }
}

/// The names of the folders in `path`, sorted; hidden ones don't count.
fn class_folders(path: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in list(path)? {
        if entry.is_dir() {
            names.push(entry.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    if names.is_empty() {
        return Err(folder_error(
            path,
            "has no class folders; expected <class>/*.png or *.jpg, one folder per class",
        ));
    }
    Ok(names)
}

fn at_least_two(path: &Path, classes: Vec<String>) -> Result<Vec<String>> {
    match &classes[..] {
        [only] => Err(folder_error(path, &format!("has one class alone, {only}; at least two are needed"))),
        _ => Ok(classes),
    }
}

/// What is in `path`, sorted by name, hidden entries left out.
fn list(path: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(path).map_err(DataError::io("read", path))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(DataError::io("read", path)))
        .collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')));
    paths.sort();
    Ok(paths)
}

fn load_part(paths: (&Path, &Path), classes: &[String], shape: ImageShape) -> Result<Subset> {
    load_classes(paths, classes, |_| true, shape)
}

/// Loads the class folders in `path`, which is `root` or a folder of it, where names begin.
fn load_classes(
    (root, path): (&Path, &Path),
    classes: &[String],
    wanted: impl Fn(&String) -> bool,
    shape: ImageShape,
) -> Result<Subset> {
    let mut files = Vec::new();
    for (label, class) in classes.iter().enumerate().filter(|(_, class)| wanted(class)) {
        let folder = path.join(class);
        let before = files.len();
        files.extend(
            list(&folder)?.into_iter().filter(|file| is_image(file)).map(|file| (file, label as u32)),
        );
        if files.len() == before {
            return Err(folder_error(
                &folder,
                "has no .png, .jpg or .jpeg image; add some or remove the folder",
            ));
        }
    }
    let mut pixels = vec![0; files.len() * shape.values()];
    pixels
        .par_chunks_exact_mut(shape.values())
        .zip(&files)
        .try_for_each(|(into, (file, _))| decode(file, shape, into))?;
    let (names, labels) = files.iter().map(|(file, label)| (name(root, file), label)).unzip();
    Ok(Subset::all(Arc::new(Images::new(shape, pixels, labels)?.named(Names::listed(names))?)))
}

/// The path of `file` inside `root`, with `/` between its parts. What is not Unicode is replaced by �.
fn name(root: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(root).unwrap_or(file);
    inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    matches!(extension.as_deref(), Some("png" | "jpg" | "jpeg")) && path.is_file()
}

/// Reads one image file as `[channel, row, column]` of the given shape.
///
/// # Errors
/// [`DataError::Io`] or [`DataError::Decode`].
pub fn load_image(path: &Path, shape: ImageShape) -> Result<Vec<u8>> {
    let mut pixels = vec![0; shape.values()];
    decode(path, shape, &mut pixels)?;
    Ok(pixels)
}

fn decode(path: &Path, shape: ImageShape, into: &mut [u8]) -> Result<()> {
    let bytes = std::fs::read(path).map_err(DataError::io("read", path))?;
    let decoded =
        image::load_from_memory(&bytes).map_err(|source| DataError::Decode { path: path.into(), source })?;
    let (width, height) = (shape.width as u32, shape.height as u32);
    let sized = if (decoded.width(), decoded.height()) == (width, height) {
        decoded
    } else {
        decoded.resize_exact(width, height, FilterType::Triangle)
    };
    let plane = shape.height * shape.width;
    for (position, pixel) in sized.into_rgb8().pixels().enumerate() {
        for (channel, &value) in pixel.0.iter().enumerate() {
            into[channel * plane + position] = value;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::export_folder;
    use crate::shapes10;

    #[test]
    fn reads_back_what_is_exported() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("shapes");
        let original = shapes10::generate(40, 20, 1);
        export_folder(&original, &path).unwrap();
        let read = load(&path, (32, 32), 1).unwrap();
        assert_eq!((&read.classes, read.name.as_str()), (&original.classes, "shapes"));
        assert_eq!((read.train.len(), read.test.len()), (40, 20));
        let sorted = |subset: &Subset| {
            let mut images: Vec<_> =
                (0..subset.len()).map(|i| (subset.label(i), subset.pixels(i).to_vec())).collect();
            images.sort();
            images
        };
        assert_eq!(sorted(&read.train), sorted(&original.train));
        assert_eq!(sorted(&read.test), sorted(&original.test));
        // Sorted by class, then by the number.
        let first = (0..20).find(|&position| original.test.label(position) == 0).unwrap();
        assert_eq!(read.test.name(0), format!("test/arrow/test-{first:05}.png"));
    }

    #[test]
    fn any_size_is_resized_and_grey_becomes_rgb() {
        let place = tempfile::tempdir().unwrap();
        for (class, grey) in [("dark", 10), ("light", 240)] {
            std::fs::create_dir(place.path().join(class)).unwrap();
            for number in 0..5 {
                let image = image::GrayImage::from_pixel(50 + number, 70, image::Luma([grey]));
                image.save(place.path().join(class).join(format!("{number}.png"))).unwrap();
            }
        }
        let dataset = load(place.path(), (8, 16), 1).unwrap();
        assert_eq!((dataset.train.len(), dataset.test.class_counts(2)), (8, vec![1, 1]));
        assert_eq!(dataset.shape().to_string(), "3×8×16");
        assert!(dataset.train.pixels(0).iter().all(|&value| value == 10));
        let names =
            |subset: &Subset| (0..subset.len()).map(|i| subset.name(i).into_owned()).collect::<Vec<_>>();
        let mut names = [names(&dataset.train), names(&dataset.test)].concat();
        names.sort();
        let expected =
            ["dark", "light"].map(|class| [0, 1, 2, 3, 4].map(|number| format!("{class}/{number}.png")));
        assert_eq!(names, expected.concat());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_that_are_no_unicode_are_still_different() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let place = tempfile::tempdir().unwrap();
        for class in ["cat", "dog"] {
            std::fs::create_dir(place.path().join(class)).unwrap();
            for name in [&b"\xfe.png"[..], b"\xff.png"] {
                let path = place.path().join(class).join(OsStr::from_bytes(name));
                image::GrayImage::new(1, 1).save_with_format(path, image::ImageFormat::Png).unwrap();
            }
        }
        let dataset = load(place.path(), (1, 1), 1).unwrap();
        let part =
            |subset: &Subset| (0..subset.len()).map(|i| subset.name(i).into_owned()).collect::<Vec<_>>();
        let mut names = [part(&dataset.train), part(&dataset.test)].concat();
        names.sort();
        let expected = ["cat", "dog"].map(|class| ["", "-2"].map(|end| format!("{class}/\u{fffd}.png{end}")));
        assert_eq!(names, expected.concat());
    }

    #[test]
    fn says_which_folder_or_file_is_wrong() {
        let place = tempfile::tempdir().unwrap();
        let message = |part: &str| {
            let error = load(place.path(), (32, 32), 1).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        message("has no class folders");
        std::fs::create_dir(place.path().join("cat")).unwrap();
        message("has one class alone, cat");
        std::fs::create_dir(place.path().join("dog")).unwrap();
        message("cat: has no .png, .jpg or .jpeg image");
        for class in ["cat", "dog"] {
            std::fs::write(place.path().join(class).join("text.png"), "not an image").unwrap();
        }
        message("cannot decode");
        std::fs::create_dir_all(place.path().join("train/cat")).unwrap();
        message("has train/ but no test/");
    }
}
