//! Features of networks whose weights don't change any more.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;
use zoo_core::{Network, Scores};
use zoo_data::{Splits, shapes10};

use super::fitted::{contender, fit, job, machine};
use crate::estimator::{Dimensions, Model};
use crate::frozen::Frozen;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(name)
}

/// The features that PyTorch computes of an image: `scripts/golden/resnet18.py`.
#[derive(Deserialize)]
struct Case {
    shape: [usize; 3],
    features: Vec<f32>,
}

#[test]
fn resnet18_is_pytorchs() {
    let cases = std::fs::read_to_string(golden("resnet18.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&cases).unwrap();
    let device = Device::flex();
    for file in ["resnet18.pth", "resnet18.safetensors"] {
        let network = Frozen::open(&golden(file), &device).unwrap();
        assert_eq!(network.features(), 8);
        for Case { shape: [channels, height, width], features } in &cases {
            let count = channels * height * width;
            let pixels: Vec<f32> = (0..count).map(|at| ((at * at * 7 + at * 31) % 256) as f32).collect();
            let data = TensorData::new(pixels, [1, *channels, *height, *width]);
            let found: Vec<f32> =
                network.forward(Tensor::from_data(data, &device)).into_data().try_to_vec().unwrap();
            let close = found.iter().zip(features).all(|(a, b)| (a - b).abs() < 1e-4);
            assert!(close && found.len() == features.len(), "{file}: {found:?} is not {features:?}");
        }
    }
}

/// A finished run of `model` in the folder `path`, as `zoo train` leaves it.
fn run(path: &Path, model: &str, set: &[&str], splits: &Splits) {
    let (contender, machine) = (contender(model, set), machine());
    let fitted = fit(&contender, &job(splits, &machine));
    let shape = splits.shape();
    let mut table = contender.table().unwrap();
    let shape = format!("shape = [{}, {}, {}]", shape.channels, shape.height, shape.width);
    table.insert("run".into(), shape.parse::<toml::Table>().unwrap().into());
    std::fs::create_dir_all(path).unwrap();
    std::fs::write(path.join("config.toml"), toml::to_string(&table).unwrap()).unwrap();
    std::fs::write(path.join("model.safetensors"), fitted.model.to_safetensors().unwrap()).unwrap();
}

fn splits() -> Splits {
    shapes10::generate(60, 20, 1).hold_out(0.1, 1).unwrap()
}

const SMALL_CNN: [&str; 4] =
    ["architecture.kind=vgg", "architecture.widths=[4,6]", "architecture.depths=[1,1]", "train.epochs=1"];

fn scores(model: &dyn Model, splits: &Splits) -> Scores {
    zoo_train::score(model.classifier(), &splits.test, &machine().device).unwrap()
}

#[test]
fn models_keep_the_network_that_they_see_with() {
    let (place, splits, machine) = (tempfile::tempdir().unwrap(), splits(), machine());
    let network = place.path().join("network");
    run(&network, "cnn", &SMALL_CNN, &splits);
    let path = place.path().join("model.safetensors");
    for (model, key) in
        [("knn", "features"), ("softmax", "architecture.features"), ("svm", "architecture.features")]
    {
        let contender =
            contender(model, &[&format!("{key}={{ network = {:?} }}", network.display().to_string())]);
        contender.check(Dimensions::of(&splits)).unwrap();
        let fitted = fit(&contender, &job(&splits, &machine));
        std::fs::write(&path, fitted.model.to_safetensors().unwrap()).unwrap();
        let moved = place.path().join("elsewhere");
        std::fs::rename(&network, &moved).unwrap();
        let loaded = contender.estimator.load(&path, Dimensions::of(&splits), &machine).unwrap();
        assert_eq!(scores(&*loaded, &splits), scores(&*fitted.model, &splits), "{model}");
        let error = contender.check(Dimensions::of(&splits)).unwrap_err().to_string();
        assert!(error.contains("network: there is no such file or folder"), "{error}");
        std::fs::rename(&moved, &network).unwrap();
    }
}

#[test]
fn features_are_what_the_last_layer_sees() {
    let (place, splits, device) = (tempfile::tempdir().unwrap(), splits(), machine().device);
    let set = ["architecture.hidden=[7]", "architecture.activation=identity", "train.epochs=1"];
    run(place.path(), "mlp", &set, &splits);
    let network = Frozen::open(place.path(), &device).unwrap();
    assert_eq!(network.features(), 7);
    let images = splits.test.batch(0..20, &device).images;
    let features = network.forward(images.clone());
    assert_eq!(features.dims(), [20, 7]);
    // Of hidden values and the last layer's weights, the scores follow.
    let bytes = std::fs::read(place.path().join("model.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let read = |name: &str| -> Vec<f32> {
        let view = tensors.tensor(name).unwrap();
        view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    let weight = Tensor::<2>::from_data(TensorData::new(read("linear.weight"), [10, 7]), &device);
    let bias = Tensor::<1>::from_data(TensorData::new(read("linear.bias"), [10]), &device);
    let found = features.matmul(weight.transpose()) + bias.unsqueeze::<2>();
    let model = contender("mlp", &set).estimator.load(
        &place.path().join("model.safetensors"),
        Dimensions::of(&splits),
        &machine(),
    );
    let expected = model.unwrap().classifier().forward(images.clone());
    let difference: f32 = (found - expected).abs().max().into_scalar();
    assert!(difference < 1e-4, "{difference}");
    // Images of any size and number of channels will do.
    let grey = images.clone().slice([0..2, 0..1, 0..20, 0..32]);
    assert_eq!(network.forward(grey).dims(), [2, 7]);
    assert_eq!(network.forward(images.slice([0..3, 0..3, 0..9, 0..7])).dims(), [3, 7]);
}

#[test]
fn what_is_no_network_is_refused() {
    let (place, splits) = (tempfile::tempdir().unwrap(), splits());
    let at = |name: &str| place.path().join(name);
    let error = |path: &Path| Frozen::open(path, &Device::flex()).err().unwrap().to_string();
    assert!(error(&at("nothing")).contains("name a finished run (`zoo train cnn` makes one)"));
    std::fs::create_dir(at("empty")).unwrap();
    assert!(error(&at("empty")).contains("it has no config.toml"));
    for (model, set) in [("softmax", &["train.epochs=1"][..]), ("knn", &[])] {
        run(&at(model), model, set, &splits);
        assert!(error(&at(model)).contains("name a run of cnn, vit or mlp"), "{}", error(&at(model)));
    }
    run(&at("cnn"), "cnn", &SMALL_CNN, &splits);
    // A run's file of weights is as good as its folder.
    Frozen::open(&at("cnn").join("model.safetensors"), &Device::flex()).unwrap();
    let config = std::fs::read_to_string(at("cnn").join("config.toml")).unwrap();
    let with = |from: &str, to: &str| {
        assert!(config.contains(from), "{config}");
        std::fs::write(at("cnn").join("config.toml"), config.replace(from, to)).unwrap();
        error(&at("cnn"))
    };
    assert!(with("[3, 32, 32]", "[3, 0, 32]").contains("which can't be"));
    assert!(with("widths = [4, 6]", "widths = [4, 7]").contains("is it the same network?"));
    assert!(with("shape", "form").contains("not the run of one model"));
    std::fs::write(at("cnn").join("config.toml"), config).unwrap();
    std::fs::remove_file(at("cnn").join("model.safetensors")).unwrap();
    assert!(error(&at("cnn")).contains("`zoo train --resume "));
    for (name, content) in [("x.pth", &b"no pickle"[..]), ("x.safetensors", b"\xff\xff"), ("x.png", b"")] {
        std::fs::write(at(name), content).unwrap();
        assert!(error(&at(name)).contains(name));
    }
    let other = golden("lenet.safetensors");
    assert!(error(&other).contains("neither of a run nor of ResNet-18"), "{}", error(&other));
}
