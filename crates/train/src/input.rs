//! What a model has to know about its images.

use zoo_core::{Features, InputSpec};
use zoo_data::{Statistics, Subset};

/// Images whose features are computed at a time.
const CHUNK: usize = 1000;

/// Size and statistics of `features` of `images`, those that a model is fitted to.
///
/// # Panics
/// If `images` is empty.
#[must_use]
pub fn input_spec(images: &Subset, classes: usize, features: Features) -> InputSpec {
    if features != Features::Pixels {
        return spec_of_features(images, classes, features);
    }
    let statistics = Statistics::of(images);
    let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect();
    InputSpec {
        shape: [statistics.shape.channels, statistics.shape.height, statistics.shape.width],
        classes,
        channel_mean: narrow(&statistics.channel_mean),
        channel_deviation: narrow(&statistics.channel_deviation),
        mean_image: narrow(&statistics.mean_image),
        patch_covariance: narrow(&statistics.patch_covariance),
    }
}

/// Features are channels of a single pixel, each with a mean and a deviation.
fn spec_of_features(images: &Subset, classes: usize, features: Features) -> InputSpec {
    let shape = images.shape();
    let shape = [shape.channels, shape.height, shape.width];
    let channels = features.shape(shape)[0];
    let (mut sums, mut squares) = (vec![0.0; channels], vec![0.0; channels]);
    for start in (0..images.len()).step_by(CHUNK) {
        let positions = start..(start + CHUNK).min(images.len());
        let pixels = positions.flat_map(|position| images.pixels(position)).map(|&pixel| f32::from(pixel));
        for row in features.of(pixels.collect(), shape).chunks_exact(channels) {
            for ((&value, sum), square) in row.iter().zip(&mut sums).zip(&mut squares) {
                *sum += f64::from(value);
                *square += f64::from(value) * f64::from(value);
            }
        }
    }
    let count = images.len() as f64;
    let mean: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
    let variance = squares.iter().zip(&mean).map(|(square, mean)| (square / count - mean * mean).max(0.0));
    let channel_mean: Vec<f32> = mean.iter().map(|&mean| mean as f32).collect();
    InputSpec {
        mean_image: channel_mean.clone(),
        channel_mean,
        channel_deviation: variance.map(|variance| variance.sqrt() as f32).collect(),
        ..InputSpec::without_statistics(features.shape(shape), classes)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use zoo_data::shapes10;

    use super::*;

    #[test]
    fn features_are_standardised_by_their_own_statistics() {
        let train = shapes10::generate(1200, 10, 1).train;
        let spec = input_spec(&train, 10, Features::HogHue);
        let features = Features::HogHue.forward(train.batch(0..1200, &Device::flex()).images);
        assert_eq!(features.dims(), [1200, spec.shape[0], 1, 1]);
        let features = features.flatten::<2>(1, 3);
        let (variance, mean) = features.var_mean_bias(0);
        let values = |tensor: burn::tensor::Tensor<2>| tensor.into_data().try_to_vec::<f32>().unwrap();
        let close = |found: &[f32], expected: &[f32]| {
            found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4 * b.abs().max(0.01))
        };
        assert!(close(&values(mean), &spec.channel_mean));
        assert!(close(&values(variance.sqrt()), &spec.channel_deviation));
    }

    #[test]
    fn pixels_have_the_statistics_of_the_data() {
        let train = shapes10::generate(50, 10, 1).train;
        let (spec, statistics) = (input_spec(&train, 10, Features::Pixels), Statistics::of(&train));
        assert_eq!(spec.shape, [3, 32, 32]);
        assert_eq!(spec.channel_mean[1], statistics.channel_mean[1] as f32);
    }
}
