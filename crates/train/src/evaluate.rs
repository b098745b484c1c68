//! Scores of many images, and their loss.

use burn::tensor::{Device, Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::{Classifier, Loss, Scores};
use zoo_data::{ImageShape, Subset, View};

use crate::error::TrainError;
use crate::rows::Rows;

/// How images are seen when they are scored: the scores of several views are averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestTimeAugmentation {
    /// As they are.
    #[default]
    None,
    /// As they are and mirrored.
    Mirror,
    /// Both of these, and both moved by one pixel up and left, and down and right: the moved ones count half (Jordan, 2024).
    MirrorAndShifts,
    /// As they are, and moved likewise; the moved ones count half.
    Shifts,
}

impl TestTimeAugmentation {
    /// Its name in a recipe.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Mirror => "mirror",
            Self::MirrorAndShifts => "mirror_and_shifts",
            Self::Shifts => "shifts",
        }
    }

    /// What is left of it for images that are [mirrorable](zoo_data::Images::mirrorable) or not: those that aren't are not mirrored.
    #[must_use]
    pub const fn resolve(self, mirrorable: bool) -> Self {
        match self {
            Self::Mirror if !mirrorable => Self::None,
            Self::MirrorAndShifts if !mirrorable => Self::Shifts,
            other => other,
        }
    }

    /// The views, and what each counts; together 1.
    fn views(self) -> Vec<(View, f64)> {
        let both = |by: i32, weight: f64| [false, true].map(|mirrored| (View::new(mirrored, by, by), weight));
        match self {
            Self::None => vec![(View::PLAIN, 1.0)],
            Self::Mirror => both(0, 0.5).into(),
            Self::MirrorAndShifts => [both(0, 0.25), both(-1, 0.125), both(1, 0.125)].concat(),
            Self::Shifts => [(0, 0.5), (-1, 0.25), (1, 0.25)]
                .map(|(by, weight)| (View::new(false, by, by), weight))
                .into(),
        }
    }
}

/// Scores every image of `subset`, in order, as it is.
///
/// # Errors
/// [`TrainError::Device`] if the device can't deliver, [`TrainError::NotFinite`] if a score is not a finite number.
pub fn score(classifier: &dyn Classifier, subset: &Subset, device: &Device) -> Result<Scores, TrainError> {
    score_augmented(classifier, subset, TestTimeAugmentation::None, device, &mut |_| {})
}

/// Scores every image of `subset`, in order, in the views of `augmentation` that [suit](TestTimeAugmentation::resolve) the
/// images. `progress` is told after each batch how many images
/// are done.
///
/// # Errors
/// Those of [`score`].
pub fn score_augmented(
    classifier: &dyn Classifier,
    subset: &Subset,
    augmentation: TestTimeAugmentation,
    device: &Device,
    progress: &mut dyn FnMut(usize),
) -> Result<Scores, TrainError> {
    let batch_size = batch_size(classifier, subset, device);
    score_views(classifier, subset, (augmentation, batch_size), device, progress)
}

/// [`score`], `most` images at a time at most.
pub(crate) fn score_at_most(
    classifier: &dyn Classifier,
    subset: &Subset,
    device: &Device,
    most: usize,
) -> Result<Scores, TrainError> {
    let batch_size = batch_size(classifier, subset, device).min(most);
    score_views(classifier, subset, (TestTimeAugmentation::None, batch_size), device, &mut |_| {})
}

fn score_views(
    classifier: &dyn Classifier,
    subset: &Subset,
    (augmentation, batch_size): (TestTimeAugmentation, usize),
    device: &Device,
    progress: &mut dyn FnMut(usize),
) -> Result<Scores, TrainError> {
    let mut collected = Collected::of(subset.shape().values(), device);
    let views = augmentation.resolve(subset.is_mirrorable()).views();
    for start in (0..subset.len()).step_by(batch_size) {
        let end = (start + batch_size).min(subset.len());
        let images = subset.viewed(start..end, views.iter().map(|&(view, _)| view), device);
        let of_views = images.zip(&views).map(|(images, &(_, weight))| {
            let scores = classifier.forward(images);
            if weight == 1.0 { scores } else { scores * weight }
        });
        if let Some(mean) = of_views.reduce(|sum, scores| sum + scores) {
            collected.add(mean)?;
        }
        progress(end);
    }
    collected.finish()
}

