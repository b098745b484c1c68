//! From labels and predictions to figures: the confusion matrix, and what follows from it.

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// How often each class was taken for each: row = true class, column = predicted class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ConfusionMatrix(Vec<Vec<usize>>);

impl<'de> Deserialize<'de> for ConfusionMatrix {
    /// Reads counts, which may come from anyone: there must be as many columns as rows.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let counts: Vec<Vec<usize>> = Deserialize::deserialize(deserializer)?;
        let rows = counts.len();
        if let Some(row) = counts.iter().find(|row| row.len() != rows) {
            let columns = row.len();
            return Err(D::Error::custom(format!(
                "a confusion matrix of {rows} rows has one with {columns} columns"
            )));
        }
        Ok(Self(counts))
    }
}

/// The figures of one class. A quotient whose divisor is 0 is 0, as in scikit-learn by default.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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

/// Unweighted means over the classes. A class that has neither images nor predictions is left out, as in scikit-learn by default.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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

    /// How many predictions are right.
    #[must_use]
    pub fn right(&self) -> usize {
        (0..self.0.len()).map(|class| self.0[class][class]).sum()
    }

    /// How many images were counted.
    #[must_use]
    pub fn images(&self) -> usize {
        self.0.iter().flatten().sum()
    }

    /// Which classes were taken for which others: class, prediction and how many images, the most first.
    #[must_use]
    pub fn confused(&self) -> Vec<(usize, usize, usize)> {
        let mut pairs = Vec::new();
        for (class, counts) in self.0.iter().enumerate() {
            let wrong =
                counts.iter().enumerate().filter(|&(prediction, &count)| prediction != class && count > 0);
            pairs.extend(wrong.map(|(prediction, &count)| (class, prediction, count)));
        }
        pairs.sort_by_key(|&(.., count)| std::cmp::Reverse(count));
        pairs
    }

    /// The share of right predictions; 0 for no images.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        ratio(self.right(), self.images())
    }

    /// The mean recall of the classes that have images: accuracy as if all classes were of one size; 0 for no images.
    #[must_use]
    pub fn balanced_accuracy(&self) -> f64 {
        let per_class = self.per_class();
        mean(per_class.iter().filter(|class| class.support > 0).map(|class| class.recall))
    }

    /// The correlation of classes and predictions, from −1 to 1 (Matthews' coefficient for any number of classes: Gorodkin, 2004,
    /// "Comparing two K-category assignments by a K-category correlation coefficient"). With s images, c of them right, tₖ images of
    /// class k and pₖ predictions of it:
    ///
    /// (c · s − Σ tₖ · pₖ) / √((s² − Σ tₖ²) · (s² − Σ pₖ²)).
    ///
    /// Guessing comes to 0, however unequal the classes are. It is 0, too, where the formula says 0 / 0, as in scikit-learn: for no
    /// images, or if all images or all predictions are of one class.
    #[must_use]
    pub fn matthews_correlation(&self) -> f64 {
        let Products { agreement, chance, all, labels, predictions } = self.products();
        let variances = (all - labels) as f64 * (all - predictions) as f64;
        if variances == 0.0 { 0.0 } else { (agreement - chance) as f64 / variances.sqrt() }
    }

    /// Agreement of classes and predictions beyond chance (Cohen, 1960, "A coefficient of agreement for nominal scales"): 1 for
    /// agreement everywhere, 0 for as much as if the same predictions were shuffled. With s images, c of them right, tₖ images of
    /// class k and pₖ predictions of it:
    ///
    /// (c / s − e) / (1 − e), where e = Σ tₖ · pₖ / s².
    ///
    /// `None` where that does not exist: for no images, or if all images and all predictions are of one and the same class.
    // ANCHOR: cohen_kappa
    #[must_use]
    pub fn cohen_kappa(&self) -> Option<f64> {
        let Products { agreement, chance, all, .. } = self.products();
        (all > chance).then(|| (agreement - chance) as f64 / (all - chance) as f64)
    }
    // ANCHOR_END: cohen_kappa

    // ANCHOR: per_class
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
    // ANCHOR_END: per_class

    /// The means over the classes that have images or predictions, as in scikit-learn by default; 0 if there are none.
    #[must_use]
    pub fn macro_average(&self) -> MacroMetrics {
        let per_class = self.per_class();
        let is_predicted = |class: usize| self.0.iter().any(|row| row[class] > 0);
        let is_there = |&class: &usize| per_class[class].support > 0 || is_predicted(class);
        let there: Vec<_> = (0..per_class.len()).filter(is_there).map(|class| per_class[class]).collect();
        let mean = |figure: fn(&ClassMetrics) -> f64| mean(there.iter().map(figure));
        MacroMetrics { precision: mean(|c| c.precision), recall: mean(|c| c.recall), f1: mean(|c| c.f1) }
    }

    fn products(&self) -> Products {
        let classes = 0..self.0.len();
        let count = |label: usize, prediction: usize| self.0[label][prediction] as i128;
        let labels: Vec<i128> =
            classes.clone().map(|k| classes.clone().map(|other| count(k, other)).sum()).collect();
        let predictions: Vec<i128> =
            classes.clone().map(|k| classes.clone().map(|other| count(other, k)).sum()).collect();
        let right: i128 = classes.map(|class| count(class, class)).sum();
        let images: i128 = labels.iter().sum();
        let product = |left: &[i128], right: &[i128]| left.iter().zip(right).map(|(a, b)| a * b).sum();
        Products {
            agreement: right * images,
            chance: product(&labels, &predictions),
            all: images * images,
            labels: product(&labels, &labels),
            predictions: product(&predictions, &predictions),
        }
    }
}

