//! Models that remember their training images.

use serde_json::Value;
use zoo_schema::{Comparison, Finding, ModelResult, Severity};

use crate::rows::{Share, about, is_descent, listed, trained, value};

/// Its name.
pub(super) const CODE: &str = "over-fitted";

/// How much more accurate on training images than on validation images a model must be: ten points, which for one that is right on all
/// training images is skore's tenth. What the book calls overfitting are gaps of 16 to 50 points, and that of a network which
/// generalises is one (`docs/tutorial/3.7-normalization.md`, `3.8-evaluation.md`, `4.7-training.md`).
const GAP: f64 = 0.1;

/// Trained models that are far more accurate on their training images than on the validation images.
pub(super) fn over_fitted(comparison: &Comparison) -> Vec<Finding> {
    trained(comparison).into_iter().filter_map(finding).collect()
}

/// Both shares of a model, training images first, if they are far apart.
pub(super) fn gap(result: &ModelResult) -> Option<(Share, Share)> {
    let (train, validation) = (Share::of_train(result)?, Share::of_validation(result)?);
    // A little room for a gap that is ten points in decimals.
    let is_large = train.accuracy - validation.accuracy >= GAP - 1e-9;
    (is_large && train.is_above(&validation)).then_some((train, validation))
}

fn finding(result: &ModelResult) -> Option<Finding> {
    let (train, validation) = gap(result)?;
    let says = format!(
        "{} gets {} of its training images right, but only {} of the validation images: it memorises; what helps is {}",
        result.label(),
        train.percent(),
        validation.percent(),
        listed(&remedies(result), "or"),
    );
    Some(about(result, CODE, Severity::Note, says))
}

/// What there is against it, the keys as far as the model's recipe has them.
fn remedies(result: &ModelResult) -> Vec<String> {
    let mut remedies = vec!["more images".to_string()];
    // What is found by trying looks at images as they are.
    if is_descent(result) {
        let flips = value(result, "augment.flip").and_then(Value::as_str);
        remedies.extend((flips == Some("none")).then(|| "augment.flip=random".into()));
        let keys = [
            "augment.crop",
            "optimizer.weight_decay",
            "architecture.dropout",
            "architecture.stochastic_depth",
        ];
        let larger = keys.iter().filter(|key| value(result, key).is_some());
        remedies.extend(larger.map(|key| format!("a larger {key}")));
    }
    // The best epoch is kept: only where it is not the last are later ones of no use.
    let is_past_best = result.kept_epoch < result.history.last().map(|record| record.epoch);
    let has_key = value(result, "train.epochs").is_some();
    remedies.extend((is_past_best && has_key).then(|| "fewer train.epochs".into()));
    remedies
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn says(result: ModelResult) -> Vec<String> {
        over_fitted(&samples::comparison(vec![result])).into_iter().map(|finding| finding.says).collect()
    }

    #[test]
    fn a_gap_is_told_with_what_closes_it() {
        let expected = "mlp gets 95.3 % of its training images right, but only 46.0 % of the validation images: it \
                        memorises; what helps is more images, augment.flip=random, a larger augment.crop, a larger \
                        optimizer.weight_decay, a larger architecture.dropout or fewer train.epochs";
        assert_eq!(says(samples::trained("mlp", (0.953, 2000), (0.46, 1000))), [expected]);
    }

    #[test]
    fn only_keys_that_the_recipe_has_are_named() {
        let mut result = samples::trained("mlp", (0.953, 2000), (0.46, 1000));
        result.config["optimizer"]["kind"] = "random_search".into();
        assert!(says(result.clone())[0].ends_with("what helps is more images or fewer train.epochs"));
        result.kept_epoch = Some(8);
        assert!(says(result.clone())[0].ends_with("what helps is more images"));
        result.config = Value::Null;
        assert!(says(result)[0].ends_with("what helps is more images"));
    }

    #[test]
    fn ten_points_are_a_gap_and_nine_are_none() {
        assert_eq!(says(samples::trained("mlp", (0.6, 2000), (0.5, 2000))).len(), 1);
        assert_eq!(says(samples::trained("mlp", (0.59, 2000), (0.5, 2000))), [""; 0]);
    }

    #[test]
    fn a_gap_that_chance_explains_is_none() {
        assert_eq!(says(samples::trained("mlp", (0.7, 2000), (0.5, 10))), [""; 0]);
    }

    #[test]
    fn what_is_not_trained_memorises_anyway() {
        let mut result = samples::trained("knn", (1.0, 2000), (0.3, 1000));
        result.history.clear();
        assert_eq!(says(result), [""; 0]);
    }
}
