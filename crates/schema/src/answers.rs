//! `predictions.csv`: every image that models were judged on, with what each of them says.
//!
//! One line per image: its part of the data, its name and its class; then, per model, the class that it says, how sure it is of that,
//! and whether that is right. Models of several runs on the same images are next to each other: see [`Answers::join`].
//!
//! ```
//! let table = "\
//! part,image,class,cnn,cnn probability,cnn right
//! test,cats/1.png,cat,cat,0.9,true
//! test,dogs/1.png,dog,cat,0.6,false
//! ";
//! let answers = zoo_schema::Answers::from_csv(table)?;
//! assert_eq!(answers.images[1].name, "dogs/1.png");
//! assert_eq!(answers.right(0), [true, false]);
//! assert_eq!(answers.to_csv(), table);
//! # Ok::<(), zoo_schema::AnswersError>(())
//! ```

mod error;
mod join;
mod read;

pub use error::AnswersError;

/// What models say of the same images.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// Which part of the data the images are.
    pub part: Part,
    /// The images, no two of the same name.
    pub images: Vec<AnsweredImage>,
    /// The models, no two of the same name.
    pub models: Vec<ModelAnswers>,
}

/// A part of the data that models are judged on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The test images.
    Test,
    /// The validation images.
    Validation,
}

/// An image that models were judged on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredImage {
    /// Its name within the data: `test/17`, `cats/1.png`.
    pub name: String,
    /// The name of its class.
    pub class: String,
}

/// What one model says.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelAnswers {
    /// The model, as [`ModelResult::label`](crate::ModelResult::label) has it.
    pub model: String,
    /// What the values of its answers are.
    pub measure: Measure,
    /// One per image, in the order of [`Answers::images`].
    pub answers: Vec<Answer>,
}

/// What the value of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// How likely the model takes the class to be, from 0 to 1.
    Probability,
    /// The class's score: the larger, the surer, on a scale of the model's own.
    Score,
}

/// What a model says of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The name of the class that it takes the image for.
    pub class: String,
    /// How sure it is of that: see [`Measure`].
    pub value: f32,
}

impl Part {
    /// Both.
    const ALL: [Self; 2] = [Self::Test, Self::Validation];

    /// `test` or `validation`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Validation => "validation",
        }
    }
}

impl Measure {
    /// Both.
    const ALL: [Self; 2] = [Self::Probability, Self::Score];

    /// `probability` or `score`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Probability => "probability",
            Self::Score => "score",
        }
    }
}

impl ModelAnswers {
    /// Whether this is the model of the result with this [label](crate::ModelResult::label), or one of its trainings: `softmax` and
    /// `softmax/seed-42` are of `softmax`.
    #[must_use]
    pub fn is_of(&self, label: &str) -> bool {
        self.model.strip_prefix(label).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// For each answer, the share of the model's answers that it is at least as sure of: 1 for the surest.
    #[must_use]
    pub fn ranks(&self) -> Vec<f64> {
        let mut sorted: Vec<f32> = self.answers.iter().map(|answer| answer.value).collect();
        sorted.sort_by(f32::total_cmp);
        let rank = |value: f32| sorted.partition_point(|other| other.total_cmp(&value).is_le());
        self.answers.iter().map(|answer| rank(answer.value) as f64 / sorted.len() as f64).collect()
    }
}

impl Answers {
    /// Whether the model at place `model` is right about the image at place `image`.
    ///
    /// # Panics
    /// If there is no such model, or no such image.
    #[must_use]
    pub fn is_right(&self, model: usize, image: usize) -> bool {
        self.models[model].answers[image].class == self.images[image].class
    }

    /// For each image, whether the model at place `model` is right about it.
    ///
    /// # Panics
    /// If there is no such model, or it has not one answer per image.
    #[must_use]
    pub fn right(&self, model: usize) -> Vec<bool> {
        (0..self.images.len()).map(|image| self.is_right(model, image)).collect()
    }

    /// The table, with a line of headings: `part`, `image`, `class`, and per model `NAME`, `NAME probability` or `NAME score`,
    /// `NAME right`. Values have as many digits as it takes to read the same number again.
    ///
    /// # Panics
    /// If a model has not one answer per image.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut table = csv::Writer::from_writer(Vec::new());
        let mut write = |fields: Vec<String>| table.write_record(fields).expect("memory takes all lines");
        write(self.headings());
        for (place, image) in self.images.iter().enumerate() {
            let mut fields = vec![self.part.name().into(), image.name.clone(), image.class.clone()];
            for (number, model) in self.models.iter().enumerate() {
                let Answer { class, value } = &model.answers[place];
                fields.extend([
                    class.clone(),
                    format!("{value:?}"),
                    self.is_right(number, place).to_string(),
                ]);
            }
            write(fields);
        }
        let bytes = table.into_inner().expect("memory takes all bytes");
        String::from_utf8(bytes).expect("fields are text, and so is what is between them")
    }

    fn headings(&self) -> Vec<String> {
        let images = ["part", "image", "class"].map(String::from).into_iter();
        images.chain(self.models.iter().flat_map(|model| headings(&model.model, model.measure))).collect()
    }
}

/// The headings of a model's three columns.
fn headings(model: &str, measure: Measure) -> [String; 3] {
    [model.into(), format!("{model} {}", measure.name()), format!("{model} right")]
}

#[cfg(test)]
mod tests;
