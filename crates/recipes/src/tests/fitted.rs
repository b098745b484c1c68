//! What the models of the registry end with.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use safetensors::SafeTensors;
use zoo_backends::{Backend, Machine};
use zoo_data::{Dataset, ImageShape, Images, Names, Splits, Subset, shapes10};
use zoo_schema::EarlyStop;

use super::contenders;
use crate::contender::Contender;
use crate::estimator::{Dimensions, Fitted, Job, Model, Near};

pub(super) fn machine() -> Machine {
    "cpu".parse::<Backend>().unwrap().select().unwrap()
}

/// Shapes of which some are held out; classes are of equal size.
fn splits(validation: f64) -> Splits {
    shapes10::generate(100, 20, 1).hold_out(validation, 1).unwrap()
}

pub(super) fn job<'a>(splits: &'a Splits, machine: &'a Machine) -> Job<'a> {
    Job { splits, machine, seed: 1, budget: None, checkpoints: None, stop: None }
}

pub(super) fn contender(model: &str, set: &[&str]) -> Contender {
    contenders(&[model], &[], set).unwrap().remove(0)
}

pub(super) fn fit(contender: &Contender, job: &Job<'_>) -> Fitted {
    contender.estimator.fit(job, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// The share of the validation images of `splits` that `model` is right about.
fn validation_accuracy(model: &dyn Model, splits: &Splits, machine: &Machine) -> f64 {
    let scores = zoo_train::score(model.classifier(), &splits.validation, &machine.device).unwrap();
    scores.top_k_accuracy(&splits.validation.labels(), 1)
}

#[test]
fn no_more_images_are_scored_at_a_time_than_the_adapter_holds() {
    // A linear model keeps twice the values of an image.
    let small = Machine { largest_tensor: Some(7 * 2 * 3072 * 4), ..machine() };
    let splits = splits(0.3);
    let fitted = fit(&contender("svm", &["train.epochs=1"]), &job(&splits, &small));
    let batch_size = |model: &dyn Model| model.classifier().batch_size(&small.device);
    assert_eq!(batch_size(&*fitted.model), 7);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), fitted.model.to_safetensors().unwrap()).unwrap();
    let load = |machine: &Machine| {
        contender("svm", &[]).estimator.load(file.path(), Dimensions::of(&splits), machine).unwrap()
    };
    let (loaded, whole) = (load(&small), load(&machine()));
    assert_eq!((batch_size(&*loaded), batch_size(&*whole)), (7, 250));
    let scores =
        |model: &dyn Model| zoo_train::score(model.classifier(), &splits.test, &small.device).unwrap();
    assert!(scores(&*loaded).largest_difference(&scores(&*whole)) < 1e-4);
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

/// Single pixels, each there twice: once of the first class, once of the second. What is tested is as far from one as from the other.
fn twins() -> Dataset {
    let part = |prefix: &str, pixels: Vec<u8>| {
        let labels = (0..pixels.len() as u32).map(|index| index % 2).collect();
        let shape = ImageShape { channels: 1, height: 1, width: 1 };
        let names = Names::numbered([(prefix, pixels.len())]);
        Subset::all(Arc::new(Images::new(shape, pixels, labels).unwrap().named(names).unwrap()))
    };
    let train = part("train", (0..40).map(|index| index / 2 * 10).collect());
    let test = part("test", (0..19).map(|index| index * 10 + 1).collect());
    Dataset {
        name: "twins".into(),
        classes: ["a", "b"].map(String::from).to_vec(),
        train,
        validation: None,
        test,
    }
}

fn explained(model: &dyn Model, images: &Subset, machine: &Machine) -> (Vec<f32>, Vec<Vec<Near>>) {
    let images = images.batch(0..images.len(), &machine.device).images;
    let (scores, nearest) = model.explain(images);
    (scores.into_data().try_to_vec().unwrap(), nearest)
}

#[test]
fn equally_distant_images_vote_in_the_order_of_the_data_whatever_is_held_out() {
    let machine = machine();
    for k in ["k=1", "k=3"] {
        let knn = contender("knn", &[k]);
        let answers = [0.0, 0.1, 0.3, 0.5].map(|fraction| {
            let splits = twins().hold_out(fraction, 1).unwrap();
            explained(&*fit(&knn, &job(&splits, &machine)).model, &splits.test, &machine)
        });
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{k}");
        let first = &answers[0].1[3][0];
        assert_eq!(*first, Near { name: Some("train/6".into()), label: 0, distance: 1.0 });
        assert!(answers[0].0.chunks(2).all(|scores| scores[0] > scores[1]), "{k}: the first of two wins");
    }
}

#[test]
fn neighbours_keep_their_names() {
    let (machine, splits) = (machine(), twins().hold_out(0.3, 1).unwrap());
    let knn = contender("knn", &["k=2", "metric=l2"]);
    let model = fit(&knn, &job(&splits, &machine)).model;
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("model.safetensors");
    let load = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        knn.estimator.load(&path, Dimensions::of(&splits), &machine)
    };
    let bytes = model.to_safetensors().unwrap();
    let (scores, nearest) = explained(&*model, &splits.test, &machine);
    let loaded = load(&bytes).unwrap();
    assert_eq!(explained(&*loaded, &splits.test, &machine), (scores.clone(), nearest));

    // As older versions have kept it, and as nobody has.
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let with = |names: Option<&str>| {
        let names = names.map(|names| HashMap::from([("names".to_owned(), names.to_owned())]));
        safetensors::serialize(tensors.tensors(), names).unwrap()
    };
    let (same, nearest) = explained(&*load(&with(None)).unwrap(), &splits.test, &machine);
    assert_eq!(same, scores);
    assert!(nearest.concat().iter().all(|near| near.name.is_none()));
    for (names, says) in [("[\"a\"]", "1 names for 40 images"), ("3", "names: invalid type")] {
        let error = load(&with(Some(names))).err().unwrap().to_string();
        assert!(error.contains("model.safetensors") && error.contains(says), "{error}");
    }
}

