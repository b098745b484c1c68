//! Answers from the text of a table.

use std::collections::{HashMap, HashSet};

use super::error::AnswersError;
use super::{Answer, AnsweredImage, Answers, Measure, ModelAnswers, Part, headings};

impl Answers {
    /// Reads what [`Answers::to_csv`] writes, whatever program has had it open in between: line ends may be of any kind, and `TRUE` is
    /// `true`.
    ///
    /// # Errors
    /// [`AnswersError`], with line and column, if the table is empty, a heading is not what it should be, there is no model or one of
    /// the same name twice, images are of different parts or two have the same name, a value is no finite number, or what is said to
    /// be right is not, or the other way round.
    pub fn from_csv(text: &str) -> Result<Self, AnswersError> {
        // Lines of all lengths are let through: what is wrong with them is said here.
        let mut table = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let headings = table.headers()?.clone();
        let mut models = models(&headings)?;
        let mut images = Vec::new();
        let mut part = None;
        let mut lines = Lines { rest: text, counted: 0, line: 1 };
        let mut lines_by_image = HashMap::new();
        for record in table.records() {
            let record = record?;
            let row = Row { headings: &headings, line: lines.of(&record), record };
            row.has_all_fields()?;
            let first = *part.get_or_insert(row.part()?);
            row.is_of(first)?;
            let image = AnsweredImage { name: row.record[1].into(), class: row.record[2].into() };
            if let Some(first) = lines_by_image.insert(image.name.clone(), row.line) {
                return Err(AnswersError::SameImage { line: row.line, first, image: image.name });
            }
            for (number, model) in models.iter_mut().enumerate() {
                model.answers.push(row.answer(3 + 3 * number, &image.class)?);
            }
            images.push(image);
        }
        let part = part.ok_or(AnswersError::Empty)?;
        Ok(Self { part, images, models })
    }
}

/// The models that have columns, with no answers yet.
fn models(headings: &csv::StringRecord) -> Result<Vec<ModelAnswers>, AnswersError> {
    if headings.is_empty() {
        return Err(AnswersError::Empty);
    }
    for (place, expected) in ["part", "image", "class"].into_iter().enumerate() {
        expect(headings, place, &[expected.into()])?;
    }
    if headings.len() == 3 {
        expect(headings, 3, &["NAME".into()])?;
    }
    let mut names = HashSet::new();
    let model = |place: usize| {
        let name = headings[place].to_string();
        let measures = Measure::ALL.map(|measure| self::headings(&name, measure)[1].clone());
        let measure = Measure::ALL[expect(headings, place + 1, &measures)?];
        expect(headings, place + 2, &self::headings(&name, measure)[2..])?;
        if names.insert(name.clone()) {
            Ok(ModelAnswers { model: name, measure, answers: Vec::new() })
        } else {
            Err(AnswersError::SameModel { model: name })
        }
    };
    (3..headings.len()).step_by(3).map(model).collect()
}

/// Which of `expected` the heading at `place` is.
fn expect(headings: &csv::StringRecord, place: usize, expected: &[String]) -> Result<usize, AnswersError> {
    let found = headings.get(place).unwrap_or_default();
    let is_there = |heading: &String| place < headings.len() && heading == found;
    expected.iter().position(is_there).ok_or_else(|| AnswersError::Heading {
        column: place + 1,
        found: found.into(),
        expected: expected.iter().map(|heading| format!("{heading:?}")).collect::<Vec<_>>().join(" or "),
    })
}

/// Counts the lines of a text. The reader's own count is behind where lines end in `\r\n`, and where they are empty.
struct Lines<'a> {
    /// What is not counted yet.
    rest: &'a str,
    /// How much is.
    counted: usize,
    /// The line that the rest begins in, from 1.
    line: usize,
}

impl Lines<'_> {
    /// The line that `record` begins in; records come in the order of the text.
    fn of(&mut self, record: &csv::StringRecord) -> usize {
        let start = record.position().map_or(0, |position| position.byte() as usize);
        let skipped = start.saturating_sub(self.counted);
        let from_here = self.rest.get(skipped..).map_or("", |rest| rest.trim_start_matches(['\r', '\n']));
        let (before, rest) = self.rest.split_at(self.rest.len() - from_here.len());
        self.line += before.matches('\n').count();
        (self.rest, self.counted) = (rest, self.counted + before.len());
        self.line
    }
}

/// A line of the table below the headings.
struct Row<'a> {
    headings: &'a csv::StringRecord,
    record: csv::StringRecord,
    line: usize,
}

impl Row<'_> {
    fn has_all_fields(&self) -> Result<(), AnswersError> {
        let (found, expected) = (self.record.len(), self.headings.len());
        if found == expected {
            Ok(())
        } else {
            Err(AnswersError::Fields { line: self.line, found, expected })
        }
    }

    fn part(&self) -> Result<Part, AnswersError> {
        let found = &self.record[0];
        let part = Part::ALL.into_iter().find(|part| part.name() == found);
        part.ok_or_else(|| AnswersError::Part { line: self.line, found: found.into() })
    }

    /// Refuses an image of another part than `first`.
    fn is_of(&self, first: Part) -> Result<(), AnswersError> {
        let part = self.part()?;
        if part == first {
            return Ok(());
        }
        Err(AnswersError::OtherPart { line: self.line, found: part.name(), expected: first.name() })
    }

    /// What the model whose columns begin at `place` says of an image of `class`.
    fn answer(&self, place: usize, class: &str) -> Result<Answer, AnswersError> {
        let answer = Answer { class: self.record[place].into(), value: self.number(place + 1)? };
        if self.truth(place + 2)? == (answer.class == class) {
            return Ok(answer);
        }
        Err(AnswersError::Contradiction {
            line: self.line,
            column: self.headings[place + 2].into(),
            found: self.record[place + 2].into(),
            class: class.into(),
            answer: answer.class,
        })
    }

    fn number(&self, place: usize) -> Result<f32, AnswersError> {
        let found = &self.record[place];
        let number = found.trim().parse().ok().filter(|number: &f32| number.is_finite());
        number.ok_or_else(|| AnswersError::Number {
            line: self.line,
            column: self.headings[place].into(),
            found: found.into(),
        })
    }

    fn truth(&self, place: usize) -> Result<bool, AnswersError> {
        let found = &self.record[place];
        match found.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(AnswersError::Truth {
                line: self.line,
                column: self.headings[place].into(),
                found: found.into(),
            }),
        }
    }
}
