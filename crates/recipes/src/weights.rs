//! Weights and images in SafeTensors files, and weights in those that PyTorch has pickled.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Module;
use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore};
use safetensors::tensor::{Dtype, TensorView};
use zoo_core::Scores;
use zoo_data::Subset;

use crate::error::RecipeError;
use crate::tensors::{Tensors, Values, read, read_file, serialize, write};

/// The entry of a file's metadata with the names of its images.
pub(crate) const NAMES: &str = "names";

/// Loads weights that somebody else has trained into `model`: from a SafeTensors file, or one that PyTorch has pickled, with floats of any
/// size, on their own or within a checkpoint, `module.` before their names or not. The normalization of pixels may be missing, and stays as
/// it is in the model then; returns whether it is.
pub(crate) fn load<M: Module>(model: &mut M, path: &Path) -> Result<bool, RecipeError> {
    let cannot = |reason: String| RecipeError::Load { path: path.into(), reason };
    load_foreign(model, read_file(path).map_err(cannot)?).map_err(cannot)
}

fn load_foreign<M: Module>(model: &mut M, given: Tensors) -> Result<bool, String> {
    let expected = tensors_of(model)?;
    let mut given = unwrapped(given, &expected);
    let (normalization, weights): (Tensors, Tensors) =
        expected.into_iter().partition(|(name, _)| name.contains(NORMALISATION));
    let is_without = !normalization.keys().any(|name| given.contains_key(name));
    let expected =
        if is_without { weights } else { weights.into_iter().chain(normalization.clone()).collect() };
    check(&given, &expected)?;
    if is_without {
        given.extend(normalization);
    }
    apply(model, &given)?;
    Ok(is_without)
}

/// Loads the weights that [`save`] has written, the content of a SafeTensors file.
pub(crate) fn load_bytes<M: Module>(model: &mut M, bytes: &[u8]) -> Result<(), String> {
    let given = read(bytes)?;
    check(&given, &tensors_of(model)?)?;
    apply(model, &given)
}

/// Where names have the normalization of pixels.
const NORMALISATION: &str = "normalizer.";

/// Without what comes before the names that are expected, `state_dict.module.` for instance; what has other names is next to them, the
/// state of an optimizer for instance, and is left out.
fn unwrapped(given: Tensors, expected: &Tensors) -> Tensors {
    let mut prefixes: BTreeMap<&str, usize> = BTreeMap::new();
    for name in given.keys() {
        let starts = expected.keys().filter_map(|end| name.strip_suffix(end.as_str()));
        for prefix in starts.filter(|prefix| prefix.is_empty() || prefix.ends_with('.')) {
            *prefixes.entry(prefix).or_default() += 1;
        }
    }
    // The shortest of those that most names have.
    let best = prefixes.into_iter().max_by_key(|&(prefix, names)| (names, std::cmp::Reverse(prefix.len())));
    match best.map(|(prefix, _)| prefix.to_owned()).filter(|prefix| !prefix.is_empty()) {
        None => given,
        Some(prefix) => given
            .into_iter()
            .filter_map(|(name, values)| Some((name.strip_prefix(&prefix)?.to_owned(), values)))
            .collect(),
    }
}

/// Refuses weights of another network, in PyTorch's names and shapes, and those that training has broken.
fn check(given: &Tensors, expected: &Tensors) -> Result<(), String> {
    let only_in = |one: &Tensors, other: &Tensors| {
        let names: Vec<&str> =
            one.keys().filter(|name| !other.contains_key(*name)).map(String::as_str).collect();
        if names.is_empty() { "nothing".into() } else { names.join(", ") }
    };
    if given.keys().ne(expected.keys()) {
        let (missing, unknown) = (only_in(expected, given), only_in(given, expected));
        return Err(format!("it is of another network: missing {missing}; not known {unknown}"));
    }
    for (name, values) in given {
        let shape = &expected[name].shape;
        if values.shape != *shape {
            let found = &values.shape;
            return Err(format!("{name} has shape {found:?}, expected {shape:?}; is it the same network?"));
        }
        if let Some((place, value)) = values.not_finite() {
            return Err(format!("{name} is {value} at {place:?}: these weights have diverged"));
        }
    }
    Ok(())
}

/// Puts weights into a model that they are known to suit.
fn apply<M: Module>(model: &mut M, tensors: &Tensors) -> Result<(), String> {
    let mut store = SafetensorsStore::from_bytes(Some(write(tensors)?))
        .with_from_adapter(PyTorchToBurnAdapter)
        .validate(false)
        .skip_enum_variants(true);
    let loaded = model.load_from(&mut store).map_err(|error| error.to_string())?;
    loaded.errors.first().map_or(Ok(()), |error| Err(error.to_string()))
}

