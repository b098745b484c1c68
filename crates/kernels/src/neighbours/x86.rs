//! Vector instructions with a row in each lane, over which the bytes of a query are repeated.

use std::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm_loadu_si128, _mm_set1_epi16, _mm256_add_epi32, _mm256_add_epi64,
    _mm256_castsi256_ps, _mm256_cmpgt_epi32, _mm256_cvtepu8_epi16, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_min_epu8, _mm256_movemask_ps, _mm256_sad_epu8, _mm256_set1_epi8,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_slli_epi32, _mm256_storeu_si256,
    _mm256_sub_epi32, _mm512_add_epi32, _mm512_cmplt_epi32_mask, _mm512_dpbusd_epi32, _mm512_loadu_si512,
    _mm512_min_epu8, _mm512_reduce_add_epi32, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_setzero_si512,
    _mm512_slli_epi32, _mm512_storeu_si512, _mm512_sub_epi32,
};

/// Σ min(q, t) of 12 queries and 2 vectors of 16 rows, 4 bytes of each per step.
#[target_feature(enable = "avx512bw,avx512vnni")]
pub(super) fn minima_avx512(tile: &[u8], block: &[u8], sums: &mut [i32]) {
    let ones = _mm512_set1_epi8(1);
    let totals: [_; 12] = each_pair(
        tile,
        block,
        _mm512_setzero_si512(),
        |query| _mm512_set1_epi32(i32::from_le_bytes(query)),
        |rows| load512(rows),
        |total, query, rows| _mm512_dpbusd_epi32(total, _mm512_min_epu8(query, rows), ones),
    );
    store512(&totals, sums);
}

/// Σ(q − 128)·t of 12 queries and 2 vectors of 16 rows, 4 bytes of each per step.
#[target_feature(enable = "avx512bw,avx512vnni")]
pub(super) fn products_avx512(tile: &[u8], block: &[u8], sums: &mut [i32]) {
    let totals: [_; 12] = each_pair(
        tile,
        block,
        _mm512_setzero_si512(),
        |query| _mm512_set1_epi32(i32::from_le_bytes(query)),
        |rows| load512(rows),
        |total, query, rows| _mm512_dpbusd_epi32(total, rows, query),
    );
    store512(&totals, sums);
}

/// Σ min(q, t) of 4 queries and 2 vectors of 8 rows, 4 bytes of each per step.
#[target_feature(enable = "avx2")]
pub(super) fn minima_avx2(tile: &[u8], block: &[u8], sums: &mut [i32]) {
    let (ones, ones16) = (_mm256_set1_epi8(1), _mm256_set1_epi16(1));
    let totals: [_; 4] = each_pair(
        tile,
        block,
        _mm256_setzero_si256(),
        |query| _mm256_set1_epi32(i32::from_le_bytes(query)),
        |rows| load256(rows),
        |total, query, rows| {
            let pairs = _mm256_maddubs_epi16(_mm256_min_epu8(query, rows), ones);
            _mm256_add_epi32(total, _mm256_madd_epi16(pairs, ones16))
        },
    );
    store256(&totals, sums);
}

/// Σ q·t of 4 queries and 2 vectors of 8 rows, 2 bytes of each per step.
#[target_feature(enable = "avx2")]
pub(super) fn products_avx2(tile: &[u8], block: &[u8], sums: &mut [i32]) {
    let totals: [_; 4] = each_pair(
        tile,
        block,
        _mm256_setzero_si256(),
        |query| _mm256_cvtepu8_epi16(_mm_set1_epi16(i16::from_le_bytes(query))),
        |rows| _mm256_cvtepu8_epi16(load128(rows)),
        |total, query, rows| _mm256_add_epi32(total, _mm256_madd_epi16(query, rows)),
    );
    store256(&totals, sums);
}

/// Σ min(q, t) of one query and one row.
#[target_feature(enable = "avx512bw,avx512vnni")]
pub(super) fn minimum_avx512(query: &[u8], row: &[u8]) -> i32 {
    let ones = _mm512_set1_epi8(1);
    let add = |total, query, row| _mm512_dpbusd_epi32(total, _mm512_min_epu8(query, row), ones);
    add_up512(one_pair(query, row, _mm512_setzero_si512(), |bytes| load512(bytes), add))
}

/// Σ(q − 128)·t of one query and one row.
#[target_feature(enable = "avx512bw,avx512vnni")]
pub(super) fn product_avx512(query: &[u8], row: &[u8]) -> i32 {
    let add = |total, query, row| _mm512_dpbusd_epi32(total, row, query);
    add_up512(one_pair(query, row, _mm512_setzero_si512(), |bytes| load512(bytes), add))
}

/// Σ min(q, t) of one query and one row.
#[target_feature(enable = "avx2")]
pub(super) fn minimum_avx2(query: &[u8], row: &[u8]) -> i32 {
    let zero = _mm256_setzero_si256();
    let add = |total, query, row| _mm256_add_epi64(total, _mm256_sad_epu8(_mm256_min_epu8(query, row), zero));
    add_up256(one_pair(query, row, zero, |bytes| load256(bytes), add))
}

/// Σ q·t of one query and one row.
#[target_feature(enable = "avx2")]
pub(super) fn product_avx2(query: &[u8], row: &[u8]) -> i32 {
    let load = |bytes: &[u8; 16]| _mm256_cvtepu8_epi16(load128(bytes));
    let add = |total, query, row| _mm256_add_epi32(total, _mm256_madd_epi16(query, row));
    add_up256(one_pair(query, row, _mm256_setzero_si256(), load, add))
}

