//! The training loop on small data.

mod budget;
mod class_weights;
mod mistakes;
mod parts;
mod pytorch;
mod resume;

use std::ops::ControlFlow;

use burn::tensor::Device;
use zoo_core::{Architecture, Features, InputSpec, LinearConfig, Loss};
use zoo_data::{Augment, Epoch, Flip, Splits, shapes10};
use zoo_schema::{EarlyStop, EpochRecord};
use zoo_softmax::SoftmaxConfig;

use crate::training::Seen;
use crate::{
    Checkpoints, Ema, EvaluateConfig, Event, Group, Learning, Lookahead, Optimizer, RandomSearch, Recipe,
    Schedule, Sgd, TrainConfig, TrainError, Training,
};

fn sgd(sgd: Sgd) -> Learning {
    Learning::Descent(Optimizer::Sgd(sgd))
}

fn recipe(epochs: u32, learning_rate: f64) -> Recipe<SoftmaxConfig> {
    Recipe {
        architecture: SoftmaxConfig::default(),
        loss: Loss::CrossEntropy { label_smoothing: 0.0 }.into(),
        learning: sgd(Sgd { learning_rate, momentum: 0.9, weight_decay: 1e-3, ..Sgd::default() }),
        schedule: Schedule::Cosine { warmup: 0.1, floor: 0.0 },
        lookahead: Lookahead::default(),
        ema: Ema::default(),
        augment: Augment { flip: Flip::Random, crop: 2, cutout: 0 },
        train: TrainConfig {
            epochs: epochs.into(),
            batch_size: 32,
            drop_last: false,
            clip_norm: 0.0,
            patience: 0,
            few_images: 0,
            least_batches: 0,
        },
        evaluate: EvaluateConfig::default(),
        mistake: None,
    }
}

fn splits() -> Splits {
    shapes10::generate(220, 10, 1).hold_out(0.1, 1).unwrap()
}

fn input() -> InputSpec {
    InputSpec::without_statistics([3, 32, 32], 10)
}

