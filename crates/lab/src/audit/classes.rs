//! How many images classes have.

use zoo_data::Dataset;
use zoo_schema::{AuditFinding, AuditKind, Severity};

/// The fewest training images that a class can be learnt from: of fewer than these a tenth, held out, is one image.
const LEAST_TRAIN: usize = 20;
/// The fewest test images that a class can be judged by: with fewer, the 95 % interval of its recall reaches 19 points to either side.
const LEAST_TEST: usize = 25;
/// How many times as many training images the largest class may have as the smallest, before it is told, and before it is a warning.
const UNEVEN: [usize; 2] = [3, 10];

/// Classes without images, small classes, and classes of different size.
pub(super) fn findings(dataset: &Dataset) -> Vec<AuditFinding> {
    let classes = dataset.classes.len();
    let (train, test) = (dataset.train.class_counts(classes), dataset.test.class_counts(classes));
    let mut found = Vec::new();
    for (class, (train, test)) in dataset.classes.iter().zip(train.iter().zip(&test)) {
        for (part, count, least) in [("training", *train, LEAST_TRAIN), ("test", *test, LEAST_TEST)] {
            found.extend(
                few(part, count, least).map(|(kind, severity, says)| of_class(kind, severity, says, class)),
            );
        }
    }
    found.extend(uneven(dataset, &train));
    found
}

/// What is said of a class with `count` images in a part.
fn few(part: &str, count: usize, least: usize) -> Option<(AuditKind, Severity, String)> {
    let purpose = if part == "test" { "to judge by" } else { "to learn from" };
    match count {
        0 => Some((AuditKind::EmptyClass, Severity::Warning, format!("no {part} images"))),
        count if count < least => {
            let images = if count == 1 { "image" } else { "images" };
            let says = format!("{count} {part} {images}, fewer than {least}: too few {purpose}");
            Some((AuditKind::SmallClass, Severity::Note, says))
        }
        _ => None,
    }
}

fn uneven(dataset: &Dataset, counts: &[usize]) -> Option<AuditFinding> {
    let present = || counts.iter().zip(&dataset.classes).filter(|(count, _)| **count > 0);
    let (most, large) = present().rev().max_by_key(|(count, _)| **count)?;
    let (least, small) = present().min_by_key(|(count, _)| **count)?;
    let [note, warning] = UNEVEN.map(|times| *most >= times * least);
    let says = format!("{most} training images of {large} and {least} of {small}");
    let severity = if warning { Severity::Warning } else { Severity::Note };
    note.then(|| of_class(AuditKind::Imbalance, severity, says, small))
}

fn of_class(kind: AuditKind, severity: Severity, says: String, class: &str) -> AuditFinding {
    let class = Some(class.into());
    AuditFinding { kind, severity, says, images: Vec::new(), neighbours: Vec::new(), class, value: None }
}
