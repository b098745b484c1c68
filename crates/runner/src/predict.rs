//! `zoo predict`: what trained models see in image files.

use std::path::{Path, PathBuf};

use anyhow::Context;
use burn::tensor::{Tensor, TensorData};
use comfy_table::Table;
use serde::Serialize;
use zoo_core::Classifier;
use zoo_data::{ImageShape, folder};

use crate::cli::GlobalOptions;
use crate::failure;
use crate::output::{print, print_json};
use crate::progress::Progress;
use crate::runs::TrainingRun;

/// What one run sees in one image, the likeliest class first.
#[derive(Serialize)]
struct Prediction {
    image: PathBuf,
    run: PathBuf,
    model: &'static str,
    classes: Vec<Guess>,
}

#[derive(Serialize)]
struct Guess {
    class: String,
    probability: f32,
}

/// Classifies `images` with each of `runs`.
pub(crate) fn run(
    options: &GlobalOptions,
    runs: &[PathBuf],
    images: &[PathBuf],
    top: u16,
) -> anyhow::Result<()> {
    options.keep_to_the_run()?;
    let runs = runs.iter().map(|path| TrainingRun::open(path)).collect::<anyhow::Result<Vec<_>>>()?;
    for run in &runs {
        run.model_file()?;
    }
    let progress = Progress::new(options.quiet);
    let selected = options.one_backend()?.select()?;
    progress.line(&format!("backend: {selected}"));
    let mut predictions = failure::catch(&selected, || {
        let mut predictions = Vec::new();
        for run in &runs {
            let dimensions = run.config.dimensions();
            let model = run.contender.recipe.load(&run.model_file()?, dimensions, &selected)?;
            for image in images {
                let scores = model
                    .classifier()
                    .forward(Tensor::from_data(load(image, dimensions.shape)?, &selected.device));
                let classes = guesses(&run.config.classes, model.classifier(), scores, top.into())?;
                let (image, path) = (image.clone(), run.path.clone());
                predictions.push(Prediction { image, run: path, model: run.contender.entry.name, classes });
            }
        }
        Ok(predictions)
    })?;
    predictions.sort_by_key(|prediction| images.iter().position(|image| *image == prediction.image));
    if options.json { print_json(&predictions) } else { print(&table(&predictions).to_string()) }
}

/// The `top` classes by score, the order that accuracy is measured in, with their probabilities.
fn guesses(
    classes: &[String],
    classifier: &dyn Classifier,
    scores: Tensor<2>,
    top: usize,
) -> anyhow::Result<Vec<Guess>> {
    let read = |tensor: Tensor<2>| -> anyhow::Result<Vec<f32>> {
        tensor.into_data().convert::<f32>().try_to_vec().context("the device failed")
    };
    let (values, probabilities) = (read(scores.clone())?, read(classifier.probabilities(scores))?);
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let guess = |class: usize| Guess { class: classes[class].clone(), probability: probabilities[class] };
    Ok(order.into_iter().take(top).map(guess).collect())
}

fn load(path: &Path, [channels, height, width]: [usize; 3]) -> anyhow::Result<TensorData> {
    let pixels = folder::load_image(path, ImageShape { channels, height, width })?;
    let values: Vec<f32> = pixels.into_iter().map(f32::from).collect();
    Ok(TensorData::new(values, [1, channels, height, width]))
}

fn table(predictions: &[Prediction]) -> Table {
    let mut table = zoo_report::table(["image", "run", "model", "classes"]);
    for prediction in predictions {
        let guess = |guess: &Guess| format!("{} {:.1} %", guess.class, 100.0 * guess.probability);
        let classes: Vec<String> = prediction.classes.iter().map(guess).collect();
        table.add_row([
            prediction.image.display().to_string(),
            prediction.run.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            prediction.model.into(),
            classes.join(", "),
        ]);
    }
    table
}
