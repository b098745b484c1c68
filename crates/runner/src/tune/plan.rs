//! What a search tries: the `[search]` of a config.

use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use zoo_train::search::{Choice, SearchError, Settings, Space};

use crate::cli::{TuneArguments, UsageError};
use crate::config::{self, Contender, parse_value};

/// What to say to somebody who searches nothing.
const EXAMPLE: &str = "nothing is searched: give a key several values or a range, --set optimizer.learning_rate=0.01,0.1 or 0.001..0.1";

/// A space, how many settings of it are tried, and how each is judged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) space: Space,
    /// How many settings are drawn; `None` for the whole grid.
    pub(crate) trials: Option<usize>,
    /// Cross-validation over so many folds; `None` for one share of the images that is held out.
    pub(crate) folds: Option<usize>,
}

/// A plan as TOML has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanTable {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trials: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folds: Option<usize>,
    /// The order of keys in a grid; those that are not named follow by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    order: Vec<String>,
    space: Table,
}

impl Plan {
    /// What the command line asks for; where it searches nothing, what the `[search]` of `file` does, or what suits the model.
    /// Keys with one value hold either way.
    ///
    /// # Errors
    /// [`UsageError`] for a key without values, a range that is none, or if there is nothing to search.
    pub(crate) fn asked(
        arguments: &TuneArguments,
        sets: &[String],
        file: Option<&Path>,
        contender: &Contender,
    ) -> anyhow::Result<Self> {
        let space = read_sets(sets, contender)?;
        let mut plan = if space.searched().next().is_some() {
            Self { space, trials: None, folds: None }
        } else {
            let own = file.map(config::search_of).transpose()?.flatten();
            let mut plan = match (file, own) {
                (Some(file), Some(search)) => Self::from_value(search)
                    .map_err(|error| UsageError(format!("{}: [search] {error:#}", file.display())))?,
                _ => Self::of_model(contender.entry.search)?,
            };
            plan.space.extend(space);
            // The command line may have fixed keys that were to be drawn.
            plan.trials = plan.trials.map(|trials| plan.space.size().map_or(trials, |size| trials.min(size)));
            plan
        };
        if plan.space.searched().next().is_none() {
            return Err(UsageError(EXAMPLE.into()).into());
        }
        plan.trials = arguments.trials.or(plan.trials);
        plan.folds = arguments.folds.or(plan.folds);
        Ok(plan)
    }

    /// The search that suits a model, from its TOML.
    pub(super) fn of_model(search: &str) -> anyhow::Result<Self> {
        Self::from_value(Value::Table(search.parse()?))
    }

    /// Reads what [`to_table`](Self::to_table) has written, or somebody by hand.
    ///
    /// # Errors
    /// Names the key that is wrong.
    pub(crate) fn from_value(search: Value) -> anyhow::Result<Self> {
        let PlanTable { trials, folds, order, space } = search.try_into()?;
        Ok(Self { space: Space::from_table(&space, &order)?, trials, folds })
    }

    /// The plan as a config has it.
    pub(crate) fn to_table(&self) -> anyhow::Result<Table> {
        let Self { space, trials, folds } = self;
        let order = space.keys().map(String::from).collect();
        config::to_table(PlanTable { trials: *trials, folds: *folds, order, space: space.to_table() })
    }

    /// The settings of all trials, in order.
    ///
    /// # Errors
    /// [`UsageError`] if there is no grid of the space, too large a one, or not as many settings as are to be drawn.
    pub(crate) fn settings(&self, seed: u64) -> Result<Vec<Settings>, UsageError> {
        self.space.plan(self.trials, seed).map_err(|error| {
            let remedy = match error {
                SearchError::NoGrid { .. } => ": --trials 20",
                SearchError::TooFew { .. } => "; lower --trials, or leave it out for the whole grid",
                _ => "",
            };
            UsageError(format!("{error}{remedy}"))
        })
    }
}

/// The space of `--set KEY=V1,V2,…` and `--set KEY=LOW..HIGH`.
fn read_sets(sets: &[String], contender: &Contender) -> Result<Space, UsageError> {
    let mut space = Space::default();
    for set in sets {
        let usage = |reason: &str| UsageError(format!("--set {set}: {reason}"));
        let expected = || usage("expected KEY=VALUE, KEY=V1,V2,… or KEY=LOW..HIGH");
        let (key, values) = set.split_once('=').ok_or_else(expected)?;
        let key = key.trim();
        // `softmax.train.epochs` is `train.epochs` here.
        let unprefixed = [contender.entry.name, contender.name()]
            .into_iter()
            .find_map(|name| key.strip_prefix(name)?.strip_prefix('.'));
        let key = unprefixed.unwrap_or(key);
        let values = split(values);
        if values.iter().any(|value| value.is_empty()) {
            return Err(expected());
        }
        let choice = match values[..] {
            [range] if range.contains("..") && !range.starts_with(['"', '\'', '[', '{']) => {
                Choice::range(range)
            }
            _ => Ok(Choice::List(values.into_iter().map(parse_value).collect())),
        };
        if space.keys().any(|other| other == key) {
            return Err(usage(&format!("{key} is set twice; name all its values in one --set")));
        }
        choice.and_then(|choice| space.set(key.into(), choice)).map_err(|error| usage(&error.to_string()))?;
    }
    Ok(space)
}

