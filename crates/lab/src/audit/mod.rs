//! What is worth looking at in a dataset before models learn from it: duplicates, wrong labels, small classes, blank images.
//!
//! Every image is seen in two ways ([`views`]): as a short row of features, whose exact nearest neighbours are found among all images
//! ([`neighbours`]), and as a small picture of its details, by which duplicates are confirmed ([`duplicates`]). Neighbours also tell
//! which labels are likely wrong ([`labels`]). Memory holds about 1.3 kB per image, and never a distance for each pair.

mod classes;
mod duplicates;
mod images;
mod labels;
mod neighbours;
mod views;

use zoo_data::{Dataset, odd_sized};
use zoo_schema::{Audit, AuditFinding, AuditKind, SCHEMA, Severity};

use crate::summary::ZOO_VERSION;
use crate::watch::Watch;

use images::AllImages;
use neighbours::Neighbours;
use views::Views;

/// The standard deviation of values, 0 to 255, below which an image counts as one colour: no more than JPEG adds to one.
const BLANK: f32 = 2.0;

/// Looks for duplicates, likely wrong labels, small classes, blank images and, where images were made from photos, odd sizes of those. The same images give
/// the same findings.
#[must_use]
pub fn audit(dataset: &Dataset, watch: &dyn Watch) -> Audit {
    let images = AllImages::of(dataset);
    let views = Views::of(&images, watch);
    let neighbours = Neighbours::of(&views, watch);
    let groups = duplicates::exact(dataset);
    let mut findings = duplicates::exact_findings(&images, &groups);
    findings.extend(duplicates::near_findings(&images, &views, &neighbours, &groups));
    findings.extend(labels::findings(&images, &neighbours));
    findings.extend(classes::findings(dataset));
    findings.extend(blank(&images, &views));
    findings.extend(odd(&images));
    // The order among those of a kind stays.
    findings.sort_by_key(|finding| (finding.kind, finding.severity));
    Audit {
        schema: SCHEMA,
        zoo_version: ZOO_VERSION.into(),
        dataset: dataset.name.clone(),
        train: dataset.train.len(),
        test: dataset.test.len(),
        classes: dataset.classes.clone(),
        findings,
    }
}

/// A finding about one image.
fn about(images: &AllImages<'_>, index: usize, kind: AuditKind, says: String) -> AuditFinding {
    AuditFinding {
        kind,
        severity: Severity::Note,
        says,
        images: vec![images.named(index)],
        neighbours: Vec::new(),
        class: None,
        value: None,
    }
}

/// Images of one colour.
fn blank(images: &AllImages<'_>, views: &Views) -> Vec<AuditFinding> {
    let mut found: Vec<(usize, f32)> = (0..images.len())
        .map(|index| (index, views.deviation(index)))
        .filter(|(_, deviation)| *deviation < BLANK)
        .collect();
    found.sort_by(|a, b| a.1.total_cmp(&b.1));
    let finding = |(index, deviation)| {
        let says = format!("the standard deviation of its values is {deviation:.1} of 255");
        let value = Some(f64::from(deviation));
        AuditFinding { value, ..about(images, index, AuditKind::BlankImage, says) }
    };
    found.into_iter().map(finding).collect()
}

/// Images whose files were of another size than most.
fn odd(images: &AllImages<'_>) -> Vec<AuditFinding> {
    let sizes = images.original_sizes();
    let finding = |index: usize| {
        let (width, height) = sizes[index];
        let says = format!("its file is {width}×{height}, far from the size or shape of most");
        about(images, index, AuditKind::OddSize, says)
    };
    odd_sized(&sizes).into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests;
