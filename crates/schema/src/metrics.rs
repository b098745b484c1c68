//! From labels and predictions to figures: the confusion matrix, and what follows from it.

use serde::{Deserialize, Serialize};

/// How often each class was taken for each: row = true class, column = predicted class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfusionMatrix(Vec<Vec<usize>>);

/// The figures of one class. A quotient whose divisor is 0 is 0, as in scikit-learn by default.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// TP / (TP + FP): the share of the images taken for this class that are of it.
    pub precision: f64,
    /// TP / (TP + FN): the share of the images of this class that are found.
    pub recall: f64,
    /// 2 · precision · recall / (precision + recall).
    pub f1: f64,
    /// TP + FN: images of this class.
    pub support: usize,
}

/// Unweighted means over the classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MacroMetrics {
    /// Mean precision.
    pub precision: f64,
    /// Mean recall.
    pub recall: f64,
    /// Mean F1 (of the classes' F1, not of the means).
    pub f1: f64,
}

impl ConfusionMatrix {
    /// Counts `labels` against `predictions`.
    ///
    /// # Panics
    /// If the two differ in length or one is not below `classes`.
    #[must_use]
    pub fn new(labels: &[usize], predictions: &[usize], classes: usize) -> Self {
        assert_eq!(labels.len(), predictions.len(), "one prediction per label");
        let mut counts = vec![vec![0; classes]; classes];
        for (&label, &prediction) in labels.iter().zip(predictions) {
            counts[label][prediction] += 1;
        }
        Self(counts)
    }

    /// The counts, `[true class][predicted class]`.
    #[must_use]
    pub fn counts(&self) -> &[Vec<usize>] {
        &self.0
    }

    /// The share of right predictions; 0 for no images.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let right: usize = (0..self.0.len()).map(|class| self.0[class][class]).sum();
        ratio(right, self.0.iter().flatten().sum())
    }

    /// The figures of each class.
    #[must_use]
    pub fn per_class(&self) -> Vec<ClassMetrics> {
        (0..self.0.len())
            .map(|class| {
                let right = self.0[class][class];
                let predicted: usize = self.0.iter().map(|row| row[class]).sum();
                let support: usize = self.0[class].iter().sum();
                ClassMetrics {
                    precision: ratio(right, predicted),
                    recall: ratio(right, support),
                    f1: ratio(2 * right, predicted + support),
                    support,
                }
            })
            .collect()
    }

    /// The means over the classes.
    #[must_use]
    pub fn macro_average(&self) -> MacroMetrics {
        let per_class = self.per_class();
        let mean = |figure: fn(&ClassMetrics) -> f64| {
            per_class.iter().map(figure).sum::<f64>() / per_class.len().max(1) as f64
        };
        MacroMetrics { precision: mean(|c| c.precision), recall: mean(|c| c.recall), f1: mean(|c| c.f1) }
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `sklearn.metrics.precision_recall_fscore_support`; made by `scripts/golden/metrics.py`.
    #[test]
    fn equals_scikit_learn() {
        let labels = [0, 1, 2, 2, 1, 0, 3, 3, 3, 1];
        let predictions = [0, 2, 2, 2, 1, 0, 1, 3, 0, 1];
        let confusion = ConfusionMatrix::new(&labels, &predictions, 5);
        let per_class = confusion.per_class();
        let expected = [
            (2.0 / 3.0, 1.0, 0.8, 2),
            (2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 3),
            (2.0 / 3.0, 1.0, 0.8, 2),
            (1.0, 1.0 / 3.0, 0.5, 3),
            (0.0, 0.0, 0.0, 0),
        ];
        for (class, (precision, recall, f1, support)) in per_class.iter().zip(expected) {
            assert!((class.precision - precision).abs() < 1e-12, "{class:?}");
            assert!((class.recall - recall).abs() < 1e-12 && (class.f1 - f1).abs() < 1e-12, "{class:?}");
            assert_eq!(class.support, support);
        }
        assert!((confusion.accuracy() - 0.7).abs() < 1e-12);
        let mean = confusion.macro_average();
        assert!((mean.precision - 0.6).abs() < 1e-12 && (mean.recall - 0.6).abs() < 1e-12, "{mean:?}");
        assert!((mean.f1 - (0.8 + 2.0 / 3.0 + 0.8 + 0.5) / 5.0).abs() < 1e-12, "{mean:?}");
    }

    proptest! {
        #[test]
        fn figures_are_consistent(pairs in proptest::collection::vec((0usize..4, 0usize..4), 0..60)) {
            let (labels, predictions): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            let confusion = ConfusionMatrix::new(&labels, &predictions, 4);
            let per_class = confusion.per_class();
            prop_assert_eq!(per_class.iter().map(|class| class.support).sum::<usize>(), labels.len());
            // Accuracy is the mean recall weighted by support.
            let weighted: f64 = per_class.iter().map(|class| class.recall * class.support as f64).sum();
            prop_assert!((confusion.accuracy() * labels.len() as f64 - weighted).abs() < 1e-9);
            for class in per_class {
                let (low, high) = (class.precision.min(class.recall), class.precision.max(class.recall));
                prop_assert!(class.f1 <= high + 1e-12 && (class.f1 >= low - 1e-12 || low == 0.0));
            }
        }
    }
}