/// Divides `text` at commas, but not within brackets, braces or quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut quote, mut start, mut parts) = (0, None, 0, Vec::new());
    for (place, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) => quote = (open != character).then_some(open),
            (None, '"' | '\'') => quote = Some(character),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(text[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};
    use crate::recipes;

    /// The plan of `zoo tune` with these arguments.
    fn asked(arguments: &[&str]) -> anyhow::Result<Plan> {
        let Cli { global, command } = Cli::parse_from(["zoo", "tune"].iter().chain(arguments));
        let Command::Tune(tune) = command else { unreachable!("it is asked for") };
        let model = tune.model.as_deref().unwrap();
        let unset = crate::cli::GlobalOptions { set: Vec::new(), ..global.clone() };
        let contender = config::contenders(&unset, &[model])?.remove(0);
        Plan::asked(&tune, &global.set, config::is_file(model).then_some(Path::new(model)), &contender)
    }

    fn error(arguments: &[&str]) -> String {
        let error = asked(arguments).and_then(|plan| Ok(plan.settings(1)?)).unwrap_err();
        assert!(error.is::<UsageError>());
        error.to_string()
    }

    #[test]
    fn commas_divide_outside_of_brackets_and_quotes() {
        assert_eq!(split("1, 3,5"), ["1", "3", "5"]);
        assert_eq!(split("[50],[100, 20]"), ["[50]", "[100, 20]"]);
        assert_eq!(split(r#"{a = 1, b = [2, 3]},"x,y",'"'"#), ["{a = 1, b = [2, 3]}", "\"x,y\"", "'\"'"]);
        assert_eq!(split("1,"), ["1", ""]);
    }

    #[test]
    fn values_ranges_and_fixed_keys() {
        let sets = ["--set=architecture.hidden=[50],[100]", "--set=mlp.train.epochs=3"];
        let plan = asked(&[&["mlp"], &sets[..]].concat()).unwrap();
        assert_eq!(plan.space.keys().collect::<Vec<_>>(), ["architecture.hidden", "train.epochs"]);
        assert_eq!(plan.space.searched().collect::<Vec<_>>(), ["architecture.hidden"]);
        let settings = plan.settings(1).unwrap();
        let hidden: Vec<String> = settings.iter().map(|one| one["architecture.hidden"].to_string()).collect();
        assert_eq!(hidden, ["[50]", "[100]"]);
        assert_eq!(settings[1]["train.epochs"].as_integer(), Some(3));

        let plan =
            asked(&["svm", "--set=optimizer.learning_rate=1e-4..1e-2", "--trials=7", "--folds=3"]).unwrap();
        assert_eq!((plan.settings(1).unwrap().len(), plan.folds), (7, Some(3)));
    }

    #[test]
    fn the_search_of_each_model_can_be_followed() {
        for entry in &recipes::ENTRIES {
            let plan = asked(&[entry.name]).unwrap_or_else(|error| panic!("{}: {error}", entry.name));
            assert_eq!(plan, Plan::of_model(entry.search).unwrap());
            let contender = config::contenders(&Cli::parse_from(["zoo", "compare"]).global, &[entry.name]);
            let contender = contender.unwrap().remove(0);
            let images =
                recipes::Dimensions { shape: [3, 32, 32], classes: 10, images: 50_000, has_validation: true };
            for settings in plan.settings(1).unwrap() {
                contender.with(&settings).unwrap().recipe.validate(images).unwrap();
            }
        }
    }

    #[test]
    fn fixed_keys_lie_upon_the_search_of_the_model() {
        let plan = asked(&["softmax", "--set=train.epochs=2", "--set=optimizer.learning_rate=0.01"]).unwrap();
        assert_eq!(plan.space.searched().collect::<Vec<_>>(), ["optimizer.weight_decay"]);
        assert!(plan.settings(1).unwrap().iter().all(|one| one["train.epochs"].as_integer() == Some(2)));
        let plan = asked(&["knn", "--set=k=3"]).unwrap();
        assert_eq!(plan.settings(1).unwrap().len(), 2);
        assert!(error(&["knn", "--set=k=3", "--set=metric=l1"]).contains("nothing is searched: give a key"));
    }

    #[test]
    fn a_file_brings_a_search_of_its_own() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("near.toml");
        let text = "model = \"knn\"\n[search]\nfolds = 4\norder = [\"metric\"]\nspace.k = [2, 4]\nspace.metric = [\"l1\", \"l2\"]\n";
        std::fs::write(&file, text).unwrap();
        let plan = asked(&[file.to_str().unwrap()]).unwrap();
        assert_eq!((plan.folds, plan.space.keys().collect::<Vec<_>>()), (Some(4), vec!["metric", "k"]));
        assert_eq!(Plan::from_value(Value::Table(plan.to_table().unwrap())).unwrap(), plan);
        std::fs::write(&file, text.replace("[2, 4]", "\"4..2\"")).unwrap();
        assert!(error(&[file.to_str().unwrap()]).contains("near.toml: [search] 4..2 is no range"));
    }

    #[test]
    fn mistakes_are_explained() {
        for (set, part) in [
            ("k", "expected KEY=VALUE"),
            ("k=1,", "expected KEY=VALUE"),
            ("k=0..3", "--set k=0..3: 0..3 is no range"),
            ("k=3..1", "3..1 is no range"),
            ("k=1,2,1", "k has the value 1 twice"),
            ("k=1..9", "k is a range, which has no grid; say how many settings to draw: --trials 20"),
        ] {
            let message = error(&["knn", "--set", set]);
            assert!(message.contains(part), "{message}");
        }
        assert!(error(&["knn", "--set=k=1", "--set=k=1,2"]).contains("k is set twice"));
        assert!(error(&["knn", "--set=k=1,2", "--trials=3"]).ends_with("leave it out for the whole grid"));
    }
}
