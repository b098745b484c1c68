//! How a model decides, as far as that can be seen: nearest neighbours, templates, filters.

use zoo_core::Features;
use zoo_data::Splits;
use zoo_knn::KnnConfig;
use zoo_report::Grid;

use crate::error::LabError;
use crate::page::comparison::Member;
use crate::pictures::neighbours::{Extent, of_splits};
use crate::pictures::weights;
use crate::run::{MODEL_FILE, RunConfig};

/// What is seen of the model of `member`; `None` if nothing is, or it isn't finished.
pub(crate) fn decisions(
    member: &Member,
    config: &RunConfig,
    dataset: &str,
    splits: Option<&Splits>,
) -> Result<Option<Grid>, LabError> {
    let file = member.folder.join(MODEL_FILE);
    if !file.is_file() {
        return Ok(None);
    }
    match (&member.neighbours, splits) {
        (Some(KnnConfig { metric, features: Features::Pixels, .. }), Some(splits)) => {
            Ok(Some(of_splits(splits, config.protocol().no_test, *metric, config.seed, Extent::PAGE)))
        }
        (Some(_), _) => Ok(None),
        (None, _) => {
            let shape = config.dimensions().shape;
            let grid = weights::grid(&member.name, &file, shape, &config.classes, dataset)?;
            Ok(grid.map(|(_, grid)| grid))
        }
    }
}