#[test]
fn what_does_not_compare_images_names_none() {
    let (machine, splits) = (machine(), splits(0.1));
    let model = fit(&contender("majority", &[]), &job(&splits, &machine)).model;
    let (scores, nearest) = explained(&*model, &splits.test, &machine);
    assert_eq!((scores.len(), nearest), (200, Vec::new()));
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
    let best = accuracies.fold(0.0, f64::max);
    let kept = &finished.history[finished.kept_epoch.unwrap() - 1];
    assert_eq!((kept.validation_accuracy, finished.stopped_by), (Some(best), None));
}

#[test]
fn steps_are_those_of_all_epochs_or_tries() {
    let steps = |set: &[&str]| contender("softmax", set).estimator.trainable().unwrap().steps(100);
    assert_eq!(steps(&["train.epochs=3", "train.batch_size=32"]), 12);
    assert_eq!(steps(&["train.epochs=2.5", "train.batch_size=32", "train.drop_last=true"]), 8);
    assert_eq!(steps(&["optimizer.kind=random_search", "optimizer.tries=7", "train.epochs=1.5"]), 11);
}

#[test]
fn memory_grows_with_images_and_their_size() {
    let bytes = |model, side, images| {
        let dimensions = Dimensions { shape: [3, side, side], classes: 10, images, has_validation: true };
        contender(model, &[]).estimator.estimated_bytes(dimensions)
    };
    for model in ["knn", "softmax", "svm", "mlp", "cnn", "vit", "vgg", "lenet", "resnet20", "majority"] {
        let (small, large) = (bytes(model, 32, 1000), bytes(model, 224, 1000));
        assert!(small >= 1000 * 3072 && large >= 1000 * 3 * 224 * 224 && large > small, "{model}");
        assert!(bytes(model, 32, 50_000) > small, "{model}");
    }
    // The weights of 150,528 inputs and 512 outputs, four times.
    let weights = 4 * 4 * 150_528 * 512;
    assert!((weights..2 * weights).contains(&bytes("mlp", 224, 1000)));
}

