//! `zoo gradcheck`, `zoo sanity`, and learning without gradients.

use serde_json::Value;

use crate::common::{LONG_DEADLINE, fail, json, json_within, run, text};

fn checks(document: &Value) -> &Vec<Value> {
    document["checks"].as_array().unwrap()
}

/// The recipes of a document, in its order.
fn recipes(document: &Value) -> Vec<&str> {
    checks(document).iter().map(|check| check["recipe"].as_str().unwrap()).collect()
}

#[test]
fn gradients_of_all_kinds_of_models_are_right() {
    let place = tempfile::tempdir().unwrap();
    let names = ["softmax", "svm", "mlp", "cnn", "vit", "vgg", "lenet", "resnet20"];
    let arguments = [&["gradcheck", "--samples=1", "--limit-train=100"], &names[..]].concat();
    let document = json_within(LONG_DEADLINE, place.path(), &arguments);
    let expected = [
        "softmax",
        "svm",
        "mlp",
        "mlp, gelu",
        "cnn",
        "vit",
        "vgg",
        "vgg, gelu",
        "lenet",
        "lenet, gelu",
        "resnet20",
        "resnet20, gelu",
    ];
    assert_eq!(recipes(&document), expected);
    for check in checks(&document) {
        let smooth =
            ["softmax", "mlp, gelu", "vit", "resnet20, gelu"].contains(&check["recipe"].as_str().unwrap());
        let tolerance = if smooth { 1e-7 } else { 1e-4 };
        assert_eq!(check["kinks"].as_array().unwrap().is_empty(), smooth, "{check}");
        assert_eq!(check["tolerance"], tolerance);
        assert!(check["passes"] == true && check["worst"]["error"].as_f64().unwrap() <= tolerance, "{check}");
        assert_eq!(check["derivatives"].as_u64(), check["parameters"].as_u64().map(|count| 2 * count));
        // That of training, by kernels of our own.
        let trained = |key: &str| check["trained"][key].as_f64().unwrap();
        assert_eq!(trained("tolerance"), if smooth { 1e-3 } else { 5e-2 });
        assert!(trained("error") > 0.0 && trained("error") <= trained("tolerance"), "{check}");
    }
}

#[test]
fn gradients_are_right_with_whatever_a_recipe_adds() {
    let place = tempfile::tempdir().unwrap();
    let small = ["--limit-train=100", "--samples=4"];
    let mlp = ["gradcheck", "mlp", "--set=architecture.hidden=[12,9]", "--set=architecture.dropout=0.5"];
    for loss in ["hinge", "mean_squared_error"] {
        let document =
            json(place.path(), &[&mlp[..], &small, &[&format!("--set=loss.kind={loss}")]].concat());
        // Cross-entropy takes the place of the hinge where all is to be smooth.
        let twin = if loss == "hinge" { "mlp, gelu, cross_entropy" } else { "mlp, gelu" };
        assert_eq!(recipes(&document), ["mlp", twin]);
    }
    let resnet = [
        "gradcheck",
        "cnn",
        "--set=architecture.kind=resnet",
        "--set=architecture.depth=8",
        "--set=architecture.widths=[4,4,4]",
        "--set=architecture.stochastic_depth=0.5",
        "--set=architecture.activation=tanh",
        "--set=optimizer.weight_decay=0.1",
    ];
    let document = json(place.path(), &[&resnet[..], &small].concat());
    assert_eq!(checks(&document)[0]["tolerance"], 1e-7);
}

#[test]
fn all_kinds_of_models_are_sane() {
    let place = tempfile::tempdir().unwrap();
    let document = json_within(LONG_DEADLINE, place.path(), &["sanity"]);
    // Without names, one of each kind that learns.
    let trainable = zoo_recipes::Registry::zoo().trainable().unwrap();
    assert_eq!(recipes(&document), trainable.iter().map(zoo_recipes::Contender::name).collect::<Vec<_>>());
    assert!(recipes(&document).len() >= 7);
    for check in checks(&document) {
        let number = |key: &str| check[key].as_f64().unwrap();
        assert_eq!(check["passes"], true, "{check}");
        if check["recipe"] == "vit" {
            // AdamW takes the decay from the weights directly: there is no penalty.
            assert!(check["penalised_loss"].is_null() && check["penalty_descends"].is_null(), "{check}");
        } else {
            assert!(number("penalised_loss") > number("first_loss"), "{check}");
            assert_eq!(check["penalty_descends"], true, "{check}");
        }
        assert_eq!((number("few_images"), number("few_accuracy")), (40.0, 1.0), "{check}");
        let linear = ["softmax", "svm"].contains(&check["recipe"].as_str().unwrap());
        let chance = if check["recipe"] == "svm" { 9.0 } else { 10f64.ln() };
        assert_eq!(number("chance_loss"), chance);
        assert!((number("first_loss") / chance - 1.0).abs() < if linear { 0.01 } else { 0.25 }, "{check}");
    }
}