fn train(
    recipe: &Recipe<SoftmaxConfig>,
    splits: &Splits,
    checkpoints: Option<&Checkpoints>,
    observe: &mut dyn FnMut(Event<'_>),
) -> Result<(Vec<f32>, crate::Fitted<zoo_softmax::Softmax>), TrainError> {
    let device = Device::flex();
    device.seed(1);
    let mut model = recipe.architecture.init(&input(), &device);
    // Fresh weights are drawn from a generator that other tests share.
    model = burn::module::Module::map(model, &mut Zeros);
    let training = Training::new(recipe, splits, &device, 3)?;
    let training = checkpoints.into_iter().fold(training, Training::with_checkpoints);
    let fitted = training.fit(model, &mut |event| {
        observe(event);
        ControlFlow::Continue(())
    })?;
    let scores = zoo_core::Classifier::forward(&fitted.model, splits.test.batch(0..10, &device).images);
    Ok((scores.into_data().try_to_vec().unwrap(), fitted))
}

struct Zeros;

impl burn::module::ModuleMapper for Zeros {
    fn map_float<const D: usize>(
        &mut self,
        param: burn::module::Param<burn::tensor::Tensor<D>>,
    ) -> burn::module::Param<burn::tensor::Tensor<D>> {
        if D == 4 { param } else { param.map(|tensor| tensor.zeros_like()) }
    }
}

#[test]
fn the_loss_falls_and_every_image_is_seen() {
    let splits = splits();
    let mut seen = Vec::new();
    let (_, fitted) = train(&recipe(8, 0.01), &splits, None, &mut |event| {
        if let Event::Steps { images, .. } = event {
            seen.push(images);
        }
    })
    .unwrap();
    assert_eq!(seen, [198; 8]);
    let losses: Vec<f64> = fitted.history.iter().map(|record| record.train_loss).collect();
    assert!((losses[0] - 10f64.ln()).abs() < 0.3 && losses[7] < losses[0] - 0.1, "{losses:?}");
    assert_eq!(
        fitted.history.iter().map(|record| record.epoch).collect::<Vec<_>>(),
        (1..=8).collect::<Vec<_>>()
    );
}

#[test]
fn the_best_epoch_is_kept() {
    let splits = splits();
    let (_, fitted) = train(&recipe(6, 0.02), &splits, None, &mut |_| {}).unwrap();
    let accuracies: Vec<f64> =
        fitted.history.iter().map(|record| record.validation_accuracy.unwrap()).collect();
    let best = accuracies.iter().copied().fold(0.0, f64::max);
    assert_eq!(accuracies.iter().position(|&accuracy| accuracy == best), Some(fitted.best_epoch - 1));
    let device = Device::flex();
    let scores = crate::score(&fitted.model, &splits.validation, &device).unwrap();
    assert_eq!(scores.top_k_accuracy(&splits.validation.labels(), 1), best);
}

#[test]
fn with_few_images_the_loss_decides_between_equals() {
    // Three validation images, which are soon all right, or none.
    let splits = shapes10::generate(30, 10, 1).hold_out(0.1, 1).unwrap();
    let mut recipe = recipe(12, 0.002);
    recipe.augment = Augment::default();
    recipe.train.few_images = 30;
    let (_, fitted) = train(&recipe, &splits, None, &mut |_| {}).unwrap();
    let judged_by =
        |record: &EpochRecord| (record.validation_accuracy.unwrap(), -record.validation_loss.unwrap());
    let kept = judged_by(&fitted.history[fitted.best_epoch - 1]);
    assert!(fitted.history.iter().all(|record| judged_by(record) <= kept));
    let equals = fitted.history.iter().filter(|record| record.validation_accuracy == Some(kept.0));
    assert!(equals.count() > 1, "otherwise nothing is tested");
}

#[test]
fn without_validation_the_last_epoch_is_kept() {
    let splits = shapes10::generate(64, 10, 1).hold_out(0.0, 1).unwrap();
    let (_, fitted) = train(&recipe(3, 0.01), &splits, None, &mut |_| {}).unwrap();
    assert_eq!(fitted.best_epoch, 3);
    assert!(fitted.history.iter().all(|record| record.validation_accuracy.is_none()));
}

#[test]
fn a_last_epoch_that_is_not_whole_ends_early() {
    let mut recipe = recipe(3, 0.01);
    recipe.train = TrainConfig { epochs: 2.5, drop_last: true, ..recipe.train };
    let mut seen = Vec::new();
    // 198 images: 6 full batches per epoch.
    let (_, fitted) = train(&recipe, &splits(), None, &mut |event| {
        if let Event::Steps { images, .. } = event {
            seen.push(images);
        }
    })
    .unwrap();
    assert_eq!(seen, [192, 192, 96]);
    assert_eq!(fitted.history.len(), 3);
}

#[test]
fn lookahead_ends_with_the_slow_weights() {
    let mut recipe = recipe(1, 0.01);
    let splits = shapes10::generate(220, 10, 1).hold_out(0.0, 1).unwrap();
    // 7 steps: the slow weights move after the sixth.
    recipe.lookahead = Lookahead { every: 6, decay: 0.0 };
    recipe.schedule = Schedule::Constant;
    let (followed, _) = train(&recipe, &splits, None, &mut |_| {}).unwrap();
    recipe.lookahead = Lookahead::default();
    recipe.train.epochs = 6.0 / 7.0;
    let (six, _) = train(&recipe, &splits, None, &mut |_| {}).unwrap();
    assert_eq!(followed, six);
}

#[test]
fn the_average_is_kept_and_judged() {
    let splits = splits();
    let mut recipe = recipe(4, 0.02);
    recipe.ema = Ema { decay: 0.9 };
    let (averaged, fitted) = train(&recipe, &splits, None, &mut |_| {}).unwrap();
    let device = Device::flex();
    let accuracy = |model: &zoo_softmax::Softmax| {
        let scores = crate::score(model, &splits.validation, &device).unwrap();
        Some(scores.top_k_accuracy(&splits.validation.labels(), 1))
    };
    let best = &fitted.history[fitted.best_epoch - 1];
    assert_eq!(accuracy(&fitted.model), best.ema_validation_accuracy);
    assert_eq!(accuracy(fitted.without_ema.as_ref().unwrap()), best.validation_accuracy);
    assert!(fitted.history.iter().all(|r| r.ema_validation_accuracy <= best.ema_validation_accuracy));

    // Averaging changes nothing about training.
    recipe.ema = Ema::default();
    let (plain, without) = train(&recipe, &splits, None, &mut |_| {}).unwrap();
    assert_eq!(losses(&without), losses(&fitted));
    assert!(without.without_ema.is_none() && plain != averaged);
}

#[test]
fn early_stopping_ends_with_its_patience() {
    let splits = splits();
    let mut recipe = recipe(40, 0.02);
    recipe.train.patience = 2;
    let (_, fitted) = train(&recipe, &splits, None, &mut |_| {}).unwrap();
    assert!(fitted.history.len() < 40, "{} epochs", fitted.history.len());
    assert_eq!(fitted.history.len(), fitted.best_epoch + 2);
    assert_eq!(fitted.stopped_by, Some(EarlyStop::Patience));

    let nothing_to_stop_by = shapes10::generate(64, 10, 1).hold_out(0.0, 1).unwrap();
    let error = train(&recipe, &nothing_to_stop_by, None, &mut |_| {}).unwrap_err().to_string();
    assert_eq!(error, "train.patience = 2: must be 0 without validation images");
}

#[test]
fn clipped_steps_are_short() {
    let splits = shapes10::generate(64, 10, 1).hold_out(0.0, 1).unwrap();
    let moved = |clip_norm| {
        let mut recipe = recipe(1, 1.0);
        recipe.learning = sgd(Sgd { learning_rate: 1.0, ..Sgd::default() });
        recipe.schedule = Schedule::Constant;
        recipe.train = TrainConfig { batch_size: 64, clip_norm, ..recipe.train };
        let (_, fitted) = train(&recipe, &splits, None, &mut |_| {}).unwrap();
        // From zeros, by one step.
        let mut sum = Squares(0.0);
        burn::module::Module::visit(&fitted.model, &mut sum);
        sum.0.sqrt()
    };
    let free = moved(0.0);
    assert!(free > 0.2, "{free}");
    assert!((moved(0.1) - 0.1).abs() < 1e-4);
    assert!((moved(1e3) - free).abs() < 1e-6);
}

struct Squares(f64);

impl burn::module::ModuleVisitor for Squares {
    fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<burn::tensor::Tensor<D>>) {
        if D != 4 {
            self.0 += f64::from(param.val().square().sum().into_scalar::<f32>());
        }
    }
}

