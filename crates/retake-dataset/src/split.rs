use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use serde::{Deserialize, Serialize};

use crate::{DatasetError, Key};

/// Which attempts are for training and which to validate with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Seed it was drawn with.
    pub seed: u64,
    /// To train with.
    pub train: Vec<Key>,
    /// To validate with.
    pub valid: Vec<Key>,
}

/// Draws a share of attempts to validate with. The same attempts, share and seed give the same split, in whatever order they come.
///
/// # Errors
/// If the share leaves one side empty, and there is more than one attempt.
pub fn split(keys: &[Key], share: f64, seed: u64) -> Result<Split, DatasetError> {
    let mut keys = keys.to_vec();
    keys.sort();
    keys.dedup();
    if !(0.0..=1.0).contains(&share) {
        return Err(DatasetError::Refused(format!("a share of {share} is not between 0 and 1")));
    }
    keys.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(seed));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a number of attempts"
    )]
    let count = (keys.len() as f64 * share).round() as usize;
    let mut valid = keys.split_off(keys.len() - count.min(keys.len()));
    if share > 0.0 && share < 1.0 && (keys.is_empty() || valid.is_empty()) {
        let all = keys.len() + valid.len();
        return Err(DatasetError::Refused(format!(
            "{all} attempts cannot be split so that {share} of them validate"
        )));
    }
    keys.sort();
    valid.sort();
    Ok(Split { seed, train: keys, valid })
}
