//! What training changes, and what it ends with.

use burn::optim::ModuleOptimizer;
use zoo_schema::{EarlyStop, EpochRecord};

use crate::lookahead::SlowWeights;
use crate::mistake::GradientSum;

/// What steps change.
pub(crate) struct State<M> {
    pub(crate) model: M,
    /// `None` for a search, which makes no steps.
    pub(crate) optimizer: Option<ModuleOptimizer>,
    pub(crate) slow: Option<SlowWeights<M>>,
    /// The average of the weights, off autodiff.
    pub(crate) average: Option<M>,
    /// The sum of all gradients, where they [add up](crate::Mistake::GradientsAddUp).
    pub(crate) sum: Option<GradientSum<M>>,
}

/// A model that has been trained.
#[derive(Debug)]
pub struct Fitted<M> {
    /// The model as it was after the best epoch, off autodiff; the averaged one if the recipe has an `[ema]`.
    pub model: M,
    /// The weights that were averaged, if they were.
    pub without_ema: Option<M>,
    /// The epoch it is from: that of the best validation accuracy (the first of equals, or with [few images](crate::TrainConfig::few_images) that of the lowest loss), or the last if there are no
    /// validation images.
    pub best_epoch: usize,
    /// One record per epoch.
    pub history: Vec<EpochRecord>,
    /// Why training ended before its last epoch, if it did.
    pub stopped_by: Option<EarlyStop>,
}
