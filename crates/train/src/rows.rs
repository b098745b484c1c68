//! Features of images, computed once.

use burn::tensor::{Device, Tensor, TensorData};
use zoo_core::{Extractor, InputSpec};
use zoo_data::Subset;

use crate::error::TrainError;

/// Features of some images, a row each, in memory.
#[derive(Clone, Debug)]
pub struct Rows {
    length: usize,
    values: Vec<f32>,
}

impl Rows {
    /// The features of all of `images`, in their order; of a network, computed on `device`. `None` for pixels, which stay as they are.
    ///
    /// # Errors
    /// [`TrainError::Device`] if the device can't deliver.
    pub fn of(images: &Subset, extractor: &Extractor, device: &Device) -> Result<Option<Self>, TrainError> {
        if extractor.is_identity() {
            return Ok(None);
        }
        let shape = images.shape();
        let shape = [shape.channels, shape.height, shape.width];
        let [length, ..] = extractor.shape(shape);
        if let Some(count) = extractor.counted() {
            let positions: Vec<usize> = (0..images.len()).collect();
            let batches = positions.chunks(extractor.batch_size());
            let values = batches.flat_map(|batch| count(&images.numbers(batch.iter().copied()), shape));
            return Ok(Some(Self { length, values: values.collect() }));
        }
        let failed = |error: String| TrainError::Device(error);
        let mut values = Vec::with_capacity(images.len() * length);
        for batch in images.batches(extractor.batch_size(), device) {
            let data = zoo_kernels::read(extractor.forward(batch.images));
            let data = data.map_err(|error| failed(error.to_string()))?.convert::<f32>();
            values.extend_from_slice(data.as_slice::<f32>().map_err(|error| failed(format!("{error:?}")))?);
        }
        Ok(Some(Self { length, values }))
    }

    /// The number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() / self.length.max(1)
    }

    /// The number of features of an image.
    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// Whether there are no images, or no features.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The features of an image.
    ///
    /// # Panics
    /// If there is no such image.
    #[must_use]
    pub fn row(&self, image: usize) -> &[f32] {
        &self.values[image * self.length..][..self.length]
    }

    /// The features of the images at `positions`, `[batch, features, 1, 1]`.
    ///
    /// # Panics
    /// If there is no such image.
    pub(crate) fn batch(&self, positions: &[usize], device: &Device) -> Tensor<4> {
        let values: Vec<f32> = positions.iter().flat_map(|&image| self.row(image)).copied().collect();
        zoo_kernels::upload(TensorData::new(values, [positions.len(), self.length, 1, 1]), device)
    }

    /// What a model has to know about them: features are channels of a single pixel, each with a mean and a deviation. The deviation of
    /// one that doesn't vary is 0.
    #[must_use]
    pub fn input_spec(&self, classes: usize) -> InputSpec {
        let count = self.len().max(1) as f64;
        let mean = self.sums(|_, value| value).into_iter().map(|sum| sum / count).collect::<Vec<f64>>();
        let squares = self.sums(|feature, value| (value - mean[feature]).powi(2));
        // What is left of a constant is rounding.
        let deviation = |(squares, mean): (f64, &f64)| {
            let deviation = (squares / count).sqrt();
            if deviation > 1e-6 * mean.abs() { deviation as f32 } else { 0.0 }
        };
        let channel_mean: Vec<f32> = mean.iter().map(|&mean| mean as f32).collect();
        InputSpec {
            mean_image: channel_mean.clone(),
            channel_deviation: squares.into_iter().zip(&mean).map(deviation).collect(),
            channel_mean,
            ..InputSpec::without_statistics([self.length, 1, 1], classes)
        }
    }

    /// The sum of `of(feature, value)` over all images, for each feature.
    fn sums(&self, of: impl Fn(usize, f64) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0; self.length];
        for row in self.values.chunks_exact(self.length.max(1)) {
            for (feature, (sum, &value)) in sums.iter_mut().zip(row).enumerate() {
                *sum += of(feature, f64::from(value));
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use zoo_data::shapes10;

    use super::*;

    #[test]
    fn features_are_standardised_by_their_own_statistics() {
        let (train, device) = (shapes10::generate(1200, 10, 1).train, Device::flex());
        let rows = Rows::of(&train, &Extractor::HogHue, &device).unwrap().unwrap();
        let spec = rows.input_spec(10);
        let features = Extractor::HogHue.forward(train.batch(0..1200, &device).images);
        assert_eq!(features.dims(), [1200, spec.shape[0], 1, 1]);
        let values = |tensor: Tensor<2>| tensor.into_data().try_to_vec::<f32>().unwrap();
        let features = features.flatten::<2>(1, 3);
        assert_eq!(values(features.clone()), rows.values);
        let few: Tensor<2> = rows.batch(&[7, 1199], &device).flatten(1, 3);
        assert_eq!(values(few), [rows.row(7), rows.row(1199)].concat());
        let (variance, mean) = features.var_mean_bias(0);
        let close = |found: &[f32], expected: &[f32]| {
            found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4 * b.abs().max(0.01))
        };
        assert!(close(&values(mean), &spec.channel_mean));
        assert!(close(&values(variance.sqrt()), &spec.channel_deviation));
    }

    #[test]
    fn a_constant_has_no_deviation() {
        let rows = Rows { length: 2, values: [0.1, 1.0, 0.1, 3.0, 0.1, 2.0].into() };
        let deviation = rows.input_spec(10).channel_deviation;
        assert_eq!(deviation[0], 0.0);
        assert!((deviation[1] - (2f32 / 3.0).sqrt()).abs() < 1e-6, "{deviation:?}");
    }

    #[test]
    fn pixels_have_no_rows() {
        let train = shapes10::generate(10, 10, 1).train;
        assert!(Rows::of(&train, &Extractor::Pixels, &Device::flex()).unwrap().is_none());
        let none = train.stratified(0, 1).0;
        assert!(Rows::of(&none, &Extractor::HogHue, &Device::flex()).unwrap().unwrap().is_empty());
    }
}
