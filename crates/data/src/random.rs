//! One generator per purpose, so that no draw depends on how many were made elsewhere.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What randomness is wanted for. Each purpose has a key of its own.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// Which images go into a limit or a split.
    Split = 1,
    /// The order of an epoch.
    Shuffle = 2,
    /// Flips and crops of an epoch.
    Augment = 3,
    /// The labels of generated images.
    Labels = 4,
    /// The drawings of generated images.
    Draw = 5,
    /// Which images an alternating flip mirrors first.
    Flip = 6,
    /// Which image is in which fold.
    Folds = 7,
}

/// The generator for one purpose under `seed`; `stream` tells epochs or images apart.
///
/// ChaCha8 is used because its output is specified, and so the same on every machine and in every version.
pub(crate) fn generator(seed: u64, purpose: Purpose, stream: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8] = purpose as u8;
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream(stream);
    generator
}

/// A seed for part `index` of something seeded with `seed` (SplitMix64's output function): parts
/// of one whole get unrelated seeds, and the same ones every time.
#[must_use]
pub fn derive_seed(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
