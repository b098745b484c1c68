//! Which settings a search over hyperparameters tries: all of a grid, or a number of draws.
//!
//! A [`Space`] has the values that each key of a recipe may take, [`Space::plan`] the settings to try. Draws find good values
//! with fewer trials than a grid where only some of the keys matter (Bergstra and Bengio, Random Search for Hyper-Parameter
//! Optimization, 2012). Nothing is tried here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use toml::{Table, Value};
use zoo_data::derive_seed;

use crate::random::share;

/// A value for each key, `optimizer.learning_rate`.
pub type Settings = BTreeMap<String, Value>;

/// The most settings that a plan may have: more are a mistake, and would fill the memory before the first is tried.
pub const MOST_SETTINGS: usize = 100_000;

/// Why a space can't be searched.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SearchError {
    /// A range that can't be read.
    #[error(
        "{range} is no range to draw from: it is LOW..HIGH, two numbers with 0 < LOW < HIGH, as in 0.001..0.1"
    )]
    Range {
        /// The range as it was given.
        range: String,
    },
    /// A key without values.
    #[error("{key} has no values")]
    Empty {
        /// The key.
        key: String,
    },
    /// A list with the same value twice.
    #[error("{key} has the value {value} twice")]
    Twice {
        /// The key.
        key: String,
        /// The value.
        value: Value,
    },
    /// A value of a table that is neither a list nor a range.
    #[error("{key} = {value}: expected a list of values, as in [1, 3], or a range, as in \"0.001..0.1\"")]
    Neither {
        /// The key.
        key: String,
        /// The value.
        value: Value,
    },
    /// A grid over a range.
    #[error("{key} is a range, which has no grid; say how many settings to draw")]
    NoGrid {
        /// The first key with a range.
        key: String,
    },
    /// A grid or a number of draws beyond all use.
    #[error("{settings} settings are too many, {MOST_SETTINGS} the most; draw fewer")]
    TooMany {
        /// How many there would be.
        settings: usize,
    },
    /// More draws than there are settings.
    #[error("there are {settings} settings in all, so {trials} different ones can't be drawn")]
    TooFew {
        /// How many there are.
        settings: usize,
        /// How many were asked for.
        trials: usize,
    },
}

/// The values that a key may take.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// One of these.
    List(Vec<Value>),
    /// A whole number from `low` to `high`, both included.
    Integers {
        /// The smallest, at least 1.
        low: i64,
        /// The largest.
        high: i64,
    },
    /// A number from `low` to `high`.
    Floats {
        /// The smallest, above 0.
        low: f64,
        /// The largest.
        high: f64,
    },
}

impl Choice {
    /// Reads `LOW..HIGH`: whole numbers if both ends are.
    ///
    /// # Errors
    /// [`SearchError::Range`] unless 0 < `LOW` < `HIGH` and both are finite.
    pub fn range(text: &str) -> Result<Self, SearchError> {
        let error = || SearchError::Range { range: text.trim().into() };
        let (low, high) = text.split_once("..").ok_or_else(error)?;
        let (low, high) = (low.trim(), high.trim());
        if let (Ok(low), Ok(high)) = (low.parse(), high.parse()) {
            return if 0 < low && low < high { Ok(Self::Integers { low, high }) } else { Err(error()) };
        }
        match (low.parse::<f64>(), high.parse::<f64>()) {
            (Ok(low), Ok(high)) if 0.0 < low && low < high && high.is_finite() => {
                Ok(Self::Floats { low, high })
            }
            _ => Err(error()),
        }
    }

    /// How many values there are to choose from, if they can be counted.
    fn count(&self) -> Option<usize> {
        match self {
            Self::List(values) => Some(values.len()),
            Self::Integers { low, high } => usize::try_from(high - low + 1).ok(),
            Self::Floats { .. } => None,
        }
    }

    /// The value at `share` (0 to 1, without 1) of the choice: of a list by place, of a range by logarithm. A float is rounded
    /// to four significant digits, which are easier to read and the same on every machine.
    fn at(&self, share: f64) -> Value {
        let between = |low: f64, high: f64| (low.ln() + share * (high / low).ln()).exp();
        match self {
            Self::List(values) => {
                values[((share * values.len() as f64) as usize).min(values.len() - 1)].clone()
            }
            // Half a step beyond both ends: the share of k is that of the stretch from k − ½ to k + ½.
            &Self::Integers { low, high } => {
                let drawn = between(low as f64 - 0.5, high as f64 + 0.5).round() as i64;
                Value::Integer(drawn.clamp(low, high))
            }
            &Self::Floats { low, high } => {
                let drawn: f64 = format!("{:.3e}", between(low, high)).parse().expect("it is a number");
                Value::Float(drawn.clamp(low, high))
            }
        }
    }

    /// As a table has it: an array, or a string with a range.
    fn to_value(&self) -> Value {
        match self {
            Self::List(values) => Value::Array(values.clone()),
            range => Value::String(range.to_string()),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(values) => write!(f, "{}", Value::Array(values.clone())),
            Self::Integers { low, high } => write!(f, "{low}..{high}"),
            // A float that is whole keeps its point, so that the range is read back as it is.
            Self::Floats { low, high } => write!(f, "{low:?}..{high:?}"),
        }
    }
}

