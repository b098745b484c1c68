//! Labels that are likely wrong.

use rayon::prelude::*;
use zoo_schema::{AuditFinding, AuditKind};

use super::about;
use super::images::AllImages;
use super::neighbours::Neighbours;

/// ln of how many times likelier an image's neighbours must be for another class than for its own.
const LEAST: f64 = 6.0;
/// Of this many images one is suspected at most, the likeliest mistakes: more than that nobody looks through, and most would be right.
const ONE_IN: usize = 100;
/// Neighbours that are shown with an image.
const SHOWN: usize = 9;

/// An image that is likely of another class.
struct Suspect {
    index: usize,
    /// The other class.
    class: usize,
    /// ln of how many times likelier its neighbours are for that class.
    ratio: f64,
}

/// Images whose neighbours are as those of another class, the likeliest mistakes first.
///
/// Classes differ in how well neighbours tell them: of a frog's neighbours many are deer. So votes are held against what is usual. With
/// π(c, j) the share of class j among the neighbours of images that are labelled c, the image itself left out, an image of class c with
/// neighbours of classes j₁ … j₂₀ is suspected to be of class o if
///
/// ```text
/// Σᵢ ln π(o, jᵢ) − ln π(c, jᵢ) ≥ 6
/// ```
///
/// for the class o for which this is largest, and more of its neighbours are of o than of c. It would be the ratio of two likelihoods
/// if neighbours were drawn independently, which they aren't; so it is for ordering more than for judging: `docs/audit.md` has how often
/// the first suspects are rightly so.
pub(super) fn findings(images: &AllImages<'_>, neighbours: &Neighbours) -> Vec<AuditFinding> {
    if neighbours.each() == 0 {
        return Vec::new();
    }
    let labels: Vec<usize> = (0..images.len()).map(|index| images.label(index)).collect();
    let usual = Usual::of(&labels, neighbours, images.classes().len());
    let mut suspects: Vec<Suspect> = (0..labels.len())
        .into_par_iter()
        .filter_map(|index| usual.suspect(&labels, neighbours, index))
        .collect();
    suspects.sort_by(|a, b| b.ratio.total_cmp(&a.ratio).then(a.index.cmp(&b.index)));
    suspects.truncate(images.len().div_ceil(ONE_IN));
    suspects.into_iter().map(|suspect| finding(images, neighbours, &labels, &suspect)).collect()
}

fn finding(
    images: &AllImages<'_>,
    neighbours: &Neighbours,
    labels: &[usize],
    &Suspect { index, class, ratio }: &Suspect,
) -> AuditFinding {
    let votes =
        |class: usize| neighbours.of_image(index).filter(|&neighbour| labels[neighbour] == class).count();
    let (own, other) = (&images.classes()[labels[index]], &images.classes()[class]);
    let says = format!(
        "likely {other}: {} of its {} nearest neighbours are, {} are {own}",
        votes(class),
        neighbours.each(),
        votes(labels[index]),
    );
    AuditFinding {
        neighbours: neighbours.of_image(index).take(SHOWN).map(|neighbour| images.named(neighbour)).collect(),
        class: Some(other.clone()),
        value: Some(ratio),
        ..about(images, index, AuditKind::LikelyWrongLabel, says)
    }
}

/// Which neighbours are usual for which class.
struct Usual {
    classes: usize,
    /// `[class, class of the neighbour]`: how many there are.
    counts: Vec<u32>,
    /// How many neighbours the images of each class have.
    totals: Vec<u32>,
}

impl Usual {
    fn of(labels: &[usize], neighbours: &Neighbours, classes: usize) -> Self {
        let mut usual = Self { classes, counts: vec![0; classes * classes], totals: vec![0; classes] };
        for (index, &label) in labels.iter().enumerate() {
            for neighbour in neighbours.of_image(index) {
                usual.counts[label * classes + labels[neighbour]] += 1;
                usual.totals[label] += 1;
            }
        }
        usual
    }

    /// The class that the neighbours of image `index` speak for, if they do.
    fn suspect(&self, labels: &[usize], neighbours: &Neighbours, index: usize) -> Option<Suspect> {
        let own = labels[index];
        // The classes among the neighbours, and how often each is there.
        let mut votes: Vec<(usize, u32)> = Vec::new();
        for neighbour in neighbours.of_image(index) {
            match votes.iter_mut().find(|(class, _)| *class == labels[neighbour]) {
                Some((_, count)) => *count += 1,
                None => votes.push((labels[neighbour], 1)),
            }
        }
        let own_votes = votes.iter().find(|(class, _)| *class == own).map_or(0, |(_, count)| *count);
        let others = votes.iter().filter(|&&(class, count)| class != own && count > own_votes);
        let suspects = others.map(|&(class, _)| {
            let ratio = self.likelihood(class, &votes, false) - self.likelihood(own, &votes, true);
            Suspect { index, class, ratio }
        });
        let likeliest = suspects.max_by(|a, b| a.ratio.total_cmp(&b.ratio))?;
        (likeliest.ratio >= LEAST).then_some(likeliest)
    }

    /// ln of the likelihood of `votes` for an image of `class`; `is_own` if they were counted for that class. A neighbour more of each
    /// class is added, so that what has not been seen is not impossible.
    fn likelihood(&self, class: usize, votes: &[(usize, u32)], is_own: bool) -> f64 {
        let counted: u32 = if is_own { votes.iter().map(|(_, count)| count).sum() } else { 0 };
        let total = f64::from(self.totals[class] - counted) + self.classes as f64;
        let part = |&(other, count): &(usize, u32)| {
            let seen = self.counts[class * self.classes + other] - if is_own { count } else { 0 };
            f64::from(count) * ((f64::from(seen) + 1.0) / total).ln()
        };
        votes.iter().map(part).sum()
    }
}
