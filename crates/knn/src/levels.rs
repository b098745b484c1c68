//! Features as whole numbers, which distances are exact of.

use burn::tensor::{Tensor, TensorData};

/// Levels per standard deviation: the 256 of a byte reach four deviations to either side.
const PER_DEVIATION: f32 = 32.0;

/// Turns features into whole numbers from 0 to 255, as pixels are: with the mean μ and the standard deviation σ that a feature has over
/// the training images,
///
/// ```text
/// level = 128 + 32 (x − μ) / σ,   rounded, and at least 0 and at most 255
/// ```
///
/// so that all features count alike. Rounding moves a feature by at most σ / 64. One that doesn't vary is 128.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

impl Levels {
    /// Of features with these means and standard deviations; the shorter list says how many there are.
    #[must_use]
    pub const fn new(mean: Vec<f32>, deviation: Vec<f32>) -> Self {
        Self { mean, deviation }
    }

    /// The mean of each feature.
    #[must_use]
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The standard deviation of each feature.
    #[must_use]
    pub fn deviation(&self) -> &[f32] {
        &self.deviation
    }

    /// The levels of the features of an image.
    pub fn of(&self, features: &[f32]) -> impl Iterator<Item = u8> {
        let statistics = self.mean.iter().zip(&self.deviation);
        features.iter().zip(statistics).map(|(value, (mean, &deviation))| {
            let standardised = if deviation > 0.0 { (value - mean) / deviation } else { 0.0 };
            // What is above or below is the largest or the smallest; what is no number is 0.
            PER_DEVIATION.mul_add(standardised, 128.0).round() as u8
        })
    }

    /// The levels of the features of images. The processor computes them, so that they are the same on every device.
    ///
    /// # Shapes
    /// - `features`, returns: `[batch, features, 1, 1]`.
    ///
    /// # Panics
    /// If the device can't deliver the features, or an image has others than those that this was made for.
    #[must_use]
    pub fn forward(&self, features: Tensor<4>) -> Tensor<4> {
        let (shape, device) = (features.dims(), features.device());
        let values = zoo_kernels::read(features).expect("the device delivers").convert::<f32>();
        let values = values.as_slice::<f32>().expect("converted to f32");
        assert_eq!(shape[1], self.mean.len(), "features per image");
        let levels = values.chunks_exact(shape[1].max(1)).flat_map(|row| self.of(row)).map(f32::from);
        zoo_kernels::upload(TensorData::new(levels.collect::<Vec<f32>>(), shape), &device)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn levels_by_hand() {
        let levels = Levels::new(vec![1.0, 0.0, 5.0], vec![2.0, 1.0, 0.0]);
        let row = [2.0, -9.0, 7.0, 1.0, 9.0, 5.0];
        let expected = [144, 0, 128, 128, 255, 128];
        assert_eq!(row.chunks(3).flat_map(|row| levels.of(row)).collect::<Vec<u8>>(), expected);
        let tensor = Tensor::<1>::from_data(row, &Device::flex()).reshape([2, 3, 1, 1]);
        let found: Vec<f32> = levels.forward(tensor).into_data().try_to_vec().unwrap();
        assert_eq!(found, expected.map(f32::from));
        assert_eq!(levels.of(&[f32::NAN, f32::INFINITY, 0.0]).collect::<Vec<u8>>(), [0, 255, 128]);
    }
}
