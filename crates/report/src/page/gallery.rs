//! Images with what models say of them.

use askama::Template;
use zoo_schema::{Answer, Answers, Measure};

use crate::figure::percent;
use crate::markup::Markup;
use crate::page::sprites::Sprite;

/// Images side by side.
#[derive(Template)]
#[template(path = "cards.html")]
struct Cards {
    cards: Vec<Card>,
}

/// The part of a page with `cards`.
pub(crate) fn cards(cards: Vec<Card>) -> Markup {
    Markup::of(&Cards { cards })
}

/// An image and the answers of models.
pub(crate) struct Card {
    /// The image; `None` if it can't be shown.
    pub(crate) window: Option<Markup>,
    pub(crate) name: String,
    pub(crate) class: String,
    pub(crate) answers: Vec<Said>,
}

/// What a model says of an image.
pub(crate) struct Said {
    pub(crate) model: String,
    pub(crate) is_right: bool,
    pub(crate) class: String,
    pub(crate) sureness: String,
}

impl Card {
    /// The image at place `image` of `answers`; `names` are what the models are called.
    pub(crate) fn new(answers: &Answers, names: &[String], image: usize, sprite: Option<Sprite>) -> Self {
        let about = &answers.images[image];
        let said = answers.models.iter().zip(names).enumerate().map(|(place, (model, name))| Said {
            model: name.clone(),
            is_right: answers.is_right(place, image),
            class: model.answers[image].class.clone(),
            sureness: sureness(&model.answers[image], model.measure),
        });
        Self {
            window: sprite.map(|sprite| sprite.window(&format!("{}, of class {}", about.name, about.class))),
            name: about.name.clone(),
            class: about.class.clone(),
            answers: said.collect(),
        }
    }
}

/// How sure a model is: a probability in percent, or a score.
pub(crate) fn sureness(answer: &Answer, measure: Measure) -> String {
    let words = match measure {
        Measure::Probability => percent(f64::from(answer.value), 1),
        Measure::Score => format!("score {:.2}", answer.value),
    };
    // In one piece where there is little room.
    words.replace(' ', "\u{a0}")
}
