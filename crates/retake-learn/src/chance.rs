use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

/// What randomness is for. Each purpose has streams of its own, one per index, so that what is drawn at one step depends on the
/// seed and the step alone: a training that goes on draws what it would have drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Weights = 1,
    Split,
    Shuffle,
    Draw,
    Noise,
    Validation,
    Start,
}

pub(crate) fn stream(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((purpose as u64) << 56) | index);
    rng
}
