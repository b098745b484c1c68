//! Which photos a folder holds, of which class each is, and in which split.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use zoo_files::printable;

use crate::error::{DataError, Result};
use crate::folder::decode::is_photo;
use crate::folder::left_out::LeftOut;
use crate::folder::metadata;

/// What photos are there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Train,
    Validation,
    Test,
}

/// The folders that are splits, the first of a kind that is there.
const PARTS: [(Part, &[&str]); 3] =
    [(Part::Train, &["train"]), (Part::Validation, &["val", "validation", "valid"]), (Part::Test, &["test"])];

/// A file that should be a photo.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    /// Its path inside the folder, with `/` between the parts. What is not Unicode is replaced by �.
    pub(crate) name: String,
    pub(crate) label: u32,
    pub(crate) part: Part,
    /// Length in bytes and time of the last change in nanoseconds: other ones, another photo.
    pub(crate) version: (u64, u128),
}

/// The photos of a folder, training before validation before test, each part class by class.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) classes: Vec<String>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) left_out: LeftOut,
}

/// A photo and the name of its class.
type Labelled = (PathBuf, String);

impl Listing {
    /// Lists the folder `root`.
    pub(crate) fn of(root: &Path) -> Result<Self> {
        let mut lister = Lister { root, left_out: LeftOut::default() };
        let parts = lister.parts()?;
        let mut classes: Vec<String> = Vec::new();
        let mut listed = Vec::new();
        for (part, folder) in &parts {
            let photos = lister.labelled(folder)?;
            if *part == Part::Train {
                classes = photos.iter().map(|(_, class)| class.clone()).collect();
                sort_classes(&mut classes);
            }
            listed.push((*part, photos));
        }
        check_classes(root, &classes)?;
        let labels: HashMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
        let mut entries = Vec::new();
        for (part, photos) in listed {
            for (path, class) in photos {
                let unknown = || format!("is of class {class:?}, which no training image is of");
                let label = labels.get(class.as_str()).ok_or_else(|| folder_error(&path, &unknown()))?;
                entries.push(entry(root, path, *label, part));
            }
        }
        // Within a part, class by class.
        let order = |part| PARTS.iter().position(|(known, _)| *known == part);
        entries.sort_by_key(|entry| (order(entry.part), entry.label));
        Ok(Self { classes, entries, left_out: lister.left_out })
    }
}

/// Alphabetical, but numbers by their value; each once.
fn sort_classes(classes: &mut Vec<String>) {
    classes.sort();
    classes.dedup();
    if classes.iter().all(|class| class.parse::<u32>().is_ok()) {
        classes.sort_by_key(|class| class.parse::<u32>().unwrap_or_default());
    }
}

fn check_classes(root: &Path, classes: &[String]) -> Result<()> {
    match classes {
        [] => Err(folder_error(
            root,
            "has no class folders with photos; expected <class>/*.jpg (or .png, .webp, .gif, .bmp, .tiff), one folder per class",
        )),
        [only] => Err(folder_error(root, &format!("has only one class ({only}); at least two are needed"))),
        _ => Ok(()),
    }
}

pub(crate) fn folder_error(path: &Path, reason: &str) -> DataError {
    DataError::Folder { path: path.into(), reason: reason.into() }
}

fn entry(root: &Path, path: PathBuf, label: u32, part: Part) -> Entry {
    // A file that isn't there is found when it is decoded, and listed with the others.
    let version = fs::metadata(&path).map_or((0, 0), |metadata| {
        let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        (metadata.len(), since.unwrap_or_default().as_nanos())
    });
    let name = name(root, &path);
    Entry { path, name, label, part, version }
}

/// The path of `file` inside `root`.
pub(crate) fn name(root: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(root).unwrap_or(file);
    printable(&inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")).into()
}

/// Walks through folders, and counts what it leaves out.
struct Lister<'a> {
    root: &'a Path,
    left_out: LeftOut,
}

