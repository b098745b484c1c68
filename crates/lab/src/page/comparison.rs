//! The page of models side by side, or of one.

use std::path::PathBuf;

use zoo_data::{Splits, Subset};
use zoo_knn::KnnConfig;
use zoo_recipes::Contender;
use zoo_report::{ComparisonPage, Decision, Provenance};
use zoo_schema::{Answers, Comparison, Part};

use crate::error::{LabError, in_words};
use crate::page::decisions::decisions;
use crate::pictures::raster;
use crate::run::RunConfig;

/// A model of a comparison, with the folder of its run.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// See [`ModelResult::label`](zoo_schema::ModelResult::label).
    pub(crate) label: String,
    /// The name of its recipe, or of its model.
    pub(crate) name: String,
    /// Its recipe, everything resolved, as TOML.
    pub(crate) recipe: String,
    /// How it looks for neighbours, if it does.
    pub(crate) neighbours: Option<KnnConfig>,
    pub(crate) folder: PathBuf,
}

impl Member {
    pub(crate) fn new(label: String, contender: &Contender, folder: PathBuf) -> Result<Self, LabError> {
        let (name, recipe) = (contender.name().into(), toml::to_string(&contender.table()?)?);
        Ok(Self { label, name, recipe, neighbours: contender.estimator.neighbours(), folder })
    }
}

/// All that a page shows.
pub(crate) struct Shown<'a> {
    pub(crate) comparison: Comparison,
    pub(crate) answers: Option<Answers>,
    pub(crate) members: Vec<Member>,
    pub(crate) splits: Option<&'a Splits>,
    pub(crate) provenance: Provenance,
    /// What can't be shown, and why.
    pub(crate) missing: Vec<String>,
    pub(crate) config: RunConfig,
}

impl Shown<'_> {
    /// The page.
    pub(crate) fn html(mut self) -> String {
        self.drop_answers_of_other_images();
        let mut shown: Vec<Decision> = Vec::new();
        for member in &self.members {
            match decisions(member, &self.config, &self.comparison.dataset.name, self.splits) {
                Ok(grid) => shown.extend(grid.map(|grid| Decision { model: member.label.clone(), grid })),
                Err(error) => {
                    self.missing.push(format!(
                        "How {} decides can't be shown: {}.",
                        member.label,
                        in_words(&error)
                    ));
                }
            }
        }
        let part = self.answers.as_ref().map_or(Part::Test, |answers| answers.part);
        let images = self.splits.map(|splits| images_of(splits, part));
        let image =
            |place: usize| images.filter(|images| place < images.len()).map(|images| raster(images, place));
        let page = ComparisonPage {
            comparison: &self.comparison,
            answers: self.answers.as_ref(),
            image: &image,
            decisions: &shown,
            provenance: &self.provenance,
            explain: zoo_findings::explanation,
            missing: &self.missing,
        };
        page.html()
    }

    /// A table of answers that isn't about the images at hand, in their order, would show the wrong ones.
    fn drop_answers_of_other_images(&mut self) {
        let (Some(splits), Some(answers)) = (self.splits, &self.answers) else { return };
        let images = images_of(splits, answers.part);
        let is_of = |(place, image): (usize, &zoo_schema::AnsweredImage)| *images.name(place) == *image.name;
        if answers.images.len() != images.len() || !answers.images.iter().enumerate().all(is_of) {
            self.missing.push(
                "Single images are not shown: predictions.csv names others than those of the run.".into(),
            );
            self.answers = None;
        }
    }
}

/// The images of a part that models are judged on.
fn images_of(splits: &Splits, part: Part) -> &Subset {
    match part {
        Part::Test => &splits.test,
        Part::Validation => &splits.validation,
    }
}
