//! What models say of single images.

use zoo_schema::{Answer, Answers, Measure};

use crate::figure::percent;
use crate::table::table;

/// A table for the terminal: a row per image, with its class and what each model takes it for and how sure it is of that: a probability
/// in percent, or a score of a model that claims none. `✓` is right, `✗` is wrong.
#[must_use]
pub fn answers_table(answers: &Answers) -> String {
    let models = answers.models.iter().map(|model| model.model.clone());
    let mut table = table(["image".into(), "class".into()].into_iter().chain(models).collect::<Vec<_>>(), []);
    for (place, image) in answers.images.iter().enumerate() {
        let said = answers.models.iter().map(|model| {
            model
                .answers
                .get(place)
                .map_or_else(String::new, |answer| said(answer, model.measure, &image.class))
        });
        table.add_row([image.name.clone(), image.class.clone()].into_iter().chain(said));
    }
    table.trim_fmt()
}

/// An answer in a cell: `✗ dog 87.2 %`.
fn said(Answer { class, value }: &Answer, measure: Measure, truth: &str) -> String {
    let mark = if class == truth { '✓' } else { '✗' };
    let value = match measure {
        Measure::Probability => percent(f64::from(*value), 1),
        Measure::Score => format!("{value:.2}"),
    };
    format!("{mark} {class} {value}")
}

#[cfg(test)]
mod tests {
    use zoo_schema::{AnsweredImage, ModelAnswers, Part};

    use super::*;

    #[test]
    fn right_and_wrong_are_marked() {
        let image = |name: &str, class: &str| AnsweredImage { name: name.into(), class: class.into() };
        let model = |model: &str, measure, said: [(&str, f32); 2]| ModelAnswers {
            model: model.into(),
            measure,
            answers: said.map(|(class, value)| Answer { class: class.into(), value }).into(),
        };
        let answers = Answers {
            part: Part::Test,
            images: vec![image("cats/1.png", "cat"), image("dogs/1.png", "dog")],
            models: vec![
                model("cnn", Measure::Probability, [("cat", 0.912), ("cat", 0.5)]),
                model("svm", Measure::Score, [("dog", -0.125), ("dog", 3.456)]),
            ],
        };
        let table = answers_table(&answers);
        let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        let at = |word: &str| lines.iter().find(|line| line[0] == word).expect(word).join(" ");
        assert_eq!(at("image"), "image class cnn svm");
        assert_eq!(at("cats/1.png"), "cats/1.png cat ✓ cat 91.2 % ✗ dog -0.12");
        assert_eq!(at("dogs/1.png"), "dogs/1.png dog ✗ cat 50.0 % ✓ dog 3.46");
    }
}
