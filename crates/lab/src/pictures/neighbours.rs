//! Test images and the training images nearest to them.

use zoo_backends::Machine;
use zoo_data::{Dataset, Subset};
use zoo_knn::{Knn, KnnConfig, Metric, Ties};
use zoo_report::{Grid, Mark, Row, Tile};
use zoo_train::TrainError;

use crate::error::LabError;
use crate::pictures::image::{Named, choose, raster};
use crate::watch::Watch;

/// Test images, and neighbours of each, as in the course.
const COUNT: usize = 10;

/// A row per test image: itself, then its nearest training images with their classes, framed by whether they are of its
/// class.
pub(crate) fn draw(
    dataset: &Dataset,
    metric: Metric,
    machine: &Machine,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Named, LabError> {
    let Dataset { name, classes, train, test } = dataset;
    let queries = queries(test, classes.len(), seed);
    let knn = index(train, classes.len(), metric, machine, watch)?;
    let found = knn.neighbours(test.batch(queries.iter().copied(), &machine.device).images);
    let rows = queries.iter().zip(found.iter()).map(|(&query, neighbours)| {
        let class = test.label(query);
        let neighbour = |index: usize| {
            let label = train.label(index);
            let mark = if label == class { Mark::Right } else { Mark::Wrong };
            Tile { mark, ..Tile::new(raster(train, index), &classes[label]) }
        };
        let query = Tile::new(raster(test, query), &classes[class]);
        let neighbours = neighbours.iter().map(|found| neighbour(found.index));
        Row { label: String::new(), tiles: std::iter::once(query).chain(neighbours).collect() }
    });
    let distance = match metric {
        Metric::L1 => "L1",
        Metric::L2 => "L2",
    };
    let grid = Grid {
        title: format!("Nearest neighbours in {name}"),
        notes: format!(
            "On the left a test image, then the training images nearest to it by {distance} distance, the nearest first. \
             Green frame: of the same class; orange frame: of another."
        ),
        rows: rows.collect(),
        apart: 1,
    };
    Ok(("neighbours".into(), grid.draw()))
}

/// Test images of as many classes as can be.
fn queries(test: &Subset, classes: usize, seed: u64) -> Vec<usize> {
    let each = COUNT.div_ceil(classes.max(1));
    let chosen = choose(test, classes, each, seed);
    let mut queries: Vec<usize> = chosen.into_iter().flatten().collect();
    queries.truncate(COUNT);
    queries
}

/// A k-NN classifier that finds the neighbours.
fn index(
    train: &Subset,
    classes: usize,
    metric: Metric,
    machine: &Machine,
    watch: &dyn Watch,
) -> Result<Knn, LabError> {
    let config = KnnConfig { k: COUNT.min(train.len()), metric, ties: Ties::Nearest };
    config.validate(train.len(), train.shape().values()).map_err(TrainError::from)?;
    let mut progress = watch.progress("neighbours", train.len());
    let mut done = 0;
    let batches = train.batches(Knn::TILE, &machine.device).map(|batch| {
        done += batch.images.dims()[0];
        progress(done);
        batch.images
    });
    let mut knn = config.init(classes);
    knn.extend(batches, &train.labels());
    Ok(knn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_of_many_classes() {
        let test = zoo_data::shapes10::generate(10, 100, 1).test;
        let mut classes: Vec<usize> = queries(&test, 10, 1).iter().map(|&query| test.label(query)).collect();
        classes.sort_unstable();
        assert_eq!(classes, (0..10).collect::<Vec<_>>());
        let few = zoo_data::shapes10::generate(10, 3, 1).test;
        assert_eq!(queries(&few, 10, 1).len(), 3);
        assert_eq!(queries(&test, 1000, 1).len(), 10);
    }
}