#[test]
fn every_epoch_knows_how_large_its_last_update_was() {
    let splits = shapes10::generate(64, 10, 1).hold_out(0.0, 1).unwrap();
    let mut recipe = recipe(2, 0.0001);
    recipe.learning = sgd(Sgd { learning_rate: 0.0001, ..Sgd::default() });
    recipe.schedule = Schedule::Constant;
    recipe.train.batch_size = 64;
    let (_, fitted) = train(&recipe, &splits, None, &mut |_| {}).unwrap();
    // The test's weights start at 0, which an update can't be compared with; then they are as large as one step.
    assert_eq!(fitted.history[0].update_ratio, None);
    let ratio = fitted.history[1].update_ratio.unwrap();
    assert!((ratio - 1.0).abs() < 0.01, "{ratio}");
}

#[test]
fn smaller_batches_take_smaller_steps() {
    let splits = splits();
    let mut few = recipe(2, 0.1);
    few.schedule = Schedule::Constant;
    few.train = TrainConfig { few_images: 800, least_batches: 8, ..few.train };
    // 198 images: twice the epochs and a bit, batches of 24 in place of 32.
    let mut same = few.clone();
    same.learning =
        sgd(Sgd { learning_rate: 0.1 * 0.75, momentum: 0.9, weight_decay: 1e-3, ..Sgd::default() });
    same.train = TrainConfig { epochs: 5.0, batch_size: 24, few_images: 0, least_batches: 0, ..few.train };
    let [found, expected] = [few, same].map(|recipe| train(&recipe, &splits, None, &mut |_| {}).unwrap());
    assert_eq!(found.0, expected.0);
    assert_eq!(found.1.history.len(), 5);
    assert_eq!(found.1.history[4].learning_rate, 0.1 * 0.75);
}

/// A recipe of `search` for images as they are.
fn search(search: RandomSearch, epochs: f64) -> Recipe<SoftmaxConfig> {
    let mut recipe = recipe(1, 0.1);
    recipe.train.epochs = epochs;
    Recipe { learning: Learning::Search(search), augment: Augment::default(), ..recipe }
}

fn losses(fitted: &crate::Fitted<zoo_softmax::Softmax>) -> Vec<f64> {
    fitted.history.iter().map(|record| record.train_loss).collect()
}

