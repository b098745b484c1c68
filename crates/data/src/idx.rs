//! IDX, the format of MNIST's files: a magic number that says what is inside, the size of each dimension, and the values.
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 2 | 0 |
//! | 2 | 1 | the type of the values; 8: unsigned bytes, the only one here |
//! | 3 | 1 | the number of dimensions |
//! | 4 | 4 each | the sizes, the most significant byte first |
//! | then | 1 each | the values, the last dimension fastest |

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

use crate::error::{DataError, Result};
use crate::packed::{LIMIT, read_at_most};

/// What a packed file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The type of unsigned bytes.
const BYTES: u8 = 8;

/// Unsigned bytes in `N` dimensions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Idx<const N: usize> {
    pub(crate) sizes: [usize; N],
    /// As many as the product of the sizes.
    pub(crate) values: Vec<u8>,
}

/// Reads the file `path`, packed or not.
///
/// # Errors
/// [`DataError::Idx`] if it has another type, other dimensions, or not the length that its header says; [`DataError::Io`] if it
/// can't be read or unpacked.
pub(crate) fn read<const N: usize>(path: &Path) -> Result<Idx<N>> {
    let mut file = BufReader::new(zoo_files::open(path).map_err(DataError::io("read", path))?);
    // Some browsers unpack what they download and leave its name.
    if file.fill_buf().map_err(DataError::io("read", path))?.starts_with(&GZIP) {
        return parse(GzDecoder::new(file), "unpack", path);
    }
    parse(file, "read", path)
}

/// Reads what `reader` has. `action` on `path` is what fails if it fails.
fn parse<const N: usize>(mut reader: impl Read, action: &'static str, path: &Path) -> Result<Idx<N>> {
    let wrong = |reason: String| DataError::Idx { path: path.into(), reason };
    let magic: [u8; 4] = header(&mut reader, action, path)?;
    let expected = [0, 0, BYTES, N as u8];
    if magic != expected {
        let [found, expected] = [magic, expected].map(u32::from_be_bytes);
        let kind = format!("that of unsigned bytes in {N} dimensions");
        return Err(wrong(format!("its magic number is {found:#010x}, expected {expected:#010x}, {kind}")));
    }
    let mut sizes = [0; N];
    for size in &mut sizes {
        *size = u32::from_be_bytes(header(&mut reader, action, path)?) as usize;
    }
    let sizes_in_words = sizes.map(|size| size.to_string()).join(" × ");
    let promise = format!("its header promises {sizes_in_words} bytes");
    let product = sizes.iter().try_fold(1_u64, |product, &size| product.checked_mul(size as u64));
    let Some(count) = product.filter(|&count| count <= LIMIT) else {
        return Err(wrong(format!("{promise}, more than the {LIMIT} that are read")));
    };
    let values = read_at_most(count, reader).map_err(DataError::io(action, path))?;
    if values.len() as u64 != count {
        let found = if values.len() as u64 > count { "more".into() } else { values.len().to_string() };
        return Err(wrong(format!("{promise}, but {found} follow")));
    }
    Ok(Idx { sizes, values })
}

/// The next four bytes of a header.
fn header(reader: &mut impl Read, action: &'static str, path: &Path) -> Result<[u8; 4]> {
    let mut bytes = [0; 4];
    match reader.read_exact(&mut bytes) {
        Ok(()) => Ok(bytes),
        // Of a packed file the unpacker says the same, and there it is a file that was cut.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(DataError::Idx { path: path.into(), reason: "it ends within its header".into() })
        }
        Err(error) => Err(DataError::io(action, path)(error)),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    /// A file of these sizes and values.
    pub(crate) fn file(sizes: &[u32], values: &[u8]) -> Vec<u8> {
        let sizes_as_bytes = sizes.iter().flat_map(|size| size.to_be_bytes());
        [0, 0, BYTES, sizes.len() as u8]
            .into_iter()
            .chain(sizes_as_bytes)
            .chain(values.iter().copied())
            .collect()
    }

    pub(crate) fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read_bytes<const N: usize>(bytes: &[u8]) -> Result<Idx<N>> {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("images");
        std::fs::write(&path, bytes).unwrap();
        read(&path)
    }

    fn reason<const N: usize>(bytes: &[u8]) -> String {
        match read_bytes::<N>(bytes).unwrap_err() {
            DataError::Idx { reason, .. } => reason,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn packed_or_not() {
        let expected = Idx { sizes: [2, 1, 3], values: vec![1, 2, 3, 4, 5, 6] };
        let bytes = file(&[2, 1, 3], &[1, 2, 3, 4, 5, 6]);
        assert_eq!(read_bytes(&bytes).unwrap(), expected);
        assert_eq!(read_bytes(&packed(&bytes)).unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let labels = file(&[3], &[7, 8, 9]);
        assert_eq!(
            reason::<3>(&labels),
            "its magic number is 0x00000801, expected 0x00000803, that of unsigned bytes in 3 dimensions"
        );
        assert_eq!(reason::<1>(&labels[..10]), "its header promises 3 bytes, but 2 follow");
        assert_eq!(
            reason::<1>(&[&labels[..], &[1]].concat()),
            "its header promises 3 bytes, but more follow"
        );
        assert_eq!(reason::<1>(&labels[..7]), "it ends within its header");
        assert_eq!(reason::<1>(&[]), "it ends within its header");
        let huge = file(&[u32::MAX; 3], &[0; 100]);
        let promised = "its header promises 4294967295 × 4294967295 × 4294967295 bytes";
        assert!(reason::<3>(&huge).starts_with(promised), "{}", reason::<3>(&huge));
        // As large as is read, and nothing there: no memory is taken for it.
        assert!(reason::<1>(&file(&[1 << 30], &[])).ends_with("but 0 follow"));
        let error = read_bytes::<1>(&packed(&labels)[..12]).unwrap_err();
        assert!(matches!(error, DataError::Idx { .. } | DataError::Io { action: "unpack", .. }), "{error}");
    }

    #[test]
    fn a_packed_file_is_unpacked_as_far_as_its_header_promises() {
        let bomb = packed(&file(&[3], &vec![0; 1 << 24]));
        assert_eq!(reason::<1>(&bomb), "its header promises 3 bytes, but more follow");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(sizes in [0_u32..5, 0_u32..5, 0_u32..5], pack: bool) {
            let values: Vec<u8> = (0..sizes.iter().product::<u32>()).map(|value| value as u8).collect();
            let bytes = file(&sizes, &values);
            let read = read_bytes::<3>(&if pack { packed(&bytes) } else { bytes }).unwrap();
            prop_assert_eq!(read, Idx { sizes: sizes.map(|size| size as usize), values });
        }

        #[test]
        fn any_bytes_give_values_or_an_error(
            bytes in proptest::collection::vec(any::<u8>(), 0..40), sizes in any::<[u32; 3]>(), begin in 0..3,
        ) {
            let bytes = match begin {
                0 => bytes,
                1 => file(&sizes, &bytes),
                _ => [&GZIP[..], &bytes].concat(),
            };
            if let Ok(read) = read_bytes::<3>(&bytes) {
                prop_assert_eq!(read.sizes.iter().product::<usize>(), read.values.len());
            }
        }

        #[test]
        fn damage_gives_values_or_an_error(at in 0_usize..1000, byte: u8, cut in 0_usize..1000, pack: bool) {
            let whole = file(&[2, 3, 4], &[9; 24]);
            let mut bytes = if pack { packed(&whole) } else { whole };
            prop_assert!(read_bytes::<3>(&bytes[..cut % bytes.len()]).is_err());
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = read_bytes::<3>(&bytes);
        }
    }
}
