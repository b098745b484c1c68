//! `zoo predict`: what trained models see in image files.

use std::path::{Path, PathBuf};

use anyhow::Context;
use burn::tensor::{Tensor, TensorData};
use comfy_table::Table;
use serde::Serialize;
use zoo_data::{ImageShape, folder};

use crate::cli::GlobalOptions;
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
    let mut predictions = Vec::new();
    for run in &runs {
        let model =
            run.recipe.load(&run.model_file()?, run.config.shape, run.config.classes.len(), &selected)?;
        for image in images {
            let pixels = load(image, run.config.shape)?;
            let scores = model.classifier().forward(Tensor::from_data(pixels, &selected.device));
            let probabilities = model.classifier().probabilities(scores).into_data().convert::<f32>();
            let probabilities: Vec<f32> = probabilities.try_to_vec().context("the device failed")?;
            let mut classes: Vec<Guess> = run
                .config
                .classes
                .iter()
                .zip(probabilities)
                .map(|(class, probability)| Guess { class: class.clone(), probability })
                .collect();
            classes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
            classes.truncate(top.into());
            predictions.push(Prediction {
                image: image.clone(),
                run: run.path.clone(),
                model: run.entry.name,
                classes,
            });
        }
    }
    predictions.sort_by_key(|prediction| images.iter().position(|image| *image == prediction.image));
    if options.json {
        println!("{}", serde_json::to_string_pretty(&predictions)?);
    } else {
        println!("{}", table(&predictions));
    }
    Ok(())
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
