//! Audits of images that are known.

use std::sync::Arc;

use zoo_data::{ImageShape, Images, Names, Subset, shapes10};
use zoo_schema::AuditPart;

use super::*;
use crate::watch::Silent;

/// A dataset of these images of shapes10's size, with their labels.
fn dataset(train: &[(Vec<u8>, u32)], test: &[(Vec<u8>, u32)]) -> Dataset {
    made_from(train, test, [Vec::new(), Vec::new()])
}

/// The same, made from photos of `sizes`.
fn made_from(
    train: &[(Vec<u8>, u32)],
    test: &[(Vec<u8>, u32)],
    [train_sizes, test_sizes]: [Vec<(u32, u32)>; 2],
) -> Dataset {
    let part = |name: &str, images: &[(Vec<u8>, u32)], sizes| {
        let (pixels, labels): (Vec<Vec<u8>>, Vec<u32>) = images.iter().cloned().unzip();
        let images = Images::new(ImageShape::CIFAR10, pixels.concat(), labels).unwrap();
        let names = Names::numbered([(name, images.len())]);
        Subset::all(Arc::new(images.named(names).unwrap().made_from(sizes)))
    };
    let classes = (0..10).map(|class| format!("class {class}")).collect();
    Dataset {
        name: "made".into(),
        classes,
        train: part("train", train, train_sizes),
        validation: None,
        test: part("test", test, test_sizes),
    }
}

/// Images of shapes10 with their labels, the training and the test images.
fn shapes(train: usize, test: usize) -> [Vec<(Vec<u8>, u32)>; 2] {
    let shapes = shapes10::generate(train, test, 5);
    [&shapes.train, &shapes.test].map(|subset| {
        (0..subset.len()).map(|at| (subset.pixels(at).to_vec(), subset.label(at) as u32)).collect()
    })
}

fn audit_of(dataset: &Dataset) -> Audit {
    audit(dataset, &Silent)
}

fn names(finding: &AuditFinding) -> Vec<&str> {
    finding.images.iter().map(|image| image.image.as_str()).collect()
}

fn brighter(pixels: &[u8]) -> Vec<u8> {
    pixels.iter().map(|value| value.saturating_add(10)).collect()
}

/// Moves an image down by 2 pixels and to the right by 1; its border is repeated.
fn shifted(pixels: &[u8]) -> Vec<u8> {
    let from = |at: usize| {
        let (plane, row, column) = (at / 1024, at / 32 % 32, at % 32);
        pixels[plane * 1024 + row.saturating_sub(2) * 32 + column.saturating_sub(1)]
    };
    (0..pixels.len()).map(from).collect()
}

#[test]
fn copies_are_found_and_nothing_else() {
    let [mut train, mut test] = shapes(300, 60);
    train[7] = train[3].clone();
    test[10].0 = brighter(&train[20].0);
    test[11] = (shifted(&train[30].0), (train[30].1 + 1) % 10);
    let found = audit_of(&dataset(&train, &test));
    let exact: Vec<_> = found.of(AuditKind::ExactDuplicate).map(names).collect();
    assert_eq!(exact, [["train/3", "train/7"]]);
    let near: Vec<_> = found.of(AuditKind::NearDuplicate).collect();
    assert_eq!(
        near.iter().map(|finding| names(finding)).collect::<Vec<_>>(),
        [["train/20", "test/10"], ["train/30", "test/11"]]
    );
    assert!(near.iter().all(|finding| finding.severity == Severity::Warning && finding.is_across()));
    assert!(
        near[1].says.starts_with("across train and test, labelled differently, correlation 0."),
        "{}",
        near[1].says
    );
}

/// Stripes of a width and strength that follow from `number`: horizontal, or vertical.
fn stripes(number: usize, vertical: bool) -> Vec<u8> {
    let (width, strength) = (2 + number % 5, 40 + (number * 37 % 150));
    let value = |at: usize| {
        let place = if vertical { at % 32 } else { at / 32 % 32 };
        if ((place + number) / width).is_multiple_of(2) { 20 } else { 20 + strength as u8 }
    };
    (0..3072).map(value).collect()
}

