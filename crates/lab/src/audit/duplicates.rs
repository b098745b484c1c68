//! Images that are there twice, exactly or nearly.

use std::collections::HashMap;

use rayon::prelude::*;
use zoo_data::{Dataset, equal_images};
use zoo_schema::{AuditFinding, AuditKind, Severity};

use super::images::AllImages;
use super::neighbours::{NEIGHBOURS, Neighbours};
use super::views::{PIXELS, SIDE, Views, colour_details};

/// 1 − the correlation of two images from which on they are not taken for one. Copies that were compressed as JPEG of quality 60, halved and
/// enlarged again, brightened, or shifted by two pixels, are below it: `docs/audit.md` has what was measured.
const NEAR: f64 = 0.12;
/// The same as a share of what is usual between an image and the last of its neighbours, since digits, say, are all much alike.
const SHARE: f64 = 1.0 / 6.0;
/// How many of an image's neighbours are held against it.
const CANDIDATES: usize = 5;
/// Images whose last neighbours say what is usual.
const SAMPLE: usize = 2000;
/// The largest shift between two copies, in each direction, in pixels of 32.
const SHIFT: isize = 2;

/// Groups of images that are equal, value by value.
pub(super) fn exact(dataset: &Dataset) -> Vec<Vec<usize>> {
    let first = [0, dataset.train.len()];
    let groups = equal_images(&[&dataset.train, &dataset.test]).into_iter();
    groups.map(|group| group.into_iter().map(|(part, position)| first[part] + position).collect()).collect()
}

pub(super) fn exact_findings(images: &AllImages<'_>, groups: &[Vec<usize>]) -> Vec<AuditFinding> {
    groups.iter().map(|group| finding(images, AuditKind::ExactDuplicate, group, None)).collect()
}

/// Pairs of images that are probably of one shot, the most alike first.
pub(super) fn near_findings(
    images: &AllImages<'_>,
    views: &Views,
    neighbours: &Neighbours,
    groups: &[Vec<usize>],
) -> Vec<AuditFinding> {
    let least = 1.0 - farthest(views, neighbours, images.len());
    let pairs = candidates(neighbours, groups, images.len());
    // Brightness, which is there for all, rules nearly all pairs out.
    let mut found: Vec<((usize, usize), f64)> = pairs
        .into_par_iter()
        .filter(|&(a, b)| correlation(views.details(a), views.details(b)) >= least)
        .map(|(a, b)| ((a, b), correlation(&colour_details(images, a), &colour_details(images, b))))
        .filter(|(_, correlation)| *correlation >= least)
        .collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let finding =
        |((a, b), correlation)| finding(images, AuditKind::NearDuplicate, &[a, b], Some(correlation));
    found.into_iter().map(finding).collect()
}

/// Copies across training and test images, and copies of different classes, make figures wrong.
fn finding(images: &AllImages<'_>, kind: AuditKind, places: &[usize], value: Option<f64>) -> AuditFinding {
    let images: Vec<_> = places.iter().map(|&index| images.named(index)).collect();
    let part = images[0].part.name();
    let mut finding = AuditFinding {
        kind,
        severity: Severity::Note,
        says: String::new(),
        images,
        neighbours: Vec::new(),
        class: None,
        value,
    };
    let place = if finding.is_across() { "across train and test".into() } else { format!("within {part}") };
    let figure = value.map_or_else(String::new, |value| format!(", correlation {value:.3}"));
    let classes = if finding.is_contradiction() { ", labelled differently" } else { "" };
    finding.says = format!("{place}{classes}{figure}");
    if finding.is_across() || finding.is_contradiction() {
        finding.severity = Severity::Warning;
    }
    finding
}

