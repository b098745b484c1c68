//! What choosing by test images does to the figure that is told.

use zoo_data::epoch_order;

/// How often the images to choose by are drawn.
const DRAWS: usize = 1000;
/// The share of all draws that lies below an interval of 95 %, and above.
const TAIL: f64 = 0.025;

/// The best of several models, chosen by some of the test images. All are shares, means over many draws of those images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chosen {
    /// The accuracy on the images that it was chosen by.
    pub(crate) told: f64,
    /// Its accuracy on the others.
    pub(crate) true_accuracy: f64,
    /// 95 % of all draws have a difference of the latter from the former within this.
    pub(crate) interval: (f64, f64),
}

/// Chooses the best of models by `images` of the test images, the first of equals; `right` says for each model which images it gets right. The
/// images are drawn from `seed`.
///
/// # Panics
/// If there is no model, or `images` is 0 or leaves none.
pub(crate) fn choose(right: &[Vec<bool>], images: usize, seed: u64) -> Chosen {
    let all = right[0].len();
    assert!((1..all).contains(&images), "{images} of {all} images");
    let count = |of: &[bool], places: &[usize]| places.iter().filter(|&&place| of[place]).count();
    let draws = (0..DRAWS).map(|draw| {
        let order = epoch_order(all, (seed, draw));
        let (seen, unseen) = order.split_at(images);
        let best = right.iter().rev().max_by_key(|model| count(model, seen)).expect("there is a model");
        let share = |places: &[usize]| count(best, places) as f64 / places.len() as f64;
        (share(seen), share(unseen))
    });
    let draws: Vec<(f64, f64)> = draws.collect();
    let mean = |of: fn(&(f64, f64)) -> f64| draws.iter().map(of).sum::<f64>() / DRAWS as f64;
    let mut differences: Vec<f64> = draws.iter().map(|(told, truth)| truth - told).collect();
    differences.sort_by(f64::total_cmp);
    let below = (TAIL * DRAWS as f64) as usize;
    Chosen {
        told: mean(|draw| draw.0),
        true_accuracy: mean(|draw| draw.1),
        interval: (differences[below], differences[DRAWS - 1 - below]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Models that are right on half of the images, each on others.
    fn guesses(models: usize) -> Vec<Vec<bool>> {
        let answer =
            |model: usize| epoch_order(1000, (7, model)).into_iter().map(|place| place < 500).collect();
        (0..models).map(answer).collect()
    }

    #[test]
    fn one_model_is_told_as_it_is() {
        let Chosen { told, true_accuracy, interval: (low, high) } = choose(&guesses(1), 200, 1);
        assert!((told - true_accuracy).abs() < 0.01 && low < -0.05 && high > 0.05, "{told} {true_accuracy}");
    }

    #[test]
    fn the_best_of_many_is_told_too_well() {
        // The mean of the largest of 20 normal draws is 1.87 deviations, here of √(0.25 · 0.8 / 200).
        let chosen = choose(&guesses(20), 200, 1);
        assert!((chosen.told - 0.559).abs() < 0.01, "{chosen:?}");
        assert!(chosen.true_accuracy < 0.5 && chosen.interval.1 < 0.0, "{chosen:?}");
        assert_eq!(choose(&guesses(20), 200, 1), chosen);
    }
}
