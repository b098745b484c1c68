//! Photos in folders, one folder per class, of any size and kind.
//!
//! | layout | training images | validation images | test images |
//! |---|---|---|---|
//! | `PATH/<class>/…` | the rest | a share of the training images | a fifth of each class |
//! | `PATH/train/<class>/…` | the rest | a share of the training images | a fifth of each class |
//! | `PATH/train/…` and `PATH/test/…` | `train` | a share of the training images | `test` |
//! | and `PATH/val/…` (or `validation`, `valid`) | | `val` | |
//!
//! Photos may be in folders below that of their class. In place of class folders, each part may have a `metadata.csv` with the columns
//! `file_name` and `label`, as Hugging Face's *imagefolder* has it. PNG, JPEG, WebP, GIF (the first frame), BMP and TIFF are read, what a file
//! is follows from its content, and each is turned as its camera was held. Everything else is counted and named in [`LeftOut`].
//!
//! Which images become test images follows only from their names, not from a seed: another seed has the same test images, and a photo
//! that is added changes little.
//!
//! Burn's own `ImageFolderDataset` decodes a file anew at each access and needs images of one size, so it is not used.

mod cache;
mod decode;
mod groups;
mod left_out;
mod listing;
mod metadata;
mod photos;
mod prepare;
mod reading;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use zoo_files::printable;

use crate::dataset::Dataset;
use crate::error::{BrokenPhoto, DataError, Result};
use crate::images::{ImageShape, Images, Subset};
use crate::names::Names;

pub use decode::ENDINGS;
pub use left_out::LeftOut;
pub use listing::photos_in;
pub use reading::{Background, ImageSize, Reading, Resize};

use groups::{Groups, TEST_SHARE};
use listing::{Entry, Listing, Part, folder_error};
use photos::Photos;

/// Where photos are decoded to, and who hears of it.
pub struct Workshop<'a> {
    /// The folder for decoded photos, where the next run finds them; nowhere if `None`.
    pub cache: Option<PathBuf>,
    /// How many bytes of pixels may be in memory; more stay in a file, and are read from it in each batch.
    pub memory: u64,
    /// Hears how the work goes.
    pub hear: &'a mut dyn FnMut(Event<'_>),
}

/// What happens while photos are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// This many photos will be decoded.
    Begin(usize),
    /// This many of them are.
    Decoded(usize),
    /// Something worth reading.
    Note(&'a str),
}

/// The images of a folder, and what became of its files.
#[derive(Debug)]
pub struct Loaded {
    /// The images.
    pub dataset: Dataset,
    /// What was left out.
    pub left_out: LeftOut,
    /// What could not be decoded.
    pub broken: Vec<BrokenPhoto>,
}

/// Loads the folder `path`. An image's name is the path of its file inside `path`; classes are sorted by name, numbers by value.
///
/// Images have three channels, unless all of them are grey: then one.
///
/// # Errors
/// [`DataError::Folder`] if there are fewer than two classes, or a class has test images and no training images;
/// [`DataError::Broken`] with all files that can't be decoded, unless those are skipped; [`DataError::Pattern`] if groups can't be made;
/// [`DataError::Io`] if the folder, or where pixels go, can't be read or written.
pub fn load(path: &Path, reading: &Reading, workshop: &mut Workshop<'_>) -> Result<Loaded> {
    let listing = Listing::of(path)?;
    if !listing.left_out.is_empty() {
        (workshop.hear)(Event::Note(&format!("left out: {}", listing.left_out)));
    }
    let Photos { record, pixels } = Photos::of(path, &listing, reading, workshop)?;
    let broken: Vec<BrokenPhoto> = record
        .broken
        .iter()
        .map(|(place, reason)| BrokenPhoto {
            path: listing.entries[*place].path.clone(),
            reason: reason.clone(),
        })
        .collect();
    let mut kept: Vec<(Entry, (u32, u32))> = listing.entries.into_iter().zip(record.sizes).collect();
    if !broken.is_empty() {
        if !reading.skip_broken || broken.len() == kept.len() {
            return Err(DataError::Broken { folder: path.into(), photos: kept.len(), broken });
        }
        let places: std::collections::HashSet<usize> =
            record.broken.iter().map(|(place, _)| *place).collect();
        let mut place = 0..;
        kept.retain(|_| place.next().is_none_or(|place| !places.contains(&place)));
        (workshop.hear)(Event::Note(&skipped(&broken)));
    }
    let (entries, sizes): (Vec<Entry>, Vec<(u32, u32)>) = kept.into_iter().unzip();
    (workshop.hear)(Event::Note(&size_note(record.shape, reading, &sizes)));
    let labels = entries.iter().map(|entry| entry.label).collect();
    let images = Images::stored(record.shape, pixels, labels)?.made_from(sizes).mirrorable(false);
    let dataset = divide(path, listing.classes, &entries, images, (reading, workshop))?;
    Ok(Loaded { dataset, left_out: listing.left_out, broken })
}

