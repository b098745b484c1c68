//! Which of the images that models were judged on a page shows: there is no room for all.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use zoo_schema::Answers;

/// Images on which models disagree.
const DISAGREEMENTS: usize = 18;
/// Mistakes per model.
const MISTAKES: usize = 8;
/// Mistakes of all models together, but one of each at least.
const MOST_MISTAKES: usize = 96;
/// Images per cell of a confusion matrix.
const PER_CELL: usize = 8;
/// More images than these fit into no page.
const MOST: usize = 1200;
/// How much more a cell of wrong answers is worth than one of right answers.
const WRONG: usize = 10;

/// Images by their places in the answers, those that are worth a look first.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// On which models say different classes, those first that the models are surest about.
    pub(crate) disagreements: Vec<usize>,
    /// How many such images there are.
    pub(crate) disagreed: usize,
    /// For each model those that it gets wrong, those first that it is surest about.
    pub(crate) mistakes: Vec<Vec<usize>>,
    /// All that should be there, each once, the most important ones first.
    pub(crate) order: Vec<usize>,
}

impl Choice {
    /// Chosen from all images of `answers`; for cells of confusion matrices, too, if the page `has_cells`.
    pub(crate) fn new(answers: &Answers, has_cells: bool) -> Self {
        let ranks: Vec<Vec<f64>> = answers.models.iter().map(zoo_schema::ModelAnswers::ranks).collect();
        let images = 0..answers.images.len();
        let said = |model: usize, image: usize| answers.models[model].answers[image].class.as_str();
        let differ =
            |image: &usize| (1..answers.models.len()).any(|model| said(model, *image) != said(0, *image));
        let mut disagreements: Vec<usize> = images.clone().filter(differ).collect();
        let disagreed = disagreements.len();
        let sureness = |image: usize| ranks.iter().map(|ranks| ranks[image]).sum::<f64>();
        disagreements.sort_by(|&a, &b| sureness(b).total_cmp(&sureness(a)));
        disagreements.truncate(DISAGREEMENTS);

        let mut mistakes = Vec::new();
        for (model, ranks) in ranks.iter().enumerate() {
            let mut surest: Vec<usize> =
                images.clone().filter(|&image| !answers.is_right(model, image)).collect();
            surest.sort_by(|&a, &b| ranks[b].total_cmp(&ranks[a]));
            surest.truncate((MOST_MISTAKES / answers.models.len()).clamp(1, MISTAKES));
            mistakes.push(surest);
        }
        let mut surest: Vec<usize> = images.collect();
        surest.sort_by(|&a, &b| sureness(b).total_cmp(&sureness(a)));
        let mut shown = Coverage::new(answers);
        for &image in disagreements.iter().chain(mistakes.iter().flatten()) {
            shown.add(image);
        }
        if has_cells {
            shown.fill(&surest);
        }
        Self { disagreements, disagreed, mistakes, order: shown.order }
    }
}

/// Which cells of confusion matrices the chosen images are in.
struct Coverage {
    /// For each model the cell of each image, and whether that is a wrong one.
    cells: Vec<Vec<(usize, bool)>>,
    /// For each model how many chosen images each cell has.
    counts: Vec<HashMap<usize, usize>>,
    is_chosen: Vec<bool>,
    /// The chosen images, each once.
    order: Vec<usize>,
}

