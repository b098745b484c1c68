//! What a search tries: the `[search]` of a config.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use zoo_data::{DataError, Splits};
use zoo_recipes::{Contender, parse, to_table};
use zoo_train::search::{Settings, Space};

use crate::error::LabError;

/// A space, how many settings of it are tried, and how each is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is searched, and what holds for all trials.
    pub space: Space,
    /// How many settings are drawn; `None` for the whole grid.
    pub trials: Option<usize>,
    /// The number of folds of cross-validation; `None` for one share of the images that is held out.
    pub folds: Option<usize>,
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
    /// What is asked for: `space`; where it searches nothing, the `[search]` of the recipe of `contender`, upon which it lies. Keys with
    /// one value hold either way.
    ///
    /// # Errors
    /// [`LabError`] for a `[search]` that is wrong, or if there is nothing to search.
    pub fn new(
        contender: &Contender,
        space: Space,
        trials: Option<usize>,
        folds: Option<usize>,
    ) -> Result<Self, LabError> {
        let mut plan = match &contender.search {
            Some(search) if space.searched().next().is_none() => {
                let wrong = |reason: String| LabError::Search { origin: search.origin.clone(), reason };
                let mut plan = Self::from_value(search.value.clone()).map_err(wrong)?;
                plan.space.extend(space);
                // What was asked for may have fixed keys that were to be drawn.
                plan.trials =
                    plan.trials.map(|trials| plan.space.size().map_or(trials, |size| trials.min(size)));
                plan
            }
            _ => Self { space, trials: None, folds: None },
        };
        if plan.space.searched().next().is_none() {
            return Err(LabError::NothingSearched);
        }
        plan.trials = trials.or(plan.trials);
        plan.folds = folds.or(plan.folds);
        Ok(plan)
    }

    /// Reads what [`to_table`](Self::to_table) has written, or a person.
    ///
    /// # Errors
    /// Names the key that is wrong.
    pub(crate) fn from_value(search: Value) -> Result<Self, String> {
        let Value::Table(search) = search else { return Err("it must be a table".into()) };
        let parsed = parse(search).map_err(|error| error.to_string().trim().to_string());
        let PlanTable { trials, folds, order, space } = parsed?;
        let space = Space::from_table(&space, &order).map_err(|error| error.to_string())?;
        Ok(Self { space, trials, folds })
    }

    /// The plan as a config has it.
    pub(crate) fn to_table(&self) -> Result<Table, LabError> {
        let Self { space, trials, folds } = self;
        let order = space.keys().map(String::from).collect();
        Ok(to_table(PlanTable { trials: *trials, folds: *folds, order, space: space.to_table() })?)
    }

    /// The settings of all trials, in order.
    ///
    /// # Errors
    /// [`LabError::Plan`] if there is no grid of the space, too large a one, or not as many settings as are to be drawn.
    pub fn settings(&self, seed: u64) -> Result<Vec<Settings>, LabError> {
        self.space.plan(self.trials, seed).map_err(|error| LabError::Plan { error })
    }

    /// Refuses settings that the recipe of `contender` can't have.
    ///
    /// # Errors
    /// [`LabError`] names the key.
    pub fn check(&self, contender: &Contender, seed: u64) -> Result<(), LabError> {
        self.settings(seed)?.iter().try_for_each(|settings| Ok(contender.with(settings).map(|_| ())?))
    }

    /// Refuses images that no trial could be judged by.
    ///
    /// # Errors
    /// [`LabError::NothingToJudgeBy`], or [`DataError::Folds`].
    pub fn check_images(&self, splits: &Splits) -> Result<(), LabError> {
        let available = splits.train.len() + splits.validation.len();
        match self.folds {
            None if splits.validation.is_empty() => Err(LabError::NothingToJudgeBy),
            Some(folds) if folds > available => Err(DataError::Folds { folds, available }.into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use zoo_recipes::{Dimensions, Registry};

    use super::*;

    /// The plan of `zoo tune MODEL` with these `--set` options.
    fn asked(model: &str, sets: &[&str]) -> Result<Plan, LabError> {
        drawn(model, sets, None, None)
    }

    /// The same with `--trials` and `--folds`.
    fn drawn(
        model: &str,
        sets: &[&str],
        trials: Option<usize>,
        folds: Option<usize>,
    ) -> Result<Plan, LabError> {
        let registry = Registry::zoo();
        let contender = registry.contenders(&[model])?.only(model)?;
        Plan::new(&contender, registry.search_space(&contender, sets)?, trials, folds)
    }

    fn error(model: &str, sets: &[&str]) -> String {
        usage(asked(model, sets))
    }

    fn usage(plan: Result<Plan, LabError>) -> String {
        let error = plan.and_then(|plan| plan.settings(1)).unwrap_err();
        assert!(error.is_usage());
        error.to_string()
    }

    #[test]
    fn values_ranges_and_fixed_keys() {
        let plan = asked("mlp", &["architecture.hidden=[50],[100]", "mlp.train.epochs=3"]).unwrap();
        assert_eq!(plan.space.keys().collect::<Vec<_>>(), ["architecture.hidden", "train.epochs"]);
        assert_eq!(plan.space.searched().collect::<Vec<_>>(), ["architecture.hidden"]);
        let settings = plan.settings(1).unwrap();
        let hidden: Vec<String> = settings.iter().map(|one| one["architecture.hidden"].to_string()).collect();
        assert_eq!(hidden, ["[50]", "[100]"]);
        assert_eq!(settings[1]["train.epochs"].as_integer(), Some(3));

        let plan = drawn("svm", &["optimizer.learning_rate=1e-4..1e-2"], Some(7), Some(3)).unwrap();
        assert_eq!((plan.settings(1).unwrap().len(), plan.folds), (7, Some(3)));
    }

    #[test]
    fn the_search_of_each_model_can_be_followed() {
        let registry = Registry::zoo();
        let names: Vec<&str> = registry.model_names().collect();
        for contender in registry.contenders(&names).unwrap() {
            let name = contender.entry.name;
            // The recipe of `majority` has no keys.
            let Some(search) = contender.search.clone() else {
                assert_eq!(name, "majority");
                continue;
            };
            let plan = asked(name, &[]).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(plan, Plan::from_value(search.value).unwrap());
            let images = Dimensions { shape: [3, 32, 32], classes: 10, images: 50_000, has_validation: true };
            for settings in plan.settings(1).unwrap() {
                contender.with(&settings).unwrap().check(images).unwrap();
            }
        }
    }

    #[test]
    fn fixed_keys_lie_upon_the_search_of_the_model() {
        let plan = asked("softmax", &["train.epochs=2", "optimizer.learning_rate=0.01"]).unwrap();
        assert_eq!(plan.space.searched().collect::<Vec<_>>(), ["optimizer.weight_decay"]);
        assert!(plan.settings(1).unwrap().iter().all(|one| one["train.epochs"].as_integer() == Some(2)));
        let plan = asked("knn", &["k=3"]).unwrap();
        assert_eq!(plan.settings(1).unwrap().len(), 4);
        assert!(
            error("knn", &["k=3", "metric=l1", "ties=nearest"]).contains("nothing is searched: give a key")
        );
    }

    #[test]
    fn a_file_brings_a_search_of_its_own() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("near.toml");
        let text = "model = \"knn\"\n[search]\nfolds = 4\norder = [\"metric\"]\nspace.k = [2, 4]\nspace.metric = [\"l1\", \"l2\"]\n";
        std::fs::write(&file, text).unwrap();
        let plan = asked(file.to_str().unwrap(), &[]).unwrap();
        assert_eq!((plan.folds, plan.space.keys().collect::<Vec<_>>()), (Some(4), vec!["metric", "k"]));
        assert_eq!(Plan::from_value(Value::Table(plan.to_table().unwrap())).unwrap(), plan);
        std::fs::write(&file, text.replace("[2, 4]", "\"4..2\"")).unwrap();
        assert!(error(file.to_str().unwrap(), &[]).contains("near.toml: [search] 4..2 is no range"));
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
            let message = error("knn", &[set]);
            assert!(message.contains(part), "{message}");
        }
        assert!(error("knn", &["k=1", "k=1,2"]).contains("k is set twice"));
        assert!(usage(drawn("knn", &["k=1,2"], Some(3), None)).ends_with("leave it out for the whole grid"));
    }
}
