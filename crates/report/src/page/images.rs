//! The images that models were judged on, and what each says of them.

use askama::Template;
use serde::Serialize;
use zoo_schema::{Answers, Comparison, ModelResult};

use crate::figure::thousands;
use crate::markup::Markup;
use crate::page::choice::Choice;
use crate::page::gallery::{Card, cards, sureness};
use crate::page::shell::Section;
use crate::page::sprites::{Sprite, Sprites};
use crate::raster::Raster;
use crate::summary::name_on;

/// About as many bytes does the page's script need to know of an image, and as many more of what each model says of it.
const WORDS: usize = 70;
const WORDS_PER_MODEL: usize = 20;
/// The same of a card, which says it in words.
const CARD: usize = 330;
const CARD_PER_MODEL: usize = 140;

/// The answers of a comparison's own models, and what these are called.
pub(crate) struct Judged {
    answers: Answers,
    names: Vec<String>,
    /// See [`ModelResult::label`].
    labels: Vec<String>,
}

impl Judged {
    /// Those of the results of `comparison`, in their order; of several trainings those of the first.
    pub(crate) fn new(comparison: &Comparison, answers: &Answers) -> Self {
        let mut judged = Self {
            answers: Answers { part: answers.part, images: answers.images.clone(), models: Vec::new() },
            names: Vec::new(),
            labels: Vec::new(),
        };
        for result in &comparison.results {
            let label = result.label();
            if let Some(model) = answers.models.iter().find(|model| model.is_of(label)) {
                judged.answers.models.push(model.clone());
                judged.names.push(name_on(comparison, result));
                judged.labels.push(label.to_owned());
            }
        }
        judged
    }

    /// How many images there are.
    pub(crate) fn count(&self) -> usize {
        self.answers.images.len()
    }

    /// The place of the model of `result` among the answers.
    pub(crate) fn place(&self, result: &ModelResult) -> Option<usize> {
        self.labels.iter().position(|label| label == result.label())
    }
}

/// Those images that a page shows.
pub(crate) struct Images<'a> {
    judged: &'a Judged,
    choice: Choice,
    /// Where each of those of the choice is.
    sprites: Vec<Option<Sprite>>,
    /// Whether images can be had at all.
    can_be_had: bool,
}

#[derive(Template)]
#[template(path = "disagreements.html")]
struct Disagreements<'a> {
    disagreed: String,
    judged: String,
    part: &'a str,
    shown: usize,
    cards: Markup,
}

#[derive(Template)]
#[template(path = "mistakes.html")]
struct Mistakes<'a> {
    models: Vec<MistakesOf<'a>>,
}

/// The surest mistakes of a model.
struct MistakesOf<'a> {
    model: &'a str,
    wrong: String,
    shown: usize,
    cards: Markup,
}

/// What the page's script knows.
#[derive(Serialize)]
struct Data<'a> {
    models: &'a [String],
    classes: &'a [String],
    images: Vec<Shown<'a>>,
}

/// An image that a cell of a confusion matrix opens.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    /// The place of its class.
    class: usize,
    sheet: usize,
    view: String,
    /// For each model the place of its class, and how sure it is of it.
    said: Vec<(usize, String)>,
}

impl<'a> Images<'a> {
    /// Chooses images, and adds as many to `sprites` as there is room for; `image` has the image at a place in the answers.
    pub(crate) fn new(
        judged: &'a Judged,
        image: &dyn Fn(usize) -> Option<Raster>,
        has_cells: bool,
        sprites: &mut Sprites,
    ) -> Self {
        let choice = Choice::new(&judged.answers, has_cells);
        let cards = choice.disagreements.len() + choice.mistakes.iter().map(Vec::len).sum::<usize>();
        sprites.take(cards * (CARD + CARD_PER_MODEL * judged.names.len()));
        let words = |place: usize| {
            WORDS + judged.answers.images[place].name.len() + WORDS_PER_MODEL * judged.names.len()
        };
        let mut can_be_had = false;
        let mut sprite = |&place: &usize| {
            let image = image(place)?;
            can_be_had = true;
            sprites.add(&image, words(place))
        };
        let sprites = choice.order.iter().map(&mut sprite).collect();
        Self { judged, choice, sprites, can_be_had }
    }

    /// A sentence with how many images are left out, if some are and others not.
    pub(crate) fn left_out(&self) -> Option<String> {
        let (shown, count) = (self.sprites.iter().flatten().count(), self.judged.count());
        let part = self.judged.answers.part.name();
        (self.can_be_had && shown < count).then(|| {
            let (all, left_out) = (thousands(count), thousands(count - shown));
            format!("This page has {shown} of the {all} {part} images; the other {left_out} are left out to keep it small. predictions.csv \
                 next to it has every answer, and zoo mistakes lists them by name.")
        })
    }

    /// Images that models answer differently; `None` if there are none.
    pub(crate) fn disagreements(&self) -> Option<Section> {
        let shown = &self.choice.disagreements;
        let disagreements = Disagreements {
            disagreed: thousands(self.choice.disagreed),
            judged: thousands(self.judged.count()),
            part: self.judged.answers.part.name(),
            shown: shown.len(),
            cards: self.cards(shown),
        };
        (!shown.is_empty())
            .then(|| Section::new("disagreements", "Where the models disagree", &disagreements))
    }

    /// The surest mistakes of each model; `None` if there are none.
    pub(crate) fn mistakes(&self) -> Option<Section> {
        let Judged { answers, names, .. } = self.judged;
        let of = |(model, mistakes): (usize, &Vec<usize>)| MistakesOf {
            model: &names[model],
            wrong: thousands(answers.right(model).into_iter().filter(|right| !right).count()),
            shown: mistakes.len(),
            cards: self.cards(mistakes),
        };
        let models: Vec<MistakesOf<'_>> = self
            .choice
            .mistakes
            .iter()
            .enumerate()
            .filter(|(_, mistakes)| !mistakes.is_empty())
            .map(of)
            .collect();
        (!models.is_empty())
            .then(|| Section::new("mistakes", "The most confident mistakes", &Mistakes { models }))
    }

    fn cards(&self, images: &[usize]) -> Markup {
        let Judged { answers, names, .. } = self.judged;
        let sprite = |image: usize| {
            let place = self.choice.order.iter().position(|&other| other == image)?;
            self.sprites[place]
        };
        cards(images.iter().map(|&image| Card::new(answers, names, image, sprite(image))).collect())
    }

    /// The images for the page's script, as JSON that can't end its element.
    pub(crate) fn data(&self, classes: &[String]) -> Markup {
        let answers = &self.judged.answers;
        let place = |class: &str| classes.iter().position(|other| other == class).unwrap_or(classes.len());
        let shown = self.choice.order.iter().zip(&self.sprites).filter_map(|(&image, sprite)| {
            let sprite = sprite.as_ref()?;
            let said = answers.models.iter().map(|model| {
                let answer = &model.answers[image];
                (place(&answer.class), sureness(answer, model.measure))
            });
            let about = &answers.images[image];
            Some(Shown {
                name: &about.name,
                class: place(&about.class),
                sheet: sprite.sheet,
                view: sprite.to_string(),
                said: said.collect(),
            })
        });
        let data = Data { models: &self.judged.names, classes, images: shown.collect() };
        let json = serde_json::to_string(&data).expect("names and numbers are JSON");
        Markup(json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"))
    }
}
