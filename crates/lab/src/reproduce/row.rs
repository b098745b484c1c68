//! A row of a suite: a recipe like any other, with a `[row]` that says what was published and on which images. `zoo train` takes it, too.

use serde::Deserialize;
use toml::{Table, Value};
use zoo_recipes::{Contender, ROW, Registry, parse};
use zoo_schema::ModelResult;
use zoo_train::TestTimeAugmentation;
use zoo_train::search::{SearchError, Settings, Space};

use crate::error::LabError;

/// A published result, and the recipe that should come to it; or a deliberate mistake, or what mistakes are compared with.
#[derive(Debug)]
pub(crate) struct SuiteRow {
    pub(crate) name: String,
    pub(crate) setup: Setup,
    pub(crate) contender: Contender,
    /// What is searched, one trial for each; nothing if the row has no search.
    pub(crate) settings: Vec<Settings>,
    /// Whether other rows are compared with it.
    pub(crate) is_right: bool,
}

/// The `[row]` of a recipe.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setup {
    /// What it is, in a few words.
    pub(crate) title: String,
    /// Where it was published.
    pub(crate) source: String,
    /// What is ours rather than published, the recipe or the figures, and how: figures are then met, not reproduced.
    pub(crate) own: Option<String>,
    /// Whether the figures are those of the official images in their order, and of no others.
    #[serde(default)]
    pub(crate) official: bool,
    /// Whether limits take the first images, validation the last and folds what follows each other, rather than a draw.
    #[serde(default)]
    pub(crate) in_order: bool,
    /// Training images, those held out included; all if `None`.
    pub(crate) images: Option<usize>,
    /// How many of them are held out.
    #[serde(default)]
    pub(crate) validation: usize,
    /// Test images; all if `None`.
    pub(crate) test: Option<usize>,
    /// Folds of cross-validation, if that is what validation means.
    pub(crate) folds: Option<usize>,
    /// Keys and the values to try, all combinations; the best in validation is measured.
    #[serde(default)]
    search: Table,
    /// What was published.
    #[serde(default)]
    pub(crate) published: Vec<Published>,
    /// The row that does right what this one does wrong on purpose.
    pub(crate) against: Option<String>,
    /// How many times the recipe is trained for that, with seeds that follow each other.
    #[serde(default = "one")]
    pub(crate) trainings: usize,
    /// How many of the test images the best of these trainings is chosen by, on purpose; on the others it is seen what it was worth.
    pub(crate) chosen_by: Option<usize>,
}

const fn one() -> usize {
    1
}

/// A published number, in percent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Published {
    pub(crate) measure: Measure,
    /// The setting of the search that it belongs to; the best if none is named.
    #[serde(default)]
    pub(crate) setting: Table,
    value: Option<f64>,
    range: Option<[f64; 2]>,
    at_least: Option<f64>,
    /// The accuracy of each fold.
    folds: Option<Vec<f64>>,
    pub(crate) tolerance: f64,
    /// Why the tolerance is what it is.
    pub(crate) reason: String,
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// Accuracy on the test images.
    Test,
    /// On those that were held out; with folds the mean over them.
    Validation,
    /// On a sample of the training images.
    Training,
    /// On the test images with this test-time augmentation.
    Mirror,
    MirrorAndShifts,
}

impl Measure {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Validation => "validation",
            Self::Training => "training",
            Self::Mirror => "test, mirror",
            Self::MirrorAndShifts => "test, mirror and shifts",
        }
    }

    /// The test-time augmentation that the recipe must have.
    const fn augmentation(self) -> Option<TestTimeAugmentation> {
        match self {
            Self::Mirror => Some(TestTimeAugmentation::Mirror),
            Self::MirrorAndShifts => Some(TestTimeAugmentation::MirrorAndShifts),
            Self::Test | Self::Validation | Self::Training => None,
        }
    }

    /// The accuracy of a fitted model, 0 to 1.
    pub(crate) fn of(self, result: &ModelResult) -> Option<f64> {
        match self {
            Self::Test => result.test.as_ref().map(|test| test.accuracy),
            Self::Validation => result.validation.map(|part| part.accuracy),
            Self::Training => result.train.map(|part| part.accuracy),
            Self::Mirror | Self::MirrorAndShifts => {
                let name = self.augmentation()?.name();
                let found = result.variants.iter().find(|variant| variant.name == name);
                found.map(|variant| variant.accuracy)
            }
        }
    }
}

