//! Which images models get wrong, by name.

use std::path::PathBuf;

use zoo_core::Unknown;
use zoo_schema::{Answers, ModelAnswers};

use crate::answers::read_answers;
use crate::error::LabError;

/// Which mistakes are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes {
    /// Only images of this class.
    pub class: Option<String>,
    /// Only images that some model takes for this class.
    pub answer: Option<String>,
    /// Only what these models say; what all say if there are none.
    pub models: Vec<String>,
    /// Which of the images that are left.
    pub which: Which,
}

/// Which images are mistakes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// Those that at least one model gets wrong.
    #[default]
    AnyWrong,
    /// Those that every model gets wrong.
    AllWrong,
    /// Those that models answer differently.
    Disagree,
}

/// What the runs in the folders `paths` say of the images that they were judged on, side by side.
///
/// # Errors
/// [`LabError`] if a run kept no answers, or the runs were judged on different images.
pub fn answers_of(paths: &[PathBuf]) -> Result<Answers, LabError> {
    let mut parts: Vec<Answers> = Vec::new();
    for path in paths {
        let mut answers = read_answers(path)?;
        let run = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for model in &mut answers.models {
            // Of two trainings of one recipe each is called by its run, too.
            if parts.iter().flat_map(|part| &part.models).any(|other| other.model == model.model) {
                model.model = format!("{} of {run}", model.model);
            }
        }
        parts.push(answers);
    }
    Answers::join(parts).map_err(LabError::Answers)
}

impl Mistakes {
    /// The images among `answers` that are asked for, the most confident mistakes first. A mistake of a model is the more confident the
    /// more of the model's own answers it is surer of than; with several models that are wrong it is their mean.
    ///
    /// # Errors
    /// [`LabError::Unknown`] for a class or a model that isn't there.
    pub fn among(&self, answers: Answers) -> Result<Answers, LabError> {
        let answers = self.of_models(answers)?;
        self.check_classes(&answers)?;
        let ranks: Vec<Vec<f64>> = answers.models.iter().map(ModelAnswers::ranks).collect();
        let mut chosen: Vec<(f64, usize)> = Vec::new();
        for image in 0..answers.images.len() {
            if self.is_asked_for(&answers, image) {
                let wrong = (0..answers.models.len()).filter(|&model| !answers.is_right(model, image));
                let ranks: Vec<f64> = wrong.map(|model| ranks[model][image]).collect();
                chosen.push((ranks.iter().sum::<f64>() / ranks.len().max(1) as f64, image));
            }
        }
        chosen.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let order: Vec<usize> = chosen.into_iter().map(|(_, image)| image).collect();
        Ok(select(&answers, &order))
    }

    fn of_models(&self, mut answers: Answers) -> Result<Answers, LabError> {
        // Of several trainings, `softmax/seed-42`, the recipe's name means all.
        let is = |model: &str, asked: &str| model == asked || model.split('/').next() == Some(asked);
        for asked in &self.models {
            if !answers.models.iter().any(|model| is(&model.model, asked)) {
                let names: Vec<&str> = answers.models.iter().map(|model| model.model.as_str()).collect();
                return Err(Unknown::new("model of these runs", asked, &names).into());
            }
        }
        if !self.models.is_empty() {
            answers.models.retain(|model| self.models.iter().any(|asked| is(&model.model, asked)));
        }
        Ok(answers)
    }

    fn check_classes(&self, answers: &Answers) -> Result<(), LabError> {
        let of_images = answers.images.iter().map(|image| image.class.as_str());
        let said = answers.models.iter().flat_map(|model| &model.answers).map(|answer| answer.class.as_str());
        let mut classes: Vec<&str> = of_images.chain(said).collect();
        classes.sort_unstable();
        classes.dedup();
        let unknown = self.class.iter().chain(&self.answer).find(|class| !classes.contains(&class.as_str()));
        unknown.map_or(Ok(()), |class| Err(Unknown::new("class", class, &classes).into()))
    }

