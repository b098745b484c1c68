//! What the models of the registry end with.

use std::ops::ControlFlow;
use std::time::Duration;

use zoo_backends::{Backend, Machine};
use zoo_data::{Splits, shapes10};
use zoo_schema::EarlyStop;

use super::contenders;
use crate::contender::Contender;
use crate::estimator::{Dimensions, Fitted, Job, Model};

fn machine() -> Machine {
    "cpu".parse::<Backend>().unwrap().select().unwrap()
}

/// Shapes of which some are held out; classes are of equal size.
fn splits(validation: f64) -> Splits {
    shapes10::generate(100, 20, 1).hold_out(validation, 1).unwrap()
}

fn job<'a>(splits: &'a Splits, machine: &'a Machine) -> Job<'a> {
    Job { splits, machine, seed: 1, budget: None, checkpoints: None }
}

fn contender(model: &str, set: &[&str]) -> Contender {
    contenders(&[model], &[], set).unwrap().remove(0)
}

fn fit(contender: &Contender, job: &Job<'_>) -> Fitted {
    contender.estimator.fit(job, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// The share of the validation images of `splits` that `model` is right about.
fn validation_accuracy(model: &dyn Model, splits: &Splits, machine: &Machine) -> f64 {
    let scores = zoo_train::score(model.classifier(), &splits.validation, &machine.device).unwrap();
    scores.top_k_accuracy(&splits.validation.labels(), 1)
}

#[test]
fn held_out_images_are_no_neighbours_of_themselves() {
    let (machine, splits) = (machine(), splits(0.3));
    let job = job(&splits, &machine);
    let knn = contender("knn", &["k=1"]);
    let fitted = fit(&knn, &job);
    assert_eq!((fitted.kept_epoch, fitted.stopped_by), (None, None));
    assert_eq!(validation_accuracy(&*fitted.model, &splits, &machine), 1.0);
    let before = knn.estimator.without_held_out(&job).unwrap().unwrap();
    let values = splits.shape().values();
    assert_eq!((fitted.model.parameters(), before.parameters()), (100 * values, 70 * values));
    let accuracy = validation_accuracy(&*before, &splits, &machine);
    assert!(accuracy < 1.0, "{accuracy}");
    let again = knn.estimator.without_held_out(&job).unwrap().unwrap();
    assert_eq!(validation_accuracy(&*again, &splits, &machine), accuracy);
}

#[test]
fn nothing_to_leave_out() {
    let machine = machine();
    let (some, none) = (splits(0.3), splits(0.0));
    let has = |model, set: &[&str], splits| {
        let contender = contender(model, set);
        contender.estimator.without_held_out(&job(splits, &machine)).unwrap().is_some()
    };
    assert!(has("knn", &["k=70"], &some) && !has("knn", &["k=70"], &none));
    // Seventy are left, so that no more can be asked for.
    assert!(contender("knn", &["k=71"]).check(Dimensions::of(&some)).is_err());
    assert!(!has("softmax", &[], &some) && !has("majority", &[], &some));
}

#[test]
fn the_majority_counts_training_images_and_is_kept() {
    let (machine, splits) = (machine(), splits(0.05));
    let job = job(&splits, &machine);
    let majority = contender("majority", &[]);
    let fitted = fit(&majority, &job);
    assert!(fitted.history.is_empty() && fitted.without_ema.is_none());
    assert_eq!((fitted.kept_epoch, fitted.stopped_by, fitted.model.parameters()), (None, None, 10));
    let scores =
        |model: &dyn Model| zoo_train::score(model.classifier(), &splits.test, &machine.device).unwrap();
    let shares: Vec<f32> = splits.train.class_counts(10).iter().map(|&count| count as f32 / 95.0).collect();
    let found = scores(&*fitted.model);
    assert_eq!(found.rows().next().unwrap(), shares);
    // The first class of which nothing was held out.
    let largest = shares.iter().position(|&share| share == 10.0 / 95.0);
    assert!(found.predictions().into_iter().all(|answer| Some(answer) == largest));

    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("model.safetensors");
    std::fs::write(&path, fitted.model.to_safetensors().unwrap()).unwrap();
    let load = |classes| {
        let dimensions = Dimensions { classes, ..Dimensions::of(&splits) };
        majority.estimator.load(&path, dimensions, &machine)
    };
    assert_eq!(scores(&*load(10).unwrap()), found);
    let error = load(3).err().unwrap().to_string();
    assert!(error.contains("model.safetensors"), "{error}");
    assert!(majority.estimator.trainable().is_none());
}

#[test]
fn training_says_what_it_kept_and_why_it_stopped() {
    let (machine, splits) = (machine(), splits(0.2));
    let softmax = contender("softmax", &["train.epochs=3"]);
    let stopped = fit(&softmax, &Job { budget: Some(Duration::ZERO), ..job(&splits, &machine) });
    assert_eq!((stopped.kept_epoch, stopped.stopped_by), (Some(1), Some(EarlyStop::Budget)));
    let finished = fit(&softmax, &job(&splits, &machine));
    let accuracies = finished.history.iter().map(|record| record.validation_accuracy.unwrap());
    let best = accuracies.clone().fold(0.0, f64::max);
    let first = accuracies.into_iter().position(|accuracy| accuracy == best);
    assert_eq!((finished.kept_epoch, finished.stopped_by), (first.map(|place| place + 1), None));
}

#[test]
fn steps_are_those_of_all_epochs_or_tries() {
    let steps = |set: &[&str]| contender("softmax", set).estimator.trainable().unwrap().steps(100);
    assert_eq!(steps(&["train.epochs=3", "train.batch_size=32"]), 12);
    assert_eq!(steps(&["train.epochs=2.5", "train.batch_size=32", "train.drop_last=true"]), 8);
    assert_eq!(steps(&["optimizer.kind=random_search", "optimizer.tries=7", "train.epochs=1.5"]), 11);
}

#[test]
fn who_claims_probabilities() {
    let claims = |model, set: &[&str]| contender(model, set).estimator.claims_probabilities();
    for model in ["knn", "softmax", "mlp", "cnn", "majority"] {
        assert!(claims(model, &[]), "{model}");
    }
    assert!(!claims("svm", &[]) && !claims("mlp", &["loss.kind=hinge"]));
    assert!(!claims("mlp", &["loss.kind=mean_squared_error"]));
}