/// Scores on their way from the device. The CPU gives those of each batch at once. A GPU is waited for only when it has been given many
/// images: else it would have nothing to do each time.
struct Collected {
    scores: Scores,
    waiting: Vec<Tensor<2>>,
    /// Images whose scores are waiting.
    images: usize,
    /// The most of them: what a GPU has been given lies in its memory.
    most: usize,
}

/// The most images that a GPU is given at once.
const GIVEN: usize = 10_000;
/// The most bytes of pixels.
const GIVEN_BYTES: usize = 256 << 20;

impl Collected {
    /// None yet, of images with this many `values`.
    fn of(values: usize, device: &Device) -> Self {
        let most = if zoo_kernels::is_gpu(device) { GIVEN.min(GIVEN_BYTES / values.max(1)) } else { 0 };
        Self { scores: Scores::empty(), waiting: Vec::new(), images: 0, most }
    }

    /// Adds the scores of a batch, `[batch, classes]`.
    fn add(&mut self, scores: Tensor<2>) -> Result<(), TrainError> {
        self.images += scores.dims()[0];
        self.waiting.push(scores);
        if self.images >= self.most { self.read() } else { Ok(()) }
    }

    /// Waits for the scores that are waited for.
    fn read(&mut self) -> Result<(), TrainError> {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.images = 0;
        let scores = match waiting.len() {
            0 => return Ok(()),
            1 => waiting.remove(0),
            _ => Tensor::cat(waiting, 0),
        };
        self.scores.extend(scores).map_err(TrainError::Device)
    }

    /// All scores, which must be finite.
    fn finish(mut self) -> Result<Scores, TrainError> {
        self.read()?;
        if self.scores.are_finite() { Ok(self.scores) } else { Err(TrainError::NotFinite) }
    }
}

/// Images that are scored at a time: as many as the classifier handles well of CIFAR-10's size, fewer of larger ones for the sake of memory, but
/// 100 if it handles them.
fn batch_size(classifier: &dyn Classifier, subset: &Subset, device: &Device) -> usize {
    let most = classifier.batch_size(device);
    most.min((most * ImageShape::CIFAR10.values() / subset.shape().values().max(1)).max(100))
}

/// Scores images by their features, `most` at a time at most.
pub(crate) fn score_rows(
    model: &dyn Classifier,
    rows: &Rows,
    device: &Device,
    most: usize,
) -> Result<Scores, TrainError> {
    let mut collected = Collected::of(rows.length(), device);
    let positions: Vec<usize> = (0..rows.len()).collect();
    for positions in positions.chunks(model.batch_size(device).min(most)) {
        collected.add(model.forward(rows.batch(positions, device)))?;
    }
    collected.finish()
}

/// The mean loss of `scores` against `labels`, one per image; `None` for no images.
///
/// # Errors
/// [`TrainError::Device`] if the device can't deliver.
pub fn mean_loss(
    loss: &Loss,
    scores: &Scores,
    labels: &[usize],
    device: &Device,
) -> Result<Option<f64>, TrainError> {
    if scores.is_empty() {
        return Ok(None);
    }
    let values: Vec<f32> = scores.rows().flatten().copied().collect();
    let values = zoo_kernels::upload(TensorData::new(values, [scores.len(), scores.classes()]), device);
    let labels: Vec<i32> = labels.iter().map(|&label| label as i32).collect();
    let labels = zoo_kernels::upload(TensorData::new(labels, [scores.len()]), device);
    read(loss.forward(values, labels)).map(Some)
}

/// Waits for a single number.
pub(crate) fn read(value: Tensor<1>) -> Result<f64, TrainError> {
    read_all(value).map(|values| values[0])
}