fn skipped(broken: &[BrokenPhoto]) -> String {
    let names: Vec<String> = broken.iter().take(3).map(|photo| photo.path.display().to_string()).collect();
    let more = if broken.len() > names.len() { ", …" } else { "" };
    format!("skipped {} broken: {}{more}", broken.len(), names.join(", "))
}

/// Says which size images have, and which they had.
fn size_note(shape: ImageShape, reading: &Reading, sizes: &[(u32, u32)]) -> String {
    let ImageShape { channels, height, width } = shape;
    let colours = if channels == 1 { "grey" } else { "colour" };
    let least = sizes.iter().copied().min_by_key(|&(width, height)| width.min(height)).unwrap_or_default();
    let most = sizes.iter().copied().max_by_key(|&(width, height)| width.min(height)).unwrap_or_default();
    if least == most && (least.0 as usize, least.1 as usize) == (width, height) {
        return format!("images: {width}×{height}, {colours}, as they are");
    }
    let how = match reading.resize {
        Resize::Crop => "cropped to the centre",
        Resize::Pad => "padded",
        Resize::Stretch => "stretched",
    };
    let were = if least == most {
        format!("{}×{}", least.0, least.1)
    } else {
        format!("{}×{} to {}×{}", least.0, least.1, most.0, most.1)
    };
    format!("images: {width}×{height}, {colours}, {how}; the photos have {were} (--image-size, --resize)")
}

/// Divides the images of `entries` into training, validation and test images.
fn divide(
    path: &Path,
    classes: Vec<String>,
    entries: &[Entry],
    images: Images,
    (reading, workshop): (&Reading, &mut Workshop<'_>),
) -> Result<Dataset> {
    let names: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    let groups = match &reading.group_by {
        Some(pattern) => Groups::of(&names, pattern)?,
        None => Groups::single(&names),
    };
    let ranks = groups.ranks();
    note_groups(&groups, entries, reading, workshop);
    let images = images.named(Names::listed(names))?;
    let images = images.grouped(reading.group_by.is_some().then(|| groups.into_images()));
    let all = Subset::all(Arc::new(images));
    let part = |wanted| all.select((0..all.len()).filter(|&position| entries[position].part == wanted));
    let (mut train, validation, mut test) = (part(Part::Train), part(Part::Validation), part(Part::Test));
    if test.is_empty() {
        (test, train) = train.by_group(TEST_SHARE, |group| ranks[group as usize]);
        if test.is_empty() {
            let reason = "has too few photos to test by; a class needs two of different objects at least";
            return Err(folder_error(path, reason));
        }
    }
    let counts = train.class_counts(classes.len());
    if let Some(class) = classes.iter().zip(counts).find(|(_, count)| *count == 0).map(|(class, _)| class) {
        return Err(folder_error(
            path,
            &format!("has no readable training image of class {class:?}; add some or remove it"),
        ));
    }
    let validation = (!validation.is_empty()).then_some(validation);
    Ok(Dataset { name: title(path), classes, train, validation, test })
}

/// Says which photos are in no group, and which groups the folder itself has torn.
fn note_groups(groups: &Groups, entries: &[Entry], reading: &Reading, workshop: &mut Workshop<'_>) {
    if reading.group_by.is_none() {
        return;
    }
    if groups.unmatched > 0 {
        let (unmatched, all) = (groups.unmatched, entries.len());
        let note =
            format!("--group-by says nothing of {unmatched} of {all} photos: each is a group of its own");
        (workshop.hear)(Event::Note(&note));
    }
    let torn = groups.torn(|image| entries[image].part == Part::Test);
    if torn > 0 {
        let note = format!(
            "{torn} groups of --group-by have photos in test/ and outside: the test images are not new to the models"
        );
        (workshop.hear)(Event::Note(&note));
    }
}

/// What a dataset in the folder `path` is called.
fn title(path: &Path) -> String {
    let name = path
        .canonicalize()
        .ok()
        .and_then(|path| Some(printable(&path.file_name()?.to_string_lossy()).into_owned()));
    name.unwrap_or_else(|| "folder".into())
}

#[cfg(test)]
mod tests;
