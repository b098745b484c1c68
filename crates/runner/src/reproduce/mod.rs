//! `zoo reproduce`: a suite of published results, published against measured, row by row.

mod suite;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use toml::{Table, Value};
use zoo_core::reproduction::{Figure, Reproduction, Row, SCHEMA, Verdict};
use zoo_core::result::{DatasetSummary, ModelResult};
use zoo_core::search::{self, Trial};
use zoo_data::{Dataset, cifar10};
use zoo_train::search::{Settings, Space};

use crate::backend::Selected;
use crate::cli::{GlobalOptions, UsageError};
use crate::config::Contender;
use crate::judge::fit_and_judge;
use crate::output::{print, print_json};
use crate::progress::Progress;
use crate::recipes::{Dimensions, Job};
use crate::runs;
use crate::source::Source;
use crate::tune::Search;

use suite::{Measure, Published, Suite, SuiteRow};

/// Training, held-out and test images of a row of which a sample is run.
const SAMPLE: [usize; 3] = [1000, 200, 200];
/// Tries of a random search of which a sample is run.
const SAMPLE_TRIES: i64 = 20;
/// Settings of a search of which a sample is run.
const SAMPLE_SETTINGS: usize = 2;

/// What is asked for.
pub(crate) struct Request<'a> {
    /// A suite's name, or a folder of rows.
    pub(crate) suite: &'a str,
    /// The rows to run; all if there are none.
    pub(crate) only: &'a [String],
    /// Whether a sample of each row is enough.
    pub(crate) quick: bool,
}

/// Runs a suite.
pub(crate) fn run(options: &GlobalOptions, request: &Request<'_>) -> anyhow::Result<()> {
    options.keep_to_the_suite()?;
    let suite = Suite::open(request.suite)?.only(request.only)?;
    // What was published was published for CIFAR-10.
    let data = options.data.clone().unwrap_or_else(|| "cifar10".into());
    let options = GlobalOptions { data: Some(data), ..options.clone() };
    let source = Source { validation: 0.0, ..Source::new(&options) };
    let dataset = source.open(options.seed())?;
    let selected = options.one_backend()?.select()?;
    let progress = Progress::new(options.quiet);
    progress.line(&format!("backend: {selected}"));
    let mut reproduction = empty(&suite, &dataset, &selected, request.quick, options.seed());
    let folder = runs::start_reproduction(&options.out(), &reproduction)?;
    let laboratory = Laboratory { options: &options, source, selected, progress, quick: request.quick };
    for row in &suite.rows {
        if row.setup.official && !reproduction.official {
            let reason = "its figures are those of the official images in their order";
            progress.line(&format!("{}: left out: {reason}", row.name));
            continue;
        }
        let judged = !request.quick && dataset.name == "cifar10";
        let row = laboratory.measure(row, &dataset, judged);
        for figure in &row.figures {
            progress.line(&format!("{}: {}", row.row, zoo_report::figure_line(figure)));
        }
        if let Some(error) = &row.error {
            progress.line(&format!("{} failed: {error}", row.row));
        }
        reproduction.rows.push(row);
        runs::write_reproduction(&folder, &reproduction)?;
    }
    show(&options, &reproduction, &folder)
}

/// A suite of which nothing has been measured.
fn empty(suite: &Suite, dataset: &Dataset, selected: &Selected, quick: bool, seed: u64) -> Reproduction {
    Reproduction {
        schema: SCHEMA,
        suite: suite.name.clone(),
        zoo_version: runs::ZOO_VERSION.into(),
        burn_version: runs::BURN_VERSION.into(),
        dataset: DatasetSummary {
            name: dataset.name.clone(),
            train: dataset.train.len(),
            validation: 0,
            test: dataset.test.len(),
            classes: dataset.classes.clone(),
        },
        official: dataset.name == "cifar10" && cifar10::is_official(dataset),
        quick,
        backend: selected.backend.into(),
        adapter: selected.adapter.clone(),
        seed,
        rows: Vec::new(),
    }
}

