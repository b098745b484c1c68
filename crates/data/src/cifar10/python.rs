//! The Python layout: a pickled dictionary with `data`, a NumPy array `[records, 3072]` of bytes, and `labels`, a list; in CIFAR-100
//! `fine_labels` and `coarse_labels`.
//!
//! The official files were pickled by Python 2 (protocol 2, keys and pixels as byte strings); the same dictionary
//! pickled by today's Python and NumPy reads as well.

use std::path::PathBuf;

use rayon::prelude::*;

use crate::cifar10::batch::{Batch, OpenFile, Rules};
use crate::cifar10::pickle::{Id, Node, Pickle};
use crate::error::{DataError, Result};
use crate::images::ImageShape;
use crate::names::Names;
use crate::packed::{LIMIT, read_at_most};

/// Reads `files` in parallel and joins them.
pub(super) fn read(files: Vec<OpenFile>, rules: Rules<'_>) -> Result<Batch> {
    let batch_names: Vec<String> = files.iter().map(OpenFile::batch_name).collect();
    let batches: Vec<(Vec<u8>, Vec<u32>)> =
        files.into_par_iter().map(|file| read_file(file, rules)).collect::<Result<_>>()?;
    let names = Names::numbered(batch_names.into_iter().zip(batches.iter().map(|(_, labels)| labels.len())));
    let count = names.len();
    let mut all = Batch {
        pixels: Vec::with_capacity(count * ImageShape::CIFAR10.values()),
        labels: Vec::with_capacity(count),
        names,
    };
    // By value: each batch is freed as soon as it is copied.
    for (pixels, labels) in batches {
        all.pixels.extend_from_slice(&pixels);
        all.labels.extend_from_slice(&labels);
    }
    Ok(all)
}

/// The content of a file, at most [`LIMIT`] bytes.
fn content(file: OpenFile) -> Result<(PathBuf, Vec<u8>)> {
    let OpenFile { path, reader, .. } = file;
    let bytes = read_at_most(LIMIT, reader).map_err(DataError::io("read", &path))?;
    if bytes.len() as u64 > LIMIT {
        return Err(DataError::TooLarge { path, limit: LIMIT });
    }
    Ok((path, bytes))
}

/// The list `key`, or why it is not there.
fn list<'a>(pickle: &'a Pickle<'_>, key: &str) -> std::result::Result<&'a [Id], String> {
    let id = pickle.get(key).ok_or_else(|| format!("it is no dictionary with a key {key:?}"))?;
    match pickle.node(id) {
        Node::List(items) => Ok(items),
        _ => Err(format!("{key:?} is not a list")),
    }
}

/// The list of class names `key` of CIFAR-100's `meta`.
pub(super) fn class_names(file: OpenFile, key: &str) -> Result<Vec<String>> {
    let (path, bytes) = content(file)?;
    let read = || -> std::result::Result<Vec<String>, String> {
        let pickle = Pickle::read(&bytes)?;
        let name = |(place, &id)| match pickle.bytes(id) {
            Some(name) => Ok(String::from_utf8_lossy(name).into_owned()),
            None => Err(format!("name {place} in {key:?} is no text")),
        };
        list(&pickle, key)?.iter().enumerate().map(name).collect()
    };
    read().map_err(|reason| DataError::Pickle { path, reason })
}

/// The pixels and labels of one file.
fn read_file(file: OpenFile, rules: Rules<'_>) -> Result<(Vec<u8>, Vec<u32>)> {
    let (path, bytes) = content(file)?;
    read_batch(&bytes, rules).map_err(|reason| DataError::Pickle { path, reason })
}

