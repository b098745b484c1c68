//! Many tests at once.

/// p-values that are corrected for there being several, in the order of `p`: Holm's step-down method (1979, "A simple sequentially
/// rejective multiple test procedure"). With p₍₁₎ ≤ … ≤ p₍ₘ₎ the corrected one of rank i is
///
/// min(1, max over j ≤ i of (m − j + 1) · p₍ⱼ₎).
///
/// Whoever calls only those below 0.05 differences is wrong about one or more of them in at most 5 % of all such comparisons, whatever
/// depends on whatever.
///
/// # Panics
/// If one of them is not from 0 to 1.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    assert!(p.iter().all(|p| (0.0..=1.0).contains(p)), "p-values are from 0 to 1: {p:?}");
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&left, &right| p[left].total_cmp(&p[right]));
    let mut corrected = vec![0.0; p.len()];
    let mut largest = 0.0_f64;
    for (rank, &place) in order.iter().enumerate() {
        largest = largest.max((p.len() - rank) as f64 * p[place]);
        corrected[place] = largest.min(1.0);
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(holm(&[]), []);
        assert_eq!(holm(&[0.25]), [0.25]);
        // 4 · 1/64, 3 · 1/32, 2 · 1/32 (no less than the one before), 1 · 1/2.
        let expected = [6.0 / 64.0, 0.5, 4.0 / 64.0, 6.0 / 64.0];
        assert_eq!(holm(&[1.0 / 32.0, 0.5, 1.0 / 64.0, 1.0 / 32.0]), expected);
        assert_eq!(holm(&[0.75, 0.5, 1.0]), [1.0; 3]);
    }

    #[test]
    #[should_panic(expected = "from 0 to 1")]
    fn no_number_is_no_probability() {
        let _ = holm(&[0.5, f64::NAN]);
    }
}
