//! Datasets other than CIFAR-10: MNIST, Fashion-MNIST and CIFAR-100, from small files of their formats that are made here.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use image::ColorType;
use serde_json::json;

use crate::common::{fail, files, json, succeed};

const SIDE: usize = 28;

/// Which of the seven segments each digit has, as on a pocket calculator: top, upper left, upper right, middle, lower left, lower right,
/// bottom.
const SEGMENTS: [[u8; 7]; 10] = [
    [1, 1, 1, 0, 1, 1, 1],
    [0, 0, 1, 0, 0, 1, 0],
    [1, 0, 1, 1, 1, 0, 1],
    [1, 0, 1, 1, 0, 1, 1],
    [0, 1, 1, 1, 0, 1, 0],
    [1, 1, 0, 1, 0, 1, 1],
    [1, 1, 0, 1, 1, 1, 1],
    [1, 0, 1, 0, 0, 1, 0],
    [1, 1, 1, 1, 1, 1, 1],
    [1, 1, 1, 1, 0, 1, 1],
];

/// Left, top, width, height of each segment.
const BARS: [[usize; 4]; 7] = [
    [8, 4, 11, 3],
    [7, 5, 3, 9],
    [17, 5, 3, 9],
    [8, 12, 11, 3],
    [7, 13, 3, 9],
    [17, 13, 3, 9],
    [8, 20, 11, 3],
];

/// A digit, moved a little and with noise, light on black.
fn draw(digit: usize, random: &mut impl FnMut() -> usize) -> Vec<u8> {
    let (right, down) = (random() % 3, random() % 3);
    let mut pixels: Vec<u8> = (0..SIDE * SIDE).map(|_| (random() % 40) as u8).collect();
    for ([left, top, width, height], on) in BARS.into_iter().zip(SEGMENTS[digit]) {
        for row in (top + down..).take(height * usize::from(on)) {
            pixels[row * SIDE + left + right..][..width].fill(200 + (random() % 56) as u8);
        }
    }
    pixels
}

/// Writes the four files of `train` and `test` digits, the training images packed, the others not.
fn write_digits(folder: &Path, train: usize, test: usize) {
    std::fs::create_dir_all(folder).unwrap();
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for (part, count) in [("train", train), ("t10k", test)] {
        let size = (count as u32).to_be_bytes();
        let side = (SIDE as u32).to_be_bytes();
        let pixels = (0..count).flat_map(|index| draw(index % 10, &mut random)).collect();
        let images = [vec![0, 0, 8, 3], size.to_vec(), side.to_vec(), side.to_vec(), pixels].concat();
        let labels = (0..count).map(|index| (index % 10) as u8).collect();
        let labels = [vec![0, 0, 8, 1], size.to_vec(), labels].concat();
        std::fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
        let name = format!("{part}-images-idx3-ubyte");
        if part == "train" {
            let file = std::fs::File::create(folder.join(format!("{name}.gz"))).unwrap();
            let mut packed = GzEncoder::new(file, Compression::fast());
            packed.write_all(&images).unwrap();
            packed.finish().unwrap();
        } else {
            std::fs::write(folder.join(name), images).unwrap();
        }
    }
}

/// Writes CIFAR-100's files: `train` and `test` images of five classes of two superclasses. The red of an image is its class.
fn write_cifar100(folder: &Path, train: u8, test: u8) {
    std::fs::create_dir_all(folder).unwrap();
    let record =
        |index: u8| [vec![u8::from(index % 5 > 2), index % 5], vec![index % 5; 1024], vec![9; 2048]].concat();
    let records = |count: u8| (0..count).flat_map(record).collect::<Vec<u8>>();
    std::fs::write(folder.join("train.bin"), records(train)).unwrap();
    std::fs::write(folder.join("test.bin"), records(test)).unwrap();
    std::fs::write(folder.join("fine_label_names.txt"), "apple\naquarium_fish\nbaby\nbear\nbeaver\n")
        .unwrap();
    std::fs::write(folder.join("coarse_label_names.txt"), "fruit_and_vegetables\nlarge_carnivores\n\n")
        .unwrap();
}