#[test]
fn wrong_labels_are_found() {
    let mut train: Vec<(Vec<u8>, u32)> =
        (0..400).map(|number| (stripes(number, number % 2 == 1), (number % 2) as u32)).collect();
    for index in [10, 51, 200, 333] {
        train[index].1 = 1 - train[index].1;
    }
    let made = Dataset { classes: vec!["flat".into(), "upright".into()], ..dataset(&train, &train[..1]) };
    let found = audit_of(&made);
    let suspects: Vec<_> = found.of(AuditKind::LikelyWrongLabel).collect();
    let mut suspected: Vec<&str> = suspects.iter().map(|finding| names(finding)[0]).collect();
    suspected.sort_unstable();
    assert_eq!(suspected, ["train/10", "train/200", "train/333", "train/51"]);
    assert!(suspects.is_sorted_by(|a, b| a.value >= b.value));
    assert!(suspects.iter().all(|finding| finding.neighbours.len() == 9));
    let first = suspects.iter().find(|finding| names(finding) == ["train/10"]).unwrap();
    assert_eq!((first.images[0].class.as_str(), first.class.as_deref()), ("upright", Some("flat")));
}

#[test]
fn blank_images_and_small_classes_are_told() {
    let [mut train, _] = shapes(100, 10);
    train[5].0 = [[200; 1024], [90; 1024], [10; 1024]].concat();
    train[6].0 = vec![1; 3072];
    train[6].0[0] = 3;
    for (_, label) in &mut train[..] {
        *label = (*label).min(1);
    }
    let test = vec![(train[9].0.clone(), 0)];
    let found = audit_of(&dataset(&train, &test));
    let blank: Vec<_> = found.of(AuditKind::BlankImage).map(names).collect();
    assert_eq!(blank, [["train/5"], ["train/6"]]);
    // Two classes with training images, of which one has a test image.
    assert_eq!(found.of(AuditKind::EmptyClass).count(), 8 + 9);
    assert_eq!(found.of(AuditKind::SmallClass).count(), 2);
    let uneven = found.of(AuditKind::Imbalance).next().unwrap();
    assert_eq!((uneven.severity, uneven.class.as_deref()), (Severity::Note, Some("class 0")));
    assert_eq!(uneven.says, "90 training images of class 1 and 10 of class 0");
}

#[test]
fn sizes_are_looked_at_where_they_are_known() {
    let [train, test] = shapes(20, 4);
    let mut sizes = [vec![(64, 64); 20], vec![(64, 64); 4]];
    sizes[1][2] = (64, 20);
    let found = audit_of(&made_from(&train, &test, sizes));
    let odd: Vec<_> = found.of(AuditKind::OddSize).collect();
    assert_eq!((odd.len(), odd[0].images[0].part), (1, AuditPart::Test));
    assert_eq!(odd[0].says, "its file is 64×20, far from the size or shape of most");
}

#[test]
fn few_images_of_any_size_are_no_trouble() {
    for (channels, height, width) in [(1, 1, 1), (1, 28, 28), (3, 7, 90), (2, 40, 40)] {
        let shape = ImageShape { channels, height, width };
        for count in [1, 2, 3, 30] {
            let images = Images::new(shape, vec![9; count * shape.values()], vec![0; count]).unwrap();
            let all = Subset::all(Arc::new(images));
            let (train, test) = all.split_at(count.div_ceil(2));
            let made =
                Dataset { name: "made".into(), classes: vec!["a".into()], train, validation: None, test };
            let found = audit_of(&made);
            assert_eq!(found.of(AuditKind::BlankImage).count(), count);
            assert_eq!(found.of(AuditKind::NearDuplicate).count(), 0);
            assert_eq!(found.of(AuditKind::ExactDuplicate).count(), usize::from(count > 1));
        }
    }
}
