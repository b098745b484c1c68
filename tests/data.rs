//! `zoo data` and `zoo backends`.

use std::fs::File;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use wait_timeout::ChildExt;

use crate::common::{DEADLINE, cifar10, fail, files, finish, json, succeed, text, zoo};

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

/// The files in `folder`, as `PART/NAME.png`: what class an image has is left out.
fn exported(folder: &Path) -> Vec<String> {
    let inside = |path: &Path| {
        let parts: Vec<_> =
            path.strip_prefix(folder).unwrap().iter().map(|part| part.to_str().unwrap()).collect();
        assert_eq!(parts.len(), 3, "{}", path.display());
        format!("{}/{}", parts[0], parts[2])
    };
    let mut names: Vec<String> =
        files(folder).iter().filter(|path| path.is_file()).map(|path| inside(path)).collect();
    names.sort();
    names
}

#[test]
fn only_the_images_that_a_table_names_are_exported() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    std::fs::write(place.join("list.csv"), "model,image\nknn,test/12\ncnn,test/3\ncnn,test/12\n").unwrap();
    let message = succeed(place, &["data", "export", "some", "--only=list.csv"]);
    assert_eq!(message.trim(), "0 training and 2 test images written to some");
    assert_eq!(exported(&place.join("some")), ["test/test-00003.png", "test/test-00012.png"]);
    // Two files, their classes' folders and test/.
    assert!(files(&place.join("some")).len() <= 5, "{:?}", files(&place.join("some")));

    // The same from stdin.
    let mut command = zoo(place);
    command.args(["data", "export", "piped", "--only=-"]).stdout(Stdio::null());
    let mut child = command.stdin(File::open(place.join("list.csv")).unwrap()).spawn().unwrap();
    let status = child.wait_timeout(DEADLINE).unwrap();
    if status.is_none() {
        child.kill().unwrap();
    }
    assert!(status.is_some_and(|status| status.success()));
    assert_eq!(exported(&place.join("piped")), exported(&place.join("some")));
}

#[test]
fn names_of_an_image_folder_are_its_files_and_stay_when_exported() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(place, &["data", "export", "shapes", "--limit-train=20", "--limit-test=10"]);
    succeed(place, &["data", "export", "again", "--data=shapes"]);
    assert_eq!(exported(&place.join("again")), exported(&place.join("shapes")));
    let star = std::fs::read_dir(place.join("shapes/train/star")).unwrap().next().unwrap().unwrap();
    let star = format!("train/star/{}", star.file_name().to_str().unwrap());
    std::fs::write(place.join("list.csv"), format!("image\n{star}\n")).unwrap();
    let document = json(place, &["data", "export", "one", "--data=shapes", "--only=list.csv"]);
    assert_eq!(document, serde_json::json!({ "folder": "one", "train": 1, "test": 0 }));
    assert!(place.join("one").join(star).is_file());
    assert_eq!(exported(&place.join("one")).len(), 1);
}

#[test]
fn a_table_that_does_not_fit_is_named_and_nothing_is_written() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    std::fs::write(place.join("list.csv"), "image\ntest/0\ntest/2000\n").unwrap();
    std::fs::write(place.join("other.csv"), "file\ntest/0\n").unwrap();
    for (code, only, rest, parts) in [
        (1, "list.csv", "--format=folder", ["list.csv, line 3", "\"test/2000\" is none of the 12000 images"]),
        (1, "other.csv", "--format=folder", ["other.csv", "there is no column \"image\""]),
        (1, "none.csv", "--format=folder", ["cannot read", "none.csv"]),
        (2, "list.csv", "--format=binary", ["--only", "--format binary"]),
    ] {
        let message = fail(place, code, &["data", "export", "some", "--only", only, rest]);
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
}