impl Published {
    /// The least and the most that was published, one pair per figure; several for folds.
    pub(crate) fn ranges(&self) -> Vec<(Option<f64>, Option<f64>)> {
        let exact = |value: f64| (Some(value), Some(value));
        match (self.value, self.range, self.at_least, &self.folds) {
            (Some(value), None, None, None) => vec![exact(value)],
            (None, Some([low, high]), None, None) => vec![(Some(low), Some(high))],
            (None, None, Some(low), None) => vec![(Some(low), None)],
            (None, None, None, Some(folds)) => folds.iter().copied().map(exact).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether it was published for each fold, rather than for all together.
    pub(crate) const fn is_by_fold(&self) -> bool {
        self.folds.is_some()
    }

    /// The places of its setting among those of the search: one, or it is none of them or says too little.
    fn places(&self, settings: &[Settings]) -> Vec<usize> {
        let belongs = |one: &Settings| self.setting.iter().all(|(key, value)| one.get(key) == Some(value));
        (0..settings.len()).filter(|&place| belongs(&settings[place])).collect()
    }

    /// The place of its setting among those of the search; `None` if it is that of the best.
    pub(crate) fn place(&self, settings: &[Settings]) -> Option<usize> {
        if self.setting.is_empty() { None } else { self.places(settings).first().copied() }
    }

    /// What keeps it from being measured, if anything does.
    fn check(&self, setup: &Setup, settings: &[Settings]) -> Result<(), String> {
        let Self { measure, setting, tolerance, .. } = self;
        let name = measure.name();
        if self.ranges().is_empty() {
            return Err("[[row.published]] takes one of value, range, at_least and folds".into());
        }
        if !(0.0..=100.0).contains(tolerance) {
            return Err(format!("tolerance = {tolerance}: must be 0 to 100 points"));
        }
        if !setting.is_empty() {
            let found = self.places(settings).len();
            if found != 1 {
                let advice = "name one of [row.search], keys as in \"optimizer.learning_rate\" in quotes";
                return Err(format!(
                    "setting = {setting}: {found} settings are searched that have it; {advice}"
                ));
            }
            if !matches!(measure, Measure::Validation | Measure::Training) {
                return Err(format!("{name} with a setting: a search judges by validation and training"));
            }
        }
        let is_judged_by_folds = !setting.is_empty() && setup.folds.is_some();
        match (&self.folds, setup.folds) {
            (Some(_), _) if !is_judged_by_folds || *measure != Measure::Validation => {
                Err("folds = […]: is of validation, of a setting, with row.folds".into())
            }
            (Some(folds), Some(count)) if folds.len() != count => {
                Err(format!("folds = […]: must be {count} figures, as row.folds says, not {}", folds.len()))
            }
            (None, _) if *measure == Measure::Validation && !is_judged_by_folds && setup.validation == 0 => {
                Err(format!(
                    "{name}: needs images held out; say validation = 1000, or folds = 5 and a setting"
                ))
            }
            _ => Ok(()),
        }
    }
}

impl Setup {
    /// What is wrong with it, if anything is.
    fn check(&self, settings: &[Settings]) -> Result<(), String> {
        let Self { folds, validation, .. } = self;
        if self.trainings == 0 || self.chosen_by.is_some_and(|images| images == 0 || self.trainings < 2) {
            return Err("trainings, chosen_by: one at least, and two trainings to choose from".into());
        }
        let has_figures = !self.published.is_empty() || !settings.is_empty();
        if has_figures && (self.is_mistake() || self.trainings > 1) {
            let keys = "against, trainings, chosen_by";
            return Err(format!(
                "{keys}: are of mistakes, of which nothing is published and nothing searched"
            ));
        }
        if self.images.is_some_and(|images| images <= *validation) {
            return Err(format!("validation = {validation}: must leave images to learn from"));
        }
        if !settings.is_empty() && folds.is_none() && *validation == 0 {
            return Err("[row.search]: needs images to judge by; say validation = 1000, or folds = 5".into());
        }
        if folds.is_some_and(|folds| folds < 2 || settings.is_empty()) {
            return Err("folds: two at least, which judge the settings of [row.search]".into());
        }
        self.published.iter().try_for_each(|published| published.check(self, settings))
    }

    /// Whether something is wrong on purpose.
    pub(crate) const fn is_mistake(&self) -> bool {
        self.against.is_some() || self.chosen_by.is_some()
    }

    /// What `contender` has no figure for, if there is such.
    fn check_model(&self, contender: &Contender) -> Result<(), String> {
        let of_a_model = |published: &&Published| published.setting.is_empty();
        if contender.estimator.trainable().is_none()
            && self.published.iter().filter(of_a_model).any(|one| one.measure == Measure::Validation)
        {
            return Err(
                "nothing is trained, so that validation can only be that of a setting of [row.search]".into(),
            );
        }
        let has = contender.estimator.test_time_augmentation();
        let mut wanted = self.published.iter().filter_map(|published| published.measure.augmentation());
        match wanted.find(|wanted| *wanted != has) {
            Some(wanted) => Err(format!(
                "a figure is measured with evaluate.test_time_augmentation = \"{}\"; set it",
                wanted.name()
            )),
            None => Ok(()),
        }
    }
}

impl SuiteRow {
    /// Reads the row `name` from a `table` that came from `origin`.
    ///
    /// # Errors
    /// [`LabError`] for a recipe, a search or a figure that can't be followed.
    pub(crate) fn new(
        registry: &Registry,
        name: &str,
        origin: &str,
        mut table: Table,
    ) -> Result<Self, LabError> {
        let wrong = |reason: String| LabError::Suite { origin: origin.into(), reason };
        let Some(Value::Table(setup)) = table.remove(ROW) else {
            return Err(wrong("it has no [row] to say what was published".into()));
        };
        let setup: Setup = parse(setup).map_err(|error| wrong(format!("[row] {error}")))?;
        let contender = registry.contender(origin, name, table)?;
        let settings = grid(&setup.search).map_err(|error| wrong(format!("[row.search] {error}")))?;
        for one in &settings {
            contender.with(one).map_err(|error| wrong(format!("[row.search] {error}")))?;
        }
        setup.check(&settings).map_err(|reason| wrong(format!("[row] {reason}")))?;
        setup.check_model(&contender).map_err(|reason| wrong(format!("[row] {reason}")))?;
        Ok(Self { name: name.into(), setup, contender, settings, is_right: false })
    }
}

/// The settings of a search; none if it has no keys.
fn grid(search: &Table) -> Result<Vec<Settings>, SearchError> {
    // A grid draws nothing, so that any seed will do.
    if search.is_empty() { Ok(Vec::new()) } else { Space::from_table(search, &[])?.plan(None, 0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(setup: &str) -> Result<SuiteRow, String> {
        let text = format!("model = \"knn\"\n[row]\ntitle = \"t\"\nsource = \"s\"\n{setup}");
        SuiteRow::new(&Registry::zoo(), "r", "file", text.parse().unwrap()).map_err(|error| error.to_string())
    }

    /// What is wrong with a row.
    fn error(setup: &str) -> String {
        row(setup).err().unwrap_or_else(|| panic!("{setup} is accepted"))
    }

    const PUBLISHED: &str =
        "published = [{ measure = \"test\", value = 1.0, tolerance = 1.0, reason = \"\" }]\n";

    /// A search by folds, and a figure of a setting of it.
    const FOLDS: &str = "folds = 2\nsearch.k = [1, 5]\npublished = [{ measure = \"validation\", setting = { k = 5 }, folds = [1, 2], \
                         tolerance = 1.0, reason = \"\" }]\n";

    #[test]
    fn a_row_says_what_is_wrong_with_it() {
        assert!(row(PUBLISHED).is_ok());
        assert!(error("trainings = 0").contains("one at least"));
        assert!(error("chosen_by = 5").contains("two trainings to choose from"));
        assert!(error(&format!("against = \"a\"\n{PUBLISHED}")).contains("are of mistakes"));
        assert!(error(&format!("trainings = 3\n{PUBLISHED}")).contains("are of mistakes"));
        assert!(error(&PUBLISHED.replace("value", "worth")).contains("unknown field `worth`"));
        let both = PUBLISHED.replace("value", "at_least = 1.0, value");
        assert!(error(&both).contains("one of value, range"));
        assert!(error(&PUBLISHED.replace("tolerance = 1", "tolerance = -1")).contains("tolerance = -1"));
        assert!(error(&PUBLISHED.replace("value", "setting = { k = 1 }, value")).contains("0 settings are"));
        assert!(error(&format!("images = 5\nvalidation = 5\n{PUBLISHED}")).contains("validation = 5"));
        assert!(error(&PUBLISHED.replace("\"test\"", "\"validation\"")).contains("needs images held out"));
        assert!(error(&PUBLISHED.replace("\"test\"", "\"mirror\"")).contains("augmentation = \"mirror\""));
        let of_a_model = format!("validation = 9\n{}", PUBLISHED.replace("\"test\"", "\"validation\""));
        assert!(error(&of_a_model).contains("nothing is trained"));
    }

    #[test]
    fn a_search_that_could_not_be_judged_is_refused() {
        assert!(error(&format!("search.k = [1, 5]\n{PUBLISHED}")).contains("needs images to judge by"));
        assert!(error(&format!("folds = 5\n{PUBLISHED}")).contains("judge the settings of [row.search]"));
        assert!(error(&format!("validation = 9\nsearch.k = 5\n{PUBLISHED}")).contains("[row.search] k = 5"));
        let wrong = error(&format!("validation = 9\nsearch.q = [1, 2]\n{PUBLISHED}"));
        assert!(wrong.contains("file: [row.search] ") && wrong.contains('q'), "{wrong}");
    }

    #[test]
    fn a_figure_belongs_to_one_setting() {
        let whole = row(FOLDS).unwrap();
        let [published] = &whole.setup.published[..] else { panic!("there is one") };
        assert_eq!(published.place(&whole.settings), Some(1));
        assert_eq!(published.ranges().len(), 2);
        assert!(error(&FOLDS.replace("{ k = 5 }", "{ k = 3 }")).contains("0 settings are searched"));
        assert!(error(&FOLDS.replace("{ k = 5 }", "{ k = 5.0 }")).contains("0 settings are searched"));
        let several = FOLDS.replace("search.k", "search.metric = [\"l1\", \"l2\"]\nsearch.k");
        assert!(error(&several).contains("2 settings are searched"));
        assert!(error(&FOLDS.replace("[1, 2]", "[1, 2, 3]")).contains("must be 2 figures"));
        assert!(error(&FOLDS.replace("\"validation\"", "\"training\"")).contains("is of validation"));
        assert!(error(&FOLDS.replace("\"validation\"", "\"test\"")).contains("judges by validation"));
    }
}
