//! Tensors of `f32` from files with any, and the one way in which they are written.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;

use burn::store::ModuleStore;
use burn::store::pytorch::PytorchStore;
use burn::tensor::{DType, TensorData};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata, TensorView};

/// The most bytes of a file of weights, 16 GiB.
pub const LARGEST: u64 = 1 << 34;
/// The most bytes of the header of a SafeTensors file, as the format has it.
const LARGEST_HEADER: u64 = 100_000_000;

/// A tensor of `f32`, values as in PyTorch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Values {
    pub(crate) shape: Vec<usize>,
    /// Little-endian.
    bytes: Vec<u8>,
}

/// Tensors by their names.
pub(crate) type Tensors = BTreeMap<String, Values>;

/// Reads the file at `path`: a SafeTensors file, or by its ending one that PyTorch has pickled, of which nothing is executed. Errors say
/// what is wrong.
pub(crate) fn read_file(path: &Path) -> Result<Tensors, String> {
    let text = |error: std::io::Error| error.to_string();
    if is_pickled(path) {
        zoo_files::open(path).map_err(text)?;
        return unpickle(path);
    }
    read(&zoo_files::read(path, LARGEST).map_err(text)?)
}

/// Whether a file is one that PyTorch has pickled.
fn is_pickled(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "pt" || extension == "pth")
}

/// Reads the content of a SafeTensors file: floats of any size, as `f32`. Integers, which count batches for instance, are left out. Errors
/// say what is wrong.
pub(crate) fn read(bytes: &[u8]) -> Result<Tensors, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let mut tensors = Tensors::new();
    for (name, view) in file.iter() {
        let kind = match view.dtype() {
            Dtype::F64 => DType::F64,
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::BOOL | Dtype::U8 | Dtype::I8 | Dtype::I16 | Dtype::U16 | Dtype::I32 | Dtype::U32 => {
                continue;
            }
            Dtype::I64 | Dtype::U64 => continue,
            other => return Err(not_float(name, &format!("{other:?}"))),
        };
        tensors.insert(name.into(), values(view.shape(), kind, view.data().to_vec()));
    }
    Ok(tensors)
}

fn unpickle(path: &Path) -> Result<Tensors, String> {
    let mut store = PytorchStore::from_file(path);
    let mut tensors = Tensors::new();
    for (name, tensor) in store.get_all_tensors().map_err(|error| error.to_string())? {
        match tensor.dtype {
            DType::F64 | DType::F32 | DType::F16 | DType::BF16 => {
                let bytes = tensor.to_bytes().map_err(|error| format!("{name}: {error}"))?;
                tensors.insert(name.clone(), values(&tensor.shape.to_vec(), tensor.dtype, bytes.to_vec()));
            }
            kind if kind.is_int() || kind.is_uint() || kind.is_bool() => {}
            kind => return Err(not_float(name, &format!("{kind:?}"))),
        }
    }
    Ok(tensors)
}

fn not_float(name: &str, kind: &str) -> String {
    format!("{name} is of {kind}; floats of 16, 32 or 64 bits are read: in PyTorch, `model.float()`")
}

/// Values of another `kind` as `f32`.
fn values(shape: &[usize], kind: DType, bytes: Vec<u8>) -> Values {
    let bytes = if kind == DType::F32 {
        bytes
    } else {
        TensorData::from_bytes_vec(bytes, shape.to_vec(), kind).convert::<f32>().bytes().to_vec()
    };
    Values { shape: shape.to_vec(), bytes }
}

impl Values {
    /// A tensor of these values.
    pub(crate) fn new(shape: Vec<usize>, values: impl IntoIterator<Item = f32>) -> Self {
        Self { shape, bytes: values.into_iter().flat_map(f32::to_le_bytes).collect() }
    }

    /// The place of the first value that is not a finite number, and that value.
    pub(crate) fn not_finite(&self) -> Option<(Vec<usize>, f32)> {
        let values = self.bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let (mut at, value) = values.enumerate().find(|(_, value)| !value.is_finite())?;
        let mut place = Vec::new();
        for &length in self.shape.iter().rev() {
            place.insert(0, at % length);
            at /= length;
        }
        Some((place, value))
    }

    /// The same as a file takes it.
    pub(crate) fn view(&self) -> Result<TensorView<'_>, String> {
        TensorView::new(Dtype::F32, self.shape.clone(), &self.bytes).map_err(|error| error.to_string())
    }
}

/// Tensors as a SafeTensors file.
pub(crate) fn write(tensors: &Tensors) -> Result<Vec<u8>, String> {
    let views = tensors.iter().map(|(name, values)| Ok((name.as_str(), values.view()?)));
    serialize(views.collect::<Result<Vec<_>, String>>()?, &BTreeMap::new())
}