impl Coverage {
    fn new<'a>(answers: &'a Answers) -> Self {
        let mut names: HashMap<&str, usize> = HashMap::new();
        let mut number = |class: &'a str| {
            let next = names.len();
            *names.entry(class).or_insert(next)
        };
        let classes: Vec<usize> = answers.images.iter().map(|image| number(&image.class)).collect();
        let said = answers
            .models
            .iter()
            .map(|model| model.answers.iter().map(|answer| number(&answer.class)).collect());
        let said: Vec<Vec<usize>> = said.collect();
        let count = names.len();
        let cell = |(&answer, &class): (&usize, &usize)| (class * count + answer, answer != class);
        Self {
            cells: said.iter().map(|said| said.iter().zip(&classes).map(cell).collect()).collect(),
            counts: vec![HashMap::new(); answers.models.len()],
            is_chosen: vec![false; answers.images.len()],
            order: Vec::new(),
        }
    }

    fn add(&mut self, image: usize) {
        if std::mem::replace(&mut self.is_chosen[image], true) {
            return;
        }
        self.order.push(image);
        for (cells, counts) in self.cells.iter().zip(&mut self.counts) {
            *counts.entry(cells[image].0).or_default() += 1;
        }
    }

    /// Adds images so that each cell has one before any is cared for twice, and so on: at each step the one that is in most cells which lack
    /// one, of these the first of `surest`. Cells of wrong answers come first.
    fn fill(&mut self, surest: &[usize]) {
        for round in 0..PER_CELL {
            // What an image is worth only falls while others are chosen: the one at the top is the best if it is worth as much as before.
            let candidates = surest.iter().enumerate().filter(|(_, image)| !self.is_chosen[**image]);
            let mut best: BinaryHeap<(usize, Reverse<usize>)> =
                candidates.map(|(place, &image)| (self.gain(image, round), Reverse(place))).collect();
            while let Some((before @ 1.., Reverse(place))) = best.pop() {
                let image = surest[place];
                match self.gain(image, round) {
                    now if now < before => best.push((now, Reverse(place))),
                    _ if self.order.len() == MOST => return,
                    _ => self.add(image),
                }
            }
        }
    }

    /// What an image is worth that goes into cells with no more than `round` images.
    fn gain(&self, image: usize, round: usize) -> usize {
        let worth = |(cells, counts): (&Vec<(usize, bool)>, &HashMap<usize, usize>)| {
            let (cell, is_wrong) = cells[image];
            let lacks = counts.get(&cell).is_none_or(|&count| count <= round);
            if lacks { if is_wrong { WRONG } else { 1 } } else { 0 }
        };
        self.cells.iter().zip(&self.counts).map(worth).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use zoo_schema::{Answer, AnsweredImage, Measure, ModelAnswers, Part};

    use super::*;

    /// Images of two classes, and models that say class `said(model, image)` with a sureness that grows with the image's place.
    fn answers(images: usize, models: usize, said: impl Fn(usize, usize) -> usize) -> Answers {
        let class = |number: usize| ["cat", "dog"][number % 2].to_string();
        let answer =
            |model: usize, image: usize| Answer { class: class(said(model, image)), value: image as f32 };
        Answers {
            part: Part::Test,
            images: (0..images)
                .map(|image| AnsweredImage { name: image.to_string(), class: class(image) })
                .collect(),
            models: (0..models)
                .map(|model| ModelAnswers {
                    model: model.to_string(),
                    measure: Measure::Score,
                    answers: (0..images).map(|image| answer(model, image)).collect(),
                })
                .collect(),
        }
    }

    #[test]
    fn the_surest_come_first() {
        // The first model is right about all, the second about none but the first ten.
        let answers = answers(100, 2, |model, image| image + usize::from(model == 1 && image >= 10));
        let choice = Choice::new(&answers, true);
        assert_eq!(choice.disagreed, 90);
        assert_eq!(choice.disagreements, (82..100).rev().collect::<Vec<_>>());
        assert_eq!(choice.mistakes, [vec![], (92..100).rev().collect()]);
        assert_eq!(choice.order[..18], choice.disagreements);
    }

    #[test]
    fn each_cell_has_images_and_none_is_there_twice() {
        let answers = answers(1000, 2, |model, image| image + usize::from(model == 1 && image % 7 == 0));
        let choice = Choice::new(&answers, true);
        let unique: HashSet<&usize> = choice.order.iter().collect();
        assert_eq!(unique.len(), choice.order.len());
        for model in 0..2 {
            for (class, answer) in [("cat", "cat"), ("dog", "dog"), ("cat", "dog"), ("dog", "cat")] {
                let is_in = |image: &usize| {
                    answers.images[*image].class == class
                        && answers.models[model].answers[*image].class == answer
                };
                let (all, shown) = (
                    (0..1000).filter(is_in).count(),
                    choice.order.iter().filter(|image| is_in(image)).count(),
                );
                assert!(
                    shown >= all.min(PER_CELL),
                    "{shown} of {all} images of {class} as {answer} by {model}"
                );
            }
        }
    }

    #[test]
    fn a_model_on_its_own_disagrees_with_nobody() {
        let choice = Choice::new(&answers(4, 1, |_, image| image), true);
        assert_eq!((choice.disagreements.len(), choice.mistakes[0].len(), choice.order.len()), (0, 0, 4));
    }
}
