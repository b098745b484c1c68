//! Of images themselves: samples, means, distances and neighbours.

use zoo_data::{Dataset, ImageShape, Subset};
use zoo_knn::Metric;
use zoo_report::{Distances, Grid, Raster, Row, Side, Tile, thousands};

use crate::pictures::image::{Named, choose, columns, raster};
use crate::pictures::neighbours::{self, Extent};

/// Samples per class.
const SAMPLES: usize = 10;
/// Rows of the distance matrix: enough to see structure, few enough that a pixel is an image.
const ROWS: usize = 200;
/// Its columns.
const COLUMNS: usize = 500;

/// Every picture of `dataset`.
pub(crate) fn draw(dataset: &Dataset, seed: u64) -> Vec<Named> {
    let Dataset { name, classes, train, test, .. } = dataset;
    let neighbours = neighbours::grid(
        name,
        classes,
        (train, "training"),
        (test, "test"),
        Metric::L2,
        seed,
        Extent::PICTURE,
    );
    vec![
        ("samples".into(), samples(dataset, seed).draw()),
        ("mean-image".into(), mean_images(dataset).draw()),
        ("distances".into(), distances(dataset, seed).draw()),
        ("neighbours".into(), neighbours.draw()),
    ]
}

/// One row per class.
fn samples(dataset: &Dataset, seed: u64) -> Grid {
    let Dataset { name, classes, train, .. } = dataset;
    let tiles = |positions: Vec<usize>| {
        positions.into_iter().map(|position| Tile::new(raster(train, position), "")).collect()
    };
    let chosen = choose(train, classes.len(), SAMPLES, seed);
    let row = |(class, positions): (&String, _)| Row { label: class.clone(), tiles: tiles(positions) };
    Grid {
        title: format!("Samples of {name}"),
        notes: format!("Training images, chosen at random: one row per class. Seed {seed}."),
        rows: classes.iter().zip(chosen).map(row).collect(),
        apart: 0,
    }
}

/// The mean of all training images, and of each class.
fn mean_images(dataset: &Dataset) -> Grid {
    let Dataset { name, classes, train, .. } = dataset;
    let ImageShape { channels, height, width } = train.shape();
    let mut sums = vec![vec![0_u64; train.shape().values()]; classes.len()];
    for position in 0..train.len() {
        let sum = &mut sums[train.label(position)];
        sum.iter_mut().zip(&*train.pixels(position)).for_each(|(sum, &pixel)| *sum += u64::from(pixel));
    }
    let tile = |sum: &[u64], images: usize, caption: &str| {
        let images = images.max(1) as u64;
        // Rounded to the nearest.
        let mean: Vec<u8> = sum.iter().map(|sum| ((sum + images / 2) / images) as u8).collect();
        Tile::new(Raster::new(&mean, [channels, height, width]), caption)
    };
    let all: Vec<u64> = (0..train.shape().values()).map(|at| sums.iter().map(|sum| sum[at]).sum()).collect();
    let counts = train.class_counts(classes.len());
    let of_classes: Vec<Tile> =
        classes.iter().zip(&sums).zip(counts).map(|((class, sum), count)| tile(sum, count, class)).collect();
    let mut rows = vec![Row { label: String::new(), tiles: vec![tile(&all, train.len(), "all classes")] }];
    rows.extend(Row::wrap(&of_classes, columns(classes.len())));
    Grid {
        title: format!("Mean image of {name}"),
        notes: format!(
            "The mean of all {} training images, and below it that of each class.",
            thousands(train.len())
        ),
        rows,
        apart: 0,
    }
}

/// How far test images are from training images. Of each class there are as many as of any other, as long as it has them; the
/// classes come one after the other, so that a class that is near to itself shows as a dark square.
fn distances(dataset: &Dataset, seed: u64) -> Distances {
    let Dataset { name, classes, train, test, .. } = dataset;
    let (rows, row_side) = by_class(test, "test images", classes, ROWS, seed);
    let (columns, column_side) = by_class(train, "training images", classes, COLUMNS, seed);
    let distance = |row: usize, column: usize| {
        let (test, train) = (test.pixels(row), train.pixels(column));
        let squares: u64 = test.iter().zip(&*train).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum();
        (squares as f64).sqrt()
    };
    let values = rows.iter().flat_map(|&row| columns.iter().map(move |&column| distance(row, column)));
    Distances {
        title: format!("Distances in {name}"),
        notes: format!(
            "L2 distance between {} test images (rows) and {} training images (columns), ordered by class; black is near. \
             A bright line is an image that is far from all others.",
            rows.len(),
            columns.len()
        ),
        quantity: "L2 distance, pixel values 0 to 255".into(),
        values: values.collect(),
        rows: row_side,
        columns: column_side,
    }
}

/// At most `count` images, class by class, and what the picture says of them.
fn by_class(images: &Subset, name: &str, classes: &[String], count: usize, seed: u64) -> (Vec<usize>, Side) {
    let mut chosen = choose(images, classes.len(), (count / classes.len()).max(1), seed);
    // Of more classes than there is room for the first ones.
    chosen.truncate(count);
    let counts = classes.iter().zip(&chosen).map(|(class, positions)| (class.clone(), positions.len()));
    let classes = counts.filter(|class| class.1 > 0).collect();
    (chosen.concat(), Side { name: name.into(), classes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_those_of_the_images() {
        let dataset = zoo_data::shapes10::generate(50, 10, 1);
        let grid = mean_images(&dataset);
        let exact = zoo_data::Statistics::of(&dataset.train).mean_image;
        let rounded: Vec<u8> = exact.iter().map(|mean| mean.round() as u8).collect();
        assert_eq!(grid.rows[0].tiles[0].image, Raster::new(&rounded, [3, 32, 32]));
        assert_eq!(grid.rows.iter().map(|row| row.tiles.len()).collect::<Vec<_>>(), [1, 5, 5]);
    }

    #[test]
    fn an_image_is_no_distance_from_itself() {
        let mut dataset = zoo_data::shapes10::generate(100, 10, 1);
        dataset.test = dataset.train.clone();
        let matrix = distances(&dataset, 3);
        assert_eq!((matrix.rows.len(), matrix.columns.len()), (100, 100));
        for place in 0..100 {
            assert_eq!(
                matrix.values[place * 101],
                0.0,
                "ordered alike, the diagonal is each image with itself"
            );
        }
        assert!(matrix.values.iter().filter(|&&value| value > 0.0).count() > 9000);
    }
}