/// A SafeTensors file of `tensors`, which says `metadata` of itself: the same bytes for the same content. The library writes metadata
/// in the order of a hash table, another one each time.
pub(crate) fn serialize<'a, N: AsRef<str> + Ord + std::fmt::Display>(
    tensors: impl IntoIterator<Item = (N, TensorView<'a>)>,
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>, String> {
    let plain = safetensors::serialize(tensors, None).map_err(|error| error.to_string())?;
    if metadata.is_empty() {
        return Ok(plain);
    }
    let (length, rest) = plain.split_first_chunk::<8>().ok_or("it has no header")?;
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let metadata = serde_json::to_string(metadata).map_err(|error| error.to_string())?;
    let inner = header.trim_ascii_end().strip_prefix(b"{").ok_or("it has no header")?;
    let comma: &[u8] = if inner == b"}" { b"" } else { b"," };
    let mut header = [b"{\"__metadata__\":", metadata.as_bytes(), comma, inner].concat();
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok([&(header.len() as u64).to_le_bytes()[..], &header, data].concat())
}

/// Whether a SafeTensors file has as many bytes as its header says; one that was cut off has not. Its values are not read.
#[must_use]
pub fn is_whole(path: &Path) -> bool {
    let whole = || -> std::io::Result<bool> {
        let mut file = zoo_files::open(path)?;
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let mut header = Vec::new();
        Read::by_ref(&mut file).take(length.min(LARGEST_HEADER)).read_to_end(&mut header)?;
        let metadata: Metadata = serde_json::from_slice(&header)?;
        Ok(file.metadata()?.len() == 8 + length + metadata.data_len() as u64)
    };
    whole().unwrap_or(false)
}

/// What a file says about itself.
pub(crate) fn metadata(file: &[u8]) -> Result<BTreeMap<String, String>, String> {
    let (_, header) = SafeTensors::read_metadata(file).map_err(|error| error.to_string())?;
    let found: Option<HashMap<String, String>> = header.metadata().clone();
    Ok(found.unwrap_or_default().into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_of_any_size_are_read_and_others_left_out_or_named() {
        let half = [0x00, 0x3C, 0x00, 0xC0];
        let view = |kind, bytes| TensorView::new(kind, vec![2], bytes).unwrap();
        let doubles: Vec<u8> = [1.0_f64, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let bytes = safetensors::serialize(
            [
                ("half", view(Dtype::F16, &half)),
                ("brain", view(Dtype::BF16, &[0x80, 0x3F, 0x00, 0xC0])),
                ("double", view(Dtype::F64, &doubles)),
                ("count", view(Dtype::U8, &[1, 2])),
            ],
            None,
        )
        .unwrap();
        let tensors = read(&bytes).unwrap();
        let expected = Values::new(vec![2], [1.0, -2.0]);
        assert_eq!(tensors.keys().collect::<Vec<_>>(), ["brain", "double", "half"]);
        assert!(tensors.values().all(|values| *values == expected), "{tensors:?}");
        let bytes = safetensors::serialize([("tiny", view(Dtype::F8_E4M3, &[1, 2]))], None).unwrap();
        assert!(read(&bytes).unwrap_err().starts_with("tiny is of F8_E4M3; floats of 16"));
    }

    #[test]
    fn metadata_has_an_order_and_is_read_back() {
        let values = Values::new(vec![2], [1.0, 2.0]);
        let metadata: BTreeMap<String, String> =
            (0..9).map(|number| (format!("key {number}"), "\"é\"".into())).collect();
        let file = || serialize([("w", values.view().unwrap())], &metadata).unwrap();
        assert_eq!(file(), file());
        assert_eq!(super::metadata(&file()).unwrap(), metadata);
        assert_eq!(read(&file()).unwrap()["w"], values);
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        for length in 0..=file().len() + 1 {
            std::fs::write(&path, [&file()[..], b"more"].concat().get(..length).unwrap()).unwrap();
            assert_eq!(is_whole(&path), length == file().len(), "{length}");
        }
        let none: [(&str, TensorView<'_>); 0] = [];
        assert_eq!(super::metadata(&serialize(none, &metadata).unwrap()).unwrap(), metadata);
    }

    #[test]
    fn what_is_not_a_number_is_found() {
        let mut numbers = vec![0.0; 12];
        numbers[7] = f32::INFINITY;
        assert_eq!(Values::new(vec![2, 3, 2], numbers).not_finite(), Some((vec![1, 0, 1], f32::INFINITY)));
        assert_eq!(Values::new(vec![2], [0.0, 1.0]).not_finite(), None);
    }
}
