//! Random numbers that follow only from a seed and a place: where and in which order they are drawn makes no difference.

use std::f64::consts::TAU;

use zoo_data::derive_seed;

/// A number between −½ and ½.
pub(crate) fn centred(seed: u64, place: usize) -> f64 {
    share(seed, place as u64) - 0.5
}

/// A number from the normal distribution N(0, 1) (Box and Muller, 1958).
pub(crate) fn normal(seed: u64, place: usize) -> f64 {
    let place = 2 * place as u64;
    // The logarithm of 0 is infinite.
    let radius = (-2.0 * (1.0 - share(seed, place)).ln()).sqrt();
    radius * (TAU * share(seed, place + 1)).cos()
}

/// A number at least 0 and below 1.
pub(crate) fn share(seed: u64, place: u64) -> f64 {
    // As many bits as an f64 has digits.
    (derive_seed(seed, place) >> 11) as f64 / 2f64.powi(53)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(draw: fn(u64, usize) -> f64, deviation: f64) -> [f64; 4] {
        let count = 100_000;
        let mean =
            |power| (0..count).map(|at| (draw(7, at) / deviation).powi(power)).sum::<f64>() / count as f64;
        [1, 2, 3, 4].map(mean)
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        // A hundred thousand draws: five deviations of each mean.
        for (found, expected) in moments(normal, 1.0).into_iter().zip([0.0, 1.0, 0.0, 3.0]) {
            assert!((found - expected).abs() < 0.17, "{found} is not {expected}");
        }
        for (found, expected) in moments(centred, 0.5).into_iter().zip([0.0, 1.0 / 3.0, 0.0, 0.2]) {
            assert!((found - expected).abs() < 0.01, "{found} is not {expected}");
        }
    }

    #[test]
    fn draws_repeat_with_seed_and_place() {
        assert_eq!(normal(1, 2), normal(1, 2));
        assert!(normal(1, 2) != normal(2, 2) && normal(1, 2) != normal(1, 3));
    }
}
