//! `zoo evaluate`: test-set metrics of a finished run, or of weights from elsewhere, on any backend.

use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use zoo_core::Scores;
use zoo_data::{Splits, Subset};

use crate::backend::Selected;
use crate::cli::GlobalOptions;
use crate::config::{self, Contender};
use crate::failure;
use crate::judge::Judge;
use crate::output::show;
use crate::progress::Progress;
use crate::recipes::{Dimensions, Model};
use crate::runs::{self, RunConfig, TrainingRun};
use crate::source::Source;

/// Evaluates the run in folder `path`; `scores` is a file for the scores.
pub(crate) fn run(options: &GlobalOptions, path: &Path, scores: Option<&Path>) -> anyhow::Result<()> {
    options.keep_to_the_run()?;
    let run = TrainingRun::open(path)?;
    let file = run.model_file()?;
    let evaluation = Evaluation {
        splits: run.splits(options)?,
        selected: options.one_backend()?.select()?,
        contender: &run.contender,
        config: &run.config,
    };
    let load = || run.contender.recipe.load(&file, run.config.dimensions(), &evaluation.selected);
    evaluation.show(options, &load, scores)
}

/// Evaluates the network of `--config` with the weights in `file`.
pub(crate) fn weights(options: &GlobalOptions, file: &Path, scores: Option<&Path>) -> anyhow::Result<()> {
    let model = config::only_model(&options.config)?;
    let contender = config::contenders(options, &[model])?.remove(0);
    let source = Source::new(options);
    let splits = source.splits(options.seed())?;
    contender.validate(Dimensions::of(&splits))?;
    let selected = options.one_backend()?.select()?;
    let config = RunConfig::new(&source, &splits, std::slice::from_ref(&selected), options.seed());
    let evaluation = Evaluation { splits, selected, contender: &contender, config: &config };
    let load = || contender.recipe.load_weights(file, &evaluation.splits, &evaluation.selected);
    evaluation.show(options, &load, scores)
}

/// What is evaluated, and on what.
struct Evaluation<'a> {
    splits: Splits,
    selected: Selected,
    contender: &'a Contender,
    config: &'a RunConfig,
}

impl Evaluation<'_> {
    fn show(
        &self,
        options: &GlobalOptions,
        load: &dyn Fn() -> anyhow::Result<Box<dyn Model>>,
        file: Option<&Path>,
    ) -> anyhow::Result<()> {
        let Self { splits, selected, contender, config } = self;
        let progress = Progress::new(options.quiet);
        progress.line(&format!("backend: {selected}"));
        let (result, scores) = failure::catch(selected, || {
            let model = load()?;
            let mut result = contender.result(selected)?;
            result.parameters = Some(model.parameters());
            let judge = Judge::new(contender, splits, &selected.device, progress);
            let scores = judge.judge(model.classifier(), config.seed, &mut result)?;
            Ok((result, scores))
        })?;
        if let Some(file) = file {
            runs::write(file, &to_safetensors(&splits.test, &scores)?)?;
            progress.line(&format!("written to {}", file.display()));
        }
        show(options, &(*config).clone().on(selected).comparison(splits, vec![result]))
    }
}

/// `images` `[images, channels, height, width]`, U8; `labels` `[images]`, U32; `scores` `[images, classes]`, F32.
fn to_safetensors(images: &Subset, scores: &Scores) -> anyhow::Result<Vec<u8>> {
    let (count, shape) = (images.len(), images.shape());
    let pixels: Vec<u8> = (0..count).flat_map(|position| images.pixels(position)).copied().collect();
    let labels = images.labels().into_iter().flat_map(|label| (label as u32).to_le_bytes());
    let values = scores.rows().flatten().flat_map(|score| score.to_le_bytes());
    let (labels, values): (Vec<u8>, Vec<u8>) = (labels.collect(), values.collect());
    let dimensions = vec![count, shape.channels, shape.height, shape.width];
    let tensors = [
        ("images", TensorView::new(Dtype::U8, dimensions, &pixels)?),
        ("labels", TensorView::new(Dtype::U32, vec![count], &labels)?),
        ("scores", TensorView::new(Dtype::F32, vec![count, scores.classes()], &values)?),
    ];
    Ok(safetensors::serialize(tensors, None)?)
}
