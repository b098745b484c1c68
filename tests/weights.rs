//! Weights that go to PyTorch and come from there.

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::common::{fail, json, succeed};

/// A tiny LeNet that PyTorch has saved, and its scores; made by `scripts/golden/weights.py`.
fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(name)
}

fn evaluate(weights: &Path, more: &[&str]) -> Vec<String> {
    let config = golden("lenet.toml");
    let arguments =
        ["evaluate", "--weights", weights.to_str().unwrap(), "--config", config.to_str().unwrap()];
    let limits = ["--limit-train=100", "--limit-test=10"];
    arguments.iter().chain(&limits).chain(more).map(ToString::to_string).collect()
}

#[test]
fn weights_of_pytorch_score_as_they_do_there() {
    let place = tempfile::tempdir().unwrap();
    let expected: Vec<Vec<f32>> =
        serde_json::from_str(&std::fs::read_to_string(golden("lenet.json")).unwrap()).unwrap();
    for file in ["lenet.pt", "lenet.safetensors"] {
        let arguments = evaluate(&golden(file), &["--scores=scores.safetensors"]);
        let document = json(place.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(document["results"][0]["parameters"], 856);
        let bytes = std::fs::read(place.path().join("scores.safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(tensors.tensor("images").unwrap().shape(), [10, 3, 32, 32]);
        let scores = tensors.tensor("scores").unwrap();
        let scores = scores.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let expected: Vec<f32> = expected.concat();
        assert_eq!(expected.len(), 100);
        for (found, expected) in scores.zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{file}: {found} is not {expected}");
        }
    }
}

#[test]
fn weights_without_a_normalisation_get_that_of_the_training_images() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let limits = ["--limit-train=300", "--limit-test=100"];
    let trained = json(place, &[&["train", "softmax", "--set=train.epochs=2"][..], &limits].concat());
    let bytes = std::fs::read(place.join("runs/0001-train-softmax-shapes10/model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let kept: Vec<(String, TensorView<'_>)> =
        tensors.tensors().into_iter().filter(|(name, _)| !name.contains("normalizer")).collect();
    assert_eq!(kept.len(), tensors.len() - 2);
    let write = |name: &str, tensors: Vec<(String, TensorView<'_>)>| {
        std::fs::write(place.join(name), safetensors::serialize(tensors, None).unwrap()).unwrap();
    };
    write("bare.safetensors", kept.clone());
    std::fs::write(place.join("softmax.toml"), "model = \"softmax\"\n").unwrap();
    let arguments = ["evaluate", "--config=softmax.toml", "--weights=bare.safetensors"];
    let evaluated = json(place, &[&arguments[..], &limits].concat());
    let accuracy = |document: &serde_json::Value| document["results"][0]["test"]["accuracy"].as_f64();
    assert_eq!(accuracy(&evaluated), accuracy(&trained));

    // Anything else that is missing, or too much, is an error.
    write("less.safetensors", kept[..kept.len() - 1].to_vec());
    let arguments = ["evaluate", "--config=softmax.toml", "--weights=less.safetensors"];
    let message = fail(place, 1, &arguments);
    assert!(message.contains("it is of another network: missing scores.linear."), "{message}");
    let mut more = kept;
    more.push(("head.weight".into(), TensorView::new(Dtype::F32, vec![1], &[0; 4]).unwrap()));
    write("more.safetensors", more);
    let arguments = ["evaluate", "--config=softmax.toml", "--weights=more.safetensors"];
    assert!(fail(place, 1, &arguments).contains("missing nothing; not known head.weight"));
}

#[test]
fn weights_that_cannot_be_used_are_errors() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let broken = place.join("broken.pt");
    std::fs::write(&broken, "no weights").unwrap();
    let run = |arguments: &[String], code| {
        fail(place, code, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let message = run(&evaluate(&broken, &[]), 1);
    assert!(message.contains("broken.pt"), "{message}");
    let message = run(&evaluate(&golden("lenet.pt"), &["--set=architecture.hidden=[6,6]"]), 1);
    assert!(message.contains("lenet.pt") && message.contains("is it the same network?"), "{message}");
    let message = fail(place, 2, &["evaluate", "--weights", "lenet.pt"]);
    assert!(message.contains("--config"), "{message}");
    assert!(succeed(place, &["evaluate", "--help"]).contains("--weights"));
}
