//! Scores that have come back from the device.

use burn::tensor::Tensor;
use zoo_schema::{ConfusionMatrix, TestMetrics};

/// The guesses of top-5 accuracy.
const GUESSES: usize = 5;

/// Scores `[images, classes]` in memory, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    values: Vec<f32>,
    classes: usize,
}

impl Scores {
    /// Scores of no image yet; the number of classes is 0 until the first batch says what it is.
    #[must_use]
    pub const fn empty() -> Self {
        Self { values: Vec::new(), classes: 0 }
    }

    /// Takes rows of `classes` scores.
    ///
    /// # Panics
    /// If `values` is not a whole number of rows.
    #[must_use]
    pub fn from_rows(values: Vec<f32>, classes: usize) -> Self {
        assert!(
            classes > 0 && values.len().is_multiple_of(classes),
            "{} values in rows of {classes}",
            values.len()
        );
        Self { values, classes }
    }

    /// Appends the scores of a batch, `[batch, classes]`; waits for the device.
    ///
    /// # Errors
    /// What the device reports if it can't deliver.
    ///
    /// # Panics
    /// If the batch is of another number of classes than the scores before it.
    pub fn extend(&mut self, scores: Tensor<2>) -> Result<(), String> {
        let [_, classes] = scores.dims();
        assert!(self.is_empty() || self.classes == classes, "{classes} classes after {}", self.classes);
        self.classes = classes;
        let data = zoo_kernels::read(scores).map_err(|error| error.to_string())?;
        self.values.extend(data.convert::<f32>().try_to_vec::<f32>().map_err(|error| error.to_string())?);
        Ok(())
    }

    /// Whether every score is a number, and none infinite.
    #[must_use]
    pub fn are_finite(&self) -> bool {
        self.values.iter().all(|score| score.is_finite())
    }

