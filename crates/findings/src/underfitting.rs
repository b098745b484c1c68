//! Models that don't even get their training images right.

use serde_json::Value;
use zoo_report::percent;
use zoo_schema::{Comparison, Finding, ModelResult, Severity};

use crate::overfitting;
use crate::rows::{Share, about, is_descent, listed, rows, trained, value};

/// Its name.
pub(super) const CODE: &str = "under-fitted";

/// Trained models that get fewer of their own training images right than another gets of the validation images, or no more than
/// always saying the largest class would.
pub(super) fn under_fitted(comparison: &Comparison) -> Vec<Finding> {
    let others = rows(comparison);
    trained(comparison).into_iter().filter_map(|result| finding(comparison, result, &others)).collect()
}

fn finding(comparison: &Comparison, result: &ModelResult, others: &[&ModelResult]) -> Option<Finding> {
    // What memorises is not too simple: `over-fitted` says so.
    if overfitting::gap(result).is_some() {
        return None;
    }
    let train = Share::of_train(result)?;
    let reason = guessing(comparison, &train).or_else(|| better(result, &train, others))?;
    let says = format!(
        "{} gets {} of its own training images right, {reason}; try {}",
        result.label(),
        train.percent(),
        listed(&remedies(result), "or"),
    );
    Some(about(result, CODE, Severity::Note, says))
}

/// That always saying the largest class would do as well, if it would.
fn guessing(comparison: &Comparison, train: &Share) -> Option<String> {
    let counts = comparison.dataset.train_per_class.iter().zip(&comparison.dataset.classes);
    // The first of equals.
    let (largest, class) = counts.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    let all: usize = comparison.dataset.train_per_class.iter().sum();
    let share = *largest as f64 / all.max(1) as f64;
    (*largest > 0 && train.interval.low <= share).then(|| {
        format!(
            "and always saying {class} would get {}: it has learnt nothing, or hardly anything",
            percent(share, 1)
        )
    })
}

/// That another model is better on images that it has not learnt from, if one is: the best of them.
fn better(result: &ModelResult, train: &Share, others: &[&ModelResult]) -> Option<String> {
    let others = others.iter().filter(|other| !std::ptr::eq(**other, result));
    let shares = others.filter_map(|other| Some((other.label(), Share::of_validation(other)?)));
    let (other, share) = shares
        .filter(|(_, share)| share.is_above(train))
        .max_by(|(_, left), (_, right)| left.accuracy.total_cmp(&right.accuracy))?;
    Some(format!(
        "and {other} {} of the validation images: {} is too simple for these images, or has learnt too little",
        share.percent(),
        result.label(),
    ))
}

/// What there is against it, the keys as far as the model's recipe has them.
fn remedies(result: &ModelResult) -> Vec<String> {
    let mut remedies = Vec::new();
    let features = value(result, "architecture.features").and_then(Value::as_str);
    remedies.extend((features == Some("pixels")).then(|| "architecture.features=hog_hue".into()));
    remedies.push("more train.epochs".into());
    remedies.extend(is_descent(result).then(|| "another optimizer.learning_rate".into()));
    remedies
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn says(comparison: &Comparison) -> Vec<String> {
        under_fitted(comparison).into_iter().map(|finding| finding.says).collect()
    }

    #[test]
    fn another_model_does_better_on_images_that_it_has_not_seen() {
        let softmax = samples::trained("softmax", (0.65, 2000), (0.64, 1000));
        let cnn = samples::trained("cnn", (0.9, 2000), (0.86, 1000));
        let vgg = samples::trained("vgg", (0.85, 2000), (0.84, 1000));
        let expected = "softmax gets 65.0 % of its own training images right, and cnn 86.0 % of the validation images: softmax is \
                        too simple for these images, or has learnt too little; try architecture.features=hog_hue, more \
                        train.epochs or another optimizer.learning_rate";
        let comparison = samples::comparison(vec![vgg, cnn, softmax]);
        assert_eq!(says(&comparison), [expected]);
        assert_eq!(under_fitted(&comparison)[0].model.as_deref(), Some("softmax"));
    }

    #[test]
    fn no_better_than_guessing_on_its_own_images() {
        let expected = "cnn gets 51.0 % of its own training images right, and always saying cat would get 50.0 %: it has learnt \
                        nothing, or hardly anything; try more train.epochs or another optimizer.learning_rate";
        let mut result = samples::trained("cnn", (0.51, 1000), (0.5, 1000));
        result.config["architecture"] = serde_json::json!({"kind": "vgg"});
        assert_eq!(says(&samples::comparison(vec![result])), [expected]);
    }

    #[test]
    fn what_chance_explains_is_none() {
        let softmax = samples::trained("softmax", (0.65, 2000), (0.64, 1000));
        let cnn = samples::trained("cnn", (0.9, 2000), (0.8, 10));
        assert_eq!(says(&samples::comparison(vec![cnn, softmax])), [""; 0]);
        // The interval of 531 of 1,000 images begins just above a half, that of 530 just below.
        let alone =
            |accuracy| samples::comparison(vec![samples::trained("cnn", (accuracy, 1000), (0.5, 1000))]);
        assert_eq!((says(&alone(0.531)).len(), says(&alone(0.53)).len()), (0, 1));
    }

    #[test]
    fn what_memorises_is_not_too_simple() {
        let mlp = samples::trained("mlp", (0.7, 2000), (0.55, 1000));
        let cnn = samples::trained("cnn", (0.9, 2000), (0.86, 1000));
        assert_eq!(says(&samples::comparison(vec![cnn, mlp])), [""; 0]);
    }

    #[test]
    fn classes_may_be_unknown() {
        let mut comparison = samples::comparison(vec![samples::trained("cnn", (0.1, 1000), (0.1, 1000))]);
        comparison.dataset.train_per_class = vec![0, 0];
        assert_eq!(says(&comparison), [""; 0]);
        comparison.dataset.train_per_class = Vec::new();
        assert_eq!(says(&comparison), [""; 0]);
    }
}