/// Prints the table, or the document. Rows that failed are the command's failure; figures that missed are its result.
fn show(options: &GlobalOptions, reproduction: &Reproduction, folder: &Path) -> anyhow::Result<()> {
    if options.json {
        print_json(reproduction)?;
    } else {
        print(&zoo_report::reproduction_table(reproduction))?;
    }
    Progress::new(options.quiet).line(&format!("written to {}", folder.display()));
    let failed =
        reproduction.rows.iter().filter_map(|row| Some(format!("{}: {}", row.row, row.error.as_ref()?)));
    let failed: Vec<String> = failed.collect();
    if failed.is_empty() { Ok(()) } else { Err(anyhow::anyhow!("rows failed:\n{}", failed.join("\n"))) }
}

/// What rows are measured with.
struct Laboratory<'a> {
    options: &'a GlobalOptions,
    source: Source,
    selected: Selected,
    progress: Progress,
    quick: bool,
}

/// What came out of a row.
#[derive(Default)]
struct Outcome {
    trials: Vec<Trial>,
    result: Option<ModelResult>,
}

impl Laboratory<'_> {
    /// Follows a row and judges it. What fails is in the row.
    fn measure(&self, row: &SuiteRow, dataset: &Dataset, judged: bool) -> Row {
        let start = Instant::now();
        let images = self.images(row, dataset);
        let outcome = self.follow(row, images);
        let error = outcome.as_ref().err().map(|error| format!("{error:#}"));
        let outcome = outcome.unwrap_or_default();
        let config = outcome.result.as_ref().map(|result| result.config.clone());
        let plain = || row.contender.recipe.config().ok().and_then(|table| serde_json::to_value(table).ok());
        let figures = row.setup.published.iter().flat_map(|published| figures(published, &outcome));
        // A sample leaves settings out, and what was published for them.
        let was_tried = |figure: &Figure| !self.quick || error.is_some() || figure.measured.is_some();
        let figures = figures.filter(was_tried).map(|figure| match (judged, figure.measured) {
            (false, Some(_)) => figure,
            _ => Figure { verdict: figure.judged(), ..figure },
        });
        let figures = figures.collect();
        Row {
            row: row.name.clone(),
            title: row.setup.title.clone(),
            source: row.setup.source.clone(),
            config: config.or_else(plain).unwrap_or_default(),
            images,
            error,
            seconds: start.elapsed().as_secs_f64(),
            figures,
            remark: row.setup.remark.clone(),
            trials: outcome.trials,
            result: outcome.result,
        }
    }

    /// Training images with those held out, held-out ones, and test images.
    fn images(&self, row: &SuiteRow, dataset: &Dataset) -> [usize; 3] {
        let setup = &row.setup;
        let train = setup.images.unwrap_or(usize::MAX).min(dataset.train.len());
        let test = setup.test.unwrap_or(usize::MAX).min(dataset.test.len());
        if !self.quick {
            return [train, setup.validation.min(train / 2), test];
        }
        [train.min(SAMPLE[0]), setup.validation.min(SAMPLE[1]), test.min(SAMPLE[2])]
    }

    /// Searches, if the row does, and fits the best if that is looked at.
    fn follow(&self, row: &SuiteRow, [train, validation, test]: [usize; 3]) -> anyhow::Result<Outcome> {
        let setup = &row.setup;
        let source = Source {
            limit_train: Some(train),
            limit_test: Some(test),
            validation: validation as f64 / train as f64,
            in_order: setup.in_order,
            ..self.source.clone()
        };
        let sampled = if self.quick { Some(short(&row.contender, train - validation)?) } else { None };
        let contender = sampled.as_ref().unwrap_or(&row.contender);
        let settings = self.settings(row)?;
        let mut outcome = Outcome { trials: self.search(row, contender, &source, &settings)?, result: None };
        // With folds there is no model that the figures are of.
        if setup.published.iter().all(|published| !published.setting.is_empty()) {
            return Ok(outcome);
        }
        let best = search::best(&outcome.trials).map(|best| contender.with(&settings[best.trial - 1]));
        let best = best.transpose()?;
        let contender = best.as_ref().unwrap_or(contender);
        let splits = source.splits(self.options.seed())?;
        let valid = contender.recipe.validate(Dimensions::of(&splits));
        valid.map_err(|error| UsageError(format!("{}: {error}", row.name)))?;
        let job = Job {
            name: &row.name,
            splits: &splits,
            selected: &self.selected,
            seed: self.options.seed(),
            progress: if self.progress == Progress::Bars { self.progress } else { Progress::Silent },
            checkpoints: None,
            on_epoch: &|_| Ok(()),
        };
        outcome.result = Some(fit_and_judge(contender, &job)?.result);
        Ok(outcome)
    }

    /// The settings that a row searches; none if it doesn't.
    fn settings(&self, row: &SuiteRow) -> anyhow::Result<Vec<Settings>> {
        if row.setup.search.is_empty() {
            return Ok(Vec::new());
        }
        let mut settings = Space::from_table(&row.setup.search, &[])?.plan(None, self.options.seed())?;
        if self.quick {
            settings.truncate(SAMPLE_SETTINGS);
        }
        Ok(settings)
    }

    /// A trial of each of `settings`.
    fn search(
        &self,
        row: &SuiteRow,
        contender: &Contender,
        source: &Source,
        settings: &[Settings],
    ) -> anyhow::Result<Vec<Trial>> {
        let search = Search {
            contender,
            settings,
            source,
            seed: self.options.seed(),
            backend: self.options.one_backend()?,
            gpu: self.selected.gpu,
            folds: row.setup.folds,
            jobs: None,
            progress: self.progress,
        };
        let trials = search.run(Vec::new(), &mut |_| Ok(()))?;
        let failed = trials.iter().find_map(|trial| trial.error.clone());
        match (search::best(&trials), failed) {
            (None, Some(error)) => Err(anyhow::anyhow!("every setting failed; the first: {error}")),
            _ => Ok(trials),
        }
    }
}

