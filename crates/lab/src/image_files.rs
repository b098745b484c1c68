//! Image files, by themselves and in folders.

use std::path::{Path, PathBuf};

use zoo_data::DataError;
use zoo_data::folder::{ENDINGS, photos_in};

use crate::error::LabError;

/// The image files that `paths` mean: a file is meant whatever it is called, whether it is there or not; a folder means the image
/// files in it and in the folders below, in the order of their paths. In folders hidden files and folders don't count, and a link to a
/// folder is not followed, since it may lead back.
///
/// # Errors
/// [`LabError`] if a folder has no image file, or can't be read.
pub fn image_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, LabError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(in_folder(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// The image files below `folder`, sorted.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, LabError> {
    let files = photos_in(folder)?;
    if files.is_empty() {
        let reason = format!("has no image (.{}), and is no run folder", ENDINGS.join(", ."));
        return Err(DataError::Folder { path: folder.into(), reason }.into());
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_mean_the_images_below_them_in_order() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        for file in
            ["b/2.JPG", "b/1.tiff", "a.png", "b/c/3.webp", "note.txt", ".hidden.png", ".git/4.png", "z.Gif"]
        {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(root, root.join("b/loop")).unwrap();
        let note = root.join("note.txt");
        let missing = root.join("missing.png");
        let found = image_files(&[note.clone(), root.into(), missing.clone()]).unwrap();
        let inside = ["a.png", "b/1.tiff", "b/2.JPG", "b/c/3.webp", "z.Gif"].map(|file| root.join(file));
        assert_eq!(found, [&[note][..], &inside, &[missing]].concat());
    }

    #[test]
    fn a_folder_without_images_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let error = image_files(&[place.path().into()]).unwrap_err().to_string();
        assert!(error.contains("has no image (.png, .jpg"), "{error}");
    }
}
