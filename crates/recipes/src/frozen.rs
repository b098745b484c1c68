//! Networks whose weights don't change any more: what they see of images are features for other models.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use zoo_cnn::Resnet18;
use zoo_core::{Classifier, Network, resize};

use crate::contender::Contender;
use crate::error::RecipeError;
use crate::file;
use crate::key::{MODEL, RUN};
use crate::registry::Registry;
use crate::tensors::{self, read_file, write};
use crate::weights::load_bytes;

/// The file of a run that says what was trained.
const CONFIG: &str = "config.toml";
/// The file of a finished run that has its weights.
const WEIGHTS: &str = "model.safetensors";
/// The least height and width that ResNet-18 is given: it halves them five times.
const SMALLEST: usize = 32;
/// The largest height or width of a network's images.
const LARGEST: usize = 4096;

/// The most images that a network is given at a time, on a GPU too: how much of them that takes isn't known here.
const MOST: usize = 500;

/// What a network is, apart from its weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Description {
    /// One of the zoo, trained on images of `shape`: channels, height, width.
    Run { shape: [usize; 3], recipe: Table },
    /// ResNet-18 with torchvision's names.
    Resnet18,
}

/// A network without its last layer.
///
/// Its weights may be on any device; evaluation mode is what a module off autodiff is in.
pub(crate) struct Frozen {
    pub(crate) description: Description,
    /// A SafeTensors file with PyTorch's names.
    pub(crate) weights: Vec<u8>,
    network: Mutex<Box<dyn Classifier>>,
    features: usize,
    /// How many images it is given at a time.
    batch_size: usize,
}

impl fmt::Debug for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { description, features, .. } = self;
        f.debug_struct("Frozen")
            .field("description", description)
            .field("features", features)
            .finish_non_exhaustive()
    }
}

impl Frozen {
    /// Opens `path`: the folder of a finished run of a network, its file of weights, or a file with torchvision's weights of ResNet-18.
    ///
    /// # Errors
    /// [`RecipeError::Load`] says what is wrong with it, and what would do.
    pub(crate) fn open(path: &Path, device: &Device) -> Result<Self, RecipeError> {
        let wrong = |reason: String| RecipeError::Load { path: path.into(), reason };
        let (description, weights) = match run_folder(path) {
            Some(folder) => read_run(&folder).map_err(wrong)?,
            None => (Description::Resnet18, read_resnet18(path).map_err(wrong)?),
        };
        Self::new(description, weights, device).map_err(wrong)
    }

    /// The network that `description` and `weights` are of.
    pub(crate) fn new(description: Description, weights: Vec<u8>, device: &Device) -> Result<Self, String> {
        let (network, features) = match &description {
            Description::Run { shape, recipe } => hidden_layers(*shape, recipe.clone(), &weights, device)?,
            Description::Resnet18 => resnet18(&weights, device)?,
        };
        let batch_size = network.batch_size(device).min(MOST);
        Ok(Self { description, weights, network: Mutex::new(network), features, batch_size })
    }

    /// The size that images of `size` are given to the network in.
    fn size(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        match self.description {
            Description::Run { shape: [_, height, width], .. } => [height, width],
            Description::Resnet18 => {
                let shorter = height.min(width).max(1);
                let factor = SMALLEST.max(shorter);
                [height, width].map(|side| side * factor / shorter)
            }
        }
    }

    /// The channels that the network sees.
    const fn channels(&self) -> usize {
        match self.description {
            Description::Run { shape: [channels, ..], .. } => channels,
            Description::Resnet18 => 3,
        }
    }
}

impl Network for Frozen {
    fn features(&self) -> usize {
        self.features
    }

    fn batch_size(&self) -> usize {
        self.batch_size
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let [_, _, height, width] = images.dims();
        let images = resize(with_channels(images, self.channels()), self.size([height, width]));
        self.network.lock().unwrap_or_else(PoisonError::into_inner).forward(images)
    }
}

/// Images in as many `channels`: as they are, or their brightness in each (see [`zoo_features::greyscale`]).
fn with_channels(images: Tensor<4>, channels: usize) -> Tensor<4> {
    let present = images.dims()[1];
    if present == channels {
        return images;
    }
    let grey = if present == 3 {
        let precision = (&images.device(), images.dtype());
        let weights: Tensor<1> = zoo_kernels::upload([0.299, 0.587, 0.114], precision);
        (images * weights.reshape([1, 3, 1, 1])).sum_dim(1)
    } else {
        images.mean_dim(1)
    };
    grey.repeat_dim(1, channels)
}

