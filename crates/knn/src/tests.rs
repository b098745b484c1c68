use proptest::prelude::*;

use super::*;

/// Images `[count, 1, 1, values]` from a simple generator; few values make ties.
fn images(count: usize, values: usize, seed: u64, levels: u64) -> Vec<u8> {
    let mut state = seed;
    (0..count * values)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % levels * (255 / (levels - 1).max(1))) as u8
        })
        .collect()
}

fn tensor(pixels: &[u8], values: usize) -> Tensor<4> {
    let floats: Vec<f32> = pixels.iter().map(|&pixel| f32::from(pixel)).collect();
    let count = pixels.len() / values;
    Tensor::from_data(TensorData::new(floats, [count, 1, 1, values]), &Device::flex())
}

fn knn(config: &KnnConfig, train: &[u8], values: usize, tile: usize, labels: &[usize]) -> Knn {
    let mut knn = config.init(10);
    knn.extend(train.chunks(tile * values).map(|pixels| tensor(pixels, values)), labels);
    knn
}

/// The same as other devices have it: in tiles, without the index.
fn tiled(config: &KnnConfig, train: &[u8], values: usize, tile: usize) -> Knn {
    let mut knn = config.init(10);
    knn.tiles = train.chunks(tile * values).map(|pixels| Tile::new(tensor(pixels, values))).collect();
    knn.labels = vec![0; train.len() / values];
    knn
}

/// The definition, in f64.
fn brute_force(
    queries: &[u8],
    train: &[u8],
    values: usize,
    k: usize,
    metric: Metric,
) -> Vec<Vec<(f64, usize)>> {
    queries
        .chunks(values)
        .map(|query| {
            let distance = |image: &[u8]| -> f64 {
                let differences = query.iter().zip(image).map(|(&q, &t)| f64::from(q) - f64::from(t));
                match metric {
                    Metric::L1 => differences.map(f64::abs).sum(),
                    Metric::L2 => differences.map(|difference| difference * difference).sum(),
                }
            };
            let mut all: Vec<_> =
                train.chunks(values).enumerate().map(|(i, image)| (distance(image), i)).collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            all.truncate(k);
            all
        })
        .collect()
}

fn compare(config: &KnnConfig, queries: &[u8], train: &[u8], values: usize, tile: usize) {
    let labels = vec![0; train.len() / values];
    let expected = brute_force(queries, train, values, config.k, config.metric);
    let fits = config.metric == Metric::L1 || values <= DEVICE_VALUES;
    let tiled = fits.then(|| tiled(config, train, values, tile));
    for knn in [Some(knn(config, train, values, tile, &labels)), tiled].into_iter().flatten() {
        let found: Vec<Vec<(f64, usize)>> = knn
            .neighbours(tensor(queries, values))
            .iter()
            .map(|row| row.iter().map(|neighbour| (neighbour.distance as f64, neighbour.index)).collect())
            .collect();
        assert_eq!(found, expected, "{config:?}, {values} values, tiles of {tile}");
    }
}

#[test]
fn equals_brute_force_at_full_size() {
    let train = images(203, 3072, 1, 256);
    let queries = images(17, 3072, 2, 256);
    for metric in [Metric::L1, Metric::L2] {
        compare(
            &KnnConfig { features: Features::Pixels, k: 50, metric, ties: Ties::Nearest },
            &queries,
            &train,
            3072,
            64,
        );
    }
}

#[test]
fn the_largest_distances_are_exact() {
    // Black against white: 3072 · 255² needs 28 bits. Neighbouring images differ by single units.
    let mut train = vec![255; 3072 * 40];
    for (index, image) in train.chunks_mut(3072).enumerate() {
        image[index] = 254;
        image[3071 - index] = 254 - (index % 3) as u8;
    }
    let queries = [vec![0; 3072], vec![255; 3072], vec![127; 3072]].concat();
    for metric in [Metric::L1, Metric::L2] {
        compare(
            &KnnConfig { features: Features::Pixels, k: 40, metric, ties: Ties::Nearest },
            &queries,
            &train,
            3072,
            7,
        );
    }
}

