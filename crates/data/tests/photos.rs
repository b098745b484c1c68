//! Photos are read as Pillow reads them: `tests/golden/photos.json`, made by `scripts/golden/photos.py`.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;
use zoo_data::folder::{self, Background, Event, ImageSize, Loaded, Reading, Resize, Workshop};
use zoo_data::{DataError, ImageShape};

/// How far a value may be from Pillow's.
const TOLERANCE: u8 = 2;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden")
}

fn unpacked(archive: &str) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    tar::Archive::new(File::open(golden().join(archive)).unwrap()).unpack(place.path()).unwrap();
    place
}

fn expected(part: &str) -> BTreeMap<String, Value> {
    let json: Value = serde_json::from_reader(File::open(golden().join("photos.json")).unwrap()).unwrap();
    serde_json::from_value(json[part].clone()).unwrap()
}

fn square(channels: usize, side: usize) -> ImageShape {
    ImageShape { channels, height: side, width: side }
}

/// `[row, column, channel]` as `[channel, row, column]`.
fn planes(interleaved: &[u8]) -> Vec<u8> {
    (0..3).flat_map(|channel| interleaved.iter().skip(channel).step_by(3)).copied().collect()
}

fn decoded(text: &Value) -> Vec<u8> {
    planes(&STANDARD.decode(text.as_str().unwrap()).unwrap())
}

/// The largest difference, and the share of values that differ by more than the tolerance.
fn difference(left: &[u8], right: &[u8]) -> (u8, f64) {
    assert_eq!(left.len(), right.len());
    let differences = left.iter().zip(right).map(|(a, b)| a.abs_diff(*b));
    let far = differences.clone().filter(|&difference| difference > TOLERANCE).count();
    (differences.max().unwrap_or(0), far as f64 / left.len() as f64)
}

fn load(path: &Path, reading: &Reading) -> (Result<Loaded, DataError>, Vec<String>) {
    let mut notes = Vec::new();
    let mut hear = |event: Event<'_>| {
        if let Event::Note(note) = event {
            notes.push(note.to_owned());
        }
    };
    let loaded =
        folder::load(path, reading, &mut Workshop { cache: None, memory: u64::MAX, hear: &mut hear });
    (loaded, notes)
}

#[test]
fn every_photo_is_read_as_pillow_reads_it() {
    let place = unpacked("photos.tar");
    let mut read = 0;
    let mut wrong = Vec::new();
    for (name, entry) in expected("photos") {
        if entry.get("left_out").is_some() {
            continue;
        }
        read += 1;
        let path = place.path().join("photos").join(&name);
        let side = |key: &str| entry[key].as_u64().unwrap() as usize;
        let (width, height) = (side("width"), side("height"));
        let whole = ImageShape { channels: 3, height, width };
        let pixels =
            Reading::default().photo(&path, whole).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let mut compare = |what: &str, found: &[u8], expected: &[u8]| {
            let (most, far) = difference(found, expected);
            // Decoders of a lossy file differ by so much themselves; resizing rounds once more.
            let rounding = u8::from(what != "whole" && entry["lossy"] == true);
            if most > TOLERANCE + rounding {
                wrong.push(format!(
                    "{name} ({}), {what}: {most}, {:.1} % too far",
                    entry["kind"],
                    far * 100.0
                ));
            }
        };
        if let Some(rgb) = entry.get("rgb") {
            compare("whole", &pixels, &decoded(rgb));
        } else {
            let sample: Vec<[usize; 5]> = serde_json::from_value(entry["sample"].clone()).unwrap();
            let value = |[x, y, ..]: [usize; 5], channel| pixels[channel * width * height + y * width + x];
            let found: Vec<u8> =
                sample.iter().flat_map(|&place| (0..3).map(move |channel| value(place, channel))).collect();
            let values: Vec<u8> =
                sample.iter().flat_map(|place| place[2..].iter().map(|&value| value as u8)).collect();
            compare("sample", &found, &values);
        }
        let Some(prepared) = entry.get("prepared") else { continue };
        for (what, resize, side) in [
            ("crop32", Resize::Crop, 32),
            ("pad32", Resize::Pad, 32),
            ("stretch32", Resize::Stretch, 32),
            ("crop64", Resize::Crop, 64),
        ] {
            if let Some(values) = prepared.get(what) {
                let reading = Reading { resize, ..Reading::default() };
                compare(what, &reading.photo(&path, square(3, side)).unwrap(), &decoded(values));
            }
        }
    }
    assert!(read > 40, "{read}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_is_read_or_left_out_and_said() {
    let place = unpacked("photos.tar");
    let (loaded, notes) = load(&place.path().join("photos"), &Reading::default());
    let Loaded { dataset, broken, .. } = loaded.unwrap();
    assert!(broken.is_empty());
    let names: Vec<String> = [&dataset.train, &dataset.test]
        .into_iter()
        .flat_map(|part| (0..part.len()).map(|position| part.name(position).into_owned()))
        .collect();
    let entries = expected("photos");
    let readable: Vec<&String> =
        entries.iter().filter(|(_, entry)| entry.get("left_out").is_none()).map(|(name, _)| name).collect();
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    assert_eq!(sorted, readable);
    assert_eq!(dataset.classes, ["Bäume", "animals", "two words"]);
    for part in [".heic", ".db", ".txt", "hidden", "link to nothing", "link to a folder"] {
        assert!(notes[0].contains(part), "{part} is not in {notes:?}");
    }
}

#[test]
fn broken_photos_are_all_found() {
    let place = unpacked("broken.tar");
    let folder = place.path().join("broken");
    let error = load(&folder, &Reading::default()).0.unwrap_err();
    let DataError::Broken { broken, photos, .. } = &error else { panic!("{error}") };
    let found: Vec<String> =
        broken.iter().map(|photo| photo.path.strip_prefix(&folder).unwrap().display().to_string()).collect();
    let entries = expected("broken");
    assert_eq!(*photos, entries.len());
    for (name, entry) in &entries {
        let is_broken = entry["pillow_error"].is_string();
        assert!(!is_broken || found.contains(name), "{name} is not found: {}", entry["pillow_error"]);
        assert!(!name.contains("whole") || !found.contains(name), "{name} is whole");
    }
    let reading = Reading { skip_broken: true, image_size: ImageSize::Square(16), ..Reading::default() };
    let dataset = load(&folder, &reading).0.unwrap().dataset;
    assert_eq!(dataset.train.len() + dataset.test.len(), entries.len() - broken.len());
}

#[test]
fn the_background_is_seen_through_what_is_transparent() {
    let place = unpacked("photos.tar");
    let path = place.path().join("photos/two words/lossless.webp");
    let with = |background| Reading { background: Background(background), ..Reading::default() };
    let [white, black] = [[255; 3], [0; 3]].map(|colour| with(colour).photo(&path, square(3, 16)).unwrap());
    assert!(white.iter().zip(&black).all(|(white, black)| white >= black) && white != black);
}
