//! Where rows are measured.

use std::time::Instant;

use toml::Value;
use zoo_core::reproduction::{Images, Row};
use zoo_core::search;
use zoo_data::Dataset;
use zoo_train::search::Settings;

use super::outcome::Outcome;
use super::row::SuiteRow;
use crate::backend::Selected;
use crate::cli::GlobalOptions;
use crate::config::Contender;
use crate::judge::fit_and_judge;
use crate::progress::Progress;
use crate::recipes::{Dimensions, Job};
use crate::source::Source;
use crate::tune::{Interrupted, Search};

/// Images, held-out ones included, of a row of which a sample is run; those held out; and test images.
const SAMPLE: [usize; 3] = [1000, 200, 200];
/// Tries of a random search of which a sample is run.
const SAMPLE_TRIES: i64 = 20;
/// Settings of a search of which a sample is run.
const SAMPLE_SETTINGS: usize = 2;

/// What rows are measured with.
pub(super) struct Laboratory<'a> {
    pub(super) options: &'a GlobalOptions,
    pub(super) source: Source,
    pub(super) selected: Selected,
    pub(super) progress: Progress,
    /// Whether a sample of each row is enough.
    pub(super) quick: bool,
}

impl Laboratory<'_> {
    /// Follows a row, and judges its figures if they can be `judged`. What fails is in the row.
    ///
    /// # Errors
    /// [`Interrupted`].
    pub(super) fn measure(&self, row: &SuiteRow, dataset: &Dataset, judged: bool) -> anyhow::Result<Row> {
        let start = Instant::now();
        let images = self.images(row, dataset);
        let settings = self.settings(row);
        let mut outcome = Outcome::default();
        if let Err(error) = self.follow(row, settings, images, &mut outcome) {
            if error.is::<Interrupted>() {
                return Err(error);
            }
            outcome.error = Some(format!("{error:#}"));
        }
        let figures = outcome.figures(row, settings.len(), judged);
        let config = match &outcome.result {
            Some(result) => result.config.clone(),
            None => serde_json::to_value(row.contender.recipe.config()?)?,
        };
        Ok(Row {
            row: row.name.clone(),
            title: row.setup.title.clone(),
            source: row.setup.source.clone(),
            config,
            images,
            error: outcome.why_missing(&figures),
            seconds: start.elapsed().as_secs_f64(),
            figures,
            trials: outcome.trials,
            result: outcome.result,
        })
    }

    /// How many images of `dataset` the row takes.
    fn images(&self, row: &SuiteRow, dataset: &Dataset) -> Images {
        let setup = &row.setup;
        let most = if self.quick { SAMPLE } else { [usize::MAX; 3] };
        let all = setup.images.unwrap_or(usize::MAX).min(dataset.train.len()).min(most[0]);
        let validation = setup.validation.min(most[1]).min(all / 2);
        let test = setup.test.unwrap_or(usize::MAX).min(dataset.test.len()).min(most[2]);
        Images { train: all - validation, validation, test }
    }

    /// The settings that the row tries. A sample has one at least that something was published for, if any has.
    fn settings<'row>(&self, row: &'row SuiteRow) -> &'row [Settings] {
        let places = row.setup.published.iter().filter_map(|published| published.place(&row.settings));
        let least = places.min().map_or(0, |place| place + 1);
        let most = if self.quick { SAMPLE_SETTINGS.max(least) } else { usize::MAX };
        &row.settings[..row.settings.len().min(most)]
    }

    /// Searches, if the row does, and fits the best if that is looked at.
    fn follow(
        &self,
        row: &SuiteRow,
        settings: &[Settings],
        images: Images,
        outcome: &mut Outcome,
    ) -> anyhow::Result<()> {
        let setup = &row.setup;
        let all = images.train + images.validation;
        let source = Source {
            limit_train: Some(all),
            limit_test: Some(images.test),
            validation: images.validation as f64 / all as f64,
            in_order: setup.in_order,
            ..self.source.clone()
        };
        let sampled = if self.quick { Some(short(&row.contender, images.train)?) } else { None };
        let contender = sampled.as_ref().unwrap_or(&row.contender);
        let search = Search {
            contender,
            settings,
            source: &source,
            seed: self.options.seed(),
            backend: self.options.one_backend()?,
            gpu: self.selected.gpu,
            folds: setup.folds,
            jobs: None,
            progress: self.progress,
        };
        outcome.trials = search.run(Vec::new(), &mut |_| Ok(()))?;
        // Where all figures are those of a setting each, no model is looked at in the end.
        if setup.published.iter().all(|published| !published.setting.is_empty()) {
            return Ok(());
        }
        match search::best(&outcome.trials) {
            Some(best) => self.fit(row, &contender.with(&settings[best.trial - 1])?, &source, outcome),
            // Why is in the trials.
            None if !settings.is_empty() => Ok(()),
            None => self.fit(row, contender, &source, outcome),
        }
    }

    /// Fits the model that a row's figures are of.
    fn fit(
        &self,
        row: &SuiteRow,
        contender: &Contender,
        source: &Source,
        outcome: &mut Outcome,
    ) -> anyhow::Result<()> {
        let splits = source.splits(self.options.seed())?;
        contender.validate(Dimensions::of(&splits))?;
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
        Ok(())
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
