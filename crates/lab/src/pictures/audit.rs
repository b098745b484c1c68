//! Of an audit: a sheet of images per kind of finding.

use std::collections::HashMap;

use zoo_data::{Dataset, Subset};
use zoo_report::{Grid, Mark, Raster, Row, Tile, audit_title};
use zoo_schema::{Audit, AuditFinding, AuditKind, AuditedImage};

use crate::pictures::image::{Named, columns, raster};

/// A sheet of at most `most` findings for each kind that is about images: duplicates next to each other, images whose labels are likely
/// wrong with their neighbours.
pub(crate) fn draw(dataset: &Dataset, audit: &Audit, most: usize) -> Vec<Named> {
    let sheets = AuditKind::ALL.into_iter().filter_map(|kind| {
        let mut findings = audit.of(kind).filter(|finding| !finding.images.is_empty()).take(most).peekable();
        findings.peek()?;
        let findings: Vec<&AuditFinding> = findings.collect();
        Some((kind, sheet(dataset, audit, kind, &findings)))
    });
    sheets.map(|(kind, grid)| (kind.name().into(), grid.draw())).collect()
}

fn sheet(dataset: &Dataset, audit: &Audit, kind: AuditKind, findings: &[&AuditFinding]) -> Grid {
    let pictures = Pictures::of(dataset, findings);
    let shown = if findings.len() < audit.of(kind).count() {
        format!(" The first {}.", findings.len())
    } else {
        String::new()
    };
    let (notes, rows, apart) = match kind {
        AuditKind::ExactDuplicate | AuditKind::NearDuplicate => (
            "Two pairs in a row, with the names of the images; audit.csv has them in full, in this order.",
            pairs(&pictures, findings),
            2,
        ),
        AuditKind::LikelyWrongLabel => (
            "On the left the image with its label, then its nearest neighbours with theirs. Green frame: labelled as the image is; \
             orange frame: as the likely class.",
            suspects(&pictures, findings),
            1,
        ),
        _ => ("With the names of the images.", single(&pictures, findings), 0),
    };
    let title = format!("{}: {}", audit.dataset, audit_title(audit, kind));
    Grid { title, notes: format!("{notes}{shown}"), rows, apart }
}

/// The first two images of each finding.
fn pairs(pictures: &Pictures, findings: &[&AuditFinding]) -> Vec<Row> {
    let pair = |finding: &&AuditFinding| {
        finding.images.iter().take(2).filter_map(|image| pictures.tile(image)).collect()
    };
    let pairs: Vec<Vec<Tile>> = findings.iter().map(pair).collect();
    pairs.chunks(2).map(|two| Row { label: String::new(), tiles: two.concat() }).collect()
}

/// A row per image, with its neighbours.
fn suspects(pictures: &Pictures, findings: &[&AuditFinding]) -> Vec<Row> {
    let row = |finding: &&AuditFinding| {
        let image = finding.images.first()?;
        let likely = finding.class.as_deref().unwrap_or_default();
        let neighbour = |neighbour: &AuditedImage| {
            let mark = match &neighbour.class {
                class if *class == image.class => Mark::Right,
                class if class == likely => Mark::Wrong,
                _ => Mark::None,
            };
            Some(Tile { mark, caption: neighbour.class.clone(), ..pictures.tile(neighbour)? })
        };
        let own = Tile { caption: image.class.clone(), ..pictures.tile(image)? };
        let neighbours = finding.neighbours.iter().filter_map(neighbour);
        Some(Row { label: image.image.clone(), tiles: std::iter::once(own).chain(neighbours).collect() })
    };
    findings.iter().filter_map(row).collect()
}

fn single(pictures: &Pictures, findings: &[&AuditFinding]) -> Vec<Row> {
    let images = findings.iter().filter_map(|finding| finding.images.first());
    let tiles: Vec<Tile> = images.filter_map(|image| pictures.tile(image)).collect();
    Row::wrap(&tiles, columns(tiles.len()))
}

/// The images that findings name.
struct Pictures(HashMap<String, Raster>);

impl Pictures {
    fn of(dataset: &Dataset, findings: &[&AuditFinding]) -> Self {
        let images = findings.iter().flat_map(|finding| finding.images.iter().chain(&finding.neighbours));
        let mut pictures: HashMap<String, Option<Raster>> =
            images.map(|image| (image.image.clone(), None)).collect();
        let mut find = |subset: &Subset| {
            for position in 0..subset.len() {
                if let Some(picture) = pictures.get_mut(&*subset.name(position)) {
                    *picture = Some(raster(subset, position));
                }
            }
        };
        find(&dataset.train);
        find(&dataset.test);
        Self(pictures.into_iter().filter_map(|(name, picture)| Some((name, picture?))).collect())
    }

    /// The image with its name.
    fn tile(&self, image: &AuditedImage) -> Option<Tile> {
        Some(Tile::new(self.0.get(&image.image)?.clone(), &image.image))
    }
}

#[cfg(test)]
mod tests {
    use zoo_data::shapes10;

    use super::*;
    use crate::audit::audit;
    use crate::watch::Silent;

    #[test]
    fn a_sheet_has_the_images_that_findings_name() {
        let mut dataset = shapes10::generate(60, 20, 1);
        dataset.test = dataset.train.split_at(20).0;
        let found = audit(&dataset, &Silent);
        let sheets = draw(&dataset, &found, 3);
        let names: Vec<&str> = sheets.iter().map(|(name, _)| name.as_str()).collect();
        assert!(
            names[0] == "exact-duplicate" && !names.contains(&"small-class"),
            "classes have no sheet: {names:?}"
        );
        assert_eq!(sheets[0].1.svg().matches("<image ").count(), 6, "three pairs");
        assert!(sheets[0].1.svg().contains("The first 3."));
    }
}
