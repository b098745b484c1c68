//! Where the pixels of images are.

use std::borrow::Cow;
use std::fs::File;
use std::io;

/// The pixels of equally large images, one after the other.
#[derive(Debug)]
pub(crate) enum Pixels {
    /// In memory.
    Memory(Vec<u8>),
    /// The first `length` bytes of a file: images that don't fit into memory. The system keeps what is read often.
    File { file: File, length: u64 },
}

impl From<Vec<u8>> for Pixels {
    fn from(pixels: Vec<u8>) -> Self {
        Self::Memory(pixels)
    }
}

impl Pixels {
    /// How many bytes there are.
    pub(crate) const fn len(&self) -> u64 {
        match self {
            Self::Memory(pixels) => pixels.len() as u64,
            Self::File { length, .. } => *length,
        }
    }

    /// The pixels of image `index`, which has `values`.
    ///
    /// # Panics
    /// If there is no such image, or the file can't be read: it was whole when it was opened.
    pub(crate) fn get(&self, index: usize, values: usize) -> Cow<'_, [u8]> {
        match self {
            Self::Memory(pixels) => Cow::Borrowed(&pixels[index * values..(index + 1) * values]),
            Self::File { file, length } => {
                let first = index as u64 * values as u64;
                assert!(first + values as u64 <= *length, "image {index} is past the last");
                let mut pixels = vec![0; values];
                let read = read_at(file, &mut pixels, first);
                read.unwrap_or_else(|error| {
                    panic!("cannot read image {index} of the decoded images: {error}")
                });
                Cow::Owned(pixels)
            }
        }
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut into: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !into.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, into, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        into = &mut into[read..];
        offset += read as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_has_the_pixels_that_memory_has() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[1, 2, 3, 4, 5, 6, 9]).unwrap();
        let [memory, file] = [Pixels::from(vec![1, 2, 3, 4, 5, 6]), Pixels::File { file, length: 6 }];
        assert_eq!((memory.len(), file.len()), (6, 6));
        for index in 0..3 {
            assert_eq!(memory.get(index, 2), file.get(index, 2));
        }
        assert!(std::panic::catch_unwind(|| file.get(3, 2)).is_err());
    }
}
