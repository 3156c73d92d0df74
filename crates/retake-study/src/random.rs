//! Random numbers: every stream is named by what it is for, so that no order of work changes what anybody draws.

use std::f64::consts::TAU;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Purpose {
    /// The scene of an episode and what disturbs the tool in it.
    Scene = 1,
    /// The unsteadiness of the operator's hand.
    Hand = 2,
    /// Initial weights and the order of batches.
    Training = 3,
    /// Which of the policy's steps are kept in a bounded memory.
    Memory = 4,
}

/// Where an episode belongs. Equal keys give equal scenes, whoever drives, so that methods are compared on the same scenes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The seed of the repetition.
    pub(crate) seed: u64,
    /// The part of the study: a round, or [`EVALUATION`].
    pub(crate) part: u64,
    /// The episode within the part.
    pub(crate) episode: u64,
}

/// The part of a study in which policies drive alone to be judged: the same scenes after every round.
pub(crate) const EVALUATION: u64 = u64::MAX;

/// The stream of `key` for `purpose`.
pub(crate) fn stream(key: Key, purpose: Purpose) -> ChaCha8Rng {
    let mut seed = [0; 32];
    let words = [key.seed, key.part, key.episode, purpose as u64];
    for (place, word) in seed.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(seed)
}

/// Two independent numbers from the standard normal distribution (Box and Muller, 1958).
pub(crate) fn normal_pair(random: &mut ChaCha8Rng) -> [f64; 2] {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    let angle = TAU * random.random::<f64>();
    [radius * angle.cos(), radius * angle.sin()]
}