/// Sums of products of counts, in integers, so that differences of them are exact; wide enough for 2⁶³ images.
struct Products {
    /// c · s: right predictions times images.
    agreement: i128,
    /// Σ tₖ · pₖ over the classes: images times predictions.
    chance: i128,
    /// s²: images squared.
    all: i128,
    /// Σ tₖ²: images squared, by class.
    labels: i128,
    /// Σ pₖ²: predictions squared, by class.
    predictions: i128,
}

/// The mean; 0 of nothing.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    sum / count.max(1) as f64
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// scikit-learn's are in `tests/golden.rs`.
    #[test]
    fn by_hand() {
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
        // The last class has neither images nor predictions.
        assert!((mean.precision - 0.75).abs() < 1e-12 && (mean.recall - 0.75).abs() < 1e-12, "{mean:?}");
        assert!((mean.f1 - (0.8 + 2.0 / 3.0 + 0.8 + 0.5) / 4.0).abs() < 1e-12, "{mean:?}");
        assert!((confusion.balanced_accuracy() - 0.75).abs() < 1e-12);
        assert_eq!((confusion.right(), confusion.images()), (7, 10));
    }

    #[test]
    fn figures_that_do_not_exist() {
        let nothing = ConfusionMatrix::new(&[], &[], 3);
        assert_eq!((nothing.right(), nothing.images(), nothing.accuracy()), (0, 0, 0.0));
        assert_eq!((nothing.balanced_accuracy(), nothing.matthews_correlation()), (0.0, 0.0));
        assert_eq!(nothing.cohen_kappa(), None);
        assert_eq!(nothing.macro_average(), MacroMetrics { precision: 0.0, recall: 0.0, f1: 0.0 });
        let one_class = ConfusionMatrix::new(&[1, 1], &[1, 1], 3);
        assert_eq!((one_class.balanced_accuracy(), one_class.matthews_correlation()), (1.0, 0.0));
        assert_eq!(one_class.cohen_kappa(), None);
        assert_eq!(one_class.macro_average(), MacroMetrics { precision: 1.0, recall: 1.0, f1: 1.0 });
    }

    #[test]
    fn a_class_that_is_only_predicted_counts() {
        let mean = ConfusionMatrix::new(&[0, 0], &[0, 1], 3).macro_average();
        assert_eq!((mean.precision, mean.recall), (0.5, 0.25));
    }

    #[test]
    fn counts_may_be_large() {
        let count = 1_usize << 60;
        let confusion = ConfusionMatrix(vec![vec![count, count], vec![0, count]]);
        assert!((confusion.matthews_correlation() - 0.5).abs() < 1e-12);
        assert!((confusion.cohen_kappa().unwrap() - 0.4).abs() < 1e-12);
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
            prop_assert!((-1.0 - 1e-12..=1.0 + 1e-12).contains(&confusion.matthews_correlation()));
            prop_assert!(confusion.cohen_kappa().is_none_or(|kappa| (-1.0..=1.0).contains(&kappa)));
            prop_assert!((0.0..=1.0 + 1e-12).contains(&confusion.balanced_accuracy()));
            for class in per_class {
                let (low, high) = (class.precision.min(class.recall), class.precision.max(class.recall));
                prop_assert!(class.f1 <= high + 1e-12 && (class.f1 >= low - 1e-12 || low == 0.0));
            }
        }
    }
}
