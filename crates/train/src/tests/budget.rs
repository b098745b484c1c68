//! Training that has only so much time.

use std::time::Duration;

use super::*;

const LONG: Duration = Duration::from_hours(1);

/// What training within `budget` ends with, and the epochs that it trains.
fn fit(
    recipe: &Recipe<SoftmaxConfig>,
    budget: Duration,
    checkpoints: &Checkpoints,
) -> (crate::Fitted<zoo_softmax::Softmax>, Vec<usize>) {
    let (splits, device) = (splits(), Device::flex());
    let training = Training::new(recipe, &splits, &device, 3).unwrap();
    let training = training.with_checkpoints(checkpoints).with_budget(budget);
    let mut trained = Vec::new();
    let fitted = training.fit(training.draw(&device), &mut |event| {
        if let Event::Epoch(history) = event {
            trained.push(history.len());
        }
        ControlFlow::Continue(())
    });
    (fitted.unwrap(), trained)
}

fn weights(fitted: &crate::Fitted<zoo_softmax::Softmax>) -> Vec<Vec<f32>> {
    let values = crate::parameters::values(&fitted.model);
    values.into_iter().map(|values| values.tensor.into_data().try_to_vec().unwrap()).collect()
}

#[test]
fn one_epoch_is_trained_at_least_and_a_finished_training_was_not_stopped() {
    let place = tempfile::tempdir().unwrap();
    let checkpoints = |name: &str| Checkpoints::new(place.path().join(name));
    let (fitted, trained) = fit(&recipe(3, 0.01), Duration::ZERO, &checkpoints("none"));
    assert_eq!((trained, fitted.best_epoch, fitted.stopped_by), (vec![1], 1, Some(EarlyStop::Budget)));
    let (fitted, trained) = fit(&recipe(1, 0.01), Duration::ZERO, &checkpoints("one"));
    assert_eq!((trained, fitted.stopped_by), (vec![1], None));
    let (fitted, trained) = fit(&recipe(3, 0.01), LONG, &checkpoints("all"));
    assert_eq!((trained, fitted.stopped_by), (vec![1, 2, 3], None));
}

#[test]
fn a_resumed_training_stops_at_once_unless_it_has_more_time() {
    let place = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(place.path());
    let recipe = recipe(3, 0.01);
    let (stopped, _) = fit(&recipe, Duration::ZERO, &checkpoints);
    let (resumed, trained) = fit(&recipe, Duration::ZERO, &checkpoints);
    assert_eq!((trained.len(), resumed.stopped_by), (0, Some(EarlyStop::Budget)));
    assert_eq!((weights(&resumed), resumed.best_epoch), (weights(&stopped), stopped.best_epoch));
    // The time before the interruption counts.
    let used = Duration::from_secs_f64(stopped.history[0].seconds / 2.0);
    assert_eq!(fit(&recipe, used, &checkpoints).1, [0; 0]);
    let (finished, trained) = fit(&recipe, LONG, &checkpoints);
    assert_eq!((trained, finished.stopped_by), (vec![2, 3], None));
    let (whole, _) = fit(&recipe, LONG, &Checkpoints::new(place.path().join("whole")));
    assert_eq!(weights(&finished), weights(&whole));
}