fn classes(document: &serde_json::Value) -> Vec<&str> {
    document["classes"].as_array().unwrap().iter().map(|class| class["class"].as_str().unwrap()).collect()
}

#[test]
fn grey_images_go_all_the_way() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    write_digits(&place.join("data/mnist"), 1000, 200);
    let models = ["compare", "knn", "softmax", "svm", "mlp", "majority", "--data=mnist"];
    let result = json(place, &[&models[..], &["--set=mlp.train.epochs=5"]].concat());
    assert_eq!(result["dataset"]["name"], "mnist");
    for row in result["results"].as_array().unwrap() {
        let (model, accuracy) = (row["model"].as_str().unwrap(), row["test"]["accuracy"].as_f64().unwrap());
        assert!(accuracy > 0.9 || model == "majority", "{model} has {accuracy}");
    }

    // Samples and means of the images; templates, curves and confusions of the models.
    succeed(place, &["pictures", "--data=mnist"]);
    let run = "runs/0001-compare-mnist";
    for model in ["knn", "softmax", "svm", "mlp"] {
        succeed(place, &["pictures", &format!("{run}/{model}")]);
    }
    let templates = place.join(run).join("softmax/pictures/templates.png");
    assert!(templates.is_file());

    // A file that was exported is what it was.
    succeed(place, &["data", "export", "digits", "--data=mnist"]);
    let seven = "digits/test/7/test-00017.png";
    assert_eq!(image::open(place.join(seven)).unwrap().color(), ColorType::L8);
    let predictions = json(place, &["predict", run, "--image", seven]);
    for prediction in predictions.as_array().unwrap() {
        if prediction["model"] != "majority" {
            assert_eq!(prediction["classes"][0]["class"], "7", "{prediction}");
        }
    }
    succeed(place, &["losses", &format!("{run}/softmax"), &format!("{run}/svm")]);
    succeed(place, &["evaluate", &format!("{run}/mlp")]);
    succeed(place, &["mistakes", run]);
    let mistake = std::fs::read_to_string(place.join(run).join("predictions.csv")).unwrap();
    assert!(mistake.contains("test/17,"), "{}", &mistake[..300]);
}

#[test]
fn mnist_is_known_by_its_name_and_by_its_files() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    write_digits(&place.join("data/mnist"), 50, 20);
    for data in ["mnist", "data/mnist"] {
        let info = json(place, &["data", "info", "--data", data]);
        assert_eq!((&info["name"], &info["train"], &info["test"]), (&"mnist".into(), &50.into(), &20.into()));
        assert_eq!(info["shape"], json!({ "channels": 1, "height": 28, "width": 28 }));
        assert_eq!(classes(&info), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    }
    // The named dataset has as many images as were published; files of one's own may have any number.
    succeed(place, &["data", "verify", "--data=data/mnist"]);
    let message = fail(place, 1, &["data", "verify", "--data=mnist"]);
    assert!(message.contains("50 training images, expected 60000"), "{message}");
    assert!(message.contains("20 test images, expected 10000"), "{message}");
    succeed(place, &["train", "knn", "--data=data/mnist"]);

    std::fs::write(place.join("list.csv"), "image\ntest/13\ntrain/4\n").unwrap();
    succeed(place, &["data", "export", "two", "--data=mnist", "--only=list.csv"]);
    assert!(
        place.join("two/test/3/test-00013.png").is_file()
            && place.join("two/train/4/train-00004.png").is_file()
    );
    let message = fail(place, 1, &["data", "export", "batches", "--data=mnist", "--format=binary"]);
    assert!(message.contains("1×28×28; export as an image folder instead"), "{message}");
}

