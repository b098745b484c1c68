//! What a model has to know about its images.

use zoo_core::{Architecture, InputSpec};
use zoo_data::{Statistics, Subset};

/// Size and statistics of the pixels of `images`, those that a model of `architecture` is fitted to. Of features,
/// [`Rows::input_spec`](crate::Rows::input_spec) tells.
///
/// # Panics
/// If `images` is empty.
#[must_use]
pub fn input_spec<A: Architecture>(architecture: &A, images: &Subset, classes: usize) -> InputSpec {
    let statistics = Statistics::of(images);
    let patch_covariance =
        if architecture.whitens() { statistics.patch_covariance(images) } else { Vec::new() };
    let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect();
    InputSpec {
        shape: [statistics.shape.channels, statistics.shape.height, statistics.shape.width],
        classes,
        channel_mean: narrow(&statistics.channel_mean),
        channel_deviation: narrow(&statistics.channel_deviation),
        mean_image: narrow(&statistics.mean_image),
        patch_covariance: narrow(&patch_covariance),
    }
}

#[cfg(test)]
mod tests {
    use zoo_data::shapes10;
    use zoo_softmax::SoftmaxConfig;

    use super::*;

    #[test]
    fn pixels_have_the_statistics_of_the_data() {
        let train = shapes10::generate(50, 10, 1).train;
        let (spec, statistics) = (input_spec(&SoftmaxConfig::default(), &train, 10), Statistics::of(&train));
        assert_eq!(spec.shape, [3, 32, 32]);
        assert_eq!(spec.channel_mean[1], statistics.channel_mean[1] as f32);
        assert!(spec.patch_covariance.is_empty());
    }
}
