//! How weights are found: by descending the gradient, or by trying.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::InvalidConfig;

use crate::optimizer::{Adam, Lion, Muon, Optimizer, RmsProp, Sgd};
use crate::random_search::RandomSearch;

/// The `[optimizer]` of a recipe; its `kind` is one of `sgd`, `rmsprop`, `adam`, `adamw`, `lion`, `muon`,
/// `random_search` and `random_local_search`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Grammar", into = "Grammar")]
pub enum Learning {
    /// Steps along the gradient.
    Descent(Optimizer),
    /// Weights drawn at random, the best of which are kept.
    Search(RandomSearch),
}

impl Learning {
    /// The optimizer that makes the steps; `None` for a search.
    #[must_use]
    pub const fn optimizer(&self) -> Option<&Optimizer> {
        match self {
            Self::Descent(optimizer) => Some(optimizer),
            Self::Search(_) => None,
        }
    }

    /// How often an epoch looks at each image.
    #[must_use]
    pub const fn passes(&self) -> usize {
        match self {
            Self::Descent(_) => 1,
            Self::Search(search) => search.tries,
        }
    }

    /// Checks that all values are in range.
    ///
    /// # Errors
    /// The first value that is not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        match self {
            Self::Descent(optimizer) => optimizer.validate(),
            Self::Search(search) => search.validate(),
        }
    }
}

impl From<Optimizer> for Learning {
    fn from(optimizer: Optimizer) -> Self {
        Self::Descent(optimizer)
    }
}

impl From<RandomSearch> for Learning {
    fn from(search: RandomSearch) -> Self {
        Self::Search(search)
    }
}

/// [`Learning`] as a recipe writes it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", expecting = "internally tagged enum Optimizer")]
enum Grammar {
    Sgd(Sgd),
    RmsProp(RmsProp),
    Adam(Adam),
    AdamW(Adam),
    Lion(Lion),
    Muon(Muon),
    #[serde(rename = "random_search")]
    RandomSearch(Anew),
    #[serde(rename = "random_local_search")]
    RandomLocalSearch(Local),
}

/// Weights drawn anew at each try; the best are kept.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Anew {
    /// Tries per epoch. Default: 100.
    tries: usize,
    /// The standard deviation of weights that are drawn anew. Default: 0.001.
    deviation: f64,
}

/// A little added to the best weights at each try; the best are kept.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Local {
    /// Tries per epoch. Default: 100.
    tries: usize,
    /// The standard deviation of weights that are drawn anew. Default: 0.001.
    deviation: f64,
    /// The standard deviation of what is added to each weight. Default: 0.0001.
    step: f64,
}

impl Default for Anew {
    fn default() -> Self {
        let RandomSearch { tries, deviation, step: _ } = RandomSearch::default();
        Self { tries, deviation }
    }
}

impl Default for Local {
    fn default() -> Self {
        let RandomSearch { tries, deviation, step: _ } = RandomSearch::default();
        Self { tries, deviation, step: RandomSearch::STEP }
    }
}

impl From<Grammar> for Learning {
    fn from(grammar: Grammar) -> Self {
        match grammar {
            Grammar::Sgd(sgd) => Optimizer::Sgd(sgd).into(),
            Grammar::RmsProp(rms_prop) => Optimizer::RmsProp(rms_prop).into(),
            Grammar::Adam(adam) => Optimizer::Adam(adam).into(),
            Grammar::AdamW(adam) => Optimizer::AdamW(adam).into(),
            Grammar::Lion(lion) => Optimizer::Lion(lion).into(),
            Grammar::Muon(muon) => Optimizer::Muon(muon).into(),
            Grammar::RandomSearch(Anew { tries, deviation }) => {
                RandomSearch { tries, deviation, step: None }.into()
            }
            Grammar::RandomLocalSearch(Local { tries, deviation, step }) => {
                RandomSearch { tries, deviation, step: Some(step) }.into()
            }
        }
    }
}

impl From<Learning> for Grammar {
    fn from(learning: Learning) -> Self {
        match learning {
            Learning::Descent(Optimizer::Sgd(sgd)) => Self::Sgd(sgd),
            Learning::Descent(Optimizer::RmsProp(rms_prop)) => Self::RmsProp(rms_prop),
            Learning::Descent(Optimizer::Adam(adam)) => Self::Adam(adam),
            Learning::Descent(Optimizer::AdamW(adam)) => Self::AdamW(adam),
            Learning::Descent(Optimizer::Lion(lion)) => Self::Lion(lion),
            Learning::Descent(Optimizer::Muon(muon)) => Self::Muon(muon),
            Learning::Search(RandomSearch { tries, deviation, step: None }) => {
                Self::RandomSearch(Anew { tries, deviation })
            }
            Learning::Search(RandomSearch { tries, deviation, step: Some(step) }) => {
                Self::RandomLocalSearch(Local { tries, deviation, step })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Learning, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_string())
    }

    #[test]
    fn kinds_are_read_with_their_defaults_and_written_as_they_were() {
        for (kind, expected) in [
            ("sgd", Learning::Descent(Optimizer::Sgd(Sgd::default()))),
            ("rmsprop", Learning::Descent(Optimizer::RmsProp(RmsProp::default()))),
            ("adam", Learning::Descent(Optimizer::Adam(Adam::default()))),
            ("adamw", Learning::Descent(Optimizer::AdamW(Adam::default()))),
            ("lion", Learning::Descent(Optimizer::Lion(Lion::default()))),
            ("muon", Learning::Descent(Optimizer::Muon(Muon::default()))),
            ("random_search", RandomSearch { tries: 100, deviation: 1e-3, step: None }.into()),
            ("random_local_search", RandomSearch { tries: 100, deviation: 1e-3, step: Some(1e-4) }.into()),
        ] {
            let learning = read(&format!("kind = \"{kind}\"")).unwrap();
            assert_eq!(learning, expected);
            let written = toml::to_string(&learning).unwrap();
            assert!(written.starts_with(&format!("kind = \"{kind}\"\n")), "{written}");
            assert_eq!(read(&written), Ok(expected));
        }
        let local = RandomSearch { tries: 3, deviation: 0.5, step: Some(0.25) };
        let written = "kind = \"random_local_search\"\ntries = 3\ndeviation = 0.5\nstep = 0.25\n";
        assert_eq!(toml::to_string(&Learning::Search(local)).unwrap(), written);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(
            read("kind = \"genetic\"").unwrap_err(),
            "unknown variant `genetic`, expected one of `sgd`, `rmsprop`, `adam`, `adamw`, `lion`, `muon`, \
             `random_search`, `random_local_search`"
        );
        assert_eq!(
            read("kind = \"random_search\"\nstep = 0.1").unwrap_err(),
            "unknown field `step`, expected `tries` or `deviation`"
        );
        assert_eq!(read("tries = 3").unwrap_err(), "missing field `kind`");
    }

    #[test]
    fn a_search_looks_at_each_image_at_every_try() {
        assert_eq!(read("kind = \"random_search\"\ntries = 7").unwrap().passes(), 7);
        assert_eq!(read("kind = \"adam\"").unwrap().passes(), 1);
    }
}
