//! Two models, each trained several times, on the same images.
//!
//! A model's accuracy is due to chance twice. Another training, with other initial weights and another order of batches, gives another
//! accuracy on the same images; and other test images give another accuracy to the same training. A difference of two models is
//! worth believing only if it would be there again with both drawn anew. The usual tests look at one of the two:
//!
//! - **McNemar's test on one training of each** treats that training as if it were the model. With enough images it finds any two
//!   trainings different, even two of the same model, because they are: neither is exactly as good as the other. What it does not know is
//!   whether the next two trainings would differ the other way round.
//! - **Welch's t-test over the trainings' accuracies** treats the test images as if there were no others. With enough trainings it finds
//!   any two models different, on a hundred images too, because on these very images one is better; on other images the other
//!   might be.
//!
//! Psychologists have the same problem, with subjects and words in the place of trainings and images. Clark (1973, "The
//! language-as-fixed-effect fallacy: A critique of language statistics in psychological research") showed what comes of looking at
//! subjects only, and took the remedy from Winer's quasi-F ratios: let V₁ be the variance that the difference of mean accuracies D has
//! from trainings, and V₂ the one that it has from images. Either test compares D² with one of them; min F′ compares it with their sum,
//!
//! min F′ = D² / (V₁ + V₂) = F₁ · F₂ / (F₁ + F₂), where F₁ = D² / V₁ and F₂ = D² / V₂,
//!
//! which is smaller than either. "min", because V₁ and V₂ both have in them what a training does to a single image, so that the sum
//! counts it twice: min F′ is a lower bound of F′, and its p-value errs on the side of caution.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// What [`min_f`] finds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MinF {
    /// D: the mean accuracy of a minus that of b.
    pub difference: f64,
    /// F₁ = D² / V₁, as if these images were all that there are; `None` if trainings do not differ in accuracy, or each model has only
    /// one.
    pub f_trainings: Option<f64>,
    /// F₂ = D² / V₂, as if these trainings were all that there are; `None` if the difference is the same on all images.
    pub f_images: Option<f64>,
    /// D² / (V₁ + V₂); `None` if both are 0.
    pub min_f: Option<f64>,
    /// The second degrees of freedom of min F′, the first being 1; `None` if V₁ and V₂ are 0.
    pub degrees_of_freedom: Option<f64>,
    /// The probability of such a difference or a larger one if the two models were equally good.
    pub p: f64,
    /// The 95 % interval of D, which has 0 in it where p is 0.05 or more: D ± t √(V₁ + V₂), t being the 97.5 % quantile of Student's
    /// distribution, within −1 to 1. `None` if nothing follows from as few images.
    pub interval: Option<(f64, f64)>,
}

/// A variance, and the degrees of freedom of its estimate.
#[derive(Clone, Copy)]
struct Variance {
    value: f64,
    degrees_of_freedom: f64,
}

