//! `zoo evaluate`: test-set metrics of a finished run, on any backend.

use std::path::Path;

use zoo_core::result::ModelResult;

use crate::cli::GlobalOptions;
use crate::failure;
use crate::judge::Candidate;
use crate::output::show;
use crate::progress::Progress;
use crate::runs::TrainingRun;

/// Evaluates the run in folder `path`.
pub(crate) fn run(options: &GlobalOptions, path: &Path) -> anyhow::Result<()> {
    options.keep_to_the_run()?;
    let run = TrainingRun::open(path)?;
    let file = run.model_file()?;
    let splits = run.splits(options)?;
    let progress = Progress::new(options.quiet);
    let selected = options.one_backend()?.select()?;
    progress.line(&format!("backend: {selected}"));
    let result = failure::catch(&selected, || {
        let model = run.recipe.load(&file, run.config.dimensions(), &selected)?;
        let config = serde_json::to_value(run.recipe.config()?)?;
        let mut result = ModelResult::new(run.entry.name, selected.backend, config);
        result.parameters = Some(model.parameters());
        let candidate = Candidate {
            name: run.entry.name,
            classifier: model.classifier(),
            loss: run.recipe.loss(),
            device: &selected.device,
            progress,
        };
        candidate.judge(&splits, run.config.seed, &mut result)?;
        Ok(result)
    })?;
    show(options, &run.config.on(&selected).comparison(&splits, vec![result]))
}
