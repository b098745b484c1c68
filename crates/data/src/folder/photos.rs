//! Photos to pixels: from a file of decoded ones, or by decoding them on all cores.

use std::io;
use std::path::{Path, PathBuf};

use image::ImageError;
use rayon::prelude::*;

use crate::error::{DataError, Result};
use crate::folder::cache::{self, Draft, Record};
use crate::folder::decode::{self, Header};
use crate::folder::listing::{Entry, Listing, folder_error};
use crate::folder::reading::Reading;
use crate::folder::{Event, Workshop};
use crate::images::ImageShape;
use crate::pixels::Pixels;

/// How many photos are decoded between two looks at who waits: each core gets several.
const CHUNK: usize = 256;

/// Photos as pixels.
pub(crate) struct Photos {
    pub(crate) record: Record,
    /// Of those that are not broken.
    pub(crate) pixels: Pixels,
}

impl Photos {
    /// Those of `listing`, which is of the folder `root`.
    pub(crate) fn of(
        root: &Path,
        listing: &Listing,
        reading: &Reading,
        workshop: &mut Workshop<'_>,
    ) -> Result<Self> {
        let key = cache::key(listing, reading);
        let kept = workshop.cache.as_ref().map(|cache| cache::file(cache, root, reading));
        if let Some((record, pixels)) = kept.as_ref().and_then(|path| cache::open(path, &key)) {
            return Ok(Self { record, pixels: into_memory(pixels, workshop.memory) });
        }
        let record = survey(root, key, &listing.entries, reading)?;
        (workshop.hear)(Event::Begin(listing.entries.len()));
        decode_all(&listing.entries, record, reading, (kept, workshop))
    }
}

/// `pixels` in memory, if `memory` bytes suffice.
fn into_memory(pixels: Pixels, memory: u64) -> Pixels {
    let length = pixels.len();
    if length > memory { pixels } else { Pixels::Memory(pixels.get(0, length as usize).into_owned()) }
}

/// Looks at the headers of all photos, and chooses the shape of images.
fn survey(root: &Path, key: String, entries: &[Entry], reading: &Reading) -> Result<Record> {
    let headers: Vec<Result<Header>> = entries.par_iter().map(|entry| decode::header(&entry.path)).collect();
    let mut broken = Vec::new();
    let mut sizes = Vec::with_capacity(entries.len());
    let (mut are_grey, mut readable) = (true, Vec::new());
    for (place, header) in headers.into_iter().enumerate() {
        match header {
            Ok(header) => {
                sizes.push(header.size);
                readable.push(header.size);
                are_grey &= header.is_grey;
            }
            Err(error) => {
                sizes.push((0, 0));
                broken.push((place, reason(error)));
            }
        }
    }
    let (height, width) =
        reading.image_size.choose(&readable).map_err(|reason| folder_error(root, &reason))?;
    let channels = if are_grey && !readable.is_empty() { 1 } else { 3 };
    Ok(Record { key, shape: ImageShape { channels, height, width }, sizes, broken })
}

/// Why a photo can't be read, without its path.
fn reason(error: DataError) -> String {
    match error {
        DataError::Decode { source: ImageError::Decoding(error), .. } => {
            std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
        }
        DataError::Decode { source, .. } => source.to_string(),
        DataError::Io { source, .. } => source.to_string(),
        other => other.to_string(),
    }
}

/// Decodes `entries`, a chunk at a time, into the file `kept` if one can be written, and into memory if there is room.
fn decode_all(
    entries: &[Entry],
    mut record: Record,
    reading: &Reading,
    (kept, workshop): (Option<PathBuf>, &mut Workshop<'_>),
) -> Result<Photos> {
    let needed = entries.len() as u64 * record.shape.values() as u64;
    let mut sink = Sink::begin(kept, needed, workshop)?;
    let known: Vec<usize> = record.broken.iter().map(|(place, _)| *place).collect();
    let shape = record.shape;
    for (number, chunk) in entries.chunks(CHUNK).enumerate() {
        let first = number * CHUNK;
        let places = (first..).zip(chunk).collect::<Vec<_>>().into_par_iter();
        let decoded: Vec<(usize, Result<Vec<u8>>)> = places
            .filter(|(place, _)| known.binary_search(place).is_err())
            .map(|(place, entry)| (place, reading.photo(&entry.path, shape)))
            .collect();
        for (place, pixels) in decoded {
            match pixels {
                Err(error) => record.broken.push((place, reason(error))),
                Ok(pixels) => sink.take(&pixels, workshop)?,
            }
        }
        (workshop.hear)(Event::Decoded(first + chunk.len()));
    }
    record.broken.sort();
    let pixels = sink.finish(&record, workshop)?;
    Ok(Photos { record, pixels })
}

/// Where pixels go: into memory, if there is room, and into a file that is kept; into a file in any case if there is no room.
struct Sink {
    memory: Option<Vec<u8>>,
    draft: Option<Draft>,
    /// Where the file is, for messages.
    place: PathBuf,
}

impl Sink {
    /// For `needed` bytes, and the file `kept`.
    fn begin(kept: Option<PathBuf>, needed: u64, workshop: &mut Workshop<'_>) -> Result<Self> {
        let memory = (needed <= workshop.memory).then(|| Vec::with_capacity(needed as usize));
        if let Some(place) = kept {
            match Draft::named(&place) {
                Ok(draft) => return Ok(Self { memory, draft: Some(draft), place }),
                Err(error) => note_unkept(&error, workshop),
            }
        }
        let place = std::env::temp_dir();
        let unnamed = memory.is_none().then(Draft::unnamed).transpose();
        let draft = unnamed.map_err(DataError::io("create a file in", &place))?;
        Ok(Self { memory, draft, place })
    }

    /// Adds the pixels of a photo.
    fn take(&mut self, pixels: &[u8], workshop: &mut Workshop<'_>) -> Result<()> {
        if let Some(memory) = &mut self.memory {
            memory.extend_from_slice(pixels);
        }
        match self.draft.as_mut().map(|draft| draft.write(pixels)) {
            Some(Err(error)) => {
                self.draft = None;
                self.lost(error, workshop)
            }
            _ => Ok(()),
        }
    }

    /// All pixels, from memory if they are there.
    fn finish(mut self, record: &Record, workshop: &mut Workshop<'_>) -> Result<Pixels> {
        let stored = self.draft.take().map(|draft| draft.finish(record)).transpose();
        let stored = stored.or_else(|error| self.lost(error, workshop).map(|()| None))?;
        let memory = self.memory.map(Pixels::Memory);
        Ok(memory.or(stored).expect("without room in memory there is a file"))
    }

    /// The file can't be written, which is an error only if pixels are nowhere else.
    fn lost(&self, error: io::Error, workshop: &mut Workshop<'_>) -> Result<()> {
        if self.memory.is_none() {
            return Err(DataError::io("write the decoded photos to", &self.place)(error));
        }
        note_unkept(&error, workshop);
        Ok(())
    }
}

fn note_unkept(error: &io::Error, workshop: &mut Workshop<'_>) {
    let note =
        format!("decoded photos can't be kept, the next run decodes them again: {error} (--cache-dir)");
    (workshop.hear)(Event::Note(&note));
}