/// The weights of a model, with PyTorch's names and layouts.
fn tensors_of<M: Module>(model: &M) -> Result<Tensors, String> {
    // Names begin with the network's fields, whichever kind of network it is.
    let mut store =
        SafetensorsStore::from_bytes(None).with_to_adapter(BurnToPyTorchAdapter).skip_enum_variants(true);
    model.save_into(&mut store).map_err(|error| error.to_string())?;
    read(&store.get_bytes().map_err(|error| error.to_string())?)
}

/// The weights of `model` as a SafeTensors file with PyTorch's names and layouts: the same bytes for the same weights.
pub(crate) fn save<M: Module>(model: &M) -> Result<Vec<u8>, RecipeError> {
    tensors_of(model).and_then(|tensors| write(&tensors)).map_err(failed)
}

/// Images as a SafeTensors file, with a model's scores of them if there are any: `images` `[images, channels, height, width]`, U8;
/// `labels` `[images]`, U32; `scores` `[images, classes]`, F32. The metadata has the images' `names`, a list in JSON.
///
/// # Errors
/// [`RecipeError::Write`] if there is not one row of scores per image.
pub fn images_to_safetensors(images: &Subset, scores: Option<&Scores>) -> Result<Vec<u8>, RecipeError> {
    let scores = scores.map(|scores| {
        let values: Vec<f32> = scores.rows().flatten().copied().collect();
        ("scores", vec![images.len(), scores.classes()], values)
    });
    images_with(images, scores.as_slice())
}

/// Images as a SafeTensors file, as [`images_to_safetensors`] has them, and numbers: name, shape and values of each tensor.
pub(crate) fn images_with(
    images: &Subset,
    numbers: &[(&str, Vec<usize>, Vec<f32>)],
) -> Result<Vec<u8>, RecipeError> {
    let (count, shape) = (images.len(), images.shape());
    let pixels: Vec<u8> = (0..count).flat_map(|position| images.pixels(position).into_owned()).collect();
    let labels = images.labels().into_iter().flat_map(|label| (label as u32).to_le_bytes());
    let labels: Vec<u8> = labels.collect();
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let values: Vec<Vec<u8>> = numbers.iter().map(|(_, _, values)| bytes(values)).collect();
    let dimensions = vec![count, shape.channels, shape.height, shape.width];
    let mut tensors = vec![
        ("images", TensorView::new(Dtype::U8, dimensions, &pixels).map_err(failed)?),
        ("labels", TensorView::new(Dtype::U32, vec![count], &labels).map_err(failed)?),
    ];
    for ((name, shape, _), values) in numbers.iter().zip(&values) {
        tensors.push((name, TensorView::new(Dtype::F32, shape.clone(), values).map_err(failed)?));
    }
    let names: Vec<_> = (0..count).map(|position| images.name(position)).collect();
    let names = serde_json::to_string(&names).map_err(failed)?;
    serialize(tensors, &BTreeMap::from([(NAMES.into(), names)])).map_err(failed)
}

/// The most numbers that a network's last layer may see: its place is taken by a square matrix.
const MOST_FEATURES: usize = 8192;

/// The weights of a network with the identity in place of its last layer, `linear`, so that it gives what that layer would see; and how
/// many numbers that are. Errors say what is wrong.
pub(crate) fn without_last_layer(weights: &[u8]) -> Result<(Vec<u8>, usize), String> {
    let (weight, bias) = ("linear.weight", "linear.bias");
    let mut tensors = read(weights)?;
    let features = match tensors.get(weight).map(|values| &values.shape[..]) {
        Some(&[_, features @ 1..=MOST_FEATURES]) => features,
        Some(&[_, features]) => {
            return Err(format!(
                "its last layer sees {features} numbers, more than the {MOST_FEATURES} that are taken as features"
            ));
        }
        _ => {
            return Err(format!(
                "it has no {weight}, a last layer behind hidden ones; name a run of cnn, vit or mlp"
            ));
        }
    };
    let one = |at: usize| if at.is_multiple_of(features + 1) { 1_f32 } else { 0.0 };
    let identity = Values::new(vec![features; 2], (0..features * features).map(one));
    tensors.insert(weight.into(), identity);
    if let Some(values) = tensors.get_mut(bias) {
        *values = Values::new(vec![features], vec![0.0; features]);
    }
    Ok((write(&tensors)?, features))
}

pub(crate) fn failed(error: impl std::fmt::Display) -> RecipeError {
    RecipeError::Write { what: "SafeTensors", reason: error.to_string() }
}