/// The pairs that are worth a closer look, each once. Of images that are equal only the first is looked at.
fn candidates(neighbours: &Neighbours, groups: &[Vec<usize>], count: usize) -> Vec<(usize, usize)> {
    let same = |group: &Vec<usize>| group.iter().map(|&index| (index, group[0])).collect::<Vec<_>>();
    let firsts: HashMap<usize, usize> = groups.iter().flat_map(same).collect();
    let first = |index: usize| firsts.get(&index).copied().unwrap_or(index);
    let mut pairs = Vec::new();
    for index in (0..count).filter(|&index| first(index) == index && neighbours.each() > 0) {
        let others = neighbours.of_image(index).map(first).filter(|&other| other != index);
        pairs.extend(others.take(CANDIDATES).map(|other| (index.min(other), index.max(other))));
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// The largest 1 − correlation of a near duplicate. What is usual isn't known among few images.
fn farthest(views: &Views, neighbours: &Neighbours, count: usize) -> f64 {
    if neighbours.each() < NEIGHBOURS {
        return NEAR;
    }
    let distance = |index: usize| {
        let last = neighbours.of_image(index).last().unwrap_or(index);
        1.0 - correlation(views.details(index), views.details(last))
    };
    let sample: Vec<usize> = (0..count).step_by(count.div_ceil(SAMPLE)).collect();
    let mut distances: Vec<f64> = sample.into_par_iter().map(distance).collect();
    distances.sort_by(f64::total_cmp);
    NEAR.min(SHARE * distances[distances.len() / 2])
}

/// The largest correlation of the details of two images, over all shifts of one against the other by up to two pixels in each direction,
/// where they overlap: Σab / √(Σa² Σb²) over all pixels and channels. 0 where there are no details.
fn correlation(a: &[i8], b: &[i8]) -> f64 {
    let shifts = (-SHIFT..=SHIFT).flat_map(|down| (-SHIFT..=SHIFT).map(move |across| (down, across)));
    shifts.map(|shift| shifted_correlation(a, b, shift)).fold(0.0, f64::max)
}

fn shifted_correlation(a: &[i8], b: &[i8], shift: (isize, isize)) -> f64 {
    let planes = a.chunks_exact(PIXELS).zip(b.chunks_exact(PIXELS));
    let products = planes.map(|(a, b)| products(a, b, shift));
    let [ab, aa, bb] =
        products.fold([0.0; 3], |sums, products| [0, 1, 2].map(|at| sums[at] + f64::from(products[at])));
    let norm = f64::sqrt(aa * bb);
    if norm > 0.0 { ab / norm } else { 0.0 }
}

/// Σab, Σa² and Σb² of a plane of details, `b` being moved up and to the left by `shift`.
fn products(a: &[i8], b: &[i8], (down, across): (isize, isize)) -> [i32; 3] {
    let start = |shift: isize| shift.max(0).unsigned_abs();
    let (rows, columns) = (SIDE - down.unsigned_abs(), SIDE - across.unsigned_abs());
    let (mut ab, mut aa, mut bb) = (0, 0, 0);
    for row in 0..rows {
        let a = &a[(row + start(down)) * SIDE + start(across)..][..columns];
        let b = &b[(row + start(-down)) * SIDE + start(-across)..][..columns];
        for (&a, &b) in a.iter().zip(b) {
            let (a, b) = (i32::from(a), i32::from(b));
            ab += a * b;
            aa += a * a;
            bb += b * b;
        }
    }
    [ab, aa, bb]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Details that are unlike those of any other seed.
    fn details(seed: usize) -> Vec<i8> {
        (0..SIDE * SIDE).map(|at| ((at * at + 31 * at * seed + 7 * seed) * 40_503 % 199) as i8 / 2).collect()
    }

    #[test]
    fn a_shifted_copy_is_found() {
        let whole = details(3);
        let shifted: Vec<i8> = (0..SIDE * SIDE)
            .map(|at| {
                let (row, column) = (at / SIDE + 2, at % SIDE + 1);
                if row < SIDE && column < SIDE { whole[row * SIDE + column] } else { 5 }
            })
            .collect();
        assert!(correlation(&whole, &shifted) > 0.999 && correlation(&shifted, &whole) > 0.999);
        assert!(shifted_correlation(&whole, &shifted, (0, 0)) < 0.5);
        assert!(correlation(&whole, &details(4)) < 0.5);
        assert_eq!(correlation(&whole, &[0; SIDE * SIDE]), 0.0);
        assert!((correlation(&whole, &whole) - 1.0).abs() < 1e-12);
    }
}
