//! Weights and images in SafeTensors files, and weights in those that PyTorch has pickled.

use std::path::Path;

use burn::module::Module;
use burn::store::pytorch::PytorchStore;
use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore};
use safetensors::tensor::{Dtype, TensorView};
use zoo_core::Scores;
use zoo_data::Subset;

use crate::error::RecipeError;

/// Loads weights that have PyTorch's names and layouts into `model`. A `foreign` file may lack the normalisation of pixels, which is
/// then that of the training images, and have BatchNorm's counts of batches, which nothing here needs.
pub(crate) fn load<M: Module>(model: &mut M, path: &Path, foreign: bool) -> Result<(), RecipeError> {
    let pickled = path.extension().is_some_and(|extension| extension == "pt" || extension == "pth");
    let loaded = if pickled {
        let mut store =
            PytorchStore::from_file(path).allow_partial(true).validate(false).skip_enum_variants(true);
        model.load_from(&mut store).map_err(|error| error.to_string())
    } else {
        let mut store = SafetensorsStore::from_file(path)
            .with_from_adapter(PyTorchToBurnAdapter)
            .allow_partial(true)
            .validate(false)
            .skip_enum_variants(true);
        model.load_from(&mut store).map_err(|error| error.to_string())
    };
    let cannot = |reason: String| RecipeError::Load { path: path.into(), reason };
    let loaded = loaded.map_err(cannot)?;
    let missing = loaded.missing.iter().map(|(name, _)| name.as_str());
    let missing: Vec<&str> = missing.filter(|name| !foreign || !name.contains("normalizer.")).collect();
    let unused = loaded.unused.iter().map(String::as_str);
    let unused: Vec<&str> = unused.filter(|name| !name.ends_with("num_batches_tracked")).collect();
    if let Some(error) = loaded.errors.first() {
        return Err(cannot(format!("{error}; is it the same network?")));
    }
    if missing.is_empty() && unused.is_empty() {
        return Ok(());
    }
    let list = |names: &[&str]| if names.is_empty() { "nothing".into() } else { names.join(", ") };
    let (missing, unused) = (list(&missing), list(&unused));
    Err(cannot(format!("it is of another network: missing {missing}; not known {unused}")))
}

/// The weights of `model` as a SafeTensors file with PyTorch's names and layouts.
pub(crate) fn save<M: Module>(model: &M) -> Result<Vec<u8>, RecipeError> {
    // Names begin with the network's fields, whichever kind of network it is.
    let mut store =
        SafetensorsStore::from_bytes(None).with_to_adapter(BurnToPyTorchAdapter).skip_enum_variants(true);
    model.save_into(&mut store).map_err(failed)?;
    store.get_bytes().map_err(failed)
}

/// Images as a SafeTensors file, with a model's scores of them if there are any: `images` `[images, channels, height, width]`, U8;
/// `labels` `[images]`, U32; `scores` `[images, classes]`, F32.
///
/// # Errors
/// [`RecipeError::Write`] if there is not one row of scores per image.
pub fn images_to_safetensors(images: &Subset, scores: Option<&Scores>) -> Result<Vec<u8>, RecipeError> {
    let (count, shape) = (images.len(), images.shape());
    let pixels: Vec<u8> = (0..count).flat_map(|position| images.pixels(position)).copied().collect();
    let labels = images.labels().into_iter().flat_map(|label| (label as u32).to_le_bytes());
    let labels: Vec<u8> = labels.collect();
    let values = scores.map(|scores| scores.rows().flatten().flat_map(|score| score.to_le_bytes()));
    let values: Vec<u8> = values.into_iter().flatten().collect();
    let dimensions = vec![count, shape.channels, shape.height, shape.width];
    let mut tensors = vec![
        ("images", TensorView::new(Dtype::U8, dimensions, &pixels).map_err(failed)?),
        ("labels", TensorView::new(Dtype::U32, vec![count], &labels).map_err(failed)?),
    ];
    if let Some(scores) = scores {
        let rows = TensorView::new(Dtype::F32, vec![count, scores.classes()], &values);
        tensors.push(("scores", rows.map_err(failed)?));
    }
    safetensors::serialize(tensors, None).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> RecipeError {
    RecipeError::Write { what: "SafeTensors", reason: error.to_string() }
}
