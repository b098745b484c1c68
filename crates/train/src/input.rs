//! What a model is told about its images.

use zoo_core::InputSpec;
use zoo_data::{Statistics, Subset};

/// Size and statistics of `images`, those that a model is fitted to.
///
/// # Panics
/// If `images` is empty.
#[must_use]
pub fn input_spec(images: &Subset, classes: usize) -> InputSpec {
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
