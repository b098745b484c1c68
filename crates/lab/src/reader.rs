//! Reads the images of a source, and tells who watches how that goes.

use zoo_data::folder::{Event, Workshop};
use zoo_data::{Dataset, Splits};

use crate::error::LabError;
use crate::memory;
use crate::source::Source;
use crate::watch::{ProgressListener, Watch};

/// Reads the images of a [`Source`].
pub struct Reader<'a> {
    pub(crate) source: &'a Source,
    pub(crate) watch: &'a dyn Watch,
}

impl Reader<'_> {
    /// All images, before limits.
    ///
    /// # Errors
    /// [`LabError`] if they can't be found or read.
    pub fn open(&self) -> Result<Dataset, LabError> {
        let mut bar: Option<ProgressListener<'_>> = None;
        let mut hear = |event: Event<'_>| match event {
            Event::Begin(photos) => bar = Some(self.watch.progress("reading photos", photos)),
            Event::Decoded(photos) => {
                if let Some(bar) = &mut bar {
                    bar(photos);
                }
            }
            Event::Note(text) => self.watch.line(text),
        };
        let Source { cache, .. } = self.source;
        let workshop = Workshop { cache: cache.clone(), memory: memory::for_images(), hear: &mut hear };
        self.source.open_by(workshop)
    }

    /// As many of them as are asked for.
    ///
    /// # Errors
    /// [`LabError`] if there are not as many.
    pub fn dataset(&self, seed: u64) -> Result<Dataset, LabError> {
        let (whole, train, test) = (self.open()?, self.source.limit_train, self.source.limit_test);
        Ok(if self.source.in_order {
            whole.limit_in_order(train, test)
        } else {
            whole.limit(train, test, seed)
        }?)
    }

    /// The images of a run: limited, a share held out.
    ///
    /// # Errors
    /// [`LabError`] if there are not as many.
    pub fn splits(&self, seed: u64) -> Result<Splits, LabError> {
        let (dataset, share) = (self.dataset(seed)?, self.source.validation);
        Ok(if self.source.in_order { dataset.hold_out_last(share) } else { dataset.hold_out(share, seed) }?)
    }

    /// The images of a run with cross-validation: limited, each of `count` folds held out once.
    ///
    /// # Errors
    /// [`LabError`] if there are not as many.
    pub fn folds(&self, count: usize, seed: u64) -> Result<Vec<Splits>, LabError> {
        let dataset = self.dataset(seed)?;
        Ok(if self.source.in_order { dataset.consecutive_folds(count) } else { dataset.folds(count, seed) }?)
    }
}