/// Clark's min F′ for two models, each trained one or more times: `a[training][image]` is whether that training of model a is right about
/// that image. See [the module](self) for why.
///
/// - D is the mean accuracy of a's trainings minus that of b's.
/// - V₁ = s²ₐ / Nₐ + s²ᵦ / Nᵦ, from the sample variances of the accuracies of Nₐ and Nᵦ trainings; a model with one training adds
///   nothing. Its degrees of freedom are Welch's and Satterthwaite's.
/// - V₂ = s² / n, from the sample variance over n images of the share of a's trainings that are right about it minus that share of b's.
///   Its degrees of freedom are n − 1.
/// - The degrees of freedom of the sum are (V₁ + V₂)² / (V₁² / df₁ + V₂² / df₂), and p is that of a two-sided t-test with t² = min F′.
///
/// Where V₁ = 0, which is so with one training of each, this is the paired t-test over images; where V₂ = 0, it is Welch's t-test over
/// trainings. Where both are 0, p is 1 for D = 0 and 0 otherwise. From fewer than two images nothing follows: p is 1. Sums are of
/// integers, so that a variance that should be 0 is.
///
/// # Panics
/// If a model has no trainings, or not all trainings have equally many images.
#[must_use]
pub fn min_f(a: &[Vec<bool>], b: &[Vec<bool>]) -> MinF {
    assert!(!a.is_empty() && !b.is_empty(), "one training or more of each model");
    let images = a[0].len();
    let trainings = || a.iter().chain(b);
    assert!(
        trainings().all(|training| training.len() == images),
        "all trainings are judged on the same images"
    );
    if images < 2 {
        let difference = if images == 0 { 0.0 } else { accuracy(a) - accuracy(b) };
        return MinF {
            difference,
            f_trainings: None,
            f_images: None,
            min_f: None,
            degrees_of_freedom: None,
            p: 1.0,
            interval: None,
        };
    }
    let differences = differences(a, b);
    let pairs = (a.len() * b.len()) as f64;
    let difference = differences.iter().sum::<i128>() as f64 / (pairs * images as f64);
    let of_images = variance_of_mean(&differences, pairs);
    let of_trainings = sum([a, b].map(|model| variance_of_mean(&right(model), images as f64)));
    let both = sum([of_trainings, of_images]);
    let f = |variance: Option<Variance>| variance.map(|variance| difference * difference / variance.value);
    let exact = if difference == 0.0 { 1.0 } else { 0.0 };
    MinF {
        difference,
        f_trainings: f(of_trainings),
        f_images: f(of_images),
        min_f: f(both),
        degrees_of_freedom: both.map(|variance| variance.degrees_of_freedom),
        p: both.map_or(exact, |variance| {
            two_sided(difference / variance.value.sqrt(), variance.degrees_of_freedom)
        }),
        interval: Some(interval(difference, both)),
    }
}

/// The 95 % interval of a difference with this variance.
fn interval(difference: f64, variance: Option<Variance>) -> (f64, f64) {
    let width = variance.map_or(0.0, |Variance { value, degrees_of_freedom }| {
        value.sqrt() * student(degrees_of_freedom).inverse_cdf(0.975)
    });
    ((difference - width).max(-1.0), (difference + width).min(1.0))
}

/// The mean accuracy of the trainings.
fn accuracy(trainings: &[Vec<bool>]) -> f64 {
    right(trainings).iter().sum::<i128>() as f64 / (trainings.len() * trainings[0].len()) as f64
}

/// How many images each training is right about.
fn right(trainings: &[Vec<bool>]) -> Vec<i128> {
    trainings.iter().map(|training| training.iter().map(|&right| i128::from(right)).sum()).collect()
}

/// For each image, the share of a's trainings that are right minus that of b's, times the trainings of both: an integer.
fn differences(a: &[Vec<bool>], b: &[Vec<bool>]) -> Vec<i128> {
    let right =
        |model: &[Vec<bool>], image: usize| model.iter().map(|right| i128::from(right[image])).sum::<i128>();
    let weigh = |image| right(a, image) * b.len() as i128 - right(b, image) * a.len() as i128;
    (0..a[0].len()).map(weigh).collect()
}

/// The variance of the mean of `values` / `unit`: their sample variance divided by their number. `None` if it is 0, or there are fewer
/// than two values.
fn variance_of_mean(values: &[i128], unit: f64) -> Option<Variance> {
    let count = values.len() as i128;
    let (sum, squares) =
        (values.iter().sum::<i128>(), values.iter().map(|value| value * value).sum::<i128>());
    let spread = count * squares - sum * sum;
    let (spread, count) = (spread as f64 / (unit * unit), count as f64);
    let value = spread / (count * count * (count - 1.0));
    (spread > 0.0).then_some(Variance { value, degrees_of_freedom: count - 1.0 })
}

/// The sum of two independent estimates, with the degrees of freedom of Welch and Satterthwaite: (V + W)² / (V² / df + W² / df′).
fn sum(variances: [Option<Variance>; 2]) -> Option<Variance> {
    let variances = variances.iter().flatten();
    let value: f64 = variances.clone().map(|variance| variance.value).sum();
    let divisor: f64 = variances.map(|variance| variance.value.powi(2) / variance.degrees_of_freedom).sum();
    (value > 0.0).then(|| Variance { value, degrees_of_freedom: value * value / divisor })
}

/// The probability of a t as far from 0 as this, or further.
fn two_sided(t: f64, degrees_of_freedom: f64) -> f64 {
    (2.0 * student(degrees_of_freedom).sf(t.abs())).min(1.0)
}