#[test]
fn distances_of_large_images_are_exact() {
    // 3×224×224, black against white: L1 needs 26 bits and L2 34.
    let values = 3 * 224 * 224;
    let mut train = vec![255; values * 6];
    for (index, image) in train.chunks_mut(values).enumerate() {
        image[index] = 254;
        image[values - 1 - index] = 254 - (index % 3) as u8;
    }
    let queries = [vec![0; values], vec![255; values]].concat();
    for metric in [Metric::L1, Metric::L2] {
        compare(
            &KnnConfig { features: Features::Pixels, k: 6, metric, ties: Ties::Nearest },
            &queries,
            &train,
            values,
            2,
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn equals_brute_force(
        k in 1usize..=50, extra in 0usize..60, queries in 1usize..20, values in 1usize..80, tile in 1usize..70,
        seed: u64, levels in 2u64..256, l1: bool, duplicates: bool,
    ) {
        let mut train = images(k + extra, values, seed, levels);
        if duplicates {
            let copy = train.clone();
            train.extend(copy);
        }
        let metric = if l1 { Metric::L1 } else { Metric::L2 };
        let queries = [images(queries, values, seed ^ 1, levels), train[..values].to_vec()].concat();
        compare(&KnnConfig { features: Features::Pixels, k, metric, ties: Ties::Nearest }, &queries, &train, values, tile);
    }
}

#[test]
fn the_vote_prefers_the_nearer_among_equals() {
    // Distances to 0: 1, 2, 3, 4, 9 with labels 5, 3, 3, 5, 1.
    let train = [1, 2, 3, 4, 9];
    let labels = [5, 3, 3, 5, 1];
    let vote = |k, ties| {
        let knn = knn(
            &KnnConfig { features: Features::Pixels, k, metric: Metric::L1, ties },
            &train,
            1,
            2,
            &labels,
        );
        let scores = knn.forward(tensor(&[0], 1));
        let shares: Vec<f32> = knn.probabilities(scores.clone()).into_data().try_to_vec().unwrap();
        let best: Vec<i32> = scores.argmax(1).into_data().convert::<i32>().try_to_vec().unwrap();
        (best[0], shares[3], shares[5])
    };
    let predict = |k| vote(k, Ties::Nearest);
    assert_eq!(predict(1), (5, 0.0, 1.0));
    assert_eq!(predict(2), (5, 0.5, 0.5));
    assert_eq!(predict(3).0, 3);
    assert_eq!(predict(4), (5, 0.5, 0.5));
    assert_eq!(predict(5), (5, 0.4, 0.4));
    assert_eq!([1, 2, 3, 4, 5].map(|k| vote(k, Ties::SmallestLabel).0), [5, 3, 3, 3, 3]);
}

#[test]
fn images_at_the_same_distance_come_in_their_order() {
    let (config, train) = (
        KnnConfig { features: Features::Pixels, k: 3, metric: Metric::L2, ties: Ties::Nearest },
        [7, 5, 3, 5, 7],
    );
    for knn in [knn(&config, &train, 1, 2, &[0; 5]), tiled(&config, &train, 1, 2)] {
        let neighbours = knn.neighbours(tensor(&[5], 1));
        let order: Vec<usize> =
            neighbours.iter().next().unwrap().iter().map(|neighbour| neighbour.index).collect();
        assert_eq!(order, [1, 3, 0]);
    }
}

#[test]
fn batches_may_be_of_any_size() {
    let config = KnnConfig { features: Features::Pixels, k: 3, metric: Metric::L1, ties: Ties::Nearest };
    let train = images(Knn::TILE + 10, 2, 3, 256);
    let labels: Vec<usize> = (0..Knn::TILE + 10).map(|at| at % 10).collect();
    let neighbours = |knn: &Knn| knn.neighbours(tensor(&train[2 * Knn::TILE - 8..], 2));
    let whole = knn(&config, &train, 2, labels.len(), &labels);
    let expected = neighbours(&whole);
    assert_eq!(whole.len(), Knn::TILE + 10);
    for size in [1000, Knn::TILE] {
        assert_eq!(neighbours(&knn(&config, &train, 2, size, &labels)), expected);
    }
    // One call after the other is like one call.
    let mut twice = config.init(10);
    for (pixels, labels) in train.chunks(2 * 1000).zip(labels.chunks(1000)) {
        twice.extend([tensor(pixels, 2)], labels);
    }
    assert_eq!(neighbours(&twice), expected);
    let parts: Vec<usize> = divide(tensor(&train, 2), Knn::TILE).map(|part| part.dims()[0]).collect();
    assert_eq!(parts, [Knn::TILE, 10]);
}

#[test]
#[should_panic(expected = "one label per image")]
fn every_image_needs_a_label() {
    let config = KnnConfig { features: Features::Pixels, k: 1, metric: Metric::L2, ties: Ties::Nearest };
    config.init(10).extend([tensor(&[1, 2, 3], 1)], &[0, 1]);
}

#[test]
#[should_panic(expected = "labels below 10")]
fn labels_are_below_the_number_of_classes() {
    let config = KnnConfig { features: Features::Pixels, k: 1, metric: Metric::L2, ties: Ties::Nearest };
    config.init(10).extend([tensor(&[1], 1)], &[10]);
}

#[test]
fn k_must_fit() {
    let config = |k| KnnConfig { features: Features::Pixels, k, metric: Metric::L2, ties: Ties::Nearest };
    assert!(config(1).validate(5).is_ok() && config(5).validate(5).is_ok());
    assert_eq!(
        config(0).validate(5).unwrap_err().to_string(),
        "k = 0: must be 1 to the number of training images, 5"
    );
    assert!(config(6).validate(5).is_err());
}

#[test]
fn selecting_on_the_device_gives_the_same_neighbours() {
    // Of 900 values and 256 levels no two distances are equal; of 2 and 4 most are.
    for (values, levels) in [(900, 256), (2, 4)] {
        let (train, queries) = (images(150, values, 1, levels), images(9, values, 2, levels));
        for metric in [Metric::L1, Metric::L2] {
            for k in [1, 7, 64, 70] {
                let knn = tiled(
                    &KnnConfig { features: Features::Pixels, k, metric, ties: Ties::Nearest },
                    &train,
                    values,
                    70,
                );
                let expected = knn.neighbours(tensor(&queries, values));
                let found = knn.selecting_on_device(true).neighbours(tensor(&queries, values));
                assert_eq!(found, expected, "{metric:?} {k} {values}");
            }
        }
    }
}
