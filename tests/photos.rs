//! Folders of photos, from files to figures.

use std::fs::{self, File};
use std::path::Path;

use crate::common::{fail, finish, json, succeed, text, zoo};

/// Unpacks `archive` of tests/golden into `place`.
fn unpack(place: &Path, archive: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(archive);
    tar::Archive::new(File::open(path).unwrap()).unpack(place).unwrap();
}

/// Twenty photos of each of two classes, 40×30: dark ones, and light ones.
fn photos(place: &Path) {
    for (class, base) in [("dark <b>", 20), ("light 😀", 180)] {
        let folder = place.join("photos").join(class);
        fs::create_dir_all(&folder).unwrap();
        for number in 0..20_u8 {
            let pixel = |x: u32, y: u32| image::Rgb([base + number, base + x as u8, base + y as u8]);
            image::RgbImage::from_fn(40, 30, pixel).save(folder.join(format!("it's {number}.png"))).unwrap();
        }
    }
}

#[test]
fn names_are_kept_from_file_to_answer_and_what_is_left_out_is_said() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    unpack(place, "photos.tar");
    let output = finish(zoo(place).args(["compare", "knn", "hog", "--data=photos/", "--backend=flex"]));
    let message = text(&output.stderr);
    assert!(output.status.success(), "{message}");
    for part in ["left out: ", "1 .heic (Bäume/IMG_0001.heic)", "link to a folder", "32×32, colour, cropped"]
    {
        assert!(message.contains(part), "{part} is not in {message}");
    }
    let answers = fs::read_to_string(place.join("runs/0001-compare-photos/predictions.csv")).unwrap();
    let names = answers.lines().filter(|line| line.contains('/')).count();
    assert_eq!(names, 9, "{answers}");
    assert!(answers.contains("two words/"), "{answers}");
    succeed(place, &["pictures", "last"]);
    succeed(place, &["data", "audit", "--data=photos"]);
}

#[test]
fn the_size_is_part_of_a_run_and_predictions_follow_it() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    photos(place);
    let arguments =
        ["train", "softmax", "--data=photos", "--image-size=16", "--resize=pad", "--background=#000000"];
    let trained = json(place, &arguments);
    assert_eq!(trained["results"][0]["test"]["accuracy"], 1.0);
    let config = fs::read_to_string(place.join("runs/0001-train-softmax-photos/config.toml")).unwrap();
    for part in ["image_size = \"16\"", "resize = \"pad\"", "background = \"#000000\"", "shape = [3, 16, 16]"]
    {
        assert!(config.contains(part), "{part} is not in {config}");
    }
    let seen = json(place, &["predict", "last", "photos/light 😀"]);
    let seen = seen.as_array().unwrap();
    assert_eq!(seen.len(), 20);
    assert!(seen.iter().all(|image| image["classes"][0]["class"] == "light 😀"), "{seen:?}");
    // The same images from the run's own config, and other ones are refused.
    succeed(place, &["evaluate", "last"]);
    fs::remove_file(place.join("photos/dark <b>/it's 3.png")).unwrap();
    let message = fail(place, 1, &["evaluate", "last"]);
    assert!(message.contains("have changed"), "{message}");
}

#[test]
fn another_seed_has_the_same_test_images() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    photos(place);
    let tested = |seed: &str| {
        let run = json(place, &["compare", "knn", "--data=photos", "--seed", seed]);
        let folder = place.join(run["results"][0]["folder"].as_str().unwrap_or("")).join("predictions.csv");
        let newest = format!("runs/000{seed}-compare-photos/predictions.csv");
        let answers = fs::read_to_string(if folder.is_file() { folder } else { place.join(newest) }).unwrap();
        answers.lines().map(|line| line.split(',').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(tested("1"), tested("2"));
}

#[test]
fn broken_files_are_all_named_or_skipped() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    unpack(place, "broken.tar");
    let message = fail(place, 1, &["data", "verify", "--data=broken"]);
    for part in
        ["of 17 photos can't be decoded", "red/cut.jpg", "red/tenth.jpg", "blue/text.png", "--skip-broken"]
    {
        assert!(message.contains(part), "{part} is not in {message}");
    }
    let output = finish(zoo(place).args(["data", "verify", "--data=broken", "--skip-broken"]));
    assert!(output.status.success() && text(&output.stderr).contains("skipped 10 broken"));
}

#[test]
fn photos_are_decoded_once() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    photos(place);
    let cache = place.join("cache");
    let arguments =
        ["tune", "knn", "--data=photos", "--set=k=1,2,3", "--cache-dir=cache", "--backend=flex", "-q"];
    assert!(finish(zoo(place).args(arguments)).status.success());
    let kept: Vec<_> = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    // Whoever reads the cache doesn't look at the photos: pixels that are changed there are seen.
    let mut bytes = fs::read(&kept[0]).unwrap();
    bytes[..3 * 32 * 32].fill(77);
    fs::write(&kept[0], bytes).unwrap();
    let info = |arguments: &[&str]| json(place, &[&["data", "info", "--data=photos"], arguments].concat());
    assert_ne!(info(&["--cache-dir=cache"])["channel_mean"], info(&["--cache-dir=other"])["channel_mean"]);
}

/// Two classes of images of a single colour each, of which only the red varies.
#[test]
fn colours_that_do_not_vary_make_no_network_diverge() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    for (class, red) in [("dark", 20), ("light", 180)] {
        let folder = place.join("red").join(class);
        fs::create_dir_all(&folder).unwrap();
        for number in 0..12 {
            let colour = image::Rgb([red + number, 60, 77]);
            image::RgbImage::from_pixel(16, 16, colour).save(folder.join(format!("{number}.png"))).unwrap();
        }
    }
    let result = json(place, &["compare", "cnn", "vgg", "--data=red", "--backend=flex"]);
    for row in result["results"].as_array().unwrap() {
        assert_eq!(row["test"]["accuracy"], 1.0, "{row}");
    }
}
