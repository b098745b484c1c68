use proptest::prelude::*;

use super::*;

/// All distances, sorted.
fn brute_force(metric: Metric, values: usize, rows: &[u8], query: &[u8], k: usize) -> Vec<Neighbour> {
    let between = |row: &[u8]| -> i64 {
        let differences = row.iter().zip(query).map(|(&t, &q)| i64::from(t.abs_diff(q)));
        differences.map(|d| if metric == Metric::L1 { d } else { d * d }).sum()
    };
    let rows = rows.chunks_exact(values).zip(0..);
    let mut all: Vec<_> = rows.map(|(row, index)| Neighbour { distance: between(row), index }).collect();
    all.sort();
    all.truncate(k);
    all
}

/// Compares every kernel that this CPU can run with brute force.
fn check(shape: [usize; 3], parts: &[&[u8]], queries: &[u8], k: usize) {
    let (values, rows) = (shape.iter().product(), parts.concat());
    for metric in [Metric::L1, Metric::L2] {
        let expected: Vec<_> = queries
            .chunks_exact(values)
            .flat_map(|query| brute_force(metric, values, &rows, query, k))
            .collect();
        for &instructions in Instructions::ALL.iter().filter(|set| set.available()) {
            let mut index = Index::with_instructions(metric, shape, instructions);
            for part in parts {
                index.extend(part);
            }
            assert_eq!(index.len(), rows.len() / values);
            assert_eq!(index.nearest(queries, k), expected, "{metric:?} of {shape:?} with {instructions:?}");
        }
    }
}

/// Bytes that are all different, or nearly all alike for many ties, or extremes.
fn bytes(count: usize) -> impl Strategy<Value = Vec<u8>> {
    let vec = |byte: BoxedStrategy<u8>| proptest::collection::vec(byte, count);
    prop_oneof![
        vec(any::<u8>().boxed()),
        vec((7..9_u8).boxed()),
        vec(prop_oneof![Just(0), Just(255)].boxed()),
    ]
}

/// Rows that are no images, and images that thumbnails are made of: of several channels, wide and high, with cells that are cut off.
fn shapes() -> impl Strategy<Value = [usize; 3]> {
    prop_oneof![
        (1..200_usize).prop_map(|values| [values, 1, 1]),
        (1..5_usize, 1..20_usize, 1..20_usize)
            .prop_map(|(channels, height, width)| [channels, height, width]),
        Just([1, 33, 9]),
    ]
}

proptest! {
    #[test]
    fn equals_brute_force(
        (shape, rows, queries, cuts, k) in (shapes(), 1..100_usize, 0..40_usize).prop_flat_map(
            |(shape, rows, queries)| {
                let values: usize = shape.iter().product();
                (
                    Just(shape),
                    bytes(rows * values),
                    bytes(queries * values),
                    (0..=rows, 0..=rows),
                    0..=rows,
                )
            }
        )
    ) {
        let values: usize = shape.iter().product();
        let (low, high) = (cuts.0.min(cuts.1) * values, cuts.0.max(cuts.1) * values);
        check(shape, &[&rows[..low], &rows[low..high], &rows[high..]], &queries, k);
    }
}

/// Images with a light that falls off from a place, which thumbnails tell apart.
fn lights(shape: [usize; 3], images: usize) -> Vec<u8> {
    let [channels, height, width] = shape;
    let light = |image: usize, channel: usize, y: usize, x: usize| {
        let from =
            |place: usize, side: usize| (place as f64 / side as f64 * 9.0 - (image % 10) as f64).powi(2);
        let distance = from(y, height) + from(x, width) + (image * channel % 7) as f64;
        (255.0 / (1.0 + distance / 9.0)) as u8 ^ (image % 3) as u8
    };
    let pixels = |image| (0..channels * height * width).map(move |at| (image, at));
    let all = (0..images).flat_map(pixels);
    all.map(|(image, at)| light(image, at / (height * width), at / width % height, at % width)).collect()
}

#[test]
fn images_that_thumbnails_tell_apart() {
    for shape in [[3, 32, 32], [1, 28, 28], [1, 27, 30], [4, 9, 11], [3, 100, 70]] {
        let values: usize = shape.iter().product();
        let images = lights(shape, 240);
        let (rows, queries) = images.split_at(200 * values);
        check(shape, &[rows], queries, 5);
        check(shape, &[rows], &queries[..values], 1);
        check(shape, &[&rows[..values], &rows[values..]], &queries[..3 * values], 200);
    }
}

#[test]
fn thumbnails_leave_most_images_out() {
    let shape = [3, 32, 32];
    let images = lights(shape, 300);
    let mut index = Index::new(Metric::L2, shape);
    index.extend(&images);
    let thumbnails = index.thumbnails.as_ref().unwrap();
    let views = thumbnails.views(&images[..3072]);
    let bound = index.nearest(&images[..3072], 10)[9].distance;
    let limit = thumbnails.limit(&views, 0, bound);
    let mut below = 0;
    for first in (0..300).step_by(index.kernel.rows) {
        thumbnails.glance(&views, first, &[limit], &mut Vec::new(), |_, bits| below += bits.count_ones());
    }
    assert!((10..150).contains(&below), "{below} of 300");
}

#[test]
fn row_by_row() {
    let rows: Vec<u8> = (0..70 * 5_u32).map(|i| (i * i % 251) as u8).collect();
    let parts: Vec<_> = rows.chunks_exact(5).collect();
    check([5, 1, 1], &parts, &rows, 70);
}

#[test]
fn long_rows_and_largest_distances() {
    let rows = [PART - 1, PART, PART + 1, 3 * PART + 7].map(|values| [values, 1, 1]);
    for shape in rows.into_iter().chain([[3, 224, 224], [1, 500, 300]]) {
        let values = shape.iter().product();
        let [dark, light] = [vec![0; values], vec![255; values]];
        check(shape, &[&dark, &light, &dark], &[dark.clone(), light.clone()].concat(), 3);
    }
}

#[test]
fn many_queries_take_several_chunks() {
    let row = |i: u32| (0..3072).map(move |j| ((i * 7919 + j * j * 31) >> 3) as u8);
    let rows: Vec<u8> = (0..37).flat_map(row).collect();
    let queries: Vec<u8> = (20..620).flat_map(row).collect();
    check([3, 32, 32], &[&rows], &queries, 3);
}

#[test]
fn nothing_asked() {
    let mut index = Index::new(Metric::L2, [3, 1, 1]);
    assert!(index.is_empty());
    assert_eq!(index.nearest(&[1, 2, 3], 0), []);
    index.extend(&[]);
    index.extend(&[1, 2, 3]);
    assert!(!index.is_empty());
    assert_eq!(index.nearest(&[], 1), []);
}

#[test]
#[should_panic(expected = "4 bytes are not whole rows of 3")]
fn rows_are_whole() {
    Index::new(Metric::L1, [3, 1, 1]).extend(&[0; 4]);
}

#[test]
#[should_panic(expected = "2 bytes are not whole queries of 3")]
fn queries_are_whole() {
    let _ = Index::new(Metric::L1, [3, 1, 1]).nearest(&[0; 2], 0);
}

#[test]
#[should_panic(expected = "there are no 1 nearest of 0 rows")]
fn no_more_neighbours_than_rows() {
    let _ = Index::new(Metric::L1, [3, 1, 1]).nearest(&[0; 3], 1);
}

#[test]
#[should_panic(expected = "a row has at least one byte")]
fn rows_have_bytes() {
    let _ = Index::new(Metric::L2, [3, 0, 5]);
}
