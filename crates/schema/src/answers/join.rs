//! Answers of several runs, put next to each other.

use std::collections::{HashMap, HashSet};

use super::error::AnswersError;
use super::{AnsweredImage, Answers};

impl Answers {
    /// The answers of several runs on the same images, next to each other: the models of all `tables`, in their order, on the images
    /// of the first, in its order. Images are matched by name.
    ///
    /// # Errors
    /// [`AnswersError`] if there are no tables, two models or two images of a table have the same name, or tables differ in the part
    /// of the data, in their images, or in the class of one.
    ///
    /// # Panics
    /// If a model has not one answer per image.
    pub fn join(tables: Vec<Self>) -> Result<Self, AnswersError> {
        let mut tables = tables.into_iter();
        let mut joined = tables.next().ok_or(AnswersError::NoTables)?;
        joined.places()?;
        for table in tables {
            let order = joined.order_in(&table)?;
            for mut model in table.models {
                model.answers = order.iter().map(|&place| model.answers[place].clone()).collect();
                joined.models.push(model);
            }
        }
        let mut names = HashSet::new();
        match joined.models.iter().find(|model| !names.insert(&model.model)) {
            Some(twice) => Err(AnswersError::SameModel { model: twice.model.clone() }),
            None => Ok(joined),
        }
    }

    /// Where each image is in `other`.
    fn order_in(&self, other: &Self) -> Result<Vec<usize>, AnswersError> {
        if self.part != other.part {
            return Err(AnswersError::Parts {
                model: other.first_model(),
                found: other.part.name(),
                first: self.first_model(),
                expected: self.part.name(),
            });
        }
        let (here, there) = (self.places()?, other.places()?);
        if let Some(image) = other.images.iter().find(|image| !here.contains_key(image.name.as_str())) {
            return Err(missing(image, other, self));
        }
        let place = |image: &AnsweredImage| {
            let place = *there.get(image.name.as_str()).ok_or_else(|| missing(image, self, other))?;
            let found = &other.images[place].class;
            if *found == image.class {
                return Ok(place);
            }
            Err(AnswersError::Class {
                image: image.name.clone(),
                model: other.first_model(),
                found: found.clone(),
                first: self.first_model(),
                expected: image.class.clone(),
            })
        };
        self.images.iter().map(place).collect()
    }

    /// The place of each image, by name.
    fn places(&self) -> Result<HashMap<&str, usize>, AnswersError> {
        let mut places = HashMap::new();
        for (place, image) in self.images.iter().enumerate() {
            if places.insert(image.name.as_str(), place).is_some() {
                return Err(AnswersError::ImageTwice {
                    model: self.first_model(),
                    image: image.name.clone(),
                });
            }
        }
        Ok(places)
    }

    /// What to call the table by.
    fn first_model(&self) -> String {
        self.models.first().map(|model| model.model.clone()).unwrap_or_default()
    }
}

fn missing(image: &AnsweredImage, with: &Answers, without: &Answers) -> AnswersError {
    AnswersError::MissingImage {
        image: image.name.clone(),
        with: with.first_model(),
        without: without.first_model(),
    }
}