/// Waits for several numbers, once.
pub(crate) fn read_all(values: Tensor<1>) -> Result<Vec<f64>, TrainError> {
    let data = zoo_kernels::read(values).map_err(|error| TrainError::Device(error.to_string()))?;
    data.convert::<f64>().try_to_vec::<f64>().map_err(|error| TrainError::Device(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use zoo_data::{Images, shapes10};

    use super::*;

    /// Scores an image by its corners.
    struct Corners;

    impl Classifier for Corners {
        fn batch_size(&self, _device: &Device) -> usize {
            7
        }

        fn forward(&self, images: Tensor<4>) -> Tensor<2> {
            let [batch, _, height, width] = images.dims();
            let corner = |row: usize, column: usize| {
                let pixel = images.clone().slice([0..batch, 0..1, row..row + 1, column..column + 1]);
                pixel.reshape([batch, 1])
            };
            Tensor::cat(vec![corner(0, 0), corner(height - 1, width - 1)], 1)
        }
    }

    #[test]
    fn what_mirroring_would_change_is_not_mirrored() {
        use TestTimeAugmentation::{Mirror, MirrorAndShifts, None, Shifts};
        let all = [None, Mirror, MirrorAndShifts, Shifts];
        assert_eq!(all.map(|one| one.resolve(true)), all);
        assert_eq!(all.map(|one| one.resolve(false)), [None, None, Shifts, Shifts]);

        let test = shapes10::generate(10, 10, 1).test;
        let pixels = (0..10).flat_map(|image| test.pixels(image).to_vec()).collect();
        let labels = (0..10).map(|image| test.label(image) as u32).collect();
        let images = Images::new(test.shape(), pixels, labels).unwrap().mirrorable(false);
        let folder = Subset::all(Arc::new(images));
        let scores = |subset: &Subset, augmentation| {
            score_augmented(&Corners, subset, augmentation, &Device::flex(), &mut |_| {}).unwrap()
        };
        assert_eq!(scores(&folder, Mirror), scores(&test, None));
        assert_eq!(scores(&folder, MirrorAndShifts), scores(&test, Shifts));
        assert_ne!(scores(&test, MirrorAndShifts), scores(&test, Shifts));
    }

    #[test]
    fn views_are_averaged_by_their_weights() {
        let test = shapes10::generate(10, 10, 1).test;
        let pixel =
            |image: usize, row: usize, column: usize| f32::from(test.pixels(image)[row * 32 + column]);
        let mut done = Vec::new();
        let mut run = |augmentation| {
            let mut progress = |count| done.push(count);
            score_augmented(&Corners, &test, augmentation, &Device::flex(), &mut progress).unwrap()
        };
        let plain = run(TestTimeAugmentation::None);
        assert_eq!(score(&Corners, &test, &Device::flex()).unwrap(), plain);
        let mirrored = run(TestTimeAugmentation::Mirror);
        let shifted = run(TestTimeAugmentation::MirrorAndShifts);
        assert_eq!(done[..2], [7, 10]);
        assert_eq!(score_at_most(&Corners, &test, &Device::flex(), 3).unwrap(), plain);
        for (image, ((plain, mirrored), shifted)) in
            plain.rows().zip(mirrored.rows()).zip(shifted.rows()).enumerate()
        {
            assert_eq!(plain, [pixel(image, 0, 0), pixel(image, 31, 31)]);
            let both = |row, columns: [usize; 2]| {
                f32::midpoint(pixel(image, row, columns[0]), pixel(image, row, columns[1]))
            };
            assert_eq!(mirrored, [both(0, [0, 31]), both(31, [0, 31])]);
            // Up and left of the first corner is its reflection, (1, 1); down and right of it is (1, 1), too.
            let inner = [both(1, [1, 30]), both(30, [1, 30])];
            let expected = [0, 1].map(|at| f32::midpoint(mirrored[at], inner[at]));
            assert!(
                shifted.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3),
                "{shifted:?} {expected:?}"
            );
        }
    }
}
