//! The Python layout: a pickled dictionary with `data`, a NumPy array `[records, 3072]` of bytes, and `labels`, a list.
//!
//! The official files were pickled by Python 2 (protocol 2, keys and pixels as byte strings); the same dictionary
//! pickled by today's Python and NumPy reads as well.

use rayon::prelude::*;
use serde_pickle::{DeOptions, HashableValue, Value};

use crate::cifar10::batch::{Batch, OpenFile, Rules};
use crate::error::{DataError, Result};
use crate::images::ImageShape;
use crate::names::Names;

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

/// The pixels and labels of one file.
fn read_file(file: OpenFile, rules: Rules<'_>) -> Result<(Vec<u8>, Vec<u32>)> {
    let pickle = |reason: String| DataError::Pickle { path: file.path.clone(), reason };
    // NumPy's constructors are unknown to the reader; what they are given is all that is needed.
    let options = DeOptions::new().replace_unresolved_globals();
    let value = serde_pickle::value_from_reader(file.reader, options).map_err(|error| match error {
        serde_pickle::Error::Io(source) => DataError::io("read", &file.path)(source),
        error => pickle(error.to_string()),
    })?;
    let Value::Dict(mut dictionary) = value else {
        return Err(pickle("the pickle is not a dictionary".into()));
    };
    let mut take = |key: &str| {
        let (string, bytes) = (HashableValue::String(key.into()), HashableValue::Bytes(key.into()));
        dictionary
            .remove(&string)
            .or_else(|| dictionary.remove(&bytes))
            .ok_or_else(|| pickle(format!("no key {key:?}")))
    };
    let Value::List(labels) = take("labels")? else {
        return Err(pickle("\"labels\" is not a list".into()));
    };
    let pixels =
        array_bytes(take("data")?).ok_or_else(|| pickle("\"data\" is not an array of bytes".into()))?;

    let values = ImageShape::CIFAR10.values();
    let records = rules.records.unwrap_or(labels.len()).max(1);
    if pixels.len() != records * values || labels.len() != records {
        let (images, rest) = (pixels.len() / values, pixels.len() % values);
        return Err(pickle(format!(
            "{} labels and {images} images (and {rest} bytes) instead of {records} of each",
            labels.len()
        )));
    }
    let labels = labels
        .into_iter()
        .enumerate()
        .map(|(record, label)| match label {
            Value::I64(label) if (0..rules.classes.len() as i64).contains(&label) => Ok(label as u32),
            Value::I64(label) => {
                let classes = rules.classes.len();
                Err(pickle(format!("image {record} has label {label}, but there are {classes} classes")))
            }
            other => Err(pickle(format!("label {record} is {other:?}, not a number"))),
        })
        .collect::<Result<_>>()?;
    Ok((pixels, labels))
}

/// The buffer of a pickled `uint8` array, C order: the state `(version, shape, dtype, fortran_order, buffer)` that NumPy
/// hands to `__setstate__`.
fn array_bytes(value: Value) -> Option<Vec<u8>> {
    let Value::Tuple(state) = value else { return None };
    match <[Value; 5]>::try_from(state).ok()? {
        [_, Value::Tuple(_), _, Value::Bool(false) | Value::I64(0), Value::Bytes(buffer)] => Some(buffer),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_any(bytes: &[u8], records: Option<usize>) -> Result<Batch> {
        let classes: Vec<String> = crate::cifar10::batch::CLASSES.map(String::from).to_vec();
        let file = OpenFile::unpacked("data_batch_1".into(), bytes.to_vec());
        read(vec![file], Rules { records, classes: &classes })
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
    }
}
