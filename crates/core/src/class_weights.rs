//! How much each class counts in a loss.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::invalid_config::InvalidConfig;

const KEY: &str = "loss.class_weights";
const NONE: &str = "none";
const BALANCED: &str = "balanced";

/// The `class_weights` of a recipe's `[loss]`: how much an image of each class counts in what is minimised. Default: `none`.
///
/// Where classes have unequally many images, the mean loss is small for a model that knows the large ones only; weights make it listen
/// to the small ones, at the price of more mistakes about the large.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ClassWeights {
    /// `"none"`: every image counts the same.
    #[default]
    None,
    /// `"balanced"`: every class counts the same, w_c = n / (K n_c), n_c being the training images of class c, n those of all and K
    /// the number of classes that have any: scikit-learn's `compute_class_weight("balanced", …)`. A class without training images
    /// weighs 0: there is nothing to weigh, and label smoothing spreads nothing to it.
    Balanced,
    /// A list: one weight per class, in the order of labels. Only their proportions matter; an image of a class that weighs 0 is not
    /// learnt from.
    Given(Vec<f64>),
}

impl ClassWeights {
    /// Checks that there is a weight for each of `classes` classes, and that all are in range.
    ///
    /// # Errors
    /// If a list is not of `classes` finite numbers of at least 0, one of them above 0.
    pub fn validate(&self, classes: usize) -> Result<(), InvalidConfig> {
        let Self::Given(weights) = self else { return Ok(()) };
        let value = || format!("{weights:?}");
        let expected = format!("\"{NONE}\", \"{BALANCED}\" or a list of {classes} numbers, one per class");
        InvalidConfig::check(weights.len() == classes, KEY, value(), &expected)?;
        let in_range = weights.iter().all(|weight| *weight >= 0.0 && weight.is_finite());
        let usable = in_range && weights.iter().any(|weight| *weight > 0.0);
        InvalidConfig::check(usable, KEY, value(), "finite numbers of at least 0, one of them above 0")
    }

    /// The weight of each class, where class c has `images[c]` training images; `None` where every image counts the same.
    ///
    /// # Errors
    /// If a list suits no such images (see [`validate`](Self::validate)), or leaves all of them out.
    pub fn resolve(&self, images: &[usize]) -> Result<Option<Vec<f64>>, InvalidConfig> {
        self.validate(images.len())?;
        match self {
            Self::None => Ok(None),
            Self::Balanced => {
                let all: usize = images.iter().sum();
                let classes = images.iter().filter(|&&count| count > 0).count();
                let weight = |&count: &usize| match count {
                    0 => 0.0,
                    count => all as f64 / (classes * count) as f64,
                };
                Ok(Some(images.iter().map(weight).collect()))
            }
            Self::Given(weights) => {
                let counts = images.iter().zip(weights).any(|(&images, &weight)| images > 0 && weight > 0.0);
                let expected = "above 0 for a class that has training images";
                InvalidConfig::check(counts, KEY, format!("{weights:?}"), expected)?;
                Ok(Some(weights.clone()))
            }
        }
    }
}

impl Serialize for ClassWeights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_str(NONE),
            Self::Balanced => serializer.serialize_str(BALANCED),
            Self::Given(weights) => weights.serialize(serializer),
        }
    }
}

impl JsonSchema for ClassWeights {
    fn schema_name() -> Cow<'static, str> {
        "ClassWeights".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How much an image of each class counts in the loss. Default: `none`.",
            "anyOf": [
                { "const": NONE, "description": "Every image counts the same." },
                { "const": BALANCED, "description": "Every class counts the same." },
                {
                    "description": "One weight per class, in the order of labels.",
                    "type": "array",
                    "items": { "type": "number", "minimum": 0 }
                }
            ]
        })
    }
}

impl<'de> Deserialize<'de> for ClassWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrList)
    }
}

/// Reads [`ClassWeights`]. Errors name the key: within a table that has a `kind`, a path doesn't.
struct WordOrList;

impl<'de> Visitor<'de> for WordOrList {
    type Value = ClassWeights;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "class_weights to be \"{NONE}\", \"{BALANCED}\" or a list of numbers, one per class")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<ClassWeights, E> {
        match word {
            NONE => Ok(ClassWeights::None),
            BALANCED => Ok(ClassWeights::Balanced),
            other => Err(E::custom(format!(
                "unknown class_weights `{other}`, expected `{NONE}`, `{BALANCED}` or a list of numbers, one per class"
            ))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ClassWeights, A::Error> {
        let mut weights = Vec::new();
        while let Some(weight) = list.next_element()? {
            weights.push(weight);
        }
        Ok(ClassWeights::Given(weights))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_weights_are_those_of_scikit_learn() {
        // compute_class_weight("balanced", classes=[0, 1, 2], y=[0] * 6 + [1] * 3 + [2])
        let weights = ClassWeights::Balanced.resolve(&[6, 3, 1]).unwrap().unwrap();
        for (found, expected) in weights.iter().zip([0.555_556, 1.111_111, 3.333_333]) {
            assert!((found - expected).abs() < 1e-6, "{weights:?}");
        }
        // Every class counts the same, and an image counts 1 on average.
        let of_classes: Vec<f64> = weights.iter().zip([6.0, 3.0, 1.0]).map(|(w, n)| w * n).collect();
        assert!(of_classes.iter().all(|weight| (weight - 10.0 / 3.0).abs() < 1e-12), "{of_classes:?}");
        assert_eq!(ClassWeights::Balanced.resolve(&[5, 5]), Ok(Some(vec![1.0, 1.0])));
    }

    #[test]
    fn a_class_without_images_weighs_nothing() {
        assert_eq!(ClassWeights::Balanced.resolve(&[3, 0, 1]), Ok(Some(vec![2.0 / 3.0, 0.0, 2.0])));
        assert_eq!(ClassWeights::None.resolve(&[3, 0, 1]), Ok(None));
    }

    #[test]
    fn lists_out_of_range() {
        let of = |weights: &[f64]| ClassWeights::Given(weights.into());
        let error = |weights: &[f64]| of(weights).validate(3).unwrap_err().to_string();
        assert_eq!(
            error(&[1.0, 2.0]),
            "loss.class_weights = [1.0, 2.0]: must be \"none\", \"balanced\" or a list of 3 numbers, one per class"
        );
        let expected = "must be finite numbers of at least 0, one of them above 0";
        for weights in [[1.0, -1.0, 1.0], [0.0; 3], [f64::INFINITY, 1.0, 1.0], [f64::NAN, 1.0, 1.0]] {
            assert_eq!(error(&weights), format!("loss.class_weights = {weights:?}: {expected}"));
        }
        assert_eq!(of(&[0.0, 1.0, 2.0]).resolve(&[4, 1, 1]), Ok(Some(vec![0.0, 1.0, 2.0])));
        let error = of(&[0.0, 1.0, 2.0]).resolve(&[4, 0, 0]).unwrap_err().to_string();
        assert!(error.ends_with("must be above 0 for a class that has training images"), "{error}");
    }
}
