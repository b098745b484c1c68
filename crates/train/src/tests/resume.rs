//! Training that was interrupted ends as training that was not.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::optimizer::{Adam, RmsProp};

/// Scores after training, and the history without times, both as text: to the last digit.
fn outcome(
    training: &Training<'_, SoftmaxConfig>,
    observe: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<String, TrainError> {
    let device = Device::flex();
    let model = training.recipe.architecture.init(&input(), &device);
    let model = burn::module::Module::map(model, &mut Zeros);
    let mut fitted = training.fit(model, observe)?;
    let images = training.splits.test.batch(0..10, &device).images;
    let mut scores = Vec::new();
    for model in [Some(&fitted.model), fitted.without_ema.as_ref()].into_iter().flatten() {
        let given = zoo_core::Classifier::forward(model, images.clone());
        scores.extend(given.into_data().try_to_vec::<f32>().unwrap());
    }
    for record in &mut fitted.history {
        record.seconds = 0.0;
    }
    Ok(format!("{scores:?} {} {}", fitted.best_epoch, serde_json::to_string(&fitted.history).unwrap()))
}

fn never(_: Event<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Calls `work` with a training of `recipe`, and with a place for checkpoints.
fn with_training(
    recipe: &Recipe<SoftmaxConfig>,
    work: impl FnOnce(&Training<'_, SoftmaxConfig>, &Checkpoints),
) {
    let (splits, device) = (splits(), Device::flex());
    let training = Training::new(recipe, &splits, &device, 3).unwrap();
    let place = tempfile::tempdir().unwrap();
    work(&training, &Checkpoints::new(place.path()));
}

/// Trains as if killed after the second epoch, and without an interruption. Both must come to the same.
pub(super) fn after_a_kill(recipe: &Recipe<SoftmaxConfig>) {
    with_training(recipe, |training, checkpoints| {
        let whole = outcome(training, &mut never).unwrap();
        let killed = training.clone().with_checkpoints(checkpoints);
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = outcome(&killed, &mut |event| {
                if let Event::Epoch(history) = event {
                    assert!(history.len() < 2, "killed");
                }
                ControlFlow::Continue(())
            });
        }));
        assert!(panic.is_err());
        assert_eq!(checkpoints.latest().map(|(_, epochs)| epochs), Some(2));
        assert_eq!(outcome(&killed, &mut never).unwrap(), whole);
    });
}

/// The same, and with a stop after every single step.
pub(super) fn resumes(recipe: &Recipe<SoftmaxConfig>) {
    after_a_kill(recipe);
    with_training(recipe, |training, checkpoints| {
        let whole = outcome(training, &mut never).unwrap();
        let stop = AtomicBool::new(true);
        let interrupted = training.clone().with_checkpoints(checkpoints).with_stop(&stop);
        let mut interruptions = 0;
        let ended = loop {
            match outcome(&interrupted, &mut never) {
                Err(TrainError::Stopped { .. }) => interruptions += 1,
                ended => break ended.unwrap(),
            }
        };
        assert_eq!(ended, whole);
        assert!(interruptions > 20, "{interruptions}");
    });
}

#[test]
fn plain_descent_goes_on() {
    resumes(&recipe(5, 0.02));
}

#[test]
fn slow_and_averaged_weights_go_on() {
    let mut recipe = recipe(5, 0.02);
    recipe.lookahead = Lookahead { every: 3, ..Lookahead::default() };
    recipe.augment.flip = Flip::Alternating;
    recipe.ema = Ema { decay: 0.8 };
    recipe.augment.cutout = 8;
    recipe.schedule = Schedule::Piecewise { points: vec![[0.0, 0.2], [0.2, 1.0], [1.0, 0.1]] };
    recipe.train = TrainConfig { epochs: 4.4, drop_last: true, ..recipe.train };
    resumes(&recipe);
}

#[test]
fn every_optimizer_goes_on() {
    let groups = [("biases".to_string(), Group { learning_rate_scale: 2.0, weight_decay: Some(0.01) })];
    let adam = Adam { learning_rate: 0.003, weight_decay: 0.01, ..Adam::default() };
    let rms_prop = RmsProp { learning_rate: 0.001, momentum: 0.5, ..RmsProp::default() };
    let nesterov = Sgd { learning_rate: 0.01, momentum: 0.9, nesterov: true, ..Sgd::default() };
    for optimizer in [
        Optimizer::Adam(adam.clone()),
        Optimizer::AdamW(Adam { groups: groups.into(), ..adam }),
        Optimizer::RmsProp(rms_prop),
        Optimizer::Sgd(nesterov),
    ] {
        resumes(&Recipe { learning: Learning::Descent(optimizer), ..recipe(5, 0.02) });
    }
}

#[test]
fn patience_counts_the_epochs_before() {
    let mut recipe = recipe(5, 0.5);
    recipe.train.patience = 2;
    with_training(&recipe, |training, checkpoints| {
        let whole = outcome(training, &mut never).unwrap();
        let stop = AtomicBool::new(true);
        let interrupted = training.clone().with_checkpoints(checkpoints).with_stop(&stop);
        while outcome(&interrupted, &mut never).is_err() {}
        stop.store(false, Ordering::Relaxed);
        assert_eq!(outcome(&interrupted, &mut never).unwrap(), whole);
    });
}

#[test]
fn tries_of_a_search_are_made_again() {
    let one = RandomSearch { tries: 10, deviation: 0.01, step: Some(0.005) };
    let recipe = search(one, 3.0);
    with_training(&recipe, |training, checkpoints| {
        let whole = outcome(training, &mut never).unwrap();
        let stop = AtomicBool::new(true);
        let interrupted = training.clone().with_checkpoints(checkpoints).with_stop(&stop);
        assert!(matches!(outcome(&interrupted, &mut never), Err(TrainError::Stopped { epoch: 1 })));
        stop.store(false, Ordering::Relaxed);
        let mut epochs = |event: Event<'_>| match event {
            Event::Epoch([_, _]) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        assert!(matches!(outcome(&interrupted, &mut epochs), Err(TrainError::Stopped { epoch: 3 })));
        assert_eq!(outcome(&interrupted, &mut never).unwrap(), whole);
    });
}

#[test]
fn an_observer_can_stop_within_an_epoch() {
    let mut recipe = recipe(3, 0.01);
    recipe.train.batch_size = 8;
    with_training(&recipe, |training, checkpoints| {
        let whole = outcome(training, &mut never).unwrap();
        let training = training.clone().with_checkpoints(checkpoints);
        let stopped = outcome(&training, &mut |event| match event {
            Event::Steps { epoch: 2, .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        assert!(matches!(stopped, Err(TrainError::Stopped { epoch: 2 })));
        let (path, epochs) = checkpoints.latest().unwrap();
        assert!(epochs == 1 && path.ends_with("epoch-1-step-10"), "{}", path.display());
        assert_eq!(outcome(&training, &mut never).unwrap(), whole);
    });
}

#[test]
fn another_recipe_or_seed_does_not_go_on() {
    let (splits, device) = (splits(), Device::flex());
    let place = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(place.path());
    let one = recipe(1, 0.01);
    let training = |recipe, seed| Training::new(recipe, &splits, &device, seed).unwrap();
    outcome(&training(&one, 3).with_checkpoints(&checkpoints), &mut never).unwrap();
    let other = recipe(2, 0.01);
    for training in [training(&other, 3), training(&one, 4)] {
        let error = outcome(&training.with_checkpoints(&checkpoints), &mut never).unwrap_err();
        assert!(error.to_string().contains("it is of another recipe or seed"), "{error}");
    }
}
