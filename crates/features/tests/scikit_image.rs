//! Features against scikit-image's; made by `scripts/golden/features.py`.

use std::io::Write;
use std::path::Path;

use serde::Deserialize;
use zoo_features::{CELL, greyscale, hog_blocks, hog_cells, hog_hue, hog_hue_length, hue_histogram};

#[derive(Deserialize)]
struct Golden {
    drawn: Vec<Drawn>,
    cifar10: Vec<Photograph>,
}

/// An image that a formula draws.
#[derive(Deserialize)]
struct Drawn {
    formula: String,
    shape: [usize; 3],
    #[serde(flatten)]
    features: Features,
}

/// A test image of CIFAR-10.
#[derive(Deserialize)]
struct Photograph {
    /// The sum of its pixels.
    checksum: u32,
    #[serde(flatten)]
    features: Features,
}

#[derive(Deserialize)]
struct Features {
    cells: Vec<f32>,
    blocks: Vec<f32>,
    hues: Vec<f32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("scikit_image.json")).unwrap()
}

/// The pixel at place `n` of the buffer: channel `c`, row `y`, column `x`; as the script has it.
fn pixel(formula: &str, n: i64, [c, y, x]: [i64; 3]) -> i64 {
    match formula {
        "plain" => 40 + 90 * c,
        "noise" => ((n * n * 2_654_435_761) >> 16) % 256,
        "ramps" => (3 * y + 5 * x + 70 * c) % 256,
        "few" => 50 * ((n * n * 31 + 7 * y + c) % 6),
        "discs" => {
            let light = (y - 12).pow(2) + (x - 15 - c).pow(2) < 90;
            let dark = (y - 20).pow(2) + x.pow(2) < 150;
            30 + 70 * c + 60 * i64::from(light) - 25 * i64::from(dark)
        }
        _ => panic!("no formula {formula}"),
    }
}

fn draw(formula: &str, [channels, height, width]: [usize; 3]) -> Vec<f32> {
    let places =
        (0..channels * height * width).map(|n| (n, [n / width / height, n / width % height, n % width]));
    places.map(|(n, place)| pixel(formula, n as i64, place.map(|i| i as i64)) as f32).collect()
}

fn close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 1e-6, "{what}, {index}: {found} is not {expected}");
    }
}

fn check(image: &[f32], shape: [usize; 3], expected: &Features, what: &str) {
    let [channels, height, width] = shape;
    let mut grey = vec![0.0; height * width];
    greyscale(image, &mut grey);
    let mut cells = vec![0.0; expected.cells.len()];
    hog_cells(&grey, [height, width], &mut cells);
    close(&cells, &expected.cells, &format!("cells of {what}"));
    let blocks = hog_blocks(&cells, [height / CELL, width / CELL]);
    close(&blocks, &expected.blocks, &format!("blocks of {what}"));
    if channels == 3 {
        close(&hue_histogram(image), &expected.hues, &format!("hues of {what}"));
    }
    let features = hog_hue(image, shape);
    assert_eq!(features.len(), hog_hue_length(shape));
    close(&features, &[&expected.cells[..], &expected.hues].concat(), &format!("features of {what}"));
}

#[test]
fn drawn_images() {
    for Drawn { formula, shape, features } in golden().drawn {
        check(&draw(&formula, shape), shape, &features, &format!("{formula} {shape:?}"));
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test is told by the environment where CIFAR-10 is")]
fn photographs() {
    let skip = |why: &str| {
        let _ = writeln!(std::io::stderr(), "skipped photographs: {why}");
    };
    let Ok(place) = std::env::var("ZOO_DATA_DIR") else {
        return skip("ZOO_DATA_DIR does not name a folder with CIFAR-10");
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let images = zoo_data::cifar10::load(&root.join(place)).unwrap().test;
    for (index, Photograph { checksum, features }) in golden().cifar10.into_iter().enumerate() {
        let pixels = images.pixels(index);
        if pixels.iter().copied().map(u32::from).sum::<u32>() != checksum {
            return skip(&format!("ZOO_DATA_DIR has another test image {index} than the golden values"));
        }
        let pixels: Vec<_> = pixels.iter().copied().map(f32::from).collect();
        check(&pixels, [3, 32, 32], &features, &format!("test image {index}"));
    }
}