#[test]
fn few_images_make_more_epochs_of_smaller_batches() {
    let length = |set: &[&str], images| {
        let contender = contender("cnn", set);
        let trainable = contender.estimator.trainable().unwrap();
        (trainable.epochs(images), trainable.steps(images))
    };
    assert_eq!((length(&[], 45_000), length(&[], 9000)), ((16, 1392), (16, 272)));
    assert_eq!((length(&[], 1440), length(&[], 180)), ((40, 640), (114, 1254)));
    assert_eq!(length(&["train.epochs=8"], 180), (8, 8));
    assert_eq!(length(&["optimizer.kind=random_search", "optimizer.tries=7"], 180), (16, 112));
}

#[test]
fn who_claims_probabilities() {
    let claims = |model, set: &[&str]| contender(model, set).estimator.claims_probabilities();
    for model in ["knn", "softmax", "mlp", "cnn", "vit", "majority"] {
        assert!(claims(model, &[]), "{model}");
    }
    assert!(!claims("svm", &[]) && !claims("mlp", &["loss.kind=hinge"]));
    assert!(!claims("mlp", &["loss.kind=mean_squared_error"]));
}

#[test]
fn models_of_features_are_kept() {
    let (machine, splits) = (machine(), splits(0.2));
    let scores =
        |model: &dyn Model| zoo_train::score(model.classifier(), &splits.test, &machine.device).unwrap();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("model.safetensors");
    for (model, set) in [
        ("knn", &["features=hog_hue_colour", "metric=l2"][..]),
        ("svm", &["architecture.features=hog_hue"]),
        ("mlp", &["architecture.features=hog_hue_colour", "architecture.hidden=[8]"]),
        ("hog", &[]),
    ] {
        let contender = contender(model, set);
        let fitted = fit(&contender, &job(&splits, &machine));
        std::fs::write(&path, fitted.model.to_safetensors().unwrap()).unwrap();
        let load = |set: &[&str]| {
            let contender = super::contenders(&[model], &[], set).unwrap().remove(0);
            contender.estimator.load(&path, Dimensions::of(&splits), &machine)
        };
        assert_eq!(scores(&*load(set).unwrap()), scores(&*fitted.model), "{model}");
        let key = if model == "knn" { "features=pixels" } else { "architecture.features=pixels" };
        let error = load(&[set, &[key]].concat()).err().unwrap().to_string();
        assert!(error.contains("model.safetensors"), "{error}");
    }
}

#[test]
fn features_are_worth_it() {
    let machine = machine();
    let splits = shapes10::generate(300, 200, 1).hold_out(0.0, 1).unwrap();
    let accuracy = |model, set: &[&str]| {
        let fitted = fit(&contender(model, set), &job(&splits, &machine));
        let scores = zoo_train::score(fitted.model.classifier(), &splits.test, &machine.device).unwrap();
        scores.top_k_accuracy(&splits.test.labels(), 1)
    };
    for (model, key) in [("knn", "features"), ("softmax", "architecture.features")] {
        let set = format!("{key}=hog_hue_colour");
        let (pixels, features) = (accuracy(model, &[]), accuracy(model, &[&set]));
        assert!(features > pixels + 0.05, "{model}: {features} with features, {pixels} with pixels");
    }
}

#[test]
fn features_that_images_have_none_of_are_refused() {
    let small = Dimensions { shape: [1, 7, 7], classes: 2, images: 100, has_validation: false };
    let check = |model, set: &[&str]| contender(model, set).check(small).map_err(|error| error.to_string());
    assert!(check("knn", &["features=hog_hue"]).unwrap_err().starts_with("knn: features = HogHue: must be "));
    assert!(check("softmax", &["architecture.features=hog_hue"]).is_err());
    assert!(check("knn", &["features=hog_hue_colour"]).is_ok() && check("hog", &[]).is_ok());
}
