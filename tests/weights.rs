//! Weights that go to PyTorch and come from there.

use std::path::{Path, PathBuf};

use burn::tensor::{DType, TensorData};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::common::{fail, json, succeed};

/// Of a tiny network that PyTorch has saved, and its scores; made by `scripts/golden/weights.py`.
fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(name)
}

fn evaluate(weights: &Path, more: &[&str]) -> Vec<String> {
    evaluate_as("lenet", weights, more)
}

/// The arguments that evaluate weights of the network `name`.
fn evaluate_as(name: &str, weights: &Path, more: &[&str]) -> Vec<String> {
    let config = golden(&format!("{name}.toml"));
    let arguments =
        ["evaluate", "--weights", weights.to_str().unwrap(), "--config", config.to_str().unwrap()];
    let limits = ["--limit-train=100", "--limit-test=10"];
    arguments.iter().chain(&limits).chain(more).map(ToString::to_string).collect()
}

#[test]
fn weights_of_pytorch_score_as_they_do_there() {
    let place = tempfile::tempdir().unwrap();
    for file in ["lenet.pt", "lenet.safetensors", "vit.safetensors"] {
        let (name, _) = file.split_once('.').unwrap();
        let (expected, found) = both_scores_of(name, place.path(), &golden(file));
        assert_eq!(expected.len(), 100);
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{file}: {found} is not {expected}");
        }
    }
}

/// The scores that PyTorch computes of the test images, and those that weights in `file` give.
fn both_scores(place: &Path, file: &Path) -> (Vec<f32>, Vec<f32>) {
    both_scores_of("lenet", place, file)
}

/// The same for the network `name`.
fn both_scores_of(name: &str, place: &Path, file: &Path) -> (Vec<f32>, Vec<f32>) {
    let expected: Vec<Vec<f32>> =
        serde_json::from_str(&std::fs::read_to_string(golden(&format!("{name}.json"))).unwrap()).unwrap();
    let arguments = evaluate_as(name, file, &["--scores=scores.safetensors"]);
    json(place, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let bytes = std::fs::read(place.join("scores.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let scores = tensors.tensor("scores").unwrap();
    let scores = scores.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    (expected.concat(), scores.collect())
}

/// Name, shape and bytes of a tensor.
type Part = (String, Vec<usize>, Vec<u8>);

/// What a tensor is called in another file.
type Rename<'a> = &'a dyn Fn(&str) -> String;

/// A SafeTensors file of these tensors.
fn file_of(kind: Dtype, parts: &[Part]) -> Vec<u8> {
    let views = parts
        .iter()
        .map(|(name, shape, bytes)| (name.clone(), TensorView::new(kind, shape.clone(), bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

/// The golden weights with other names, as floats of another kind.
fn rewritten(kind: DType, name: Rename<'_>) -> Vec<u8> {
    let bytes = std::fs::read(golden("lenet.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let converted: Vec<Part> = tensors
        .iter()
        .filter(|(_, view)| view.dtype() == Dtype::F32)
        .map(|(old, view)| {
            let data = TensorData::from_bytes_vec(view.data().to_vec(), view.shape().to_vec(), DType::F32);
            (name(old), view.shape().to_vec(), data.convert_dtype(kind).bytes().to_vec())
        })
        .collect();
    let kind = match kind {
        DType::F64 => Dtype::F64,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        _ => Dtype::F32,
    };
    file_of(kind, &converted)
}

#[test]
fn floats_of_any_size_and_wrapped_names_score_as_they_do_in_pytorch() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let file = place.join("weights.safetensors");
    let plain = |name: &str| name.to_owned();
    let wrapped = |name: &str| format!("state_dict.module.{name}");
    let cases: [(DType, Rename<'_>, f32); 5] = [
        (DType::F64, &plain, 1e-5),
        (DType::F16, &plain, 2e-2),
        (DType::BF16, &plain, 2e-1),
        (DType::F32, &wrapped, 1e-5),
        (DType::F64, &|name| format!("_orig_mod.{name}"), 1e-5),
    ];
    for (kind, name, tolerance) in cases {
        std::fs::write(&file, rewritten(kind, name)).unwrap();
        let (expected, found) = both_scores(place, &file);
        let worst = expected.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(found.len() == 100 && worst < tolerance, "{kind:?}: {worst}");
    }
    let (expected, found) = both_scores(place, &golden("lenet-checkpoint.pt"));
    let worst = expected.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(found.len() == 100 && worst < 2e-2, "{worst}");
}

#[test]
fn what_is_wrong_with_weights_is_said_in_pytorchs_words() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let file = place.join("weights.safetensors");
    let refusal = |change: &dyn Fn(&mut Vec<Part>)| {
        let bytes = rewritten(DType::F32, &str::to_owned);
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let mut parts: Vec<Part> = tensors
            .iter()
            .map(|(name, view)| (name.into(), view.shape().to_vec(), view.data().to_vec()))
            .collect();
        parts.sort();
        change(&mut parts);
        std::fs::write(&file, file_of(Dtype::F32, &parts)).unwrap();
        let arguments = evaluate(&file, &[]);
        fail(place, 1, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let message = refusal(&|parts| {
        let (name, shape, _) = parts.iter_mut().find(|(_, shape, _)| shape.len() == 2).unwrap();
        assert!(name.ends_with("weight"));
        shape.reverse();
    });
    assert!(message.contains("weight has shape [") && message.contains("], expected ["), "{message}");
    let message = refusal(&|parts| parts[1].2[4..8].copy_from_slice(&f32::NAN.to_le_bytes()));
    assert!(message.contains("is NaN at [") && message.contains("these weights have diverged"), "{message}");
    let message = refusal(&|parts| drop(parts.remove(0)));
    assert!(message.contains("it is of another network: missing "), "{message}");
}

#[test]
fn weights_without_a_normalization_get_that_of_the_training_images() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let limits = ["--limit-train=300", "--limit-test=100"];
    let fit = ["train", "softmax", "--set=train.epochs=2", "--validation=0"];
    let trained = json(place, &[&fit[..], &limits].concat());
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
    // How many images are held out here says nothing about where the weights are from.
    for held_out in ["--validation=0", "--validation=0.1", "--validation=0.3"] {
        let evaluated = json(place, &[&arguments[..], &limits, &[held_out]].concat());
        assert_eq!(evaluated["results"][0]["test"], trained["results"][0]["test"], "{held_out}");
    }

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
