//! The page of a comparison, or of a single model.

use zoo_schema::{Answers, Comparison, ModelResult};

use crate::page::images::{Images, Judged};
use crate::page::sections::Sections;
use crate::page::shell::{Content, Section, checks, origin};
use crate::page::sprites::Sprites;
use crate::page::{Decision, Explain, Provenance};
use crate::raster::Raster;
use crate::summary::{describe, listed, name_on};
use crate::verdict::answer;

/// Bytes that images may take in a page: this many per image that models were judged on, within these limits. The more images, the more
/// there is to look at; a page of few stays small enough for a mail, one of many for a browser.
const BYTES_PER_IMAGE: usize = 200;
const LEAST_BYTES: usize = 760_000;
const MOST_BYTES: usize = 2_000_000;
/// No page is larger than this.
const MOST_OF_ALL: usize = 2_900_000;

/// What the page of a comparison shows.
#[derive(Clone, Copy)]
pub struct ComparisonPage<'a> {
    /// The figures.
    pub comparison: &'a Comparison,
    /// What models say of the images that they were judged on, if that was kept.
    pub answers: Option<&'a Answers>,
    /// The image at a place in the answers; `None` if it can't be had.
    pub image: &'a dyn Fn(usize) -> Option<Raster>,
    /// How models decide, as far as that can be seen.
    pub decisions: &'a [Decision],
    /// How it came about.
    pub provenance: &'a Provenance,
    /// What is explained of a check.
    pub explain: Explain,
    /// What can't be shown, and why: a sentence each.
    pub missing: &'a [String],
}

impl ComparisonPage<'_> {
    /// The page as HTML: one file, which needs no other. What there is no room for is left out, and counted.
    #[must_use]
    pub fn html(&self) -> String {
        let Self { comparison, answers, image, decisions, provenance, explain, missing } = *self;
        let judged = answers.map(|answers| Judged::new(comparison, answers));
        let count = judged.as_ref().map_or(0, Judged::count);
        let room = (BYTES_PER_IMAGE * count).clamp(LEAST_BYTES, MOST_BYTES);
        let mut sprites = Sprites::new(0);
        let sections = Sections { comparison };
        // How models decide has a third of the room; single images take what is left of all.
        let decisions = sections.decisions(decisions, room / 3, &mut sprites);
        let place = |result: &ModelResult| judged.as_ref()?.place(result);
        let (before, confusion) = (sections.before(), sections.confusion(&place));
        let mut after = vec![checks(&comparison.checks, explain)];
        after.extend(sections.calibration());
        after.push(origin(provenance));
        let parts = before.iter().chain(&confusion).chain(&decisions).chain(&after);
        let words: usize = parts.map(Section::size).sum();
        let room = room.min(MOST_OF_ALL.saturating_sub(words)).saturating_sub(sprites.bytes());
        sprites.allow(room);
        let has_cells = confusion.is_some();
        let images = judged.as_ref().map(|judged| Images::new(judged, image, has_cells, &mut sprites));

        let mut all = before;
        all.extend(confusion);
        all.extend(images.as_ref().and_then(Images::disagreements));
        all.extend(images.as_ref().and_then(Images::mistakes));
        all.extend(decisions);
        all.extend(after);
        let names: Vec<String> =
            comparison.results.iter().map(|result| name_on(comparison, result)).collect();
        let content = Content {
            title: format!("{} on {}", listed(&names), comparison.dataset.name),
            answer: answer(comparison),
            about: describe(comparison),
            missing,
            notes: images.as_ref().and_then(Images::left_out),
            sections: all,
            sheets: sprites.sheets(),
            data: images
                .filter(|_| has_cells)
                .map(|images| images.data(&comparison.dataset.classes))
                .unwrap_or_default(),
            ..Content::default()
        };
        content.html()
    }
}