impl Lister<'_> {
    /// The folders with the photos of each part; the whole is for training where there are none.
    fn parts(&mut self) -> Result<Vec<(Part, PathBuf)>> {
        let train = self.root.join("train");
        // A class may be called "train" as well: then there are photos right in it.
        if !is_split(&train)? {
            return Ok(vec![(Part::Train, self.root.into())]);
        }
        let mut parts = Vec::new();
        for (part, names) in PARTS {
            let folders = names.iter().map(|name| self.root.join(name));
            parts.extend(folders.filter(|folder| folder.is_dir()).map(|folder| (part, folder)).take(1));
        }
        for path in list(self.root)? {
            if parts.iter().all(|(_, folder)| *folder != path) {
                let kind = if path.is_dir() { "folder beside train" } else { "file beside train" };
                self.left_out.add(kind, name(self.root, &path));
            }
        }
        Ok(parts)
    }

    /// The photos in `folder`, which is a part, with their classes.
    fn labelled(&mut self, folder: &Path) -> Result<Vec<Labelled>> {
        if let Some(table) = metadata::find(folder)? {
            return self.labelled_by_table(folder, &table);
        }
        let mut labelled = Vec::new();
        for path in list(folder)? {
            let name = name(self.root, &path);
            if is_hidden(&path) {
                self.left_out.add("hidden", name);
            } else if is_link_to_folder(&path) {
                self.left_out.add("link to a folder", name);
            } else if path.is_dir() {
                let class = printable(&path.file_name().unwrap_or_default().to_string_lossy()).into_owned();
                let mut photos = Vec::new();
                self.walk(&path, &mut photos)?;
                if photos.is_empty() {
                    self.left_out.add("folder without photos", name);
                }
                labelled.extend(photos.into_iter().map(|photo| (photo, class.clone())));
            } else {
                self.left_out.add("outside of a class folder", name);
            }
        }
        Ok(labelled)
    }

    /// The photos that `metadata.csv` names.
    fn labelled_by_table(&mut self, folder: &Path, table: &metadata::Table) -> Result<Vec<Labelled>> {
        let mut present = Vec::new();
        self.walk(folder, &mut present)?;
        let labelled: Vec<Labelled> = table
            .rows
            .iter()
            .map(|(file, label)| (folder.join(file), printable(label).into_owned()))
            .collect();
        let listed: HashSet<&PathBuf> = labelled.iter().map(|(path, _)| path).collect();
        for path in present.iter().filter(|path| !listed.contains(path)) {
            self.left_out.add("not in metadata.csv", name(self.root, path));
        }
        Ok(labelled)
    }

    /// Adds all photos in `folder` and its folders, sorted.
    fn walk(&mut self, folder: &Path, photos: &mut Vec<PathBuf>) -> Result<()> {
        for path in list(folder)? {
            let name = name(self.root, &path);
            // Follows links to files.
            let followed = fs::metadata(&path);
            match followed {
                _ if is_hidden(&path) => self.left_out.add("hidden", name),
                Err(_) if path.is_symlink() => self.left_out.add("link to nothing", name),
                Err(source) => return Err(DataError::io("read", path)(source)),
                // It may lead to where it is.
                Ok(_) if is_link_to_folder(&path) => self.left_out.add("link to a folder", name),
                Ok(metadata) if metadata.is_dir() => self.walk(&path, photos)?,
                Ok(metadata) if !metadata.is_file() => self.left_out.add("not a regular file", name),
                Ok(_) if is_photo(&path) => photos.push(path),
                Ok(_) if metadata::is_table(&path) => {}
                Ok(_) => self.left_out.add_file(&path, &name),
            }
        }
        Ok(())
    }
}

/// The photos in `folder` and its folders, sorted; what is left out when a folder is loaded is left out here as well.
///
/// # Errors
/// [`DataError::Io`] for a folder that can't be read.
pub fn photos_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut photos = Vec::new();
    Lister { root: folder, left_out: LeftOut::default() }.walk(folder, &mut photos)?;
    Ok(photos)
}

/// Whether `folder` holds class folders, or a table of labels, and no photos of its own.
fn is_split(folder: &Path) -> Result<bool> {
    if !folder.is_dir() {
        return Ok(false);
    }
    if metadata::find(folder)?.is_some() {
        return Ok(true);
    }
    let content = list(folder)?;
    Ok(content.iter().any(|path| path.is_dir())
        && !content.iter().any(|path| path.is_file() && is_photo(path)))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn is_link_to_folder(path: &Path) -> bool {
    path.is_symlink() && path.is_dir()
}

/// What is in `folder`, sorted by name.
fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(DataError::io("read", folder))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(DataError::io("read", folder)))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
