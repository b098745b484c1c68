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
fn check(values: usize, parts: &[&[u8]], queries: &[u8], k: usize) {
    let rows = parts.concat();
    for metric in [Metric::L1, Metric::L2] {
        let expected: Vec<_> = queries
            .chunks_exact(values)
            .flat_map(|query| brute_force(metric, values, &rows, query, k))
            .collect();
        for &instructions in Instructions::ALL.iter().filter(|set| set.available()) {
            let mut index = Index::with_instructions(metric, values, instructions);
            for part in parts {
                index.extend(part);
            }
            assert_eq!(index.len(), rows.len() / values);
            assert_eq!(index.nearest(queries, k), expected, "{metric:?} with {instructions:?}");
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

proptest! {
    #[test]
    fn equals_brute_force(
        (values, rows, queries, cuts, k) in (1..200_usize, 1..100_usize, 0..40_usize).prop_flat_map(
            |(values, rows, queries)| (
                Just(values),
                bytes(rows * values),
                bytes(queries * values),
                (0..=rows, 0..=rows),
                0..=rows,
            )
        )
    ) {
        let (low, high) = (cuts.0.min(cuts.1) * values, cuts.0.max(cuts.1) * values);
        check(values, &[&rows[..low], &rows[low..high], &rows[high..]], &queries, k);
    }
}

#[test]
fn row_by_row() {
    let rows: Vec<u8> = (0..70 * 5_u32).map(|i| (i * i % 251) as u8).collect();
    let parts: Vec<_> = rows.chunks_exact(5).collect();
    check(5, &parts, &rows, 70);
}

#[test]
fn long_rows_and_largest_distances() {
    for values in [PART - 1, PART, PART + 1, 3 * PART + 7, 3 * 224 * 224] {
        let [dark, light] = [vec![0; values], vec![255; values]];
        check(values, &[&dark, &light, &dark], &[dark.clone(), light.clone()].concat(), 3);
    }
}

#[test]
fn many_queries_take_several_chunks() {
    let row = |i: u32| (0..3072).map(move |j| ((i * 7919 + j * j * 31) >> 3) as u8);
    let rows: Vec<u8> = (0..37).flat_map(row).collect();
    let queries: Vec<u8> = (20..620).flat_map(row).collect();
    check(3072, &[&rows], &queries, 3);
}

#[test]
fn nothing_asked() {
    let mut index = Index::new(Metric::L2, 3);
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
    Index::new(Metric::L1, 3).extend(&[0; 4]);
}

#[test]
#[should_panic(expected = "2 bytes are not whole queries of 3")]
fn queries_are_whole() {
    let _ = Index::new(Metric::L1, 3).nearest(&[0; 2], 0);
}

#[test]
#[should_panic(expected = "there are no 1 nearest of 0 rows")]
fn no_more_neighbours_than_rows() {
    let _ = Index::new(Metric::L1, 3).nearest(&[0; 3], 1);
}

#[test]
#[should_panic(expected = "a row has at least one byte")]
fn rows_have_bytes() {
    let _ = Index::new(Metric::L2, 0);
}
