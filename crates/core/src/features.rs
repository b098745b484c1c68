//! What a model sees of an image: pixels, features that are not learnt, or what another network has learnt to see.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::classifier::Classifier;

/// What a model sees of an image.
///
/// The features of an image are an image themselves, of one pixel and one channel per feature, so that models that take pixels take
/// them as well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Features {
    /// The image as it is.
    #[default]
    Pixels,
    /// Histograms of oriented gradients and of hues ([`zoo_features::hog_hue`]; CS231n, assignment 1, *features*).
    HogHue,
    /// For few images, of any size: gradients pooled to at most 7×7 fields, hues, and mean and standard deviation of each channel over
    /// the image and over a grid of 4×4 ([`zoo_features::hog_hue_colour`]).
    HogHueColour,
    /// What a network that was trained before sees: `{ network = "runs/0001-train-cnn-cifar10" }`, the folder of a finished run of a
    /// `cnn`, a `vit` or an `mlp`, whose last layer is left out; or a file with torchvision's weights of ResNet-18, `resnet18.pth` or
    /// `resnet18.safetensors`. Images are resized to the size that the run was trained on; ResNet-18 takes any from 32×32 on.
    Network(PathBuf),
}

impl Features {
    /// What computes those that follow from the pixels only; `None` for those of a network, which has to be opened first.
    #[must_use]
    pub const fn plain(&self) -> Option<Extractor> {
        match self {
            Self::Pixels => Some(Extractor::Pixels),
            Self::HogHue => Some(Extractor::HogHue),
            Self::HogHueColour => Some(Extractor::HogHueColour),
            Self::Network(_) => None,
        }
    }
}

/// A network whose weights don't change any more, without its last layer.
pub trait Network: Debug + Send + Sync {
    /// How many features an image has.
    fn features(&self) -> usize;

    /// How many images [`forward`](Self::forward) handles well at a time.
    fn batch_size(&self) -> usize;

    /// The features of images.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`, pixel values 0 to 255, of any size, `f32`, off autodiff.
    /// - returns: `[batch, features]`.
    fn forward(&self, images: Tensor<4>) -> Tensor<2>;
}

/// Counts features in memory: those of pixels `[image, channel, row, column]`, 0 to 255, of images of a shape `[channels, height, width]`,
/// as `[image, feature]`.
pub type Count = fn(&[f32], [usize; 3]) -> Vec<f32>;

/// What computes [`Features`] of images. No gradient goes through it.
#[derive(Clone, Debug)]
pub enum Extractor {
    /// See [`Features::Pixels`].
    Pixels,
    /// See [`Features::HogHue`].
    HogHue,
    /// See [`Features::HogHueColour`].
    HogHueColour,
    /// See [`Features::Network`].
    Network(Arc<dyn Network>),
}

impl Extractor {
    /// Whether images stay as they are.
    #[must_use]
    pub const fn is_identity(&self) -> bool {
        matches!(self, Self::Pixels)
    }

    /// The shape of the features of an image of `shape`: channels, height, width.
    #[must_use]
    pub fn shape(&self, shape: [usize; 3]) -> [usize; 3] {
        match self {
            Self::Pixels => shape,
            Self::HogHue => [zoo_features::hog_hue_length(shape), 1, 1],
            Self::HogHueColour => [zoo_features::hog_hue_colour_length(shape), 1, 1],
            Self::Network(network) => [network.features(), 1, 1],
        }
    }

    /// How many images [`forward`](Self::forward) handles well at a time.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        match self {
            Self::Pixels | Self::HogHue | Self::HogHueColour => 1000,
            Self::Network(network) => network.batch_size(),
        }
    }

    /// What counts the features in memory. `None` for what is computed on a device, and for images that stay as they are.
    #[must_use]
    pub fn counted(&self) -> Option<Count> {
        match self {
            Self::Pixels | Self::Network(_) => None,
            Self::HogHue => Some(zoo_features::hog_hue),
            Self::HogHueColour => Some(zoo_features::hog_hue_colour),
        }
    }

    /// The features of images on a device, in the images' precision. What is [counted](Self::counted) is counted by the processor,
    /// whichever the device, which has to be waited for.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`, pixel values 0 to 255, off autodiff.
    /// - returns: `[batch, features, 1, 1]`, or the images.
    ///
    /// # Panics
    /// If the device can't deliver the images.
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let precision = images.dtype();
        if let Some(count) = self.counted() {
            let ([batch, channels, height, width], device) = (images.dims(), images.device());
            let pixels = zoo_kernels::read(images).expect("the device delivers").convert::<f32>();
            let shape = [channels, height, width];
            let features = count(pixels.as_slice::<f32>().expect("converted to f32"), shape);
            let [length, ..] = self.shape(shape);
            return zoo_kernels::upload(
                TensorData::new(features, [batch, length, 1, 1]),
                (&device, precision),
            );
        }
        let Self::Network(network) = self else { return images };
        let features = network.forward(images.cast(FloatDType::F32)).cast(precision);
        let [batch, length] = features.dims();
        features.reshape([batch, length, 1, 1])
    }
}

/// A classifier of images, made of one of their features.
#[derive(Clone, Debug)]
pub struct WithFeatures<M> {
    /// What computes the features.
    pub extractor: Extractor,
    /// What classifies them.
    pub model: M,
}

impl<M: Classifier> Classifier for WithFeatures<M> {
    fn batch_size(&self, device: &Device) -> usize {
        self.extractor.batch_size().min(self.model.batch_size(device))
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.model.forward(self.extractor.forward(images))
    }

    fn probabilities(&self, scores: Tensor<2>) -> Tensor<2> {
        self.model.probabilities(scores)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::DType;

    use super::*;

    #[test]
    fn features_have_the_precision_of_the_images() {
        let images = Tensor::<4>::ones([2, 3, 8, 8], &Device::flex());
        for precision in [DType::F32, DType::F64] {
            for (features, length) in [(Features::HogHue, 19), (Features::HogHueColour, 19 + 102)] {
                let features = features.plain().unwrap().forward(images.clone().cast(precision));
                assert_eq!((features.dtype(), features.dims()), (precision, [2, length, 1, 1]));
            }
        }
    }
}