#[test]
fn clothes_have_folders() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    write_digits(&place.join("images/fashion-mnist"), 20, 10);
    let arguments = ["--data=fashion-mnist", "--data-dir=images"];
    let info = json(place, &[&["data", "info"][..], &arguments].concat());
    assert_eq!((classes(&info)[0], classes(&info)[9]), ("T-shirt/top", "Ankle boot"));
    let by_path = json(place, &["data", "info", "--data=images/fashion-mnist"]);
    assert_eq!(classes(&by_path), classes(&info));
    succeed(place, &[&["data", "export", "clothes"][..], &arguments].concat());
    assert!(place.join("clothes/test/T-shirt-top/test-00000.png").is_file());
    assert_eq!(files(&place.join("clothes/train")).len(), 10 + 20, "a folder per class, and the images");
    succeed(place, &["data", "verify", "--data=clothes"]);
}

#[test]
fn cifar100_has_classes_and_superclasses() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    write_cifar100(&place.join("data/cifar-100-binary"), 50, 20);
    for data in ["cifar100", "data/cifar-100-binary"] {
        let info = json(place, &["data", "info", "--data", data]);
        assert_eq!(
            (&info["name"], &info["train"], &info["test"]),
            (&"cifar100".into(), &50.into(), &20.into())
        );
        assert_eq!(classes(&info), ["apple", "aquarium_fish", "baby", "bear", "beaver"]);
        assert_eq!(info["channel_mean"][0], 2.0);
    }
    let info = json(place, &["data", "info", "--data=cifar100-coarse"]);
    assert_eq!(info["name"], "cifar100-coarse");
    assert_eq!(classes(&info), ["fruit_and_vegetables", "large_carnivores"]);
    assert_eq!((&info["classes"][0]["train"], &info["classes"][1]["train"]), (&30.into(), &20.into()));
    let result = json(place, &["compare", "knn", "--data=cifar100-coarse"]);
    assert_eq!(result["results"][0]["test"]["accuracy"], 1.0);
    let predictions =
        std::fs::read_to_string(place.join("runs/0001-compare-cifar100-coarse/predictions.csv"));
    assert!(predictions.unwrap().contains("test/17,"));
    let message = fail(place, 1, &["data", "verify", "--data=cifar100"]);
    assert!(message.contains("50 training images, expected 50000"), "{message}");

    // What was exported reads back, with the names of the classes.
    succeed(place, &["data", "export", "batches", "--data=cifar100", "--format=binary"]);
    assert_eq!(classes(&json(place, &["data", "info", "--data=batches"])).len(), 5);
}

#[test]
fn what_is_wrong_is_named() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    for (data, title) in
        [("mnist", "MNIST"), ("fashion-mnist", "Fashion-MNIST"), ("cifar100-coarse", "CIFAR-100")]
    {
        let message = fail(place, 1, &["compare", "--data", data]);
        assert!(message.contains(&format!("no {title} in data")), "{message}");
        assert!(
            message.contains(&format!("zoo data fetch {}", data.trim_end_matches("-coarse"))),
            "{message}"
        );
    }
    write_digits(&place.join("digits"), 20, 10);
    let says = |parts: &[&str]| {
        let message = fail(place, 1, &["compare", "--data=digits"]);
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    };
    let labels = place.join("digits/t10k-labels-idx1-ubyte");
    let bytes = std::fs::read(&labels).unwrap();
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        std::fs::write(&labels, bytes).unwrap();
    };
    damaged(&|bytes| bytes[10] = 17);
    says(&["t10k-labels-idx1-ubyte: record 2 (byte 10) has label 17, but there are 10 classes"]);
    damaged(&|bytes| bytes.truncate(12));
    says(&["t10k-labels-idx1-ubyte: its header promises 10 bytes, but 4 follow"]);
    damaged(&|bytes| {
        bytes[7] = 9;
        bytes.pop();
    });
    says(&["t10k-images-idx3-ubyte holds 10 images", "t10k-labels-idx1-ubyte holds 9 labels"]);
    std::fs::remove_file(&labels).unwrap();
    says(&["digits/t10k-labels-idx1-ubyte is missing; MNIST needs images and labels"]);

    write_cifar100(&place.join("digits"), 10, 5);
    std::fs::remove_file(place.join("digits/fine_label_names.txt")).unwrap();
    says(&["fine_label_names.txt is missing; CIFAR-100 needs"]);
}
