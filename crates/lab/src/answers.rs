//! What models say of the images that they are judged on: `predictions.csv`.

use std::path::Path;

use zoo_schema::{AnsweredImage, Answers, ModelAnswers};

use crate::error::LabError;
use crate::lab::Lab;
use crate::run::{ANSWERS, read_text, write};

impl Lab<'_> {
    /// The images that models are judged on, with what each of `models` says of them.
    pub(crate) fn answers(&self, models: Vec<ModelAnswers>) -> Answers {
        let (part, images) = self.judged();
        let image = |position: usize| AnsweredImage {
            name: images.name(position).into_owned(),
            class: self.splits.classes[images.label(position)].clone(),
        };
        Answers { part, images: (0..images.len()).map(image).collect(), models }
    }
}

/// Writes `predictions.csv`.
pub(crate) fn write_answers(folder: &Path, answers: &Answers) -> Result<(), LabError> {
    write(&folder.join(ANSWERS), answers.to_csv().as_bytes())
}

/// What the run in `folder` has in its `predictions.csv`.
///
/// # Errors
/// [`LabError`] if there is none, or it can't be read.
pub fn read_answers(folder: &Path) -> Result<Answers, LabError> {
    let path = folder.join(ANSWERS);
    if !path.is_file() {
        let reason =
            format!("has no {ANSWERS}: the run is not finished, or of an older zoo, which kept no answers");
        return Err(LabError::run(folder, reason));
    }
    let text = read_text(&path)?;
    Answers::from_csv(&text).map_err(|error| LabError::file(&path, error))
}