#[test]
fn every_optimizer_with_a_penalty_descends_it() {
    let place = tempfile::tempdir().unwrap();
    for (kind, descends) in
        [("adam", Value::Bool(true)), ("rmsprop", Value::Bool(true)), ("adamw", Value::Null)]
    {
        let kind = format!("--set=optimizer.kind={kind}");
        let document = json(place.path(), &["sanity", "mlp", &kind, "--set=optimizer.learning_rate=1e-3"]);
        let [check] = &checks(&document)[..] else { panic!("one recipe is checked") };
        assert_eq!(
            (&check["penalty_descends"], &check["passes"]),
            (&descends, &Value::Bool(true)),
            "{check}"
        );
        assert_eq!(check["penalised_loss"].is_null(), descends.is_null());
    }
    // Steps of RMSProp are as long for small weights as for large ones, and weights of 0 have no penalty.
    for (deviation, descends) in [("1e-5", Value::Bool(true)), ("0.0", Value::Null)] {
        let deviation = format!("--set=architecture.deviation={deviation}");
        let document = json(place.path(), &["sanity", "softmax", &deviation, "--set=optimizer.kind=rmsprop"]);
        assert_eq!(checks(&document)[0]["penalty_descends"], descends, "{document}");
    }
}

#[test]
fn a_recipe_that_cannot_learn_is_not_sane() {
    let place = tempfile::tempdir().unwrap();
    let output = run(place.path(), &["sanity", "softmax", "mlp", "--set=mlp.optimizer.learning_rate=1e-9"]);
    assert_eq!(output.status.code(), Some(1));
    let (table, message) = (text(&output.stdout), text(&output.stderr));
    assert!(table.contains("40 of 40") && table.contains("not sane"), "{table}");
    assert!(
        message.contains("error: mlp: after ")
            && message.contains(" of 40 images are right")
            && !message.contains("softmax:"),
        "{message}"
    );
}

#[test]
fn what_cannot_be_checked_is_an_error() {
    let place = tempfile::tempdir().unwrap();
    let message = fail(place.path(), 2, &["gradcheck", "svm", "knn"]);
    assert!(message.contains("knn: k-nearest neighbours has no gradient"), "{message}");
    let message = fail(place.path(), 2, &["sanity", "knn"]);
    assert!(message.contains("knn: k-nearest neighbours has no gradient"), "{message}");
    fail(place.path(), 2, &["gradcheck", "softmax", "--samples=0"]);
    let message = fail(place.path(), 2, &["gradcheck", "sofmax"]);
    assert!(message.contains("did you mean \"softmax\"?"), "{message}");
    let message =
        fail(place.path(), 2, &["train", "svm", "--set=optimizer.kind=random_search", "--set=ema.decay=0.9"]);
    assert!(message.contains("ema.decay = 0.9: must be left out"), "{message}");
}

#[test]
fn local_search_beats_random_search() {
    let place = tempfile::tempdir().unwrap();
    let small = ["--limit-train=1000", "--limit-test=500", "--set=train.epochs=3"];
    let train = |more: &[&str]| {
        let result =
            json(place.path(), &[&["train", "svm"][..], &small, more].concat())["results"][0].clone();
        let history = result["history"].as_array().unwrap();
        let losses: Vec<f64> = history.iter().map(|epoch| epoch["train_loss"].as_f64().unwrap()).collect();
        assert_eq!(losses.len(), 3);
        assert!(history.iter().all(|epoch| epoch["update_ratio"].is_null()), "there is no step");
        assert!(losses.is_sorted_by(|earlier, later| later <= earlier), "{losses:?}");
        losses[2]
    };
    let random = ["--set=optimizer.kind=random_search", "--set=optimizer.deviation=0.03"];
    let local = [
        "--set=optimizer.kind=random_local_search",
        "--set=optimizer.deviation=0.03",
        "--set=optimizer.step=0.01",
    ];
    let (random, again, local) = (train(&random), train(&random), train(&local));
    assert_eq!(random, again);
    assert!(local < random, "{random}, {local}");
}

#[test]
fn an_epoch_says_how_large_its_last_update_was() {
    let place = tempfile::tempdir().unwrap();
    let output = run(
        place.path(),
        &["train", "softmax", "-v", "--limit-train=200", "--limit-test=50", "--set=train.epochs=2"],
    );
    let message = text(&output.stderr);
    let line = message.lines().find(|line| line.starts_with("softmax epoch 2/2")).unwrap();
    assert!(line.contains(", update/weight ") && line.contains("e-"), "{line}");
    let metrics =
        std::fs::read_to_string(place.path().join("runs/0001-train-softmax-shapes10/metrics.jsonl")).unwrap();
    assert!(metrics.lines().all(|line| line.contains("\"update_ratio\":0.")), "{metrics}");
}