/// Images of shapes10 as files, with a brighter copy of a training image in the test images, and its name.
fn shapes_with_a_copy(place: &Path) -> String {
    succeed(place, &["data", "export", "shapes", "--limit-train=400", "--limit-test=50"]);
    let star = std::fs::read_dir(place.join("shapes/train/star")).unwrap().next().unwrap().unwrap().path();
    let mut copy = image::open(&star).unwrap().to_rgb8();
    copy.pixels_mut().flat_map(|pixel| &mut pixel.0).for_each(|value| *value = value.saturating_add(9));
    copy.save(place.join("shapes/test/star/<b>&\"😀.png")).unwrap();
    format!("train/star/{}", star.file_name().unwrap().to_str().unwrap())
}

#[test]
fn an_audit_finds_copies_and_hands_them_to_export() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let original = shapes_with_a_copy(place);
    let audit = ["data", "audit", "--data=shapes"];
    let document = json(place, &audit);
    let near: Vec<&Value> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["kind"] == "near-duplicate")
        .collect();
    assert_eq!(near.len(), 1, "{near:?}");
    let names: Vec<&str> =
        near[0]["images"].as_array().unwrap().iter().map(|image| image["image"].as_str().unwrap()).collect();
    assert_eq!(names, [&original, "test/star/<b>&\"😀.png"]);
    assert_eq!(near[0]["severity"], "warning");

    let run = place.join("runs/0001-audit-shapes");
    for file in ["audit.json", "audit.csv", "near-duplicate.svg", "near-duplicate.png"] {
        assert!(run.join(file).is_file(), "{file}");
    }
    let written: Value = serde_json::from_slice(&std::fs::read(run.join("audit.json")).unwrap()).unwrap();
    assert_eq!(written, document);
    let text = succeed(place, &audit);
    assert!(text.contains("near duplicates: 1, of which 1 across train and test\n"), "{text}");
    let table = succeed(place, &[&audit[..], &["--csv"]].concat());
    let lines = table.lines().filter(|line| line.starts_with("kind,") || line.starts_with("near-duplicate,"));
    std::fs::write(place.join("near.csv"), lines.collect::<Vec<_>>().join("\n")).unwrap();
    succeed(place, &["data", "export", "pair", "--data=shapes", "--only=near.csv"]);
    assert_eq!(exported(&place.join("pair")).len(), 2);

    // Warnings are a failure only where that was asked for.
    let output = finish(zoo(place).args([&audit[..], &["--strict"]].concat()));
    assert_eq!(output.status.code(), Some(1));
    assert!(
        crate::common::text(&output.stderr).contains("shapes: 1 warning"),
        "{}",
        crate::common::text(&output.stderr)
    );
    succeed(place, &["data", "audit", "--limit-train=300", "--limit-test=300", "--strict"]);
}

#[test]
fn the_names_of_cifar10_are_its_batches() {
    let Some(data) = cifar10("the_names_of_cifar10_are_its_batches") else { return };
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    std::fs::write(place.join("list.csv"), "image\ntest_batch/123\ndata_batch_2/17\n").unwrap();
    succeed(place, &["data", "export", "two", "--data=cifar10", "--data-dir", &data, "--only=list.csv"]);
    let expected = ["test/test_batch-00123.png", "train/data_batch_2-00017.png"];
    assert_eq!(exported(&place.join("two")), expected);
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

#[test]
fn tuning_is_in_the_cache_folder_until_it_is_cleared() {
    let place = tempfile::tempdir().unwrap();
    let kept = place.path().join("cache").join("tuning");
    std::fs::create_dir_all(&kept).unwrap();
    std::fs::write(kept.join("old.db"), "old").unwrap();
    let tuning = json(place.path(), &["backends", "--cache-dir=cache"])["tuning"].clone();
    assert!(tuning["folder"].as_str().unwrap().starts_with("cache"), "{tuning}");
    assert!(tuning["bytes"].as_u64().unwrap() >= 3, "{tuning}");
    for _ in 0..2 {
        let table = succeed(place.path(), &["backends", "--cache-dir=cache", "--clear-tuning"]);
        assert!(table.contains("tuning is kept in cache") && !kept.join("old.db").exists(), "{table}");
    }
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