    /// The number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() / self.classes.max(1)
    }

    /// Whether there are no scores.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The number of classes; 0 for [`empty`](Self::empty) scores.
    #[must_use]
    pub const fn classes(&self) -> usize {
        self.classes
    }

    /// The scores of each image, `[classes]`.
    #[must_use]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.classes.max(1))
    }

    /// The largest absolute difference of a score from that in `other`.
    ///
    /// # Panics
    /// If the two are not of the same number of images and classes.
    #[must_use]
    pub fn largest_difference(&self, other: &Self) -> f64 {
        assert_eq!((self.len(), self.classes), (other.len(), other.classes), "scores of the same images");
        let differences = self.values.iter().zip(&other.values).map(|(a, b)| f64::from((a - b).abs()));
        differences.fold(
            0.0,
            |most, difference| if difference > most || difference.is_nan() { difference } else { most },
        )
    }

    /// The class with the largest score of each image; the smaller class number among equals.
    #[must_use]
    pub fn predictions(&self) -> Vec<usize> {
        let best = |row: &[f32]| {
            (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best })
        };
        self.rows().map(best).collect()
    }

    /// Top-k accuracy: the share of images whose label is among the `k` largest scores, the smaller class number first
    /// among equals. 0 for no images.
    ///
    /// # Panics
    /// If there is not one label per image.
    #[must_use]
    pub fn top_k_accuracy(&self, labels: &[usize], k: usize) -> f64 {
        self.hits(labels, k, f32::NEG_INFINITY)
    }

    /// Top-5 accuracy, `None` where it says nothing: with no more than five classes every guess would be right. Where scores are of
    /// `votes`, each for one class, a class without any is no guess, and fewer than five votes are no five guesses.
    ///
    /// # Panics
    /// If there is not one label per image.
    #[must_use]
    pub fn top_5_accuracy(&self, labels: &[usize], votes: Option<usize>) -> Option<f64> {
        // A vote counts 1, whatever else orders classes with equally many.
        let least = if votes.is_some() { 1.0 } else { f32::NEG_INFINITY };
        let says_something = self.classes > GUESSES && votes.is_none_or(|votes| votes >= GUESSES);
        says_something.then(|| self.hits(labels, GUESSES, least))
    }

    /// The share of images whose label is among the `k` largest scores, and is at least `least`.
    fn hits(&self, labels: &[usize], k: usize, least: f32) -> f64 {
        assert_eq!(labels.len(), self.len(), "one label per image");
        let ahead = |row: &[f32], label: usize| {
            row.iter()
                .enumerate()
                .filter(|&(class, &score)| score > row[label] || (score == row[label] && class < label))
                .count()
        };
        let hit = |row: &[f32], label: usize| row[label] >= least && ahead(row, label) < k;
        let hits = self.rows().zip(labels).filter(|&(row, &label)| hit(row, label)).count();
        hits as f64 / labels.len().max(1) as f64
    }

    /// All figures on test images of these `labels`; `classes` are the names of the classes, in the order of labels, `votes` is what
    /// [`top_5_accuracy`](Self::top_5_accuracy) asks for, and `loss` the mean loss, if there is one.
    ///
    /// # Panics
    /// If there is not one label per image, or not one name per class.
    #[must_use]
    pub fn test_metrics(
        &self,
        labels: &[usize],
        classes: &[String],
        votes: Option<usize>,
        loss: Option<f64>,
    ) -> TestMetrics {
        assert!(self.is_empty() || self.classes == classes.len(), "one name per class");
        let confusion = ConfusionMatrix::new(labels, &self.predictions(), classes.len());
        TestMetrics::new(confusion, self.top_5_accuracy(labels, votes), loss, classes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_k_and_predictions() {
        let scores = Scores::from_rows(vec![0.1, 0.9, 0.5, 2.0, 2.0, 1.0], 3);
        assert_eq!(scores.predictions(), [1, 0]);
        assert_eq!(
            scores.largest_difference(&Scores::from_rows(vec![0.1, 0.9, 0.5, 2.0, 2.25, 1.0], 3)),
            0.25
        );
        assert_eq!(scores.top_k_accuracy(&[2, 1], 1), 0.0);
        assert_eq!(scores.top_k_accuracy(&[2, 1], 2), 1.0);
        assert_eq!(scores.top_k_accuracy(&[0, 1], 2), 0.5);
        assert_eq!(scores.top_k_accuracy(&[0, 2], 3), 1.0);
        let broken = Scores::from_rows(vec![f32::NAN; 3], 3);
        assert!(scores.are_finite() && !broken.are_finite());
        assert_eq!(broken.top_k_accuracy(&[0], 1), 0.0);
    }

    #[test]
    fn five_guesses_are_told_only_where_they_say_something() {
        let six = Scores::from_rows([6.0, 5.0, 4.0, 3.0, 2.0, 1.0].repeat(2), 6);
        assert_eq!(six.top_5_accuracy(&[4, 5], None), Some(0.5));
        let five = Scores::from_rows(vec![0.0; 5], 5);
        assert_eq!(five.top_5_accuracy(&[0], None), None);
        // Three votes for one class, two for another: those without any are no guesses.
        let votes = Scores::from_rows([0.0, 3.5, 0.0, 0.0, 0.0, 2.3].repeat(3), 6);
        assert_eq!(votes.top_5_accuracy(&[0, 1, 5], Some(5)), Some(2.0 / 3.0));
        assert_eq!(votes.top_5_accuracy(&[0, 1, 5], None), Some(1.0));
        assert_eq!(votes.top_5_accuracy(&[0, 1, 5], Some(4)), None);
    }

    #[test]
    fn top_1_is_the_accuracy_of_the_predictions() {
        let scores = Scores::from_rows((0..60).map(|i| ((i * 7919) % 13) as f32).collect(), 6);
        let labels = [0, 1, 2, 3, 4, 5, 0, 1, 2, 3];
        let hits = scores.predictions().iter().zip(labels).filter(|&(&p, l)| p == l).count();
        assert_eq!(scores.top_k_accuracy(&labels, 1), hits as f64 / 10.0);
    }

    #[test]
    fn test_metrics_follow_from_the_scores() {
        let scores = Scores::from_rows(vec![1.0, 0.0, 0.0, 1.0], 2);
        let classes = ["cat".to_string(), "dog".to_string()];
        let metrics = scores.test_metrics(&[0, 0], &classes, None, Some(0.5));
        assert_eq!((metrics.accuracy, metrics.top_5_accuracy, metrics.loss), (0.5, None, Some(0.5)));
        assert_eq!(metrics.confusion.counts(), [[1, 1], [0, 0]]);
    }

    #[test]
    fn the_first_batch_tells_the_number_of_classes() {
        let mut scores = Scores::empty();
        assert_eq!((scores.len(), scores.classes(), scores.rows().len()), (0, 0, 0));
        assert!(scores.is_empty() && scores.predictions().is_empty() && scores.are_finite());
        assert_eq!((scores.top_k_accuracy(&[], 5), scores.largest_difference(&Scores::empty())), (0.0, 0.0));
        let nothing = scores.test_metrics(&[], &["cat".into(), "dog".into()], None, None);
        assert_eq!((nothing.accuracy, nothing.per_class.len()), (0.0, 2));
        let device = burn::tensor::Device::flex();
        for _ in 0..2 {
            scores.extend(Tensor::from_floats([[1.0, 2.0, 3.0]], &device)).unwrap();
        }
        assert_eq!((scores.len(), scores.classes()), (2, 3));
        assert_eq!(scores, Scores::from_rows(vec![1.0, 2.0, 3.0, 1.0, 2.0, 3.0], 3));
    }
}
