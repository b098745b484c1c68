//! `zoo predict`: what trained models see in image files.

use std::collections::HashSet;
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use zoo_lab::run::{CONFIG, RESULT, TrainingRun};
use zoo_lab::{Predictor, Silent, Watch, image_files};
use zoo_report::{PredictionColumn, predictions_csv, predictions_csv_titles, predictions_table};
use zoo_schema::{Measure, Prediction};

use crate::cli::PredictArguments;
use crate::failure::Failure;
use crate::options::Options;
use crate::output::{print, print_json, print_more};

/// Classifies images with each of the runs that are named.
pub(crate) fn run(options: &Options, arguments: &PredictArguments) -> Result<(), Failure> {
    options.refuse_overrides_of_run()?;
    let (runs, images) = runs_and_images(options, arguments)?;
    let (runs, images) = (options.open_runs(&runs)?, image_files(&images)?);
    if runs.is_empty() {
        return Err(Failure::Usage(
            "these runs have no model yet; `zoo compare --resume RUN` goes on".into(),
        ));
    }
    for run in &runs {
        run.model_file()?;
    }
    let machine = options.machine()?;
    let predictor = Predictor::load(&runs, &machine)?;
    let mut output = Output::new(options, arguments, &runs);
    if output.begin()?.is_break() {
        return Ok(());
    }
    // Bars would be among the lines.
    let is_among_lines = output.form.is_streamed() && std::io::stdout().is_terminal();
    let watch: &dyn Watch = if is_among_lines { &Silent } else { &options.watch() };
    let mut progress = watch.progress("predict", images.len());
    let mut done = 0;
    for predictions in predictor.predict(&images, arguments.top) {
        let predictions = predictions?;
        done += predictions.len() / runs.len();
        progress(done);
        if output.take(predictions)?.is_break() {
            break;
        }
    }
    drop(progress);
    output.end(options, images.len())
}

/// The arguments by what they are: a run, if there is one of that name; otherwise an image, or a folder of images, if it is there.
fn runs_and_images(
    options: &Options,
    arguments: &PredictArguments,
) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Failure> {
    let is_run = |path: &Path| [CONFIG, RESULT].iter().any(|file| path.join(file).is_file());
    let is_image = |path: &PathBuf| path.exists() && !options.find(path).is_ok_and(|found| is_run(&found));
    let (mut images, runs): (Vec<_>, Vec<_>) = arguments.arguments.iter().cloned().partition(is_image);
    images.extend(arguments.image.iter().cloned());
    // What is neither is told before what is missing.
    let runs = runs.iter().map(|run| options.find(run)).collect::<Result<Vec<_>, _>>()?;
    let missing = match (runs.is_empty(), images.is_empty()) {
        (true, _) => "no run is named: its folder, a recipe's name for its newest run, or `last`",
        (_, true) => "no image is named, and no folder of images; they come after runs, or after --image",
        _ => return Ok((runs, images)),
    };
    Err(Failure::Usage(missing.into()))
}

/// How predictions are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Table,
    Csv,
    Json,
    JsonLines,
}

impl Form {
    /// Whether predictions are printed as soon as they are known.
    const fn is_streamed(self) -> bool {
        matches!(self, Self::Csv | Self::JsonLines)
    }
}

/// Predictions on their way to stdout.
struct Output {
    form: Form,
    columns: Vec<PredictionColumn>,
    /// What is printed in the end.
    kept: Vec<Prediction>,
    /// How many images can't be read.
    unreadable: usize,
    /// A run that doesn't know the names of its images.
    unnamed: Option<PathBuf>,
}

impl Output {
    fn new(options: &Options, arguments: &PredictArguments, runs: &[TrainingRun]) -> Self {
        let form = match (options.json, arguments.csv, arguments.jsonl) {
            (true, ..) => Form::Json,
            (_, true, _) => Form::Csv,
            (_, _, true) => Form::JsonLines,
            _ => Form::Table,
        };
        let paths: Vec<&Path> = runs.iter().map(|run| run.path.as_path()).collect();
        let columns = runs.iter().zip(names(&paths)).map(|(run, name)| column(run, name, arguments.top));
        Self { form, columns: columns.collect(), kept: Vec::new(), unreadable: 0, unnamed: None }
    }