    fn is_asked_for(&self, answers: &Answers, image: usize) -> bool {
        let models = 0..answers.models.len();
        let said = |model: usize| answers.models[model].answers[image].class.as_str();
        let wrong = models.clone().filter(|&model| !answers.is_right(model, image)).count();
        let is_mistake = match self.which {
            Which::AnyWrong => wrong > 0,
            Which::AllWrong => wrong == models.len() && wrong > 0,
            Which::Disagree => models.clone().any(|model| said(model) != said(0)),
        };
        is_mistake
            && self.class.as_ref().is_none_or(|class| answers.images[image].class == *class)
            && self.answer.as_ref().is_none_or(|class| models.clone().any(|model| said(model) == class))
    }
}

/// The images at `order`, in that order.
fn select(answers: &Answers, order: &[usize]) -> Answers {
    let model = |model: &ModelAnswers| ModelAnswers {
        model: model.model.clone(),
        measure: model.measure,
        answers: order.iter().map(|&image| model.answers[image].clone()).collect(),
    };
    Answers {
        part: answers.part,
        images: order.iter().map(|&image| answers.images[image].clone()).collect(),
        models: answers.models.iter().map(model).collect(),
    }
}

#[cfg(test)]
mod tests {
    use zoo_schema::{Answer, AnsweredImage, Measure, Part};

    use super::*;

    /// Four images of two classes; what two models say.
    fn answers() -> Answers {
        let images = [("a", "cat"), ("b", "cat"), ("c", "dog"), ("d", "dog")];
        let model = |name: &str, said: [(&str, f32); 4]| ModelAnswers {
            model: name.into(),
            measure: Measure::Probability,
            answers: said.map(|(class, value)| Answer { class: class.into(), value }).into(),
        };
        Answers {
            part: Part::Test,
            images: images
                .map(|(name, class)| AnsweredImage { name: name.into(), class: class.into() })
                .into(),
            models: vec![
                model("cnn", [("cat", 0.9), ("dog", 0.6), ("dog", 0.8), ("cat", 0.7)]),
                model("svm", [("dog", 0.3), ("dog", 0.9), ("dog", 0.2), ("dog", 0.4)]),
            ],
        }
    }

    fn found(mistakes: &Mistakes) -> String {
        let found = mistakes.among(answers()).unwrap();
        found.images.iter().map(|image| image.name.as_str()).collect()
    }

    #[test]
    fn the_most_confident_mistakes_first() {
        // b is wrong for both: the least sure answer of one, the surest of the other.
        assert_eq!(found(&Mistakes::default()), "bad");
        let cnn = Mistakes { models: vec!["cnn".into()], ..Mistakes::default() };
        assert_eq!(found(&cnn), "db");
        assert_eq!(cnn.among(answers()).unwrap().models.len(), 1);
    }

    #[test]
    fn by_class_and_answer_and_agreement() {
        let which = |which| Mistakes { which, ..Mistakes::default() };
        assert_eq!(
            (found(&which(Which::AllWrong)), found(&which(Which::Disagree))),
            ("b".into(), "ad".into())
        );
        let class = Mistakes { class: Some("dog".into()), ..Mistakes::default() };
        assert_eq!(found(&class), "d");
        let answer =
            Mistakes { answer: Some("dog".into()), models: vec!["svm".into()], ..Mistakes::default() };
        assert_eq!(found(&answer), "ba");
    }

    #[test]
    fn unknown_names_are_told_with_what_there_is() {
        let class = Mistakes { class: Some("dgo".into()), ..Mistakes::default() };
        let error = class.among(answers()).unwrap_err().to_string();
        assert!(error.contains("dgo") && error.contains("dog"), "{error}");
        let model = Mistakes { models: vec!["knn".into()], ..Mistakes::default() };
        let error = model.among(answers()).unwrap_err().to_string();
        assert!(error.contains("knn") && error.contains("svm"), "{error}");
    }
}