fn read_batch(bytes: &[u8], rules: Rules<'_>) -> std::result::Result<(Vec<u8>, Vec<u32>), String> {
    let pickle = Pickle::read(bytes)?;
    let labels = list(&pickle, rules.label.key())?;
    let pixels = pickle.get("data").ok_or("it has no key \"data\"")?;
    let pixels = pickle.array(pixels).ok_or("\"data\" is not an array of bytes")?;

    let values = ImageShape::CIFAR10.values();
    let records = rules.records.unwrap_or(labels.len()).max(1);
    if pixels.len() != records * values || labels.len() != records {
        let (images, rest) = (pixels.len() / values, pixels.len() % values);
        let labels = labels.len();
        return Err(format!(
            "{labels} labels and {images} images (and {rest} bytes) instead of {records} of each"
        ));
    }
    let classes = rules.classes.len();
    let label = |(record, &id): (usize, &Id)| match *pickle.node(id) {
        Node::Integer(label) if (0..classes as i64).contains(&label) => Ok(label as u32),
        Node::Integer(label) => {
            Err(format!("image {record} has label {label}, but there are {classes} classes"))
        }
        _ => Err(format!("label {record} is no integer")),
    };
    let labels = labels.iter().enumerate().map(label).collect::<std::result::Result<_, String>>()?;
    Ok((pixels.to_vec(), labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cifar10::batch::Label;
    use proptest::prelude::*;

    fn read_any(bytes: &[u8], records: Option<usize>) -> Result<Batch> {
        let classes: Vec<String> = crate::cifar10::batch::CLASSES.map(String::from).to_vec();
        let file = OpenFile::unpacked("data_batch_1".into(), bytes.to_vec());
        read(vec![file], Rules { records, classes: &classes, label: Label::Only })
    }

    /// Two images, labels 6 and 9, pixel i of image r is (7 i + r) mod 251; made by `scripts/golden/pickles.py`.
    const GOLDEN: [(&str, &[u8]); 3] = [
        ("as Python 2 wrote the official files", include_bytes!("golden/python2.pickle")),
        ("protocol 2 of Python 3", include_bytes!("golden/protocol2.pickle")),
        ("protocol 4 of Python 3", include_bytes!("golden/protocol4.pickle")),
    ];

    #[test]
    fn reads_every_dialect() {
        for (dialect, bytes) in GOLDEN {
            let batch = read_any(bytes, Some(2)).unwrap_or_else(|error| panic!("{dialect}: {error}"));
            assert_eq!(batch.labels, [6, 9], "{dialect}");
            let expected: Vec<u8> =
                (0..2).flat_map(|r| (0..3072).map(move |i| ((7 * i + r) % 251) as u8)).collect();
            assert_eq!(batch.pixels, expected, "{dialect}");
        }
    }

    #[test]
    fn a_wrong_number_of_records_is_an_error() {
        let error = read_any(GOLDEN[0].1, Some(10_000)).err().unwrap().to_string();
        assert!(error.contains("2 labels and 2 images (and 0 bytes) instead of 10000 of each"), "{error}");
    }

    proptest! {
        #[test]
        fn damage_gives_an_error_or_a_batch_but_no_panic(at in 0usize..6000, byte: u8, cut in 0usize..6000) {
            for (_, golden) in GOLDEN {
                let mut bytes = golden.to_vec();
                let at = at % bytes.len();
                bytes[at] = byte;
                let _ = read_any(&bytes, Some(2));
                bytes.truncate(cut.min(bytes.len()));
                let _ = read_any(&bytes, None);
            }
        }

        #[test]
        fn damaged_names_give_an_error_or_names_but_no_panic(at in 0usize..6000, byte: u8, cut in 0usize..6000) {
            let golden = include_bytes!("golden/cifar100-meta.pickle");
            let read = |bytes: &[u8]| {
                class_names(OpenFile::unpacked("meta".into(), bytes.to_vec()), "fine_label_names")
            };
            prop_assert_eq!(read(golden).unwrap().len(), 5);
            let mut bytes = golden.to_vec();
            bytes[at % golden.len()] = byte;
            let _ = read(&bytes);
            prop_assert!(read(&golden[..cut % golden.len()]).is_err());
        }
    }
}