    /// Prints what comes before all predictions.
    fn begin(&self) -> Result<ControlFlow<()>, Failure> {
        match self.form {
            Form::Csv => print_more(&predictions_csv_titles(&self.columns)),
            Form::Table | Form::Json | Form::JsonLines => Ok(ControlFlow::Continue(())),
        }
    }

    /// Prints the predictions for some images, or keeps them for the end.
    fn take(&mut self, predictions: Vec<Prediction>) -> Result<ControlFlow<()>, Failure> {
        let of_images = predictions.chunks_exact(self.columns.len());
        self.unreadable += of_images.filter(|of_image| of_image[0].error.is_some()).count();
        let is_unnamed =
            |prediction: &&Prediction| prediction.nearest.iter().any(|nearest| nearest.image.is_none());
        let unnamed = || predictions.iter().find(is_unnamed).map(|prediction| prediction.run.clone());
        self.unnamed = self.unnamed.take().or_else(unnamed);
        match self.form {
            Form::Csv => print_more(&predictions_csv(&self.columns, &predictions)),
            Form::JsonLines => {
                let lines = predictions.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
                print_more(&lines.join("\n"))
            }
            Form::Table | Form::Json => {
                self.kept.extend(predictions);
                Ok(ControlFlow::Continue(()))
            }
        }
    }

    /// Prints what was kept, and fails if some of the `images` can't be read.
    fn end(self, options: &Options, images: usize) -> Result<(), Failure> {
        match self.form {
            Form::Table => print(&predictions_table(&self.columns, &self.kept))?,
            Form::Json => print_json(&self.kept)?,
            Form::Csv | Form::JsonLines => {}
        }
        if let Some(run) = self.unnamed {
            options.watch().line(&format!(
                "{} is of an older version, which kept no names: its neighbours have none; fit it again to see them",
                run.display()
            ));
        }
        let count = self.unreadable;
        let finding = (count > 0).then(|| format!("{count} of {images} images can't be read"));
        Failure::unless_empty(finding.into_iter().collect())
    }
}

/// The column of a run.
fn column(run: &TrainingRun, name: String, top: usize) -> PredictionColumn {
    let estimator = &run.contender.estimator;
    let claims = estimator.claims_probabilities();
    let (classes, votes) = (run.config.classes.len(), estimator.neighbours().map(|knn| knn.k));
    PredictionColumn {
        name,
        measure: if claims { Measure::Probability } else { Measure::Score },
        classes: top.min(votes.map_or(classes, |votes| votes.min(classes))),
        nearest: votes.map_or(0, |votes| votes.min(top)),
    }
}

/// The shortest ends of paths that tell them apart: `softmax` and `svm` of one comparison, or `softmax/seed-42` and `svm/seed-42`.
fn names(paths: &[&Path]) -> Vec<String> {
    let end = |path: &Path, length: usize| {
        let parts: Vec<_> = path.components().collect();
        let end: PathBuf = parts[parts.len().saturating_sub(length)..].iter().collect();
        end.display().to_string()
    };
    let ends = |length: usize| paths.iter().map(|path| end(path, length)).collect::<Vec<_>>();
    let are_distinct = |names: &Vec<String>| names.iter().collect::<HashSet<_>>().len() == names.len();
    let longest = paths.iter().map(|path| path.components().count()).max().unwrap_or(1);
    (1..longest).map(ends).find(are_distinct).unwrap_or_else(|| ends(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_short_as_can_be() {
        let names = |paths: &[&str]| names(&paths.iter().map(Path::new).collect::<Vec<_>>());
        assert_eq!(names(&["runs/0001-compare/knn", "runs/0001-compare/svm"]), ["knn", "svm"]);
        let seeds = names(&["runs/1/svm/seed-42", "runs/1/softmax/seed-42", "x"]);
        assert_eq!(seeds, ["svm/seed-42", "softmax/seed-42", "x"]);
        assert_eq!(names(&["a/b", "a/b"]), ["a/b", "a/b"]);
    }
}