fn student(degrees_of_freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, degrees_of_freedom).expect("there is one degree of freedom or more")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A training that is right about the images that are marked with `1`.
    fn training(marks: &str) -> Vec<bool> {
        marks.chars().map(|mark| mark == '1').collect()
    }

    #[test]
    fn one_training_each_is_the_paired_t_test() {
        // Differences 1, 1, 1, 0: mean 3/4, variance 1/4, so t = (3/4) / √(1/16) = 3.
        let found = min_f(&[training("1111")], &[training("0001")]);
        assert_eq!((found.difference, found.f_trainings), (0.75, None));
        assert_eq!(
            (found.f_images, found.min_f, found.degrees_of_freedom),
            (Some(9.0), Some(9.0), Some(3.0))
        );
        // As SciPy's t-test of one sample has it for 1, 1, 1, 0.
        assert!((found.p - 0.057_668_885_622_437_3).abs() < 1e-12, "{found:?}");
        // 0.75 ± 3.182446 · 0.25.
        let (low, high) = found.interval.unwrap();
        assert!((low + 0.045_612).abs() < 1e-5 && high == 1.0, "{found:?}");
    }

    #[test]
    fn without_variance_there_is_no_doubt() {
        let same = min_f(&[training("1010")], &[training("1010")]);
        assert_eq!((same.difference, same.min_f, same.p), (0.0, None, 1.0));
        let opposite = min_f(&[training("111"), training("111")], &[training("000")]);
        assert_eq!((opposite.difference, opposite.min_f, opposite.p), (1.0, None, 0.0));
        assert_eq!((same.interval, opposite.interval), (Some((0.0, 0.0)), Some((1.0, 1.0))));
    }

    #[test]
    fn a_variance_of_0_is_0_in_spite_of_rounding() {
        // A third of a's trainings is right about each image, all with the same accuracy.
        let a = [training("100"), training("010"), training("001")];
        let found = min_f(&a, &[training("000")]);
        assert_eq!((found.f_trainings, found.f_images, found.p), (None, None, 0.0));
        assert_eq!(found.difference, 1.0 / 3.0);
    }

    #[test]
    fn nothing_follows_from_one_image() {
        let found = min_f(&[training("1"), training("1")], &[training("0")]);
        assert_eq!((found.difference, found.min_f, found.p), (1.0, None, 1.0));
        assert_eq!(min_f(&[training("")], &[training("")]).p, 1.0);
    }

    #[test]
    #[should_panic(expected = "the same images")]
    fn trainings_are_judged_on_the_same_images() {
        let _ = min_f(&[training("11")], &[training("111")]);
    }

    fn model(images: usize) -> impl Strategy<Value = Vec<Vec<bool>>> {
        proptest::collection::vec(proptest::collection::vec(any::<bool>(), images), 1..5)
    }

    proptest! {
        #[test]
        fn min_f_is_below_both_and_knows_no_order(
            (a, b) in (2_usize..30).prop_flat_map(|images| (model(images), model(images)))
        ) {
            let (found, reversed) = (min_f(&a, &b), min_f(&b, &a));
            prop_assert!((0.0..=1.0).contains(&found.p), "{found:?}");
            prop_assert!((found.p - reversed.p).abs() < 1e-12 && found.difference == -reversed.difference);
            prop_assert!((found.difference - (accuracy(&a) - accuracy(&b))).abs() < 1e-12);
            let (low, high) = found.interval.unwrap();
            let is_within = (low..=high).contains(&0.0);
            prop_assert!((found.p - 0.05).abs() < 1e-6 || is_within == (found.p > 0.05), "{found:?}");
            prop_assert!(-1.0 <= low && low <= found.difference && found.difference <= high && high <= 1.0);
            if let Some(min_f) = found.min_f {
                let smaller = |f: Option<f64>| f.is_none_or(|f| min_f <= f * (1.0 + 1e-12));
                prop_assert!(smaller(found.f_trainings) && smaller(found.f_images), "{found:?}");
                prop_assert!(found.degrees_of_freedom.unwrap() >= 1.0 - 1e-12, "{found:?}");
            }
        }
    }
}