/// The run that `path` is the folder of, or the file of weights.
fn run_folder(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return Some(path.into());
    }
    let folder = path.parent()?;
    (path.ends_with(WEIGHTS) && folder.join(CONFIG).is_file()).then(|| folder.into())
}

/// What a finished run has trained.
fn read_run(folder: &Path) -> Result<(Description, Vec<u8>), String> {
    let config = folder.join(CONFIG);
    let Ok(text) = zoo_files::read_to_string(&config, file::LARGEST) else {
        return Err(format!("it is no run folder, it has no {CONFIG}; `zoo train cnn` makes one"));
    };
    let mut recipe: Table = text.parse().map_err(|error| format!("{CONFIG}: {error}"))?;
    let run = recipe.remove(RUN).and_then(|run| run.try_into::<Table>().ok());
    let shape = run.as_ref().and_then(|run| run.get("shape")).cloned();
    let shape = shape.and_then(|shape| shape.try_into::<[usize; 3]>().ok());
    let (Some(shape), Some(Value::String(_))) = (shape, recipe.get(MODEL)) else {
        return Err(
            "it is not the run of one model; of a comparison, name the folder of a network in it".into()
        );
    };
    let Ok(weights) = zoo_files::read(&folder.join(WEIGHTS), tensors::LARGEST) else {
        let advice = format!("`zoo train --resume {}` finishes it", folder.display());
        return Err(format!("the run is not finished, it has no {WEIGHTS}; {advice}"));
    };
    Ok((Description::Run { shape, recipe }, weights))
}

/// The weights of ResNet-18 in a file of somebody else's.
fn read_resnet18(path: &Path) -> Result<Vec<u8>, String> {
    if !path.is_file() {
        return Err("there is no such file or folder; name a finished run (`zoo train cnn` makes one), or torchvision's \
                    weights of ResNet-18"
            .into());
    }
    let mut tensors = read_file(path)?;
    // What a network without its last layer has no use for.
    tensors.retain(|name, _| !name.starts_with("fc."));
    write(&tensors)
}

/// A network of the zoo without its last layer, and how many features it has.
fn hidden_layers(
    shape: [usize; 3],
    recipe: Table,
    weights: &[u8],
    device: &Device,
) -> Result<(Box<dyn Classifier>, usize), String> {
    let [channels, height, width] = shape;
    if !(1..=4).contains(&channels) || ![height, width].iter().all(|side| (1..=LARGEST).contains(side)) {
        return Err(format!("it was trained on images of shape {shape:?}, which can't be"));
    }
    let contender = Contender::from_table(&Registry::zoo(), CONFIG, recipe, None);
    let contender = contender.map_err(|error| error.to_string())?;
    let Some(trainable) = contender.estimator.trainable() else {
        return Err(no_hidden_layer(contender.entry.name));
    };
    trainable.hidden_layers(weights, shape, device)
}

/// Says that a model has nothing to offer.
pub(crate) fn no_hidden_layer(model: &str) -> String {
    format!("{model} has no hidden layer, which features are from; name a run of cnn, vit or mlp")
}

/// ResNet-18 with the widths that its weights have.
fn resnet18(weights: &[u8], device: &Device) -> Result<(Box<dyn Classifier>, usize), String> {
    let tensors = safetensors::SafeTensors::deserialize(weights).map_err(|error| error.to_string())?;
    let mut widths = Resnet18::WIDTHS;
    for (stage, width) in (1..).zip(&mut widths) {
        let name = format!("layer{stage}.0.conv1.weight");
        let shape = tensors.tensor(&name).map(|view| view.shape().to_vec());
        *width = match shape.as_deref() {
            Ok(&[width @ 1..=LARGEST, _, 3, 3]) => width,
            _ => {
                return Err(format!(
                    "it is neither of a run nor of ResNet-18: it has no {name} of 3×3 filters"
                ));
            }
        };
    }
    let mut network = Resnet18::new(widths, device);
    load_bytes(&mut network, weights)?;
    Ok((Box::new(Pretrained(network)), widths[3]))
}

/// What ResNet-18 sees, as scores.
struct Pretrained(Resnet18);

impl Classifier for Pretrained {
    /// At 224×224, the first layers have 4 MB of values per image.
    fn batch_size(&self, _device: &Device) -> usize {
        32
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.0.forward(images)
    }
}