/// A recipe that is done after an epoch over `images` images, of a few steps.
fn short(contender: &Contender, images: usize) -> anyhow::Result<Contender> {
    let mut table = contender.table()?;
    if let Some(train) = table.get_mut("train").and_then(Value::as_table_mut) {
        let epochs = train.get("epochs").and_then(Value::as_float).unwrap_or(1.0);
        train.insert("epochs".into(), epochs.min(1.0).into());
        let batch_size = train.get("batch_size").and_then(Value::as_integer).unwrap_or(1);
        train.insert("batch_size".into(), batch_size.min((images as i64 / 4).max(1)).into());
    }
    if let Some(Value::Table(optimizer)) = table.get_mut("optimizer")
        && let Some(tries) = optimizer.get_mut("tries")
    {
        *tries = SAMPLE_TRIES.into();
    }
    Contender::from_table(table, contender.recipe_name.clone())
}

/// The figures that `published` asks for.
fn figures(published: &Published, outcome: &Outcome) -> Vec<Figure> {
    let setting = to_json(&published.setting);
    let measured = measured(published, &setting, outcome);
    let ranges = published.ranges();
    let several = ranges.len() > 1;
    let figure = |(place, (low, high)): (usize, (Option<f64>, Option<f64>))| {
        let name = published.measure.name();
        Figure {
            measure: if several { format!("{name}, fold {}", place + 1) } else { name.into() },
            setting: setting.clone(),
            low,
            high,
            tolerance: published.tolerance,
            reason: published.reason.clone(),
            measured: measured.get(place).map(|accuracy| 100.0 * accuracy),
            verdict: Verdict::NotJudged,
        }
    };
    ranges.into_iter().enumerate().map(figure).collect()
}

/// What came out, 0 to 1: a number, or one a fold if folds are published.
fn measured(
    published: &Published,
    setting: &BTreeMap<String, serde_json::Value>,
    outcome: &Outcome,
) -> Vec<f64> {
    if setting.is_empty() {
        return outcome.result.as_ref().and_then(|result| published.measure.of(result)).into_iter().collect();
    }
    let of_setting =
        |trial: &&Trial| setting.iter().all(|(key, value)| trial.settings.get(key) == Some(value));
    let Some(trial) = outcome.trials.iter().find(of_setting) else { return Vec::new() };
    match published.measure {
        Measure::Validation if published.ranges().len() > 1 => trial.validation_accuracies.clone(),
        Measure::Validation => trial.validation_accuracy().into_iter().collect(),
        Measure::Training => trial.training_accuracy.into_iter().collect(),
        Measure::Test | Measure::Mirror | Measure::MirrorAndShifts => Vec::new(),
    }
}

/// A setting as trials have it.
fn to_json(setting: &Table) -> BTreeMap<String, serde_json::Value> {
    let json = |value: &Value| serde_json::to_value(value).unwrap_or_default();
    setting.iter().map(|(key, value)| (key.clone(), json(value))).collect()
}