/// The values that each of some keys may take, in an order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Space(Vec<(String, Choice)>);

impl Space {
    /// Reads a space: keys with a list of values, or with a string `LOW..HIGH`. Tables may give the parts of a key. Keys in
    /// `order` come first, the others follow by name.
    ///
    /// # Errors
    /// A key with anything else, or [`SearchError::Range`], [`SearchError::Empty`], [`SearchError::Twice`].
    pub fn from_table(table: &Table, order: &[String]) -> Result<Self, SearchError> {
        let mut space = Self::default();
        space.read(table, "")?;
        let place = |key: &String| order.iter().position(|other| other == key).unwrap_or(order.len());
        space.0.sort_by_key(|(key, _)| place(key));
        Ok(space)
    }

    fn read(&mut self, table: &Table, path: &str) -> Result<(), SearchError> {
        for (key, value) in table {
            let key = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match value {
                Value::Table(below) => self.read(below, &key)?,
                Value::Array(values) => self.set(key, Choice::List(values.clone()))?,
                Value::String(range) => self.set(key, Choice::range(range)?)?,
                value => return Err(SearchError::Neither { key, value: value.clone() }),
            }
        }
        Ok(())
    }

    /// The table that [`from_table`](Self::from_table) reads this space from, given [`keys`](Self::keys) as the order.
    #[must_use]
    pub fn to_table(&self) -> Table {
        self.0.iter().map(|(key, choice)| (key.clone(), choice.to_value())).collect()
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    /// The keys that there is more than one value for.
    pub fn searched(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, choice)| choice.count() != Some(1)).map(|(key, _)| key.as_str())
    }

    /// Sets what `key` may be, in place of what was said of it before.
    ///
    /// # Errors
    /// [`SearchError::Empty`] or [`SearchError::Twice`].
    pub fn set(&mut self, key: String, choice: Choice) -> Result<(), SearchError> {
        if let Choice::List(values) = &choice {
            if values.is_empty() {
                return Err(SearchError::Empty { key });
            }
            if let Some((_, value)) =
                values.iter().enumerate().find(|(place, value)| values[..*place].contains(value))
            {
                return Err(SearchError::Twice { key, value: value.clone() });
            }
        }
        self.put(key, choice);
        Ok(())
    }

    /// Sets every key of `over` to what it says.
    pub fn extend(&mut self, over: Self) {
        for (key, choice) in over.0 {
            self.put(key, choice);
        }
    }

    fn put(&mut self, key: String, choice: Choice) {
        match self.0.iter_mut().find(|(other, _)| *other == key) {
            Some((_, before)) => *before = choice,
            None => self.0.push((key, choice)),
        }
    }

    /// How many settings there are, if they can be counted.
    #[must_use]
    pub fn size(&self) -> Option<usize> {
        self.0.iter().try_fold(1usize, |size, (_, choice)| Some(size.saturating_mul(choice.count()?)))
    }

    /// The settings to try: the whole grid, the last key fastest, or `trials` draws, which follow from `seed`. Values of a list
    /// are drawn uniformly, those of a range log-uniformly; where settings can be counted none is drawn twice.
    ///
    /// # Errors
    /// [`SearchError::NoGrid`], [`SearchError::TooMany`] or [`SearchError::TooFew`].
    pub fn plan(&self, trials: Option<usize>, seed: u64) -> Result<Vec<Settings>, SearchError> {
        match trials {
            Some(trials) => self.draws(trials, seed),
            None => self.grid(),
        }
    }

    fn grid(&self) -> Result<Vec<Settings>, SearchError> {
        let mut lists = Vec::new();
        for (key, choice) in &self.0 {
            let Choice::List(values) = choice else { return Err(SearchError::NoGrid { key: key.clone() }) };
            lists.push((key, values));
        }
        check_number(self.size().unwrap_or(usize::MAX))?;
        let mut grid = vec![Settings::new()];
        for (key, values) in lists {
            let with = |settings: &Settings, value: &Value| {
                let mut settings = settings.clone();
                settings.insert(key.clone(), value.clone());
                settings
            };
            grid = grid
                .iter()
                .flat_map(|settings| values.iter().map(move |value| with(settings, value)))
                .collect();
        }
        Ok(grid)
    }

    fn draws(&self, trials: usize, seed: u64) -> Result<Vec<Settings>, SearchError> {
        check_number(trials)?;
        let size = self.size();
        if let Some(settings) = size
            && settings < trials
        {
            return Err(SearchError::TooFew { settings, trials });
        }
        let (mut plan, mut seen) = (Vec::new(), BTreeSet::new());
        for attempt in 0.. {
            if plan.len() == trials {
                break;
            }
            let settings = self.draw(derive_seed(seed, attempt));
            if size.is_none() || seen.insert(format!("{settings:?}")) {
                plan.push(settings);
            }
        }
        Ok(plan)
    }

    /// One setting. Each key has a draw of its own, so that what else is searched doesn't change it.
    fn draw(&self, seed: u64) -> Settings {
        let keys = self.0.iter().enumerate();
        keys.map(|(place, (key, choice))| (key.clone(), choice.at(share(seed, place as u64)))).collect()
    }
}

fn check_number(settings: usize) -> Result<(), SearchError> {
    if settings > MOST_SETTINGS { Err(SearchError::TooMany { settings }) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
