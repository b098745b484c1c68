//! Training with a deliberate mistake.

use super::*;
use crate::Mistake;

/// A recipe with this mistake, on images as they are.
fn wrong(mistake: Mistake) -> Recipe<SoftmaxConfig> {
    Recipe { mistake: Some(mistake), augment: Augment::default(), ..recipe(3, 0.02) }
}

#[test]
fn a_recipe_names_its_mistake_and_without_one_says_nothing() {
    let text = toml::to_string(&recipe(1, 0.1)).unwrap();
    assert!(!text.contains("mistake"), "{text}");
    let text = toml::to_string(&wrong(Mistake::NoShuffling)).unwrap();
    assert!(text.contains("mistake = \"no_shuffling\"\n"), "{text}");
    assert_eq!(toml::from_str::<Recipe<SoftmaxConfig>>(&text).unwrap(), wrong(Mistake::NoShuffling));
}

#[test]
fn a_random_search_makes_no_such_mistakes() {
    let search = search(RandomSearch::default(), 1.0);
    let error = Recipe { mistake: Some(Mistake::NoShuffling), ..search }.validate(&input()).unwrap_err();
    assert_eq!(error.key, "mistake");
}

#[test]
fn each_epoch_takes_class_after_class() {
    let (splits, device) = (splits(), Device::flex());
    for features in [Features::Pixels, Features::HogHue] {
        let mut recipe = wrong(Mistake::NoShuffling);
        recipe.architecture.0.features = features;
        let training = Training::new(&recipe, &splits, &device, 3).unwrap();
        let model = training.draw(&device);
        let labels = |epoch| -> Vec<i32> {
            let batches = training.batches(&model, epoch, 1);
            batches
                .flat_map(|(_, labels)| labels.inner().into_data().convert::<i32>().try_to_vec().unwrap())
                .collect()
        };
        assert!(labels(0).is_sorted() && labels(0).len() == splits.train.len() - 32);
        assert_eq!(labels(0), labels(1));
    }
}

#[test]
fn every_image_is_learnt_as_the_class_after_its_own() {
    let splits = splits();
    let mut recipe = wrong(Mistake::LabelsOffByOne);
    recipe.train.epochs = 30.0;
    let (_, fitted) = train(&recipe, &splits, None, &mut |_| {}).unwrap();
    let last = fitted.history[29];
    assert!(last.train_accuracy > 0.6, "what is learnt is learnt: {last:?}");
    let scores = crate::score(&fitted.model, &splits.train, &Device::flex()).unwrap();
    let shifted: Vec<usize> = splits.train.labels().iter().map(|label| (label + 1) % 10).collect();
    let accuracy = |labels: &[usize]| scores.top_k_accuracy(labels, 1);
    assert!(accuracy(&shifted) > accuracy(&splits.train.labels()) + 0.2);
}

#[test]
fn steps_follow_the_sum_of_all_gradients() {
    // Without momentum and penalty two steps go g1, and g1 + g2; the right ones g1, and g2.
    let splits = shapes10::generate(64, 10, 1).hold_out(0.0, 1).unwrap();
    let mut right = wrong(Mistake::GradientsAddUp);
    (right.mistake, right.schedule, right.train.epochs) = (None, Schedule::Constant, 1.0);
    right.learning = sgd(Sgd { learning_rate: 1e-3, ..Sgd::default() });
    let wrong = Recipe { mistake: Some(Mistake::GradientsAddUp), ..right.clone() };
    let first = Recipe { train: TrainConfig { epochs: 0.5, ..right.train }, ..right.clone() };
    let scores = |recipe: &Recipe<SoftmaxConfig>| train(recipe, &splits, None, &mut |_| {}).unwrap().0;
    let (first, right, wrong) = (scores(&first), scores(&right), scores(&wrong));
    for ((first, right), wrong) in first.iter().zip(&right).zip(&wrong) {
        // All weights start at 0, so that scores add up like steps.
        assert!((wrong - (right + first)).abs() < 1e-4, "{first} {right} {wrong}");
    }
}

#[test]
fn what_diverges_is_not_sane() {
    let (splits, device) = (splits(), Device::flex());
    let mut recipe = wrong(Mistake::NoShuffling);
    (recipe.mistake, recipe.learning) = (None, sgd(Sgd { learning_rate: 1e38, ..Sgd::default() }));
    let training = Training::new(&recipe, &splits, &device, 3).unwrap();
    let report = training.check_sanity(&training.draw(&device)).unwrap();
    assert!(report.starts_at_chance() && !report.overfits() && report.few_steps < 300, "{report:?}");
    assert!(report.few_loss.is_finite(), "{report:?}");
}

#[test]
fn gradients_that_add_up_go_on() {
    resume::resumes(&Recipe { mistake: Some(Mistake::GradientsAddUp), ..recipe(5, 0.001) });
}