#[test]
fn random_search_keeps_the_best_and_local_search_climbs_from_there() {
    let splits = splits();
    let random = RandomSearch { tries: 60, deviation: 0.01, step: None };
    let local = RandomSearch { step: Some(0.005), ..random };
    let follow = |one| train(&search(one, 4.5), &splits, None, &mut |_| {}).unwrap();
    let (scores, random_fitted) = follow(random);
    let (local_scores, local_fitted) = follow(local);
    for fitted in [&random_fitted, &local_fitted] {
        let losses = losses(fitted);
        assert!(losses.len() == 5 && losses.is_sorted_by(|earlier, later| later <= earlier), "{losses:?}");
    }
    let [random_loss, local_loss] = [&random_fitted, &local_fitted].map(|fitted| losses(fitted)[4]);
    assert!(local_loss < random_loss, "{local_loss} is not below {random_loss}");
    assert_eq!(scores, follow(random).0, "the same seed draws the same weights");
    assert_eq!(local_scores, follow(local).0);
    // What is recorded is what the model does.
    let recipe = search(random, 1.0);
    let everything = shapes10::generate(30, 10, 1).hold_out(0.0, 1).unwrap();
    let (_, fitted) = train(&recipe, &everything, None, &mut |_| {}).unwrap();
    let device = Device::flex();
    let scores = crate::score(&fitted.model, &everything.train, &device).unwrap();
    let labels = everything.train.labels();
    let loss = crate::mean_loss(&recipe.loss.kind, &scores, &labels, &device).unwrap().unwrap();
    assert!((loss - fitted.history[0].train_loss).abs() < 1e-5);
    assert_eq!(scores.top_k_accuracy(&labels, 1), fitted.history[0].train_accuracy);
}

#[test]
fn a_search_that_was_interrupted_goes_on() {
    let random = RandomSearch { tries: 7, deviation: 0.01, step: None };
    resume::after_a_kill(&search(random, 4.4));
    resume::after_a_kill(&search(RandomSearch { step: Some(0.001), ..random }, 4.4));
}

#[test]
fn a_search_whose_weights_are_too_large_is_an_error() {
    let random = RandomSearch { tries: 3, deviation: 1e38, step: None };
    let error = train(&search(random, 1.0), &splits(), None, &mut |_| {}).unwrap_err();
    assert!(error.to_string().starts_with("optimizer.deviation = 1"), "{error}");
}

#[test]
fn weights_broken_by_the_last_step_are_an_error_too() {
    // One step: its loss is fine, what it leaves is not.
    let splits = shapes10::generate(24, 10, 1).hold_out(0.1, 1).unwrap();
    let error = train(&recipe(1, 1e39), &splits, None, &mut |_| {}).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { epoch: 1, step: 1, .. }), "{error}");
}

#[test]
fn divergence_is_an_error_that_names_step_and_learning_rate() {
    let error = train(&recipe(3, 1e30), &splits(), None, &mut |_| {}).unwrap_err().to_string();
    assert!(
        error.contains("diverged") && error.contains("epoch 1") && error.contains("learning_rate"),
        "{error}"
    );
}

#[test]
fn a_damaged_checkpoint_is_an_error_that_names_the_file() {
    let splits = splits();
    let place = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(place.path());
    train(&recipe(1, 0.01), &splits, Some(&checkpoints), &mut |_| {}).unwrap();
    let (folder, _) = checkpoints.latest().unwrap();
    std::fs::write(folder.join("model.bpk"), "no model").unwrap();
    let error = train(&recipe(2, 0.01), &splits, Some(&checkpoints), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("model.bpk"), "{error}");
}

#[test]
fn recipes_out_of_range() {
    let key = |change: &dyn Fn(&mut Recipe<SoftmaxConfig>)| {
        let mut recipe = recipe(1, 0.1);
        change(&mut recipe);
        recipe.validate(&input()).map_err(|error| error.key)
    };
    assert_eq!(key(&|_| {}), Ok(()));
    assert_eq!(key(&|recipe| recipe.train.epochs = 0.0).unwrap_err(), "train.epochs");
    assert_eq!(key(&|recipe| recipe.train.batch_size = 0).unwrap_err(), "train.batch_size");
    assert_eq!(key(&|recipe| recipe.train.clip_norm = -1.0).unwrap_err(), "train.clip_norm");
    assert_eq!(key(&|recipe| recipe.augment.crop = 32).unwrap_err(), "augment.crop");
    assert_eq!(key(&|recipe| recipe.augment.cutout = 33).unwrap_err(), "augment.cutout");
    assert_eq!(key(&|recipe| recipe.ema = Ema { decay: 1.0 }).unwrap_err(), "ema.decay");
    let lookahead = Lookahead { every: 5, decay: 1.5 };
    assert_eq!(key(&|recipe| recipe.lookahead = lookahead).unwrap_err(), "lookahead.decay");
    assert_eq!(key(&|recipe| recipe.loss = Loss::MeanSquaredError.into()).unwrap_err(), "loss.kind");
    let of_search = |search: RandomSearch| {
        key(&|recipe| {
            let learning = Learning::Search(search);
            *recipe = Recipe { learning, augment: Augment::default(), ..recipe.clone() }
        })
    };
    let random = |tries, deviation| RandomSearch { tries, deviation, step: None };
    assert_eq!(of_search(random(1, 0.1)), Ok(()));
    assert_eq!(of_search(random(0, 0.1)).unwrap_err(), "optimizer.tries");
    assert_eq!(of_search(random(1, 0.0)).unwrap_err(), "optimizer.deviation");
    let local = RandomSearch { step: Some(f64::NAN), ..RandomSearch::default() };
    assert_eq!(of_search(local).unwrap_err(), "optimizer.step");
    assert_eq!(key(&|recipe| recipe.learning = random(1, 0.1).into()).unwrap_err(), "augment");
}

