//! Test images and the training images nearest to them.

use zoo_data::{Dataset, Subset};
use zoo_knn::{Knn, KnnConfig, Metric, Ties};
use zoo_report::{Grid, Mark, Row, Tile};

use super::{Named, choose, raster};
use crate::backend::Selected;
use crate::progress::Progress;
use crate::runs::TrainingRun;

/// So many test images and so many neighbours of each, as in the course.
const COUNT: usize = 10;

/// The metric of a run, if it is of k-NN.
pub(super) fn metric(run: &TrainingRun) -> anyhow::Result<Option<Metric>> {
    if run.contender.entry.name != "knn" {
        return Ok(None);
    }
    let metric = run.contender.recipe.config()?.remove("metric");
    Ok(metric.map(toml::Value::try_into).transpose()?)
}

/// A row a test image: itself, then its nearest training images with their classes, framed by whether they are of its
/// class.
pub(super) fn draw(
    dataset: &Dataset,
    metric: Metric,
    selected: &Selected,
    seed: u64,
    progress: Progress,
) -> anyhow::Result<Named> {
    let Dataset { name, classes, train, test } = dataset;
    let queries = queries(test, classes.len(), seed);
    let knn = index(train, classes.len(), metric, selected, progress)?;
    let found = knn.neighbours(test.batch(queries.iter().copied(), &selected.device).images);
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
    selected: &Selected,
    progress: Progress,
) -> anyhow::Result<Knn> {
    let config = KnnConfig { k: COUNT.min(train.len()), metric, ties: Ties::Nearest };
    config.validate(train.len(), train.shape().values())?;
    let bar = progress.bar(train.len() as u64, "neighbours {wide_bar} {pos}/{len} images {eta:>4}");
    let mut knn = config.init(classes);
    for first in (0..train.len()).step_by(Knn::TILE) {
        let positions = first..(first + Knn::TILE).min(train.len());
        let labels: Vec<usize> = positions.clone().map(|position| train.label(position)).collect();
        knn.add(train.batch(positions.clone(), &selected.device).images, &labels);
        bar.set(positions.end as u64);
    }
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
