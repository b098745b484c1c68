//! What a recipe's model sees of images, ready to be computed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use safetensors::SafeTensors;
use zoo_core::{Extractor, Features};
use zoo_train::Checkpoints;

use crate::error::RecipeError;
use crate::frozen::{Description, Frozen};
use crate::tensors::{metadata, serialize};
use crate::weights::failed;

/// What names of a network's tensors begin with in the file of a model that sees what the network sees.
const PREFIX: &str = "features.";
/// What says in such a file which network that is.
const DESCRIPTION: &str = "features";

/// The file next to checkpoints that tells whether the network is still the same.
const CHECKSUM: &str = "features.md5";

/// What computes a recipe's features, and the network that it needs for that.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    pub(crate) extractor: Extractor,
    network: Option<Arc<Frozen>>,
}

impl Sight {
    /// Opens what `features` names, on `device`.
    ///
    /// # Errors
    /// [`RecipeError::Load`] for a network that can't be had.
    pub(crate) fn open(features: &Features, device: &Device) -> Result<Self, RecipeError> {
        match features {
            Features::Network(path) => Ok(Self::of(Frozen::open(path, device)?)),
            plain => Ok(Self { extractor: plain.plain().unwrap_or(Extractor::Pixels), network: None }),
        }
    }

    fn of(network: Frozen) -> Self {
        let network = Arc::new(network);
        Self { extractor: Extractor::Network(network.clone()), network: Some(network) }
    }

    /// Refuses another network than the one that a run began with: what it says is kept next to the run's `checkpoints`.
    ///
    /// # Errors
    /// [`RecipeError::Load`] if the network has changed, or that can't be told.
    pub(crate) fn check_unchanged(
        &self,
        features: &Features,
        checkpoints: &Checkpoints,
    ) -> Result<(), RecipeError> {
        let (Some(network), Features::Network(path)) = (&self.network, features) else { return Ok(()) };
        let file = checkpoints.folder().join(CHECKSUM);
        let checksum = zoo_data::checksum(&network.weights);
        let wrong = |path: &Path, reason: String| RecipeError::Load { path: path.into(), reason };
        if let Ok(first) = zoo_files::read_to_string(&file, 1 << 10) {
            let reason = "it has changed since the run began; put the old file back, or begin another run";
            return if first == checksum { Ok(()) } else { Err(wrong(path, reason.into())) };
        }
        let written = std::fs::create_dir_all(checkpoints.folder())
            .and_then(|()| zoo_files::write(&file, checksum.as_bytes()));
        written.map_err(|error| wrong(&file, error.to_string()))
    }

    /// Takes `file`, from `path`, apart that [`write`](Self::write) has put together: what computes `features`, and the model's own
    /// tensors.
    ///
    /// # Errors
    /// [`RecipeError::Load`] if there is no network in it.
    pub(crate) fn read(
        features: &Features,
        path: &Path,
        file: Vec<u8>,
        device: &Device,
    ) -> Result<(Self, Vec<u8>), RecipeError> {
        let Features::Network(_) = features else { return Ok((Self::open(features, device)?, file)) };
        let wrong = |reason: String| RecipeError::Load { path: path.into(), reason };
        let (description, network, model) = split(&file).map_err(wrong)?;
        let network = Frozen::new(description, network, device).map_err(wrong)?;
        Ok((Self::of(network), model))
    }

    /// Puts the network, if there is one, into the file of a `model`: all that is needed to use it.
    ///
    /// # Errors
    /// [`RecipeError::Write`].
    pub(crate) fn write(&self, model: Vec<u8>) -> Result<Vec<u8>, RecipeError> {
        let Some(network) = &self.network else { return Ok(model) };
        let own = SafeTensors::deserialize(&model).map_err(failed)?.tensors();
        let within = SafeTensors::deserialize(&network.weights).map_err(failed)?.tensors();
        let within = within.into_iter().map(|(name, view)| (format!("{PREFIX}{name}"), view));
        let description = serde_json::to_string(&network.description).map_err(failed)?;
        let mut metadata = metadata(&model).map_err(failed)?;
        metadata.insert(DESCRIPTION.into(), description);
        serialize(own.into_iter().chain(within), &metadata).map_err(failed)
    }
}

/// The network in a file: what it is, and its tensors; and the tensors of the model.
fn split(file: &[u8]) -> Result<(Description, Vec<u8>, Vec<u8>), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let mut metadata = metadata(file)?;
    let Some(description) = metadata.remove(DESCRIPTION) else {
        return Err("it has no network within, which the model's features are from".into());
    };
    let description = serde_json::from_str(&description).map_err(|error| text(&error))?;
    let tensors = SafeTensors::deserialize(file).map_err(|error| text(&error))?.tensors();
    let (mut network, mut model) = (Vec::new(), Vec::new());
    for (name, view) in tensors {
        match name.strip_prefix(PREFIX) {
            Some(within) => network.push((within.to_string(), view)),
            None => model.push((name, view)),
        }
    }
    Ok((description, serialize(network, &BTreeMap::new())?, serialize(model, &metadata)?))
}
