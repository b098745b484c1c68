//! Features that a network has learnt on some images, for models of others.

use crate::common::{fail, json, succeed};

#[test]
fn a_network_serves_models_of_few_images() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let network = [
        "train",
        "vgg",
        "--limit-train=100",
        "--limit-test=20",
        "--set=architecture.widths=[4,4,8]",
        "--set=train.epochs=1",
    ];
    succeed(place, &network);
    let few = ["--limit-train=40", "--limit-test=50", "--validation=0", "--seed=7"];
    for (model, key) in
        [("knn", "features"), ("softmax", "architecture.features"), ("svm", "architecture.features")]
    {
        // The newest run of a recipe by name, as everywhere.
        let set = format!("--set={key}={{network=\"vgg\"}}");
        let seen = json(place, &[&["train", model, &set][..], &few].concat());
        let config = &seen["results"][0]["config"];
        let features = if model == "knn" { &config["features"] } else { &config["architecture"]["features"] };
        assert_eq!(features["network"], "runs/0001-train-vgg-shapes10", "{config}");
    }

    // The run has all that it needs.
    let trained = json(place, &["evaluate", "last"]);
    std::fs::remove_dir_all(place.join("runs/0001-train-vgg-shapes10")).unwrap();
    let evaluated = json(place, &["evaluate", "last"]);
    assert_eq!(evaluated["results"][0]["test"], trained["results"][0]["test"]);
    let image = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pictures/neighbours-shapes10.png");
    succeed(place, &["predict", "last", "--image", image]);
    succeed(place, &["pictures", "last"]);

    let again = ["train", "svm", "--set=architecture.features={network=\"runs/0001-train-vgg-shapes10\"}"];
    let message = fail(place, 1, &[&again[..], &few].concat());
    assert!(message.contains("runs/0001-train-vgg-shapes10: there is no such file or folder"), "{message}");
}
