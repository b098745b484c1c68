//! Test images and the training images nearest to them.

use zoo_data::{Splits, Subset};
use zoo_knn::{Index, Metric};
use zoo_report::{Grid, Mark, Row, Tile};

use crate::pictures::image::{choose, raster};

/// How many images are looked at, and how many neighbours of each.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) images: usize,
    pub(crate) neighbours: usize,
}

impl Extent {
    /// As in the course.
    pub(crate) const PICTURE: Self = Self { images: 10, neighbours: 10 };
    /// On a page, which has other images besides.
    pub(crate) const PAGE: Self = Self { images: 5, neighbours: 8 };
}

/// The neighbours of images that the models of a run are judged on, among those that they were fitted to.
pub(crate) fn of_splits(splits: &Splits, no_test: bool, metric: Metric, seed: u64, extent: Extent) -> Grid {
    let Splits { name, classes, train, validation, test } = splits;
    if no_test {
        return grid(name, classes, (train, "training"), (validation, "validation"), metric, seed, extent);
    }
    grid(name, classes, (&splits.all_train(), "training"), (test, "test"), metric, seed, extent)
}

/// A row per image of `judged`: itself, then the images of `known` nearest to it with their classes, framed by whether they are of its
/// class. Both come with a word for what they are.
pub(crate) fn grid(
    name: &str,
    classes: &[String],
    (known, known_as): (&Subset, &str),
    (judged, judged_as): (&Subset, &str),
    metric: Metric,
    seed: u64,
    extent: Extent,
) -> Grid {
    let queries = queries(judged, classes.len(), extent.images, seed);
    let shape = known.shape();
    let mut index = Index::new(metric, [shape.channels, shape.height, shape.width]);
    (0..known.len()).for_each(|position| index.extend(&known.pixels(position)));
    let pixels: Vec<u8> = queries.iter().flat_map(|&query| judged.pixels(query).into_owned()).collect();
    let each = extent.neighbours.min(known.len());
    let found = index.nearest(&pixels, each);
    let rows = queries.iter().zip(found.chunks_exact(each.max(1))).map(|(&query, neighbours)| {
        let class = judged.label(query);
        let neighbour = |index: usize| {
            let label = known.label(index);
            let mark = if label == class { Mark::Right } else { Mark::Wrong };
            Tile { mark, ..Tile::new(raster(known, index), &classes[label]) }
        };
        let query = Tile::new(raster(judged, query), &classes[class]);
        let neighbours = neighbours.iter().map(|found| neighbour(found.index));
        Row { label: String::new(), tiles: std::iter::once(query).chain(neighbours).collect() }
    });
    let distance = match metric {
        Metric::L1 => "L1",
        Metric::L2 => "L2",
    };
    Grid {
        title: format!("Nearest neighbours in {name}"),
        notes: format!(
            "On the left a {judged_as} image, then the {known_as} images nearest to it by {distance} distance, the nearest first. \
             Green frame: of the same class; orange frame: of another."
        ),
        rows: rows.collect(),
        apart: 1,
    }
}

/// Test images of as many classes as can be.
fn queries(test: &Subset, classes: usize, count: usize, seed: u64) -> Vec<usize> {
    let each = count.div_ceil(classes.max(1));
    let chosen = choose(test, classes, each, seed);
    let mut queries: Vec<usize> = chosen.into_iter().flatten().collect();
    queries.truncate(count);
    queries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_of_many_classes() {
        let test = zoo_data::shapes10::generate(10, 100, 1).test;
        let mut classes: Vec<usize> =
            queries(&test, 10, 10, 1).iter().map(|&query| test.label(query)).collect();
        classes.sort_unstable();
        assert_eq!(classes, (0..10).collect::<Vec<_>>());
        let few = zoo_data::shapes10::generate(10, 3, 1).test;
        assert_eq!(queries(&few, 10, 10, 1).len(), 3);
        assert_eq!(queries(&test, 1000, 10, 1).len(), 10);
    }
}
