//! `zoo data` and `zoo backends`.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::common::{cifar10, fail, finish, json, succeed, text, zoo};

#[test]
fn info_of_shapes10() {
    let place = tempfile::tempdir().unwrap();
    let document = json(place.path(), &["data", "info"]);
    assert_eq!((&document["train"], &document["test"]), (&10_000.into(), &2_000.into()));
    assert!(
        document["classes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|class| class["train"] == 1000 && class["test"] == 200)
    );
    let table = succeed(place.path(), &["data", "info"]);
    assert!(table.contains("crescent") && table.contains("3×32×32"), "{table}");
}

#[test]
fn both_exports_read_back_with_the_same_statistics() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let limits = ["--limit-train=100", "--limit-test=20"];
    let original = json(place, &[&["data", "info"][..], &limits].concat());
    for format in ["folder", "binary"] {
        let flag = format!("--format={format}");
        succeed(place, &[&["data", "export", format, &flag][..], &limits].concat());
        succeed(place, &["data", "verify", "--data", format]);
        let read = json(place, &["data", "info", "--data", format]);
        assert_eq!(read["name"], format);
        for key in ["train", "test", "classes", "channel_mean", "channel_deviation", "shape"] {
            assert_eq!(read[key], original[key], "{format} {key}");
        }
        assert!(fail(place, 1, &["data", "export", format, &flag]).contains("exists already"));
    }
}

#[test]
fn verify_cifar10() {
    let Some(data) = cifar10("verify_cifar10") else { return };
    let place = tempfile::tempdir().unwrap();
    let message = succeed(place.path(), &["data", "verify", "--data=cifar10", "--data-dir", &data]);
    assert!(message.contains("all 60000 images are readable"), "{message}");
    let document = json(place.path(), &["data", "info", "--data=cifar10", "--data-dir", &data]);
    // The published channel means 0.4914, 0.4822 and 0.4465, times 255.
    for (mean, published) in
        document["channel_mean"].as_array().unwrap().iter().zip([125.307, 122.961, 113.858])
    {
        assert!((mean.as_f64().unwrap() - published).abs() < 0.2, "{mean} against {published}");
    }
}

#[test]
fn backends_names_what_is_compiled_in_and_what_auto_takes() {
    let place = tempfile::tempdir().unwrap();
    let document = json(place.path(), &["backends"]);
    let compiled = |backend: &str| {
        let rows = document["backends"].as_array().unwrap();
        rows.iter().find(|row| row["backend"] == backend).unwrap()["compiled"].as_bool().unwrap()
    };
    assert!(compiled("flex") && compiled("ndarray") && compiled("wgpu"));
    assert!(document["auto"]["backend"].is_string() && document["auto"]["reason"].is_string());
    let table = succeed(place.path(), &["backends"]);
    assert!(table.contains("--backend auto takes"), "{table}");
}

/// Points the Vulkan loader at a driver that is not there.
fn without_drivers(place: &Path, arguments: &[&str]) -> Output {
    let mut command = zoo(place);
    for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "__EGL_VENDOR_LIBRARY_FILENAMES"] {
        command.env(variable, "/nonexistent");
    }
    finish(command.args(arguments))
}

#[test]
fn without_any_driver() {
    let place = tempfile::tempdir().unwrap();
    let output = without_drivers(place.path(), &["backends"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("no adapter answers"));
    for backend in ["gpu", "wgpu", "wgpu:1"] {
        let output =
            without_drivers(place.path(), &["compare", "knn", "--backend", backend, "--limit-train=50"]);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.lines().count() == 1 && message.contains("install its Vulkan driver"), "{message}");
        assert!(message.contains("--backend cpu"), "{message}");
    }
    let output = without_drivers(place.path(), &["compare", "knn", "--limit-train=50", "--limit-test=10"]);
    assert!(output.status.success(), "auto falls to the CPU: {}", text(&output.stderr));
}

#[test]
fn ndarray_gives_the_same_neighbours_as_flex() {
    let place = tempfile::tempdir().unwrap();
    let document = |backend: &str| {
        let arguments = ["compare", "knn", "--limit-train=300", "--limit-test=50", "--json"];
        let output = finish(zoo(place.path()).args(["--backend", backend]).args(arguments));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        document["results"][0]["test"].clone()
    };
    assert_eq!(document("ndarray"), document("flex"));
}