/// Adds up two rows, whole vectors of them, in four totals, so that no instruction waits for the one before it.
#[expect(clippy::inline_always, reason = "must become part of functions that have the instructions")]
#[inline(always)]
fn one_pair<V: Copy, const BYTES: usize>(
    query: &[u8],
    row: &[u8],
    zero: V,
    load: impl Fn(&[u8; BYTES]) -> V,
    add: impl Fn(V, V, V) -> V,
) -> [V; 4] {
    let [mut a, mut b, mut c, mut d] = [zero; 4];
    let (queries, last_queries) = query.as_chunks::<BYTES>().0.as_chunks::<4>();
    let (rows, last_rows) = row.as_chunks::<BYTES>().0.as_chunks::<4>();
    for (query, row) in queries.iter().zip(rows) {
        a = add(a, load(&query[0]), load(&row[0]));
        b = add(b, load(&query[1]), load(&row[1]));
        c = add(c, load(&query[2]), load(&row[2]));
        d = add(d, load(&query[3]), load(&row[3]));
    }
    for (query, row) in last_queries.iter().zip(last_rows) {
        a = add(a, load(query), load(row));
    }
    [a, b, c, d]
}

/// In which places term − 2·sum is below a limit, a bit for each.
#[target_feature(enable = "avx512bw,avx512vnni")]
pub(super) fn below_avx512(sums: &[i32], terms: &[i32], limit: i32) -> u32 {
    let limit = _mm512_set1_epi32(limit);
    let pairs = sums.as_chunks::<16>().0.iter().zip(terms.as_chunks::<16>().0);
    pairs.zip([0, 16]).fold(0, |bits, ((sums, terms), place)| {
        let distances = _mm512_sub_epi32(integers512(terms), _mm512_slli_epi32(integers512(sums), 1));
        bits | u32::from(_mm512_cmplt_epi32_mask(distances, limit)) << place
    })
}

/// The same with vectors of 8.
#[target_feature(enable = "avx2")]
pub(super) fn below_avx2(sums: &[i32], terms: &[i32], limit: i32) -> u32 {
    let limit = _mm256_set1_epi32(limit);
    let pairs = sums.as_chunks::<8>().0.iter().zip(terms.as_chunks::<8>().0);
    pairs.zip([0, 8]).fold(0, |bits, ((sums, terms), place)| {
        let distances = _mm256_sub_epi32(integers256(terms), _mm256_slli_epi32(integers256(sums), 1));
        let below = _mm256_castsi256_ps(_mm256_cmpgt_epi32(limit, distances));
        bits | (_mm256_movemask_ps(below) as u32) << place
    })
}

/// Adds up all steps of each query with 2 vectors of rows, starting from `zero`. There are about as many
/// totals as registers, so that all stay in one and whatever is loaded takes part in many.
#[expect(clippy::inline_always, reason = "must become part of functions that have the instructions")]
#[inline(always)]
fn each_pair<V: Copy, const QUERIES: usize, const QUERY: usize, const ROWS: usize>(
    tile: &[u8],
    block: &[u8],
    zero: V,
    splat: impl Fn([u8; QUERY]) -> V,
    load: impl Fn(&[u8; ROWS]) -> V,
    add: impl Fn(V, V, V) -> V,
) -> [[V; 2]; QUERIES] {
    let mut totals = [[zero; 2]; QUERIES];
    let queries = tile.as_chunks::<QUERY>().0.as_chunks::<QUERIES>().0;
    let rows = block.as_chunks::<ROWS>().0.as_chunks::<2>().0;
    for (queries, [left, right]) in queries.iter().zip(rows) {
        let (left, right) = (load(left), load(right));
        for (total, &query) in totals.iter_mut().zip(queries) {
            let query = splat(query);
            *total = [add(total[0], query, left), add(total[1], query, right)];
        }
    }
    totals
}

#[target_feature(enable = "avx512f")]
fn load512(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: the array has the 64 bytes that are read; they need no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
fn load256(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: the array has the 32 bytes that are read; they need no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
fn load128(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: the array has the 16 bytes that are read; they need no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
fn integers512(values: &[i32; 16]) -> __m512i {
    // SAFETY: the array has the 64 bytes that are read; they need no alignment.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
fn integers256(values: &[i32; 8]) -> __m256i {
    // SAFETY: the array has the 32 bytes that are read; they need no alignment.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
fn store512(totals: &[[__m512i; 2]], sums: &mut [i32]) {
    for (sums, &total) in sums.as_chunks_mut::<16>().0.iter_mut().zip(totals.as_flattened()) {
        // SAFETY: the array has the 64 bytes that are written; they need no alignment.
        unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), total) }
    }
}

#[target_feature(enable = "avx2")]
fn store256(totals: &[[__m256i; 2]], sums: &mut [i32]) {
    for (sums, &total) in sums.as_chunks_mut::<8>().0.iter_mut().zip(totals.as_flattened()) {
        // SAFETY: the array has the 32 bytes that are written; they need no alignment.
        unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), total) }
    }
}

/// The sum of the 32-bit integers of four vectors.
#[target_feature(enable = "avx512f")]
fn add_up512([a, b, c, d]: [__m512i; 4]) -> i32 {
    _mm512_reduce_add_epi32(_mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d)))
}

/// The same of shorter ones.
#[target_feature(enable = "avx2")]
fn add_up256([a, b, c, d]: [__m256i; 4]) -> i32 {
    let mut sums = [0_i32; 8];
    let total = _mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(c, d));
    // SAFETY: the array has the 32 bytes that are written; they need no alignment.
    unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), total) }
    sums.iter().sum()
}
