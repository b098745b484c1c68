//! What a model sees of an image: pixels, or features that are not learnt.

use burn::tensor::{Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a model sees of an image.
///
/// The features of an image are an image themselves, of one pixel and one channel per feature, so that models that take pixels take
/// them as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Features {
    /// The image as it is.
    #[default]
    Pixels,
    /// Histograms of oriented gradients and of hues ([`zoo_features::hog_hue`]; CS231n, assignment 1, *features*).
    HogHue,
}

impl Features {
    /// The shape of the features of an image of `shape`: channels, height, width.
    #[must_use]
    pub fn shape(self, shape: [usize; 3]) -> [usize; 3] {
        match self {
            Self::Pixels => shape,
            Self::HogHue => [zoo_features::hog_hue_length(shape), 1, 1],
        }
    }

    /// The features of images, `[image, channel, row, column]` in one buffer, pixel values 0 to 255.
    #[must_use]
    pub fn of(self, images: Vec<f32>, shape: [usize; 3]) -> Vec<f32> {
        match self {
            Self::Pixels => images,
            Self::HogHue => zoo_features::hog_hue(&images, shape),
        }
    }

    /// The features of images on a device. Histograms are counted by the processor, whichever the device; no gradient goes through
    /// them.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`, pixel values 0 to 255.
    /// - returns: `[batch, features, 1, 1]`, or the images.
    ///
    /// # Panics
    /// If the device can't deliver the images.
    #[must_use]
    pub fn forward(self, images: Tensor<4>) -> Tensor<4> {
        if self == Self::Pixels {
            return images;
        }
        let [batch, channels, height, width] = images.dims();
        let (device, precision) = (images.device(), images.dtype());
        let pixels = images.into_data().convert::<f32>().try_to_vec().expect("converted to f32");
        let shape = [channels, height, width];
        let [features, ..] = self.shape(shape);
        let data = TensorData::new(self.of(pixels, shape), [batch, features, 1, 1]);
        Tensor::from_data(data, (&device, precision))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device};

    use super::*;

    #[test]
    fn features_have_the_precision_of_the_images() {
        let images = Tensor::<4>::ones([2, 3, 8, 8], &Device::flex());
        for precision in [DType::F32, DType::F64] {
            let features = Features::HogHue.forward(images.clone().cast(precision));
            assert_eq!((features.dtype(), features.dims()), (precision, [2, 19, 1, 1]));
        }
    }
}