#[test]
fn what_cannot_be_trained_is_refused_before_it_starts() {
    let device = Device::flex();
    let error = |recipe: &Recipe<SoftmaxConfig>, splits: &Splits| {
        Training::new(recipe, splits, &device, 3).unwrap_err().to_string()
    };
    let mut changed = recipe(1, 0.1);
    changed.train.batch_size = 0;
    assert_eq!(error(&changed, &splits()), "train.batch_size = 0: must be at least 1");
    let few = splits();
    let nothing = Splits { train: few.train.stratified(0, 1).0, ..few };
    assert_eq!(error(&recipe(1, 0.1), &nothing), "training images = 0: must be at least 1");
    let mut changed = recipe(1, 0.1);
    changed.train.patience = 2;
    let unjudged = shapes10::generate(64, 10, 1).hold_out(0.0, 1).unwrap();
    assert!(error(&changed, &unjudged).starts_with("train.patience = 2"));
    let groups = [("convolution".to_string(), Group::default())].into();
    changed = Recipe { learning: sgd(Sgd { groups, ..Sgd::default() }), ..recipe(1, 0.1) };
    assert!(error(&changed, &splits()).starts_with("optimizer.groups = convolution"));
}

#[test]
fn the_same_seed_draws_the_same_weights() {
    let (splits, device, recipe) = (splits(), Device::flex(), recipe(1, 0.1));
    let weights = |seed| {
        let training = Training::new(&recipe, &splits, &device, seed).unwrap();
        assert_eq!(training.input(), &crate::input_spec(&recipe.architecture, &splits.train, 10));
        let values = crate::parameters::values(&training.draw(&device));
        values.into_iter().map(|values| values.tensor.into_data()).collect::<Vec<_>>()
    };
    assert_ne!(weights(1), weights(2));
}

#[test]
fn batches_are_the_features_of_the_images_in_their_order() {
    let (splits, device) = (splits(), Device::flex());
    let features = LinearConfig { features: Features::HogHue, ..LinearConfig::default() };
    let once =
        Recipe { architecture: SoftmaxConfig(features), augment: Augment::default(), ..recipe(1, 0.1) };
    let anew = Recipe { augment: Augment { crop: 1, ..Augment::default() }, ..once.clone() };
    let values = |batch: &zoo_data::Batch| {
        let images: Vec<f32> = batch.images.to_data().try_to_vec().unwrap();
        let labels: Vec<i64> = batch.labels.to_data().convert::<i64>().try_to_vec().unwrap();
        (images, labels)
    };
    let training = Training::new(&once, &splits, &device, 3).unwrap();
    let values_of = |training: &Training<'_, SoftmaxConfig>| -> Vec<_> {
        let seen = training.batches(&training.draw(&device), 2, 0);
        seen.map(|(seen, labels)| match seen {
            Seen::Numbers(images) => values(&zoo_data::Batch { images, labels }),
            Seen::Bytes(_) => panic!("features are no bytes"),
        })
        .collect()
    };
    let found = values_of(&training);
    let size = once.train.batch_size;
    let epoch = Epoch::new(&splits.train, size, Augment::default(), (3, 2), &device);
    let expected: Vec<_> = epoch.map(|batch| values(&training.see(batch))).collect();
    assert_eq!(found, expected);
    // Images that are varied have other features, and the same labels.
    let training = Training::new(&anew, &splits, &device, 3).unwrap();
    let varied = values_of(&training);
    assert!(varied.iter().zip(&found).all(|(varied, found)| varied.1 == found.1));
    assert_ne!(varied[0].0, found[0].0);
}
