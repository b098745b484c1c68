//! The binary layout: a file is records, a record is one label byte (in CIFAR-100 two: superclass and class) and then the red,
//! green and blue planes, 1,024 bytes each, row by row.

use std::io::{self, BufReader, Read, Write};

use rayon::prelude::*;

use crate::cifar10::batch::{Batch, OpenFile, Rules};
use crate::error::{DataError, Result};
use crate::images::ImageShape;
use crate::names::Names;

/// Bytes of a record's pixels.
const PIXELS: usize = ImageShape::CIFAR10.values();

/// Bytes read at a time: few enough to be in the cache still when they are copied on.
const BUFFER: usize = 1 << 17;

/// Reads `files` in parallel, each straight into its place among the pixels and labels of all.
pub(super) fn read(files: Vec<OpenFile>, rules: Rules<'_>) -> Result<Batch> {
    let counts: Vec<usize> = files.iter().map(|file| records(file, rules)).collect::<Result<_>>()?;
    let count: usize = counts.iter().sum();
    // Zeros cost nothing before they are overwritten, by the thread that reads the file.
    let mut all = Batch {
        pixels: vec![0; count * PIXELS],
        labels: vec![0; count],
        names: Names::numbered(files.iter().map(OpenFile::batch_name).zip(counts.iter().copied())),
    };
    let (mut pixels_left, mut labels_left) = (all.pixels.as_mut_slice(), all.labels.as_mut_slice());
    let mut parts = Vec::with_capacity(files.len());
    for (file, count) in files.into_iter().zip(counts) {
        let (pixels, labels);
        (pixels, pixels_left) = pixels_left.split_at_mut(count * PIXELS);
        (labels, labels_left) = labels_left.split_at_mut(count);
        parts.push((file, pixels, labels));
    }
    parts.into_par_iter().try_for_each(|(file, pixels, labels)| read_file(file, pixels, labels, rules))?;
    Ok(all)
}

/// The number of records in `file`, which must be a whole one and what the rules say.
fn records(file: &OpenFile, rules: Rules<'_>) -> Result<usize> {
    let record = rules.label.bytes().0 + PIXELS;
    let records = rules.records.unwrap_or_else(|| file.length.div_ceil(record).max(1));
    if file.length == records * record {
        return Ok(records);
    }
    let (path, found) = (file.path.clone(), file.length);
    Err(DataError::BatchSize { path, found, expected: records * record, records, record })
}

/// Reads as many records as there is room for, and checks their labels.
fn read_file(file: OpenFile, pixels: &mut [u8], labels: &mut [u32], rules: Rules<'_>) -> Result<()> {
    let mut reader = BufReader::with_capacity(BUFFER, file.reader);
    let (count, place) = rules.label.bytes();
    let mut bytes = vec![0; count];
    let mut read = || -> io::Result<()> {
        for (pixels, label) in pixels.chunks_exact_mut(PIXELS).zip(labels.iter_mut()) {
            reader.read_exact(&mut bytes)?;
            reader.read_exact(pixels)?;
            *label = bytes[place].into();
        }
        Ok(())
    };
    read().map_err(DataError::io("read", &file.path))?;
    let classes = rules.classes.len();
    let Some(record) = labels.iter().position(|&label| label as usize >= classes) else { return Ok(()) };
    let (offset, label) = (record * (count + PIXELS), labels[record] as u8);
    Err(DataError::Label { path: file.path, record, offset, label, classes })
}

/// Writes one record.
pub(crate) fn write_record(into: &mut impl Write, label: u8, pixels: &[u8]) -> io::Result<()> {
    into.write_all(&[label])?;
    into.write_all(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cifar10::batch::Label;
    use proptest::prelude::*;

    const RECORD: usize = 1 + PIXELS;

    fn read_all(contents: &[&[u8]], records: Option<usize>) -> Result<Batch> {
        read_labelled(contents, records, Label::Only)
    }

    fn read_labelled(contents: &[&[u8]], records: Option<usize>, label: Label) -> Result<Batch> {
        let classes: Vec<String> = crate::cifar10::batch::CLASSES.map(String::from).to_vec();
        let open = |(number, content): (usize, &&[u8])| {
            OpenFile::unpacked(format!("data_batch_{}.bin", number + 1).into(), content.to_vec())
        };
        read(contents.iter().enumerate().map(open).collect(), Rules { records, classes: &classes, label })
    }

    fn file(labels: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for &label in labels {
            write_record(&mut bytes, label, &[label; RECORD - 1]).unwrap();
        }
        bytes
    }

    #[test]
    fn reads_what_is_written_file_after_file() {
        let batch = read_all(&[&file(&[9, 0, 3]), &file(&[7])], None).unwrap();
        assert_eq!(batch.labels, [9, 0, 3, 7]);
        assert_eq!(
            (batch.names.get(2), batch.names.get(3)),
            ("data_batch_1/2".into(), "data_batch_2/0".into())
        );
        assert_eq!(batch.pixels, [9, 0, 3, 7].map(|label| [label; PIXELS]).concat());
    }

    #[test]
    fn of_two_labels_the_one_that_is_asked_for_is_read() {
        let record = |labels: [u8; 2]| [&labels[..], &[3; PIXELS]].concat();
        let bytes = [record([1, 40]), record([2, 7])].concat();
        let batch = read_labelled(&[&bytes], None, Label::Coarse).unwrap();
        assert_eq!((batch.labels, batch.pixels), (vec![1, 2], vec![3; 2 * PIXELS]));
        let error = read_labelled(&[&bytes], None, Label::Fine).err().unwrap().to_string();
        assert!(error.contains("record 0 (byte 0) has label 40, but there are 10 classes"), "{error}");
        let error = read_labelled(&[&bytes[1..]], None, Label::Coarse).err().unwrap();
        assert!(error.to_string().contains("expected 6148 (2 records of 3074 bytes)"), "{error}");
    }

    #[test]
    fn names_the_record_with_a_bad_label() {
        let error = read_all(&[&file(&[0]), &file(&[1, 2, 10])], None).err().unwrap().to_string();
        assert!(error.contains("data_batch_2.bin: record 2 (byte 6146) has label 10"), "{error}");
    }

    #[test]
    fn names_the_file_of_another_size() {
        let error = read_all(&[&file(&[1, 2]), &file(&[1, 2, 3])], Some(2)).err().unwrap().to_string();
        assert!(error.contains("data_batch_2.bin holds 9219 bytes, expected 6146 (2 records"), "{error}");
        // Cut where a record ends, and empty.
        assert!(matches!(read_all(&[&file(&[1, 2])], Some(3)), Err(DataError::BatchSize { .. })));
        assert!(matches!(read_all(&[&[]], None), Err(DataError::BatchSize { expected: RECORD, .. })));
    }

    #[test]
    fn a_file_that_shrinks_while_it_is_read_is_an_error() {
        let whole = OpenFile::unpacked("data_batch_1.bin".into(), file(&[1]));
        let files = vec![OpenFile { length: 2 * RECORD, ..whole }];
        let rules = Rules { records: None, classes: &[], label: Label::Only };
        let error = read(files, rules).err().unwrap();
        assert_eq!(error.to_string(), "cannot read data_batch_1.bin");
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_batch_or_an_error(
            bytes in proptest::collection::vec(any::<u8>(), 0..3 * RECORD), records in proptest::option::of(0usize..4),
        ) {
            if let Ok(batch) = read_all(&[&bytes], records) {
                prop_assert_eq!(batch.pixels.len() + batch.labels.len(), bytes.len());
                prop_assert!(batch.labels.iter().all(|&label| label < 10));
            }
        }
    }
}
