//! The binary layout: a file is records, a record is one label byte and then the red, green and blue planes,
//! 1,024 bytes each, row by row.

use std::io::{self, Write};
use std::path::Path;

use super::{Batch, Rules};
use crate::{DataError, ImageShape, Result};

/// Bytes in a record.
pub(crate) const RECORD: usize = 1 + ImageShape::CIFAR10.values();

/// Splits `bytes` into labels and pixels.
pub(super) fn parse(path: &Path, bytes: &[u8], rules: Rules<'_>) -> Result<Batch> {
    let records = rules.records.unwrap_or_else(|| bytes.len().div_ceil(RECORD).max(1));
    if bytes.len() != records * RECORD {
        return Err(DataError::BatchSize {
            path: path.into(),
            found: bytes.len(),
            expected: records * RECORD,
            records,
            record: RECORD,
        });
    }
    let mut batch =
        Batch { pixels: Vec::with_capacity(records * (RECORD - 1)), labels: Vec::with_capacity(records) };
    for (number, record) in bytes.chunks_exact(RECORD).enumerate() {
        let (label, classes) = (record[0], rules.classes.len());
        if usize::from(label) >= classes {
            let offset = number * RECORD;
            return Err(DataError::Label { path: path.into(), record: number, offset, label, classes });
        }
        batch.labels.push(label.into());
        batch.pixels.extend_from_slice(&record[1..]);
    }
    Ok(batch)
}

/// Writes one record.
pub(crate) fn write_record(into: &mut impl Write, label: u8, pixels: &[u8]) -> io::Result<()> {
    into.write_all(&[label])?;
    into.write_all(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse_any(bytes: &[u8], records: Option<usize>) -> Result<Batch> {
        let classes: Vec<String> = super::super::CLASSES.map(String::from).to_vec();
        parse(Path::new("data_batch_1.bin"), bytes, Rules { records, classes: &classes })
    }

    fn file(labels: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for &label in labels {
            write_record(&mut bytes, label, &[label; RECORD - 1]).unwrap();
        }
        bytes
    }

    #[test]
    fn reads_what_is_written() {
        let batch = parse_any(&file(&[9, 0, 3]), Some(3)).unwrap();
        assert_eq!(batch.labels, [9, 0, 3]);
        assert_eq!(batch.pixels[2 * (RECORD - 1)], 3);
    }

    #[test]
    fn names_the_record_with_a_bad_label() {
        let error = parse_any(&file(&[1, 2, 10]), Some(3)).err().unwrap().to_string();
        assert!(error.contains("record 2 (byte 6146) has label 10"), "{error}");
    }

    #[test]
    fn a_cut_at_a_record_counts_as_truncated_too() {
        assert!(parse_any(&file(&[1, 2]), Some(3)).is_err());
        assert!(parse_any(&[], None).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_batch_or_an_error(
            bytes in proptest::collection::vec(any::<u8>(), 0..3 * RECORD), records in proptest::option::of(0usize..4),
        ) {
            if let Ok(batch) = parse_any(&bytes, records) {
                prop_assert_eq!(batch.pixels.len() + batch.labels.len(), bytes.len());
                prop_assert!(batch.labels.iter().all(|&label| label < 10));
            }
        }
    }
}
