//! How models are fitted and judged, apart from their recipes and images.

use std::time::Duration;

use zoo_data::Splits;

use crate::error::LabError;

/// How models are fitted and judged, apart from their recipes and images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// What everything random follows from: splits, weights, order, augmentation.
    pub seed: u64,
    /// How many times each recipe is trained: with `seed`, `seed + 1`, … for weights, order and augmentation. The images, and what is
    /// held out of them, are the same each time.
    pub trainings: usize,
    /// Whether models are judged on the validation images, and the test images left alone.
    pub no_test: bool,
    /// How long a training may take: it ends with the epoch that passes this.
    pub budget: Option<Duration>,
}

impl Protocol {
    /// One training, for as long as its recipe says, judged on the test images.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, trainings: 1, no_test: false, budget: None }
    }

    /// The seed of each training.
    pub fn seeds(self) -> impl Iterator<Item = u64> {
        (0..self.trainings as u64).map(move |place| self.seed.wrapping_add(place))
    }

    /// Refuses images that nothing can be judged on.
    ///
    /// # Errors
    /// [`LabError::NothingJudged`], or [`LabError::Seeds`] for seeds that no config can have.
    pub fn check(self, splits: &Splits) -> Result<(), LabError> {
        // TOML and JSON have signed integers.
        let last = (self.trainings as u64).checked_sub(1).and_then(|more| self.seed.checked_add(more));
        if last.is_none_or(|last| i64::try_from(last).is_err()) {
            return Err(LabError::Seeds { seed: self.seed, trainings: self.trainings });
        }
        if self.no_test && splits.validation.is_empty() { Err(LabError::NothingJudged) } else { Ok(()) }
    }

    /// The same for one training, with this seed.
    #[must_use]
    pub(crate) const fn of_training(self, seed: u64) -> Self {
        Self { seed, trainings: 1, ..self }
    }
}
